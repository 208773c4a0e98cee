"""gold.patterns: chart patterns, each at the session whose close confirms it and known no earlier."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from market import adjust, patterns
from market.datasets.gold import _series
from market.datasets.silver._typed import MONTH
from market.features.runs import unbroken
from market.table import Between, Column, Frames, OneOf, Read, Table, Window

_BARS = ("open", "high", "low", "close", "volume")
_PIVOTS = tuple(f"pivot_{n}_date" for n in range(1, patterns.PIVOTS + 1))


def build(frames: Frames, window: Window) -> pa.Table:
    """Patterns confirmed within the window, found on forward-adjusted bars; a missing session ends what it would interrupt."""
    rows = _series.rows_of(frames, TABLE.name)
    bars = adjust.forward_adjusted(rows)
    columns = {name: bars[name].to_numpy(dtype=np.float64, na_value=np.nan) for name in _BARS}
    runs = unbroken(_series.offsets_of(rows), rows["session_no"].to_numpy())
    found = patterns.find(**columns, offsets=runs)
    is_new = _series.new_in(rows, window)
    kept = is_new[found.row]
    at, dates, scale = found.row[kept], rows["session_date"].to_numpy(), rows["cumulative_factor"].to_numpy()
    made = _series.to_arrow(rows.iloc[at][_series.IDENTITY].assign(
        pattern=found.kind[kept], direction=found.direction[kept], start_date=dates[found.start[kept]],
        confidence=found.confidence[kept], close=rows["close"].to_numpy()[at],
        target=found.target[kept] * scale[at], failure_level=found.failure[kept] * scale[at],
    ))  # fmt: skip
    for name, pivot in zip(_PIVOTS, found.pivots[kept].T, strict=True):
        made = made.append_column(name, pa.array(dates[pivot], pa.date32(), mask=pivot < 0))
    known = _series.known_upto(rows, window, patterns.LOOKBACK)
    return TABLE.conform(made.append_column("known_at", pc.take(known, np.cumsum(is_new)[at] - 1)))


TABLE = Table(
    __name__,
    doc="Chart patterns found in forward-adjusted bars from confirmed pivots, one row at the session that confirms each. Prices are those of that "
    "session.",
    columns=(
        Column("session_date", "date", "session whose close confirms the pattern"),
        MONTH,
        Column("security_id", "string", "our stable id"),
        Column("exchange", "string", "exchange"),
        Column(
            "pattern", "string", "kind of pattern, see docs/patterns.md", rules=(OneOf(tuple(sorted(patterns.PATTERNS))),)
        ),
        Column("direction", "int32", "1 where prices should rise, -1 where they should fall", rules=(Between(-1, 1),)),
        Column("start_date", "date", "session of its first pivot; of a gap, the session before it"),
        Column("confidence", "float64", "how well it fits, 0 to 1; it orders, and is no probability", "1", rules=(Between(0, 1),)),
        Column("close", "float64", "close that confirms it", "currency", rules=(Between(0),)),
        Column("target", "float64", "price to which the measured move leads", "currency", rules=(Between(0),)),
        Column("failure_level", "float64", "price beyond which it has failed", "currency", rules=(Between(0),)),
        *(
            Column(name, "date", f"session of pivot {name.split('_')[1]}, oldest first; null where it has fewer", nullable=True)
            for name in _PIVOTS
        ),
        Column("known_at", "timestamp", "when the last of the bars it was found in was known"),
    ),
    key=("security_id", "session_date", "pattern", "direction"),
    known_at="the latest known_at of the security's prices in the 250 sessions before and its own, as far as they are unbroken",
    commits="replace",
    reads=(
        _series.prices(patterns.LOOKBACK),
        Read("silver.sessions", "side", history=None),
    ),
    follows=True,  # a changed factor rescales, and dates, every later price; a corrected close does not
    build=build,
    may_be_empty=True,
)  # fmt: skip
