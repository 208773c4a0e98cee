"""In a notebook a code means whoever had it at the instant of the read, as it does over HTTP."""

from datetime import UTC, datetime
from types import SimpleNamespace

import duckdb
import pyarrow as pa
import pytest

from market.errors import Permanent
from marketlake import reading

OLD, LATER = "XKRX:123450", "XKRX:123450~20240603"


class Sql:
    """Two holders of a code, asked as a release is; a security with prices alone."""

    release = SimpleNamespace(release_id="r00001")

    def __init__(self) -> None:
        self._db = duckdb.connect()
        self._db.execute(f"""
            SET TimeZone = 'UTC'; CREATE SCHEMA silver; CREATE SCHEMA gold;
            CREATE TABLE silver.symbols AS SELECT * FROM (VALUES
                ('{OLD}', '123450', TIMESTAMPTZ '2020-01-02 07:00', TIMESTAMPTZ '2024-06-03 07:00'),
                ('{LATER}', '123450', TIMESTAMPTZ '2024-06-03 07:00', NULL)
            ) AS t(security_id, symbol, known_at, known_until);
            CREATE TABLE gold.prices AS SELECT 'XKRX:000660' AS security_id, '000660' AS symbol""")

    def query(self, text: str, parameters: list[object] | None = None) -> pa.Table:
        return self._db.execute(text, parameters or []).to_arrow_table()


def at(year: int) -> datetime:
    return datetime(year, 7, 1, tzinfo=UTC)


@pytest.mark.parametrize(("year", "holder"), [(2022, OLD), (2025, LATER), (2019, LATER)])
def test_a_code_means_whoever_had_it_then_else_the_last_one(year: int, holder: str) -> None:
    assert reading.security_ids(Sql(), "123450", at(year)) == [holder]  # type: ignore[arg-type]


def test_each_row_has_an_instant_of_its_own_and_an_id_means_itself() -> None:
    asked = ["123450", "123450", LATER, "000660"]
    assert reading.security_ids(Sql(), asked, [at(2022), at(2025), at(2022), at(2022)]) == [  # type: ignore[arg-type]
        OLD, LATER, LATER, "XKRX:000660",
    ]  # fmt: skip


def test_who_is_unknown_is_told_with_the_nearest() -> None:
    with pytest.raises(Permanent, match="Did you mean 123450"):
        reading.security_ids(Sql(), ["123451"], at(2025))  # type: ignore[arg-type]
