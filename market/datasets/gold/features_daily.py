"""gold.features_daily: every feature of the catalogue, by security and session.

The columns are the catalogue; adding a feature there adds one here. One definition, three executions: over whole histories, for
one day resumed from the stored state, and in a notebook; all give equal bits.
"""

from collections.abc import Mapping
from functools import cache

import numpy as np
import pandas as pd
import pyarrow as pa

from market.datasets.gold import _series
from market.datasets.gold._known import latest
from market.datasets.silver._typed import MONTH
from market.errors import Permanent
from market.features.catalogue import catalogue
from market.features.engine import Program
from market.features.inputs import inputs_of
from market.features.plan import SEEN
from market.features.runs import unbroken
from market.features.sections import Staged, compile_features
from market.table import Column, Frames, Read, Table, Window


@cache
def program() -> Program:
    """The whole catalogue, compiled.

    Raises
    ------
    Permanent : a feature looks across securities, which the series of one Spark task cannot.
    """
    compiled = compile_features(tuple(catalogue().values()))
    if isinstance(compiled, Staged):
        do = "Give it a table whose build sees whole sessions."
        raise Permanent(
            "gold.features_daily", expected="features of one series each", found="one across securities", do=do
        )
    return compiled


CONTEXT = max(program().lookback, 1)
"""Sessions before the window that a resumed series reads: what windows need, and the one that shows whether one is missing."""


def build(frames: Frames, window: Window) -> pa.Table:
    """Features of the rows within the window, on forward-adjusted prices.

    A series with a row in `gold.features_daily` (its last one before the window) resumes from that row's state, and needs only
    the lookback before the window; one without starts from its first row, and needs all of them. Where a session of the
    exchange is missing from a series, what follows starts anew.
    """
    compiled = program()
    rows = _series.rows_of(frames, TABLE.name)
    offsets, numbers = _series.offsets_of(rows), rows["session_no"].to_numpy()
    stored = frames["gold.features_daily"].to_pandas(timestamp_as_object=False).set_index("security_id")
    is_new = (rows["session_date"] >= window.start).to_numpy()
    state, emit_from = compiled.start_state(len(offsets) - 1), np.zeros(len(offsets) - 1, dtype=np.int64)
    for i, security in enumerate(rows["security_id"].to_numpy()[offsets[:-1]]):
        if security in stored.index:
            state[i] = np.asarray(stored.at[security, "state"], dtype=np.float64)
            emit_from[i] = int((~is_new[offsets[i] : offsets[i + 1]]).sum())
    result = compiled.run(inputs_of(compiled, rows), offsets, state, emit_from, numbers)
    emitted = np.concatenate([np.arange(offsets[i] + emit_from[i], offsets[i + 1]) for i in range(len(emit_from))])
    made = rows.loc[emitted, _series.IDENTITY].reset_index(drop=True)
    states = pd.Series(list(result.state), dtype=object)
    made = made.assign(**result.values, state=states, state_layout=compiled.state_digest)
    made["known_at"] = _known_at(rows, stored, unbroken(offsets, numbers)).loc[emitted].array
    kept = made[(made["session_date"] >= window.start) & (made["session_date"] <= window.end)]
    return TABLE.conform(_series.to_arrow(kept))


def _known_at(rows: pd.DataFrame, stored: pd.DataFrame, runs: np.ndarray) -> pd.Series:
    """When the last price of each row's unbroken run up to it was known; a stored row speaks for the run it belongs to."""
    key = ["security_id", "session_date"]
    resumed = stored.reset_index()[[*key, "known_at"]].rename(columns={"known_at": "stored_known_at"})
    known = latest(rows[[*key, "known_at"]].merge(resumed, on=key, how="left"), "known_at", "stored_known_at")
    return known.groupby(np.repeat(np.arange(len(runs) - 1), np.diff(runs))).cummax()


def resumes(stored: pa.Table, context: Mapping[str, int]) -> set[str]:
    """Securities whose context holds the lookback, or all the rows of their unbroken run.

    A state of another layout was stored by another formula: such a series starts from its first row.
    """
    able = set()
    columns = (stored[name].to_pylist() for name in ("security_id", "state", "state_layout"))
    for security, state, layout in zip(*columns, strict=True):
        if layout == program().state_digest and context.get(security, 0) >= min(CONTEXT, int(state[SEEN])):
            able.add(security)
    return able


TABLE = Table(
    __name__,
    doc="Features on forward-adjusted prices; null until a window is full, or where an input was not known (a halt, uncovered "
    "news). A series that misses a session starts anew after it.",
    columns=(
        Column("session_date", "date", "session whose close completes the features"),
        MONTH,
        Column("security_id", "string", "our stable id"),
        Column("exchange", "string", "exchange"),
        *_series.columns_of(catalogue().values()),
        Column("state", "list<float64>", "state of the recursive operators after this row", internal=True),
        Column(
            "state_layout", "string", "digest of what each number of the state belongs to", nullable=True, internal=True
        ),
        Column("known_at", "timestamp", "when the last of the inputs was known"),
    ),
    key=("security_id", "session_date"),
    known_at="the latest known_at of the security's prices in the unbroken run of sessions up to it",
    commits="replace",
    reads=(
        _series.prices(CONTEXT, *_series.told_of(program())),
        Read("gold.features_daily", "state"),
        Read("silver.sessions", "side", history=None),
    ),
    build=build,
    carries=True,
    resumes=resumes,
)
