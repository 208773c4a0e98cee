"""What tables of features share: prices as series with their sessions' numbers, and the columns that follow from features.

What does not belong here: which features a table has, and the state that some keep (`features_daily`).
"""

from collections.abc import Iterable

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from market.adjust import PRICE_COLUMNS
from market.datasets.gold._known import UTC
from market.errors import Permanent
from market.features.algebra import col, max_
from market.features.definition import Feature
from market.features.engine import Program
from market.features.inputs import CALENDAR, inputs_of
from market.features.sections import compile_features
from market.table import Column, Frames, Read, Window

IDENTITY = ["session_date", "session_month", "security_id", "exchange"]
_KNOWN = "known_at_us"


def prices(history: int | None, *names: str) -> Read:
    """How `rows_of` reads gold.prices: by security, bars and factor and what is named besides, since each column is carried over the network."""
    columns = (*IDENTITY, "known_at", *PRICE_COLUMNS, "volume", "cumulative_factor", *names)
    return Read("gold.prices", spread="security_id", history=history, columns=tuple(dict.fromkeys(columns)))


def told_of(program: Program) -> tuple[str, ...]:
    """The program's inputs that are columns of gold.prices; the others follow from the session."""
    return tuple(name for name in program.inputs if name not in CALENDAR)


def rows_of(frames: Frames, name: str) -> pd.DataFrame:
    """Prices ordered by security and session, with the session's number in its exchange's calendar.

    Raises
    ------
    Permanent : naming the table: a price's session is not in silver.sessions.
    """
    sessions = frames["silver.sessions"].to_pandas()[["exchange", "session_date", "session_no"]]
    rows = frames["gold.prices"].to_pandas(timestamp_as_object=False)
    rows = rows.merge(sessions, on=["exchange", "session_date"], how="left")
    unknown = rows[rows["session_no"].isna()]
    if len(unknown):
        keys = [f"{exchange} {day}" for exchange, day in zip(unknown["exchange"], unknown["session_date"], strict=True)]
        do = "Build silver.sessions over the range of gold.prices first."
        found = f"{len(unknown)} rows without"
        raise Permanent(name, expected="every price's session in silver.sessions", found=found, keys=keys, do=do)
    rows["session_no"] = rows["session_no"].astype(np.int64)
    return rows.sort_values(["security_id", "session_date"], ignore_index=True)


def offsets_of(rows: pd.DataFrame) -> NDArray[np.int64]:
    """(k + 1,) where series begin, and the number of rows."""
    starts = np.flatnonzero(~rows["security_id"].duplicated().to_numpy())
    return np.append(starts, len(rows)).astype(np.int64)


def of_windows(program: Program, rows: pd.DataFrame, window: Window) -> pa.Table:
    """Features that look back by windows alone, of the rows within the window; known once the last row that they can read is.

    Parameters
    ----------
    program : without recursive operators, so that rows before the window are context and nothing is stored.
    rows : as `rows_of`, none after the window; a series' rows before it are at least its lookback, or all of its unbroken run.
    """
    is_new = new_in(rows, window)
    made = to_arrow(rows.loc[is_new, IDENTITY]).append_column("known_at", known_upto(rows, window, program.lookback))
    for name, values in _run(program, inputs_of(program, rows), rows, is_new).items():
        made = made.append_column(name, pa.array(values, from_pandas=True))  # NaN is null
    return made


def new_in(rows: pd.DataFrame, window: Window) -> NDArray[np.bool_]:
    """(n,) rows that the window makes; those before it are context."""
    return np.asarray(rows["session_date"] >= window.start)


def known_upto(rows: pd.DataFrame, window: Window, lookback: int) -> pa.Array:
    """Of each row that the window makes, when the last of it and the rows that it looks back to was known."""
    newest = Feature("newest", max_(col(_KNOWN), lookback + 1, least=1), "Newest instant read.", "us", "ours")
    instants = pd.to_datetime(rows["known_at"], utc=True).astype(UTC).astype(np.int64).to_numpy(dtype=np.float64)
    found = _run(compile_features((newest,)), {_KNOWN: instants}, rows, new_in(rows, window))["newest"]
    return pa.array(found.astype(np.int64)).cast(pa.timestamp("us", tz="UTC"))


def _run(
    program: Program, columns: dict[str, NDArray[np.float64]], rows: pd.DataFrame, is_new: NDArray[np.bool_]
) -> dict[str, NDArray[np.float64]]:
    offsets = offsets_of(rows)
    context = np.diff(np.concatenate(([0], np.cumsum(~is_new)))[offsets])
    numbers = rows["session_no"].to_numpy()
    return program.run(columns, offsets, emit_from=context, session_numbers=numbers, keeps_state=False).values


def columns_of(features: Iterable[Feature], type_: str = "float64") -> tuple[Column, ...]:
    """A column for each feature."""
    return tuple(Column(one.name, type_, f"{one.doc} = {one.expr}", one.unit, nullable=True) for one in features)


def to_arrow(made: pd.DataFrame) -> pa.Table:
    """The rows as Arrow."""
    return pa.Table.from_pandas(pd.DataFrame(made), preserve_index=False)
