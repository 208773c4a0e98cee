"""Queries for Trino: names of a release, values as literals, nothing that writes, nothing turned wrongly."""

import socket
import time
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pyarrow as pa
import pytest
import requests
import sqlglot
from hypothesis import given
from hypothesis import strategies as st

from lake.sql import trino_rows, trino_text
from lake.sql.cursors import Cursors, TimedOut
from lake.sql.trino_client import Address, Connection
from market.errors import Permanent, Transient

RAW = {"gold_prices": 'SELECT * FROM "tables_gold"."prices" FOR VERSION AS OF 7'}


def turned(sql: str, *params: object) -> str:
    """As it is sent for release r00002."""
    return trino_text.filled(trino_text.ours(sql, "r00002", RAW), params)


def test_names_are_the_release_s():
    found = turned("SELECT p.close, gold.prices.open FROM gold.prices p JOIN silver.symbols USING (security_id)")
    assert "r00002_gold.prices AS p" in found
    assert "r00002_silver.symbols" in found
    assert " gold." not in found


@pytest.mark.parametrize("name", ["Gold.prices", 'GOLD."prices"', "lake.gold.prices", "LAKE.Gold.prices"])
def test_a_name_is_the_release_s_in_any_case_and_with_our_catalog(name):
    for turn in (trino_text.ours, trino_text.of_trino):
        found = turn(f"SELECT {name}.close FROM {name}", "r00002", RAW).replace('"', "")
        assert found == "SELECT prices.close FROM r00002_gold.prices"


def test_raw_and_as_of_reads_are_found_in_any_case():
    assert "FOR VERSION AS OF 7" in turned("SELECT state FROM Raw.Gold_Prices")
    assert "FROM r00002_silver.prices WHERE known_at" in turned("SELECT * FROM lake.Silver.Prices_As_Of('2024-05-03')")


def test_another_catalog_is_no_part_of_the_release():
    with pytest.raises(Permanent, match="expected tables of the catalog lake; was the catalog other"):
        turned("SELECT 1 FROM other.gold.prices")
    assert turned("SELECT 1 FROM system.runtime.queries") == "SELECT 1 FROM system.runtime.queries"


@pytest.mark.parametrize(
    ("asked", "sent"),
    [
        ("SHOW TABLES FROM gold LIKE 'gold%'", "SHOW TABLES FROM \"r00002_gold\" LIKE 'gold%'"),
        ("show columns in LAKE.Gold.prices", 'show columns in "r00002_gold"."prices"'),
        ('SHOW CREATE VIEW "gold"."prices"', 'SHOW CREATE VIEW "r00002_gold"."prices"'),
        ("SHOW STATS FOR gold.prices", 'SHOW STATS FOR "r00002_gold"."prices"'),
        ("SHOW CATALOGS", "SHOW CATALOGS"), ("SHOW TABLES FROM r00001_gold", "SHOW TABLES FROM r00001_gold"),
    ],
)  # fmt: skip
def test_show_is_of_the_release(asked, sent):
    assert trino_text.of_trino(asked, "r00002", RAW) == sent


@pytest.mark.parametrize(
    "asked",
    ["SHOW TABLES FROM other.gold", "SHOW STATS FOR (SELECT * FROM gold.prices)", "SHOW COLUMNS FROM raw.gold_prices",
     "SHOW /* */ TABLES FROM gold", "SHOW GRANTS ON TABLE gold.prices"],
)  # fmt: skip
def test_show_that_would_tell_of_another_release_is_refused(asked):
    with pytest.raises(Permanent, match="expected SHOW TABLES FROM gold"):
        trino_text.of_trino(asked, "r00002", RAW)


def test_raw_is_the_delta_table_at_its_version():
    assert 'FROM "tables_gold"."prices" FOR VERSION AS OF 7) AS gold_prices' in turned(
        "SELECT state FROM raw.gold_prices"
    )


def test_a_name_of_the_query_itself_stays():
    assert "FROM prices" in turned("WITH prices AS (SELECT * FROM gold.prices) SELECT * FROM prices")


def test_an_as_of_read_is_written_out_with_both_bounds():
    found = turned("SELECT * FROM silver.prices_as_of(?::TIMESTAMPTZ) p", "2024-05-03 09:00:00+09:00")
    instant = "CAST(CAST('2024-05-03 09:00:00+09:00' AS TIMESTAMP(6) WITH TIME ZONE) AS TIMESTAMP(6) WITH TIME ZONE)"
    plain = "CAST('2024-05-03 09:00:00+09:00' AS TIMESTAMP(6) WITH TIME ZONE)"
    assert f"known_at <= {plain}" in found or f"known_at <= {instant}" in found
    assert "known_until IS NULL OR known_until >" in found
    assert found.endswith(" AS p")


def test_a_question_mark_in_text_or_a_comment_is_no_place():
    assert turned("SELECT '?' AS a, ? AS b -- ?\n", 1).startswith("SELECT '?' AS a, 1 AS b")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "NULL"), (True, "true"), (3, "3"), (0.1, "DOUBLE '0.1'"), (float("nan"), "nan()"),
        (float("-inf"), "-infinity()"), ("it's", "'it''s'"), (date(2024, 5, 3), "DATE '2024-05-03'"),
        (datetime(2024, 5, 3, 9, 0, 0, 1, tzinfo=timezone(timedelta(hours=9))), "TIMESTAMP '2024-05-03 00:00:00.000001 UTC'"),
        (datetime(2024, 5, 3, 9), "TIMESTAMP '2024-05-03 09:00:00.000000'"), (Decimal("1.50"), "DECIMAL '1.50'"),
        (["a", "b"], "ARRAY['a', 'b']"),
    ],
)  # fmt: skip
def test_a_value_becomes_a_literal(value, expected):
    assert trino_text.literal(value) == expected


@given(st.text())
def test_no_text_leaves_its_quotes(text):
    (token,) = sqlglot.tokenize(trino_text.literal(text), read="trino") or [None]
    assert token is not None and token.token_type is sqlglot.TokenType.STRING and token.text == text


@pytest.mark.parametrize("params", [(), (1, 2)])
def test_each_place_needs_a_value(params):
    with pytest.raises(Permanent, match="expected 1 values"):
        turned("SELECT ?", *params)


def test_a_value_without_a_literal_is_refused():
    with pytest.raises(Permanent, match="values that SQL has literals for; was object"):
        turned("SELECT ?", object())


def test_rows_chosen_by_qualify_are_not_cut_before():
    text = "SELECT symbol FROM gold.prices QUALIFY row_number() OVER (PARTITION BY symbol ORDER BY close) = 1"
    assert "_w = 1" in turned(text)
    with pytest.raises(Permanent, match="QUALIFY with ORDER, LIMIT"):
        turned(f"{text} ORDER BY symbol LIMIT 3")


@pytest.mark.parametrize(
    "text",
    ["INSERT INTO gold.prices SELECT 1", "DROP VIEW gold.prices", "CALL system.vacuum('a', 'b', '7d')", "SELECT 1; SELECT 2",
     "", "-- nothing", "EXPLAIN ANALYZE SELECT 1", "SET SESSION a = 1", "ALTER TABLE a EXECUTE optimize", "/* a */ DELETE FROM a"],
)  # fmt: skip
def test_trino_s_own_dialect_may_only_read(text):
    with pytest.raises(Permanent, match="expected one SELECT, WITH, DESCRIBE or SHOW statement"):
        trino_text.of_trino(text, "r00002", RAW)


def test_trino_s_own_dialect_keeps_what_duckdb_has_not():
    found = trino_text.of_trino("SELECT approx_percentile(close, 0.5) FROM gold.prices;", "r00002", RAW)
    assert found.upper() == "SELECT APPROX_PERCENTILE(CLOSE, 0.5) FROM R00002_GOLD.PRICES"
    assert trino_text.of_trino("SHOW SCHEMAS FROM lake", "r00002", RAW) == "SHOW SCHEMAS FROM lake"


@pytest.mark.parametrize(
    ("kind", "raw", "expected"),
    [
        ("timestamp(3) with time zone", "2024-05-03 09:00:00.123 UTC", datetime(2024, 5, 3, 9, 0, 0, 123000, UTC)),
        ("timestamp(6) with time zone", "2024-05-03 09:00:00.000001 +09:00", datetime(2024, 5, 3, 0, 0, 0, 1, UTC)),
        ("timestamp(9) with time zone", "2024-05-03 09:00:00.000001999 Asia/Seoul", datetime(2024, 5, 3, 0, 0, 0, 1, UTC)),
        ("timestamp(3)", "2024-05-03 09:00:00.123", datetime(2024, 5, 3, 9, 0, 0, 123000)),
        ("date", "2024-05-03", date(2024, 5, 3)), ("decimal(9,2)", "1.50", Decimal("1.50")), ("double", "Infinity", float("inf")),
        ("array(double)", [1.5, None, "NaN"], None), ("varbinary", "AQI=", b"\x01\x02"), ("bigint", 2**62, 2**62),
    ],
)  # fmt: skip
def test_a_value_of_the_protocol_becomes_arrow(kind, raw, expected):
    made = trino_rows.table([("a", kind)], [[raw], [None]])["a"]
    assert made.null_count == 1
    if expected is not None:
        assert made[0].as_py() == expected
    else:
        assert str(made[0].as_py()) == "[1.5, None, nan]"


def test_no_rows_keep_their_types():
    assert trino_rows.table([("a", "varchar(3)"), ("b", "timestamp(3) with time zone")], []).schema == pa.schema(
        [("a", pa.string()), ("b", pa.timestamp("us", tz="UTC"))]
    )


def test_a_type_of_no_table_is_refused():
    with pytest.raises(Permanent, match=r"plain values or lists; was the type row\(a bigint\)"):
        trino_rows.table([("a", "row(a bigint)")], [])


@pytest.mark.parametrize("url", ["duckdb://", "trino://host:1/lake", "trino://user@host", "trino://u:secret@host:1"])
def test_an_address_that_lacks_a_part_is_refused_without_its_password(url):
    with pytest.raises(Permanent, match=r"trino://user@host:port/lake") as raised:
        Address.of(url)
    assert "secret" not in str(raised.value)


def test_a_password_goes_over_tls_alone():
    with pytest.raises(Permanent, match="trinos://") as raised:
        Address.of("trino://ann:secret@h/lake")
    assert "secret" not in str(raised.value)
    address = Address.of("trinos://ann:se%40cret@h/lake")
    assert (address.password, "se@cret" in repr(address)) == ("se@cret", False)


def test_a_password_is_sent_with_every_request(monkeypatch):
    """Of Trino's own client the request alone, which a server of TLS would see."""
    sent = []

    def send(session, request, **_):
        sent.append(request.headers["Authorization"])
        raise requests.ConnectionError("no server")

    monkeypatch.setattr(requests.Session, "send", send)
    with pytest.raises(Transient):
        Connection(Address.of("trinos://ann:secret@h/lake"), 1.0).run("SELECT 1")
    assert sent == ["Basic YW5uOnNlY3JldA=="]


def test_a_trino_that_hangs_holds_a_query_little_longer_than_its_limit():
    """It takes the connection and says nothing, as one in a long collection of garbage does."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        pool = Cursors(lambda: Connection(Address("ann", "127.0.0.1", listening.getsockname()[1], "lake"), 0.1), 0.1)
        began = time.monotonic()
        with pytest.raises(TimedOut), pool.one() as connection:
            connection.run("SELECT 1")
        assert time.monotonic() - began < 5.0
        pool.close()


def test_an_address_has_the_engine_s_usual_ports():
    assert (Address.of("trino://ann@h/lake").port, Address.of("trinos://ann@h/lake").port) == (8080, 443)
    assert Address.of("trinos://ann@h/lake").scheme == "https"
