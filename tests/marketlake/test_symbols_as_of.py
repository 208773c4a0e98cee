"""In a notebook a code means whoever had it at the instant of the read, as it does over HTTP."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from lake.releases import Release
from lake.sql import ReleaseSql
from market.errors import Permanent
from marketlake import reading

OLD, LATER = "XKRX:123450", "XKRX:123450~20240603"


class Sql(ReleaseSql):
    """A release with two holders of a code, and a security with prices alone."""

    def __init__(self) -> None:
        self._begin(Release("r00001", "data", at(2025), at(2025), "0" * 40, False, "krx-1", {}, "a", "b"))
        self._db = duckdb.connect()
        self._db.execute(f"""
            SET TimeZone = 'UTC'; CREATE SCHEMA silver; CREATE SCHEMA gold;
            CREATE TABLE silver.symbols AS SELECT * FROM (VALUES
                ('{OLD}', '123450', TIMESTAMPTZ '2020-01-02 07:00', TIMESTAMPTZ '2024-06-03 07:00'),
                ('{LATER}', '123450', TIMESTAMPTZ '2024-06-03 07:00', NULL)
            ) AS t(security_id, symbol, known_at, known_until);
            CREATE TABLE silver.securities AS FROM silver.symbols WHERE false;
            CREATE TABLE gold.prices AS SELECT 'XKRX:000660' AS security_id, '000660' AS symbol""")

    def query(self, sql: str, params: Sequence[Any] = ()) -> pa.Table:
        return self._db.execute(sql, list(params)).to_arrow_table()


def at(year: int) -> datetime:
    return datetime(year, 7, 1, tzinfo=UTC)


@pytest.mark.parametrize(("year", "holder"), [(2022, OLD), (2025, LATER), (2019, LATER)])
def test_a_code_means_whoever_had_it_then_else_the_last_one(year: int, holder: str) -> None:
    assert reading.security_ids(Sql(), "123450", at(year)) == [holder]


def test_each_row_has_an_instant_of_its_own_and_an_id_means_itself() -> None:
    asked = ["123450", "123450", LATER, "000660"]
    assert reading.security_ids(Sql(), asked, [at(2022), at(2025), at(2022), at(2022)]) == [
        OLD, LATER, LATER, "XKRX:000660",
    ]  # fmt: skip


def test_who_is_unknown_is_told_with_the_nearest() -> None:
    with pytest.raises(Permanent, match="Did you mean 123450"):
        reading.security_ids(Sql(), ["123451"], at(2025))
