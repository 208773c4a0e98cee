"""gold.labels: what happened afterwards, known only once it has. The one place where looking ahead can be written."""

import numpy as np
import pandas as pd
import pyarrow as pa

from market import labels
from market.datasets.gold import _series
from market.datasets.gold._known import latest
from market.datasets.silver._typed import MONTH
from market.table import Column, Frames, Read, Table, Window

HORIZON = 5  # sessions


def build(frames: Frames, window: Window) -> pa.Table:
    """Returns over the next 5 sessions of the exchange, for every session whose outcome the window completes.

    A security without a row on exactly the fifth session after (delisted, not delivered) has no label, nor has a halted
    session, whose close nobody could buy at; a halt on the fifth session keeps it, at the last close. Nor is there one across a
    hole: a split on a session that was not delivered would look like a loss. A null label is no row.
    """
    sessions = frames["silver.sessions"].to_pandas()[["exchange", "session_date", "session_no"]]
    rows = frames["gold.prices"].to_pandas(timestamp_as_object=False)
    rows = rows.merge(sessions, on=["exchange", "session_date"])
    rows = rows.sort_values(["security_id", "session_no"], ignore_index=True)
    offsets = np.append(np.flatnonzero(~rows["security_id"].duplicated()), len(rows))
    numbers = rows["session_no"].to_numpy()
    rows["forward_return_5d"] = labels.forward_return(
        rows["close"] / rows["cumulative_factor"],
        offsets,
        HORIZON,
        session_numbers=numbers,
        is_tradable=~rows["is_halted"].to_numpy(dtype=bool),
    )
    later = labels.later_rows(offsets, len(rows), HORIZON, session_numbers=numbers)
    rows["later_known_at"] = rows["known_at"].take(np.maximum(later, 0)).array
    rows["known_at"] = latest(rows, "known_at", "later_known_at")
    is_asked = (rows["session_date"] >= window.start) & (rows["session_date"] <= window.end)
    is_unbroken = later - np.arange(len(rows)) == HORIZON
    rows = rows[is_asked & is_unbroken & rows["forward_return_5d"].notna()]
    return TABLE.conform(pa.Table.from_pandas(pd.DataFrame(rows), preserve_index=False))


TABLE = Table(
    __name__,
    doc="Outcomes by security and session, on comparable prices. A row exists once its outcome is known, and where one could enter: "
    "a halted session has none.",
    columns=(
        Column("session_date", "date", "session from whose close the return counts"),
        MONTH,
        Column("security_id", "string", "our stable id"),
        Column("exchange", "string", "exchange"),
        Column("forward_return_5d", "float64", "return to the close five sessions later", "fraction"),
        Column("known_at", "timestamp", "when both closes were known"),
    ),
    key=("security_id", "session_date"),
    known_at="the close five sessions later, or a revision of either close",
    commits="replace",
    may_be_empty=True,
    reads=(
        _series.prices(HORIZON, "is_halted"),
        Read("silver.sessions", "side", history=HORIZON),
    ),
    build=build,
    restates=HORIZON,
    carries=True,  # a session built again needs its own outcomes, which lie after it
)
