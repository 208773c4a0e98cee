"""SQL over a release: its versions exactly, nothing written, no file reached, a switch that readers do not feel."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from deltalake import write_deltalake

from lake.objects import lake_store
from lake.releases import Release, Releases
from lake.settings import Settings
from lake.sql import Current, ReleaseSql, TimedOut, refuse_writes
from market import adjust, registry
from market.errors import Permanent, Transient

DAYS = pd.bdate_range("2024-01-02", periods=40).date
EARLY, LATE = datetime(2024, 1, 2, 7, tzinfo=UTC), datetime(2024, 3, 1, tzinfo=UTC)


def gold(close: float) -> pa.Table:
    """Forty sessions of one security with a 5:1 split in the middle, and of another without."""
    parts = []
    for security in ("XKRX:000660", "XKRX:005930"):
        factor = np.where(np.arange(40) == 20, 0.2, 1.0) if security.endswith("5930") else np.ones(40)
        parts.append(pd.DataFrame({
            "session_date": DAYS, "session_month": [f"{d:%Y-%m}" for d in DAYS], "security_id": security,
            "exchange": "XKRX", "symbol": security[5:], "market": "KOSPI", "currency": "KRW", "open": close + 1 / 3,
            "high": close + 0.7, "low": close - 0.7, "close": close + np.arange(40) / 7, "volume": 1001,
            "is_halted": False, "factor": factor, "cumulative_factor": np.cumprod(factor), "payload_digest": "a" * 64,
            "row_no": 0, "known_at": EARLY,
        }))  # fmt: skip
    return conformed("gold.prices", pd.concat(parts))


def versions() -> pa.Table:
    """One silver price told twice."""
    row = {"session_date": DAYS[0], "session_month": "2024-01", "security_id": "XKRX:005930", "exchange": "XKRX",
           "symbol": "005930", "market": "KOSPI", "currency": "KRW", "volume": 1, "is_halted": False, "source": "krx",
           "payload_digest": "a" * 64, "row_no": 0}  # fmt: skip
    frame = pd.DataFrame(
        [
            {**row, "close": 100.0, "known_at": EARLY, "known_until": LATE},
            {**row, "close": 101.0, "known_at": LATE, "known_until": None},
        ]
    )
    frame["known_until"] = pd.to_datetime(frame["known_until"], utc=True)
    return conformed("silver.prices", frame)


def conformed(name: str, frame: pd.DataFrame) -> pa.Table:
    for column in ("known_at", "known_until"):
        if column in frame.columns:
            frame = frame.assign(**{column: frame[column].astype("datetime64[us, UTC]")})
    return registry.table(name).conform(pa.Table.from_pandas(frame, preserve_index=False))


def write(settings: Settings, name: str, rows: pa.Table) -> None:
    uri = Path(settings.lake_url, *name.split("."))
    write_deltalake(uri, rows, mode="overwrite", partition_by=["session_month"])


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A lake with two versions of gold.prices, one of silver.prices and one of gold.features_daily."""
    made = Settings(lake_url=str(tmp_path / "lake"), _env_file=None)
    write(made, "gold.prices", gold(100.0))
    write(made, "gold.prices", gold(200.0))
    write(made, "silver.prices", versions())
    keys = gold(1.0).select(["session_date", "session_month", "security_id", "exchange", "known_at"]).to_pandas()
    write(made, "gold.features_daily", conformed("gold.features_daily", keys.assign(state=[[1.0, 2.0]] * len(keys))))
    return made


def release(gold_version: int, release_id: str = "r00001") -> Release:
    return Release(
        release_id=release_id, kind="data", created_at=LATE, as_of=LATE, code_sha="c" * 40, code_dirty=False,
        rulebook="krx-1", first_session=str(DAYS[0]), last_session=str(DAYS[-1]),
        tables={"gold.prices": gold_version, "silver.prices": 0, "gold.features_daily": 0},
    )  # fmt: skip


@pytest.fixture(params=[0, 1_000_000], ids=["on Delta", "copied"])
def sql(settings: Settings, request: pytest.FixtureRequest) -> Iterator[ReleaseSql]:
    opened = ReleaseSql(settings, release(0))
    opened.warm(request.param)
    yield opened
    opened.close()


def test_a_query_sees_the_version_of_the_release_and_not_the_head(sql):
    assert sql.query("SELECT min(close) AS lowest FROM gold.prices")["lowest"].to_pylist() == [100.0]


def test_machine_columns_are_in_raw_alone(sql):
    assert "state" not in sql.query("SELECT * FROM gold.features_daily LIMIT 1").column_names
    assert sql.query("SELECT state FROM raw.gold_features_daily LIMIT 1")["state"].to_pylist() == [[1.0, 2.0]]


def test_a_contract_without_a_version_is_an_empty_view(sql):
    assert sql.query("SELECT * FROM gold.predictions WHERE score > 0").num_rows == 0
    assert "gold.predictions" not in sql.tables()
    assert {"gold.prices", "gold.prices_adjusted", "ops.releases"} <= set(sql.tables())


def test_instants_come_back_in_utc(sql):
    assert sql.query("SELECT known_at FROM gold.prices LIMIT 1").schema.field("known_at").type == pa.timestamp(
        "us", "UTC"
    )


def test_an_as_of_read_gives_what_was_believed_then(sql):
    for instant, expected in (
        ("2024-01-01 00:00:00Z", []),
        ("2024-02-01 00:00:00Z", [100.0]),
        ("2024-03-01 09:00:00+09", [101.0]),
    ):
        assert (
            sql.query("SELECT close FROM silver.prices_as_of(?::TIMESTAMPTZ)", [instant])["close"].to_pylist()
            == expected
        )
    assert sql.query("SELECT close FROM silver.prices_as_of('2024-02-01 00:00:00Z')")["close"].to_pylist() == [100.0]


def test_adjusted_prices_have_the_bits_of_the_domain_function(sql):
    order = "ORDER BY security_id, session_date"
    rows = sql.query(f"SELECT * FROM gold.prices {order}").to_pandas()
    expected = adjust.adjusted_as_of(rows, rows.groupby("security_id")["cumulative_factor"].transform("last"))
    found = sql.query(f"SELECT * FROM gold.prices_adjusted {order}").to_pandas()
    for name in (*adjust.PRICE_COLUMNS, "volume"):
        np.testing.assert_array_equal(found[name].to_numpy(), expected[name].to_numpy(), err_msg=name)
    assert found.loc[found["security_id"].str.endswith("5930"), "volume"].iloc[0] == pytest.approx(5005)


def test_copied_and_not_copied_give_the_same_rows(settings):
    made = [ReleaseSql(settings, release(0)) for _ in range(2)]
    for _ in range(2):
        made[1].warm(1_000_000)
    for name in ("gold.prices", "gold.prices_adjusted", "silver.prices", "raw.gold_features_daily"):
        first, second = (one.query(f"SELECT * FROM {name} ORDER BY ALL") for one in made)
        assert first.equals(second), name
    for one in made:
        one.close()


def test_queries_are_answered_while_tables_are_copied(settings):
    """Each sees a table from its file or from memory, and the same rows in both."""
    sql, over = ReleaseSql(settings, release(0)), threading.Event()
    text = "SELECT * FROM gold.prices ORDER BY ALL"
    before = sql.query(text)

    def ask():
        answers = [sql.query(text)]
        while not over.is_set():
            answers.append(sql.query(text))
        return answers

    with ThreadPoolExecutor(3) as pool:
        asked = [pool.submit(ask) for _ in range(3)]
        sql.warm(1_000_000)
        over.set()
        assert all(answer.equals(before) for future in asked for answer in future.result())
    sql.close()


@pytest.mark.parametrize(
    "text",
    [
        "INSERT INTO gold.prices SELECT * FROM gold.prices", "DROP VIEW gold.prices", "COPY (SELECT 1) TO '/tmp/x.csv'",
        "ATTACH '/tmp/x.db'", "SET threads = 1", "SELECT 1; SELECT 2", "", "-- nothing", "EXPLAIN ANALYZE SELECT 1",
        "CREATE TABLE t AS SELECT 1", "CALL pragma_version()", "INSTALL httpfs", "SELEC 1", "BEGIN",
        "DELETE FROM ops.releases",
    ],
)  # fmt: skip
def test_only_one_reading_statement_is_taken(text):
    with pytest.raises(Permanent, match="expected one SELECT, WITH, DESCRIBE or SHOW statement"):
        refuse_writes(text)


@pytest.mark.parametrize(
    "text", ["SELECT 1", "WITH a AS (SELECT 1) FROM a", "DESCRIBE gold.prices", "SHOW ALL TABLES", "VALUES (1)"]
)
def test_reading_statements_are_taken(sql, text):
    assert sql.query(text).num_rows > 0


@pytest.mark.parametrize(
    "source", ["read_csv('/etc/passwd')", "'/etc/passwd'", "glob('/*')", "read_text('/etc/hostname')"]
)
def test_no_file_of_the_machine_can_be_read(sql, source):
    with pytest.raises(Permanent):
        sql.query(f"SELECT * FROM {source}")


def test_a_python_variable_is_no_table(sql):
    secret = pa.table({"a": [1]})
    with pytest.raises(Permanent, match="expected tables among"):
        sql.query("SELECT * FROM secret")
    assert secret.num_rows == 1


def test_an_unknown_table_names_those_there_are(sql):
    with pytest.raises(Permanent, match=r"expected tables among gold\.features_daily, gold\.prices.*nothing_here"):
        sql.query("SELECT * FROM gold.nothing_here")


def test_a_long_query_is_interrupted_and_the_next_one_runs(settings):
    sql = ReleaseSql(settings, release(0), time_limit_s=0.2)
    with pytest.raises(TimedOut, match=r"an answer within 0\.2 s"):
        sql.query("SELECT count(*) FROM range(1000000) a, range(1000000) b WHERE a.range + b.range = 7")
    assert sql.query("SELECT 1 AS one")["one"].to_pylist() == [1]
    sql.close()


def test_many_threads_may_ask_at_once(sql):
    found: list[int] = []

    def ask() -> None:
        for day in DAYS[:10]:
            rows = sql.query("SELECT * FROM gold.prices WHERE session_date = ?", [day])
            found.append(rows.num_rows)

    threads = [threading.Thread(target=ask) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [2] * 120


def test_a_release_older_than_a_column_shows_it_as_null(settings):
    write_deltalake(
        Path(settings.lake_url, "gold", "prices"), gold(1.0).drop_columns(["n_headlines"]), mode="overwrite",
        schema_mode="overwrite", partition_by=["session_month"],
    )  # fmt: skip
    sql = ReleaseSql(settings, release(2))
    assert sql.query("SELECT n_headlines FROM gold.prices")["n_headlines"].null_count == 80
    sql.close()


def test_a_version_that_is_not_there_is_permanent(settings):
    with pytest.raises(Permanent, match=r"gold\.prices version 99"):
        ReleaseSql(settings, release(99))


def test_files_that_cannot_be_read_are_no_fault_of_the_query(settings):
    sql = ReleaseSql(settings, release(1))
    for file in Path(settings.lake_url, "gold", "prices").rglob("*.parquet"):
        file.unlink()
    with pytest.raises(Transient, match="to read the lake's files"):
        sql.query("SELECT * FROM gold.prices")
    sql.close()


def test_the_releases_are_a_table(settings):
    Releases(lake_store(settings)).publish(release(0))
    sql = ReleaseSql(settings, release(0))
    assert sql.query("SELECT release_id, code_sha FROM ops.releases").to_pylist() == [
        {"release_id": "r00001", "code_sha": "c" * 40}
    ]
    sql.close()


class TestCurrent:
    """The pointer moves; readers keep what they began with."""

    def lowest(self, sql: ReleaseSql) -> float:
        return float(sql.query("SELECT min(close) AS lowest FROM gold.prices")["lowest"][0].as_py())

    def test_before_the_first_release_a_reader_is_told_so(self, settings):
        current = Current(settings)
        assert not current.refresh()
        with pytest.raises(Transient, match="expected a published one"), current.reading():
            pass

    def test_a_reader_keeps_its_release_which_is_closed_after_the_last_one(self, settings):
        releases, current = Releases(lake_store(settings)), Current(settings)
        releases.publish(release(0))
        assert current.refresh()
        assert not current.refresh()
        with current.reading() as old:
            releases.publish(replace(release(1, "r00002"), parent="r00001"))
            assert current.refresh()
            with current.reading() as new:
                assert (self.lowest(old), self.lowest(new)) == (100.0, 200.0)
        assert self.lowest(old) == 100.0, "who answers a request does not close it"
        assert not current.refresh()
        with pytest.raises(Permanent):
            self.lowest(old)
        current.close()

    def test_the_last_reader_closes_it_where_nobody_looks_any_more(self, settings):
        releases, current = Releases(lake_store(settings)), Current(settings)
        releases.publish(release(0))
        current.refresh()
        with current.reading() as held:
            current.close()
            assert self.lowest(held) == 100.0
        with pytest.raises(Permanent):
            self.lowest(held)

    def test_what_every_release_is_asked_first_is_there_for_the_first_reader(self, settings):
        releases, current = Releases(lake_store(settings)), Current(settings, first=[self.lowest])
        for number, new in enumerate((release(0), replace(release(1, "r00002"), parent="r00001"))):
            releases.publish(new)
            assert current.refresh()
            with current.reading() as sql:
                assert sql.has(self.lowest) and sql.once(self.lowest) == 100.0 * (number + 1)
        current.close()

    def test_what_is_asked_first_and_fails_is_tried_again_and_keeps_no_copy_away(self, settings, monkeypatch):
        copied, asked = [], []

        def first(sql):
            asked.append(sql)
            if len(asked) == 1:
                raise Transient("query", expected="an answer", found="none")
            return len(asked)

        monkeypatch.setattr(ReleaseSql, "warm", lambda sql, rows: copied.append(rows))
        releases, current = Releases(lake_store(settings)), Current(settings, first=[first])
        releases.publish(release(0))
        assert [current.refresh() for _ in range(3)] == [True, False, False]
        assert (len(asked), len(copied)) == (2, 2)
        current.close()

    def test_a_release_read_once_is_not_read_again(self, settings, monkeypatch):
        releases, current = Releases(lake_store(settings)), Current(settings)
        releases.publish(release(0))
        current.refresh()
        read: list[str] = []
        get = type(current._store).get
        monkeypatch.setattr(type(current._store), "get", lambda store, path: read.append(path) or get(store, path))
        releases.publish(replace(release(1, "r00002"), parent="r00001"))
        read.clear()
        assert current.refresh()
        assert [r.release_id for r in current.releases] == ["r00002", "r00001"]
        assert read == ["releases/pointer/00000002.json", "releases/r00002.json"]
        current.close()

    def test_readers_get_a_release_before_it_is_copied_into_memory(self, settings, monkeypatch):
        releases, current, seen = Releases(lake_store(settings)), Current(settings), []

        def warm(sql, rows):
            with current.reading() as reading:
                seen.append((current.release.release_id, reading is sql, self.lowest(reading)))

        monkeypatch.setattr(ReleaseSql, "warm", warm)
        releases.publish(release(0))
        assert current.refresh()
        assert seen == [("r00001", True, 100.0)]
        current.close()

    def test_a_release_that_does_not_fit_into_memory_is_read_from_its_files(self, settings, monkeypatch):
        def too_large(sql, rows):
            raise duckdb.OutOfMemoryException("Out of Memory Error: 12 GiB")

        monkeypatch.setattr(ReleaseSql, "warm", too_large)
        releases, current = Releases(lake_store(settings)), Current(settings)
        releases.publish(release(0))
        assert current.refresh()
        with current.reading() as sql:
            assert (self.lowest(sql), current.failure) == (100.0, "")
        current.close()

    def test_copying_that_failed_in_passing_is_tried_again(self, settings, monkeypatch):
        copied, warm = [], ReleaseSql.warm

        def passing(sql, rows):
            copied.append(rows)
            if len(copied) == 1:
                raise OSError("connection reset")
            warm(sql, rows)

        monkeypatch.setattr(ReleaseSql, "warm", passing)
        releases, current = Releases(lake_store(settings)), Current(settings)
        releases.publish(release(0))
        assert [current.refresh() for _ in range(3)] == [True, False, False]
        assert len(copied) == 2
        current.close()

    def test_a_rollback_is_followed(self, settings):
        releases, current = Releases(lake_store(settings)), Current(settings)
        releases.publish(release(0))
        releases.publish(replace(release(1, "r00002"), parent="r00001"))
        current.refresh()
        releases.rollback()
        assert current.refresh()
        with current.reading() as sql:
            assert self.lowest(sql) == 100.0
        assert [r.release_id for r in current.releases] == ["r00002", "r00001"]
        current.close()

    def test_a_release_that_cannot_be_opened_leaves_the_one_before(self, settings):
        releases, current = Releases(lake_store(settings)), Current(settings)
        releases.publish(release(0))
        current.refresh()
        releases.publish(replace(release(99, "r00002"), parent="r00001"))
        assert not current.refresh()
        assert current.release.release_id == "r00001"
        assert "gold.prices version 99" in current.failure
        releases.rollback()
        assert current.refresh()
        assert current.failure == ""
        current.close()


def test_dates_go_in_and_come_out_as_dates(sql):
    rows = sql.query("SELECT session_date FROM gold.prices WHERE session_date <= ? LIMIT 1", [date(2024, 1, 2)])
    assert rows["session_date"].to_pylist() == [date(2024, 1, 2)]
