"""The scale of adjusted prices: the factors up to the last bar, whichever of them have a bar of their own ex-date."""

from datetime import UTC, date, datetime
from typing import Any

import duckdb
import pandas as pd
import pytest

from marketlake.reading import last_factors

DAYS = [date(2024, 5, day) for day in (2, 3, 6, 7)]
AT = datetime(2024, 5, 8, tzinfo=UTC)


class Tables:
    """Bars of one security and a split without a bar of its ex-date, as SQL; DuckDB itself, without a release around it."""

    def __init__(self, bars: list[date], split: date) -> None:
        self._connection = duckdb.connect()
        self._connection.execute("SET TimeZone = 'UTC'")
        known = f"TIMESTAMPTZ '{AT.isoformat()}' AS known_at, NULL::TIMESTAMPTZ AS known_until"
        prices = " UNION ALL ".join(
            f"SELECT 'XNYS:X' AS security_id, DATE '{day}' AS session_date, {0.25 if day > split else 1.0}::DOUBLE AS cumulative_factor, {known}"
            for day in bars
        )
        ledger = f"SELECT 'XNYS:X' AS security_id, DATE '{split}' AS session_date, 0.25::DOUBLE AS factor, {known}"
        for name, rows in {"gold.prices": prices, "silver.prices": prices, "silver.adjustments": ledger}.items():
            self._connection.execute(f"CREATE SCHEMA IF NOT EXISTS {name.split('.')[0]}")
            self._connection.execute(f"CREATE TABLE {name} AS {rows}")

    def query(self, sql: str, params: Any = ()) -> Any:
        """The rows of one statement."""
        return self._connection.execute(sql, list(params)).to_arrow_table()


@pytest.mark.parametrize(
    ("bars", "split", "scale"),
    [([DAYS[0], DAYS[2], DAYS[3]], DAYS[1], 0.25), (DAYS[:3], DAYS[3], 1.0)],
    ids=["behind it", "not yet"],
)
@pytest.mark.parametrize("as_of", [None, AT], ids=["as the release believes", "as of an instant"])
def test_a_split_without_a_bar_counts_once_a_bar_lies_behind_it(
    bars: list[date], split: date, scale: float, as_of: datetime | None
) -> None:
    rows = pd.DataFrame({"security_id": ["XNYS:X"] * 2})
    assert last_factors(Tables(bars, split), rows, as_of).tolist() == [scale] * 2  # type: ignore[arg-type]
