"""One suite for both engines: the same questions to the same release, with the same answers and the same refusals.

A gap is marked by its kind, with the reason: `notimpl` (ours to do), `notyet` (the engine's to do), `never` (it has no place
there). A gap that is none any more fails the suite.
"""

from contextlib import closing
from dataclasses import replace
from datetime import date

import pyarrow as pa
import pytest

from lake.sql import TimedOut
from lake.sql.trino_catalog import Catalog
from lake.sql.trino_client import Address, Connection
from lake.sql.trino_release import TrinoSql
from market.errors import Permanent, Transient

NOTIMPL: dict[str, dict[str, str]] = {"duckdb": {}, "trino": {}}
NOTYET: dict[str, dict[str, str]] = {
    "duckdb": {},
    "trino": {},
}
NEVER: dict[str, dict[str, str]] = {
    "duckdb": {},
    "trino": {
        "describe": "DESCRIBE answers in the engine's own columns and type names",
        "whole division": "standard SQL has no //; turned, it would round where DuckDB cuts",
        "exclude": "standard SQL has no SELECT * EXCLUDE",
        "order by all": "standard SQL has no ORDER BY ALL",
        "text as date": "standard SQL compares a date with a date, not with a text",
    },
}

CASES: dict[str, tuple[str, tuple[object, ...]]] = {
    "all columns": ("SELECT * FROM gold.prices ORDER BY security_id, session_date", ()),
    "adjusted prices": ("SELECT * FROM gold.prices_adjusted ORDER BY security_id, session_date", ()),
    "every silver table": ("SELECT * FROM silver.sessions ORDER BY exchange, session_date", ()),
    "raw with machine columns": ("SELECT security_id, state FROM raw.gold_features_daily WHERE state IS NOT NULL "
                                 "ORDER BY security_id, session_date LIMIT 20", ()),
    "raw of a table without a version": ("SELECT * FROM raw.ops_checks", ()),
    "a contract without a version": ("SELECT * FROM bronze.dart_filings", ()),
    "releases": ("SELECT * FROM ops.releases ORDER BY release_id", ()),
    "values": ("SELECT * FROM gold.prices WHERE security_id = ? AND session_date BETWEEN ? AND ? ORDER BY session_date",
               ("XNYS:AAPL", date(2024, 3, 1), date(2024, 3, 8))),
    "a list": ("SELECT DISTINCT symbol FROM gold.prices WHERE list_contains(?, security_id) ORDER BY symbol",
               (["XNYS:AAPL", "XKRX:005930"],)),
    "nothing given": ("SELECT count(*) AS n FROM gold.prices WHERE ?::VARCHAR IS NULL OR exchange = ?", (None, None)),
    "a tuple": ("SELECT symbol, session_date FROM gold.prices WHERE (session_date, symbol) > (?, ?) "
                "ORDER BY session_date, symbol LIMIT ?", (date(2024, 4, 1), "000660", 7)),
    "as of, by macro": ("SELECT security_id, session_date, close FROM silver.prices_as_of(?::TIMESTAMPTZ) "
                        "ORDER BY security_id, session_date", ("2024-04-30 00:00:00Z",)),
    "as of, text": ("SELECT count(*) AS n FROM silver.prices_as_of('2024-04-30 09:00:00+09:00')", ()),
    "as of, to the millisecond": ("SELECT receipt_no FROM silver.filings_as_of('2024-04-11 00:00:00.249+00:00') ORDER BY receipt_no", ()),
    "a name in capitals": ("SELECT Gold.Prices.close FROM GOLD.Prices ORDER BY security_id, session_date", ()),
    "as of, in capitals": ("SELECT count(*) AS n FROM Silver.Prices_As_Of('2024-04-30 09:00:00+09:00')", ()),
    "raw, in capitals": ("SELECT count(*) AS n FROM Raw.Gold_Prices", ()),
    "instants": ("SELECT known_at, known_until FROM silver.prices ORDER BY known_at, security_id", ()),
    "a cast instant": ("SELECT count(*) AS n FROM gold.prices WHERE known_at::DATE > session_date", ()),
    "the last by key": ("SELECT security_id, arg_max(close, session_date) AS last FROM gold.prices GROUP BY ALL ORDER BY 1", ()),
    "qualify": ("SELECT security_id, session_date FROM (SELECT security_id, session_date FROM gold.prices QUALIFY "
                "row_number() OVER (PARTITION BY security_id ORDER BY session_date DESC) = 1) ORDER BY security_id", ()),
    "from first": ("FROM silver.symbols SELECT symbol ORDER BY symbol", ()),
    "part of a text": ("SELECT name FROM silver.securities WHERE strpos(lower(name), lower(?)) > 0 ORDER BY name", ("Naver",)),
    "division": ("SELECT close / 0 AS a, volume / 7 AS b FROM gold.prices ORDER BY security_id, session_date LIMIT 9", ()),
    "whole division": ("SELECT volume // 1000 AS c FROM gold.prices ORDER BY security_id, session_date LIMIT 9", ()),
    "decimals": ("SELECT CAST(close AS DECIMAL(18, 2)) AS d FROM gold.prices ORDER BY security_id, session_date LIMIT 9", ()),
    "unicode": ("SELECT name FROM silver.securities WHERE name = ? OR name = '새별' ORDER BY name", ("삼성전자",)),
    "nulls last": ("SELECT momentum_60 FROM gold.features_daily ORDER BY momentum_60 DESC, security_id, session_date", ()),
    "instants of our bookkeeping": ("SELECT known_at FROM ops.ingested ORDER BY session_date, source", ()),
    "describe": ("DESCRIBE gold.prices", ()),
    "exclude": ("SELECT * EXCLUDE (close) FROM gold.prices ORDER BY security_id, session_date LIMIT 3", ()),
    "order by all": ("SELECT symbol FROM silver.symbols ORDER BY ALL", ()),
    "text as date": ("SELECT count(*) AS n FROM gold.prices WHERE session_date > '2024-04-01'", ()),
    "sum of bigint": ("SELECT sum(volume) AS n FROM gold.prices", ()),
}  # fmt: skip

EMPTY = frozenset({"raw of a table without a version", "a contract without a version"})
"""Cases whose answer has no rows."""


def gap(case: str, engine: str) -> str | None:
    """The kind of the gap and its reason; None where there is none."""
    kinds = (("notimpl", NOTIMPL), ("notyet", NOTYET), ("never", NEVER))
    return next((f"{kind}: {marks[engine][case]}" for kind, marks in kinds if case in marks[engine]), None)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("engine", ["trino"], indirect=True)
def test_an_engine_answers_as_duckdb_does(case, engine, sql, both, request):
    reason = gap(case, engine)
    if reason:
        request.applymarker(pytest.mark.xfail(reason=reason, raises=(AssertionError, Permanent), strict=True))
    query, params = CASES[case]
    found, expected = sql.query(query, params), both[0].query(query, params)
    assert found.schema == expected.schema
    assert found.equals(expected)
    assert (expected.num_rows == 0) == (case in EMPTY)


def test_the_tables_have_the_same_names(sql, both):
    assert sql.tables() == both[0].tables()
    assert {"gold.prices", "gold.prices_adjusted", "ops.releases"} <= set(sql.tables())


@pytest.mark.parametrize(
    "text",
    ["INSERT INTO gold.prices SELECT * FROM gold.prices", "DROP VIEW gold.prices", "SELECT 1; SELECT 2", "", "SELEC 1",
     "EXPLAIN ANALYZE SELECT 1", "CREATE TABLE t AS SELECT 1", "DELETE FROM ops.releases", "CALL pragma_version()"],
)  # fmt: skip
def test_nothing_but_one_reading_statement_is_taken(sql, text):
    with pytest.raises(Permanent, match="expected one SELECT, WITH, DESCRIBE or SHOW statement"):
        sql.query(text)


@pytest.mark.parametrize("name", ["gold.nothing_here", "nowhere.prices"])
def test_an_unknown_table_names_those_there_are(sql, name):
    with pytest.raises(Permanent, match=r"expected tables among bronze\..*gold\.prices"):
        sql.query(f"SELECT * FROM {name}")


def test_an_unknown_column_is_permanent(sql):
    with pytest.raises(Permanent, match="nothing_here"):
        sql.query("SELECT nothing_here FROM gold.prices")


def test_a_query_past_its_limit_is_ended_and_the_next_one_runs(open_engine, lake):
    opened = open_engine(lake.third, time_limit_s=1.0)
    with pytest.raises(TimedOut, match="an answer within 1 s") as raised:
        opened.query(endless())
    assert isinstance(raised.value, Transient)
    assert opened.query("SELECT 1 AS one")["one"].to_pylist() == [1]
    opened.close()


def test_a_closed_release_is_permanent(open_engine, lake):
    opened = open_engine(lake.third)
    opened.close()
    with pytest.raises(Permanent, match="an open release"):
        opened.query("SELECT 1")


def test_a_release_keeps_its_versions(open_engine, lake):
    n = []
    for release in (lake.first, lake.second, lake.third):
        opened = open_engine(release)
        n.append(opened.query("SELECT count(*) AS n FROM gold.prices")["n"][0].as_py())
        opened.close()
    assert n == [494, 508, 494]


@pytest.mark.parametrize("name", ["gold.prices", "Gold.prices", "GOLD.PRICES", "lake.gold.prices", "Raw.Gold_prices"])
def test_whatever_it_is_called_a_table_is_the_release_s(lake, name):
    """In Trino's own dialect too, where a name that nobody turned would be what is current."""
    with closing(TrinoSql(lake.settings, lake.second, is_own_dialect=True)) as opened:
        assert opened.query(f"SELECT count(*) AS n FROM {name}")["n"].to_pylist() == [508]


def test_show_tells_of_the_release(lake):
    with closing(TrinoSql(lake.settings, lake.second, is_own_dialect=True)) as opened:
        assert "prices" in opened.query("SHOW TABLES FROM lake.gold LIKE 'pr%'")["Table"].to_pylist()
        assert "close" in opened.query("show columns from Gold.prices")["Column"].to_pylist()
        assert "FOR VERSION AS OF" in opened.query("SHOW CREATE VIEW gold.prices").column(0)[0].as_py()
        with pytest.raises(Permanent, match="the catalog other"):
            opened.query("SELECT count(*) FROM other.gold.prices")


def test_a_release_whose_schemas_were_dropped_meanwhile_makes_them_again(lake):
    opened = TrinoSql(lake.settings, replace(lake.second, release_id="r00090"))
    with Catalog(lake.settings) as catalog:
        catalog.drop(["r00090_gold"])
    assert opened.query("SELECT count(*) AS n FROM gold.prices")["n"].to_pylist() == [508]
    opened.close()


def test_a_view_that_a_sync_has_dropped_is_made_again_and_a_table_that_never_was_stays_unknown(lake):
    opened = TrinoSql(lake.settings, replace(lake.second, release_id="r00091"))
    Connection(Address.of(lake.settings.sql_url), 30).run("DROP VIEW r00091_gold.prices")
    assert opened.query("SELECT count(*) AS n FROM gold.prices")["n"].to_pylist() == [508]
    with pytest.raises(Permanent, match="expected tables among"):
        opened.query("SELECT count(*) AS n FROM gold.nothing_here")
    opened.close()


def test_instants_come_back_in_utc(sql):
    assert sql.query("SELECT known_at FROM gold.prices LIMIT 1").schema.field(0).type == pa.timestamp("us", "UTC")


def endless() -> str:
    """A query that takes minutes on either engine."""
    many = ", ".join(f"gold.prices p{i}" for i in range(6))
    return (
        f"SELECT count(*) AS n FROM {many} WHERE p0.close + p1.close + p2.close + p3.close + p4.close + p5.close = 7.5"
    )
