"""A lake for measuring the API alone: seeded noise in the shape of the contracts, written by delta-rs, with two releases.

What does not belong here: anything that looks at the values.
"""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from deltalake import write_deltalake

from lake.delta import DeltaLake
from lake.objects import lake_store
from lake.releases import Release, Releases
from lake.settings import Settings
from market import calendars, registry

LAST = date(2024, 5, 31)
AS_OF = datetime(2024, 5, 31, 23, 0, tzinfo=UTC)
BOARDS = ("KOSPI", "KOSDAQ")
EVENTS = (
    "silver.filings", "silver.news", "silver.corporate_actions", "silver.listings", "silver.adjustments", "silver.fundamentals",
    "gold.predictions",
)  # fmt: skip
"""A row of every security every twentieth session."""


def make(settings: Settings, symbols: int, sessions: int) -> tuple[Release, Release]:
    """The tables that the API reads most, for so many Korean securities; the first release is published."""
    days = calendars.sessions("XKRX", LAST - timedelta(days=int(sessions * 1.6) + 30), LAST)[-sessions:]
    ids = [f"XKRX:{i:06d}" for i in range(symbols)]
    grid = pd.DataFrame({
        "session_date": np.repeat(np.array(days, object), symbols), "security_id": ids * len(days),
        "exchange": "XKRX", "currency": "KRW",
    })  # fmt: skip
    grid["symbol"] = grid["security_id"].str[5:]
    grid["market"] = [BOARDS[int(symbol) % 2] for symbol in grid["symbol"]]
    listed = grid.iloc[:symbols].drop(columns="session_date").assign(kind="stock", name=grid["symbol"].iloc[:symbols])
    few = grid[np.arange(len(grid)) // symbols % 20 == 0].assign(item="revenue", basis="consolidated", span="quarter")
    frames = {
        "gold.prices": grid, "gold.features_daily": grid, "silver.securities": listed, "silver.symbols": listed,
        "gold.market_summary": grid.drop_duplicates(["session_date", "market"]),
        **dict.fromkeys(EVENTS, few),
    }  # fmt: skip
    versions = {name: _write(settings, name, frame) for name, frame in frames.items()}
    first = Release("r00001", "data", AS_OF, AS_OF, "0" * 40, False, "krx-1", versions, str(days[0]), str(days[-1]))
    Releases(lake_store(settings)).publish(first)
    return first, replace(first, release_id="r00002", parent="r00001")


def _write(settings: Settings, name: str, frame: pd.DataFrame) -> int:
    table, delta = registry.table(name), DeltaLake(settings)
    rng = np.random.default_rng(len(name))
    made: dict[str, Any] = {column.name: _column(column, frame, rng) for column in table.columns}
    rows = table.conform(pa.table(made))
    Path(settings.lake_url).mkdir(parents=True, exist_ok=True)
    write_deltalake(delta.uri(table), rows, partition_by=[table.partition] if table.is_partitioned else None)
    return int(delta.version(table) or 0)


def _column(column: Any, frame: pd.DataFrame, rng: np.random.Generator) -> pa.Array:
    n, kind = len(frame), column.arrow.type
    if column.name in frame.columns:
        return pa.array(frame[column.name].tolist(), kind)
    if column.name == "session_month":
        return pa.array([f"{day:%Y-%m}" for day in frame["session_date"]], kind)
    if column.name == "known_until":
        return pa.nulls(n, kind)
    if pa.types.is_timestamp(kind):
        return pa.array([AS_OF] * n, kind)
    if pa.types.is_date(kind):
        return pa.array([date(2020, 1, 2)] * n, kind)
    if pa.types.is_floating(kind):
        return pa.array(np.round(np.exp(rng.normal(10, 1, n)), 2), kind)
    if pa.types.is_integer(kind):
        return pa.array(rng.integers(1, 100_000, n), pa.int64()).cast(kind)
    if pa.types.is_boolean(kind):
        return pa.array([False] * n, kind)
    if pa.types.is_list(kind):
        return pa.array([[0.0, 1.0]] * n, kind)
    return pa.array(["x"] * n, kind)
