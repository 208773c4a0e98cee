"""gold.labels: what happened afterwards, known only once it has. The one place where looking ahead can be written."""

import pandas as pd
import pyarrow as pa

from market.datasets.silver._typed import MONTH
from market.table import Column, Frames, Read, Table, Window

HORIZON = 5  # sessions


def build(frames: Frames, window: Window) -> pa.Table:
    """Returns over the next 5 sessions of the exchange, for every session whose outcome the window completes.

    A security without a row on exactly the fifth session after (delisted, not delivered) has no label: an outcome that
    nobody saw is null, and a null label is no row.
    """
    sessions = frames["silver.sessions"].to_pandas()[["exchange", "session_date", "session_no"]]
    rows = frames["gold.prices"].to_pandas(timestamp_as_object=False)
    rows = rows.merge(sessions, on=["exchange", "session_date"])
    rows["comparable"] = rows["close"] / rows["cumulative_factor"]
    later = rows[["security_id", "session_no", "comparable", "known_at"]].copy()
    later["session_no"] -= HORIZON
    joined = rows.merge(later, on=["security_id", "session_no"], suffixes=("", "_later"))
    joined = joined[(joined["session_date"] >= window.start) & (joined["session_date"] <= window.end)].copy()
    joined["forward_return_5d"] = joined["comparable_later"] / joined["comparable"] - 1.0
    joined["known_at"] = joined[["known_at", "known_at_later"]].max(axis=1)
    return TABLE.conform(pa.Table.from_pandas(pd.DataFrame(joined), preserve_index=False))


TABLE = Table(
    __name__,
    doc="Outcomes by security and session, on comparable prices. A row exists once its outcome is known.",
    columns=(
        Column("session_date", "date", "session from whose close the return counts"),
        MONTH,
        Column("security_id", "string", "our stable id"),
        Column("exchange", "string", "exchange"),
        Column("forward_return_5d", "float64", "return to the close five sessions later", "fraction"),
        Column("known_at", "timestamp", "the close five sessions later"),
    ),
    key=("security_id", "session_date"),
    known_at="the close five sessions later",
    writer="spark",
    may_be_empty=True,
    reads=(
        Read("gold.prices", spread="security_id", history=HORIZON),
        Read("silver.sessions", "side", history=HORIZON),
    ),
    build=build,
    restates=HORIZON,
    carries=True,  # a session built again needs its own outcomes, which lie after it
)
