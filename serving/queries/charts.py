"""What a chart of one security shows: its last bars on one scale, the levels that live, the patterns confirmed among the bars."""

from dataclasses import dataclass
from datetime import date
from typing import Any

import pandas as pd

from lake.sql import ReleaseSql
from market.adjust import adjusted_as_of
from serving.queries import levels
from serving.queries.reading import columns, quoted

SHOWN = 180
"""Sessions on a chart."""


@dataclass(frozen=True)
class Shown:
    """One chart.

    Parameters
    ----------
    name : of the security and its code.
    bars : by session, oldest first, on the scale of the last: session_date, open, high, low, close, volume.
    levels : living after the last session, lowest first.
    patterns : confirmed within the bars, oldest first; prices on the scale of the last session.
    """

    name: str
    currency: str
    bars: pd.DataFrame
    levels: list[dict[str, Any]]
    patterns: list[dict[str, Any]]


def shown(sql: ReleaseSql, security: str, day: date | None, n: int = SHOWN) -> Shown | None:
    """The chart up to the day, by default the release's last session; None where the security has no prices by then."""
    upto, days = ("session_date <= ?", [day]) if day is not None else ("true", [])
    bars = sql.query(
        f"""
        SELECT session_date, symbol, currency, open, high, low, close, base_price, volume, cumulative_factor FROM gold.prices
        WHERE security_id = ? AND {upto} ORDER BY session_date DESC LIMIT ?
        """,
        [security, *days, n],
    ).to_pandas(timestamp_as_object=False)
    if bars.empty:
        return None
    bars = bars.iloc[::-1].reset_index(drop=True)
    last = bars["cumulative_factor"].iloc[-1]
    first, end = bars["session_date"].iloc[0], bars["session_date"].iloc[-1]
    found = sql.query(
        f"""
        SELECT {quoted([c.name for c in columns("gold.patterns")])} FROM gold.patterns
        WHERE security_id = ? AND session_date BETWEEN ? AND ? ORDER BY session_date, confidence DESC
        """,
        [security, first, end],
    ).to_pylist()
    scale = {day: last / factor for day, factor in zip(bars["session_date"], bars["cumulative_factor"], strict=True)}
    rescaled = [
        one | {name: one[name] * scale[one["session_date"]] for name in ("close", "target", "failure_level")}
        for one in found
    ]
    names = sql.query(
        "SELECT name FROM silver.symbols WHERE security_id = ? AND known_until IS NULL ORDER BY valid_from DESC LIMIT 1",
        [security],
    )["name"].to_pylist()
    name = " ".join([*(one for one in names if one), str(bars["symbol"].iloc[-1])])
    adjusted = adjusted_as_of(bars, pd.Series(last, index=bars.index))
    living = levels.alive(sql, security, end, None).to_pylist()
    return Shown(name, str(bars["currency"].iloc[-1]), adjusted, living, rescaled)
