"""gold.features_daily: every feature of the catalogue, by security and session.

The columns are the catalogue; adding a feature there adds one here. One definition, three executions: over whole histories, for
one day resumed from the stored state, and in a notebook; all give equal bits.
"""

from collections.abc import Mapping
from functools import cache

import numpy as np
import pandas as pd
import pyarrow as pa

from market import adjust
from market.datasets.silver._typed import MONTH
from market.features.catalogue import catalogue
from market.features.engine import Program, compile_features
from market.features.plan import SEEN
from market.table import Column, Frames, Read, Table, Window


@cache
def program() -> Program:
    """The whole catalogue, compiled."""
    return compile_features(tuple(catalogue().values()))


def build(frames: Frames, window: Window) -> pa.Table:
    """Features of the rows within the window, on forward-adjusted prices.

    A series with a row in `gold.features_daily` (its last one before the window) resumes from that row's state, and needs only
    the lookback before the window; one without starts from its first row, and needs all of them.
    """
    compiled = program()
    rows = frames["gold.prices"].to_pandas(timestamp_as_object=False)
    rows = rows.sort_values(["security_id", "session_date"], ignore_index=True)
    securities = rows["security_id"].drop_duplicates().to_list()
    offsets = np.append(rows.index[~rows["security_id"].duplicated()].to_numpy(), len(rows)).astype(np.int64)
    stored = frames["gold.features_daily"].to_pandas(timestamp_as_object=False).set_index("security_id")
    is_new = (rows["session_date"] >= window.start).to_numpy()
    state, emit_from = compiled.start_state(len(securities)), np.zeros(len(securities), dtype=np.int64)
    known = rows["known_at"].copy()
    for i, security in enumerate(securities):
        if security in stored.index:
            state[i] = np.asarray(stored.at[security, "state"], dtype=np.float64)
            span = slice(offsets[i], offsets[i + 1])
            emit_from[i] = int((~is_new[span]).sum())
            known.iloc[span] = known.iloc[span].clip(lower=stored.at[security, "known_at"])
    prepared = adjust.forward_adjusted(rows)
    columns = {name: prepared[name].to_numpy(dtype=np.float64, na_value=np.nan) for name in compiled.inputs}
    result = compiled.run(columns, offsets, state, emit_from)
    emitted = np.concatenate([np.arange(offsets[i] + emit_from[i], offsets[i + 1]) for i in range(len(securities))])
    made = rows.loc[emitted, ["session_date", "session_month", "security_id", "exchange"]].reset_index(drop=True)
    made = made.assign(**result.values, state=list(result.state))
    made["known_at"] = known.groupby(rows["security_id"], sort=False).cummax().loc[emitted].array
    kept = made[(made["session_date"] >= window.start) & (made["session_date"] <= window.end)]
    return TABLE.conform(pa.Table.from_pandas(pd.DataFrame(kept), preserve_index=False))


def resumes(stored: pa.Table, context: Mapping[str, int]) -> set[str]:
    """Securities whose context holds the lookback, or all the rows that they ever had.

    A state of another width was stored by another catalogue: such a series starts from its first row.
    """
    able = set()
    for security, state in zip(stored["security_id"].to_pylist(), stored["state"].to_pylist(), strict=True):
        if len(state) == program().state_width and context.get(security, 0) >= min(
            program().lookback, int(state[SEEN])
        ):
            able.add(security)
    return able


def _feature_columns() -> tuple[Column, ...]:
    return tuple(
        Column(feature.name, "float64", f"{feature.doc} = {feature.expr}", feature.unit, nullable=True)
        for feature in catalogue().values()
    )


TABLE = Table(
    __name__,
    doc="Features on forward-adjusted prices; null until a window is full, or where an input was not known (a halt, uncovered news).",
    columns=(
        Column("session_date", "date", "session whose close completes the features"),
        MONTH,
        Column("security_id", "string", "our stable id"),
        Column("exchange", "string", "exchange"),
        *_feature_columns(),
        Column("state", "list<float64>", "state of the recursive operators after this row", internal=True),
        Column("known_at", "timestamp", "when the last of the inputs was known"),
    ),
    key=("security_id", "session_date"),
    known_at="the latest known_at of the security's prices up to the session",
    writer="spark",
    reads=(
        Read("gold.prices", spread="security_id", history=program().lookback),
        Read("gold.features_daily", "state"),
    ),
    build=build,
    carries=True,
    resumes=resumes,
)
