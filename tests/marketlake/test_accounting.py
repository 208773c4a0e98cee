"""Where delivered price rows went: each is in silver, in quarantine, a repeat, or lost, on hand-written tables."""

from typing import Any

import duckdb
import pyarrow as pa
import pytest

from marketlake.accounting import Account, account

KRX = (
    "TDD_OPNPRC",
    "TDD_HGPRC",
    "TDD_LWPRC",
    "TDD_CLSPRC",
    "CMPPREVDD_PRC",
    "ACC_TRDVOL",
    "ACC_TRDVAL",
    "MKTCAP",
    "LIST_SHRS",
)


class Tables:
    """The four tables in DuckDB, in the columns that accounting reads."""

    def __init__(self) -> None:
        self._db = duckdb.connect()
        columns = ", ".join(f"{name} VARCHAR" for name in ("BAS_DD", "ISU_CD", "MKT_NM", *KRX))
        origin = "payload_digest VARCHAR, row_no INTEGER"
        for statement in (
            "CREATE SCHEMA bronze", "CREATE SCHEMA silver", "CREATE SCHEMA ops",
            f"CREATE TABLE bronze.krx_daily ({columns}, {origin}, fetched_at INTEGER)",
            "CREATE TABLE bronze.yahoo_chart (symbol VARCHAR, kind VARCHAR, session_date DATE, open DOUBLE, high DOUBLE, "
            f"low DOUBLE, close DOUBLE, volume DOUBLE, later_splits DOUBLE, {origin}, fetched_at INTEGER)",
            f"CREATE TABLE silver.prices ({origin})",
            f'CREATE TABLE ops.quarantine ("table" VARCHAR, {origin})',
        ):  # fmt: skip
            self._db.execute(statement)

    def query(self, sql: str) -> pa.Table:
        return self._db.execute(sql).to_arrow_table()

    def krx(self, payload: str, at: int, close: str | None, *, market: str = "KOSPI", row_no: int = 0) -> None:
        values = [close if name == "TDD_CLSPRC" else "1,000" for name in KRX]
        self._insert("bronze.krx_daily", "20240503", "005930", market, *values, payload, row_no, at)

    def yahoo(self, payload: str, at: int, close: float, later_splits: float, volume: float | None = None) -> None:
        traded = 600.0 * later_splits if volume is None else volume
        bar = (close, close, close, close, traded, later_splits)
        self._insert("bronze.yahoo_chart", "NVDA", "bar", "2024-05-03", *bar, payload, 0, at)

    def silver(self, *payloads: str) -> None:
        for payload in payloads:
            self._insert("silver.prices", payload, 0)

    def held(self, payload: str) -> None:
        self._insert("ops.quarantine", "silver.prices", payload, 0)

    def _insert(self, table: str, *values: Any) -> None:
        self._db.execute(f"INSERT INTO {table} VALUES ({', '.join('?' * len(values))})", list(values))


@pytest.fixture
def tables() -> Tables:
    return Tables()


def test_no_rows_are_accounted_for(tables: Tables) -> None:
    assert account(tables) == Account(0, 0, 0, 0, 0)


def test_the_same_row_again_is_a_repeat_however_its_numbers_are_written(tables: Tables) -> None:
    tables.krx("a", 1, "77,600")
    tables.krx("b", 2, "77600")
    tables.silver("a")
    assert account(tables) == Account(delivered=2, silver=1, quarantined=0, repeated=1, lost=0)


@pytest.mark.parametrize("change", [{"close": "77,601"}, {"close": "-"}, {"close": "77,600", "market": "KOSDAQ"}])
def test_a_revision_that_silver_lacks_is_lost_and_no_repeat(tables: Tables, change: dict[str, str]) -> None:
    tables.krx("a", 1, "77,600")
    tables.krx("b", 2, **change)
    tables.silver("a")
    assert account(tables) == Account(delivered=2, silver=1, quarantined=0, repeated=0, lost=1)


def test_a_row_is_compared_with_the_one_before_it_not_with_any(tables: Tables) -> None:
    for at, (payload, close) in enumerate([("a", "100"), ("b", "200"), ("c", "100")]):
        tables.krx(payload, at, close)
    tables.silver("a", "b")
    assert account(tables).lost == 1
    tables.silver("c")
    assert account(tables) == Account(delivered=3, silver=3, quarantined=0, repeated=0, lost=0)


def test_a_payload_that_came_back_is_owed_a_second_version(tables: Tables) -> None:
    for at, (payload, close) in enumerate([("a", "100"), ("b", "200"), ("a", "100")]):
        tables.krx(payload, at, close)
    tables.silver("a", "b")
    assert account(tables) == Account(delivered=3, silver=2, quarantined=0, repeated=0, lost=1)


def test_a_refused_row_and_its_repeat_are_accounted_for(tables: Tables) -> None:
    tables.krx("a", 1, "-5")
    tables.krx("b", 2, "-5")
    tables.held("a")
    assert account(tables) == Account(delivered=2, silver=0, quarantined=1, repeated=1, lost=0)


def test_a_pure_rescale_is_a_repeat_and_another_price_is_not(tables: Tables) -> None:
    tables.yahoo("a", 1, 887.8900146484375, 1.0)
    tables.yahoo("b", 2, 88.78900146484375, 10.0)
    tables.silver("a")
    assert account(tables) == Account(delivered=2, silver=1, quarantined=0, repeated=1, lost=0)
    tables.yahoo("c", 3, 88.9, 10.0)
    assert account(tables).lost == 1


def test_rows_of_no_readable_day_are_lost_unless_they_are_held(tables: Tables) -> None:
    tables.krx("a", 1, None)
    assert account(tables).lost == 1
    tables.held("a")
    assert account(tables).lost == 0


def test_a_volume_that_a_reverse_split_rounded_is_a_repeat(tables: Tables) -> None:
    tables.yahoo("a", 1, 10.0, 1.0, volume=1_001.0)
    tables.yahoo("b", 2, 100.0, 0.1, volume=100.0)
    tables.silver("a")
    assert account(tables).repeated == 1
