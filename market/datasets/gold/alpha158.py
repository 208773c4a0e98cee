"""gold.alpha158: Qlib's 158 features, by security and session.

They look back by windows alone: a day reads sixty sessions, whatever the history, and keeps no state. Computed in double precision,
kept in single.
"""

from functools import cache

import pyarrow as pa

from market.datasets.gold import _series
from market.datasets.silver._typed import MONTH
from market.features.alpha import alpha158
from market.features.engine import Program
from market.features.sections import compile_features
from market.table import Column, Frames, Read, Table, Window


@cache
def program() -> Program:
    """The 158, compiled."""
    return compile_features(alpha158())


def build(frames: Frames, window: Window) -> pa.Table:
    """Features of the rows within the window, on forward-adjusted prices; a missing session starts a series anew."""
    rows = _series.rows_of(frames, TABLE.name)
    return TABLE.conform(_series.of_windows(program(), rows, window))


TABLE = Table(
    __name__,
    doc="Qlib's Alpha158 on forward-adjusted prices, in single precision: windows take what is known of them, as Qlib's do. Null where "
    "nothing is, or where Qlib would divide by zero.",
    columns=(
        Column("session_date", "date", "session whose close completes the features"),
        MONTH,
        Column("security_id", "string", "our stable id"),
        Column("exchange", "string", "exchange"),
        *_series.columns_of(alpha158(), "float32"),
        Column("known_at", "timestamp", "when the last of the inputs was known"),
    ),
    key=("security_id", "session_date"),
    known_at="the latest known_at of the security's prices in the sixty sessions before and its own, as far as they are unbroken",
    commits="replace",
    reads=(
        _series.prices(program().lookback, *_series.told_of(program())),
        Read("silver.sessions", "side", history=None),
    ),
    follows=True,  # a changed factor rescales, and dates, every later price; a corrected close does not
    build=build,
)
