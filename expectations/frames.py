"""A frame as the library judges it: the contract's columns in pandas, helper columns added, nothing removed or repaired.

What does not belong here: judging. A frame whose columns are not the contract's is refused here, before a single row is looked at.
"""

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from expectations.checks import session_column
from expectations.suite import session_rules
from market import calendars
from market.errors import Permanent
from market.table import ARROW, Table


def refuse_drift(table: Table, frame: pa.Table) -> None:
    """Nothing, where the frame has every column of the contract in the contract's kind of type; further columns may be there.

    A narrower or wider number, a large or dictionary-encoded string and another unit of time are the same kind.

    Raises
    ------
    Permanent
        A column is missing, or holds another kind of value.
    """
    present = set(frame.column_names)
    missing = [c.name for c in table.columns if c.name not in present]
    if missing:
        unknown = [name for name in frame.column_names if name not in {c.name for c in table.columns}]
        raise Permanent(
            table.name,
            expected=f"the column{'s' if len(missing) > 1 else ''} {', '.join(missing)}",
            found=f"a frame without, which has {', '.join(unknown) or 'nothing'} besides the contract's other columns",
            do="The source or the build renamed or dropped a column: correct the build or the contract.",
        )
    changed = [c for c in table.columns if not _same_kind(frame.schema.field(c.name).type, ARROW[c.type], c.nullable)]
    if changed:
        raise Permanent(
            table.name,
            expected=", ".join(f"{c.name} {c.type}" for c in changed),
            found=", ".join(f"{c.name} {frame.schema.field(c.name).type}" for c in changed),
            do="The source or the build changed a type: correct the build or the contract.",
        )


def judged(table: Table, frame: pa.Table) -> pd.DataFrame:
    """The contract's columns and one boolean column per IsSession rule, indexed by position.

    Whole numbers with nulls become floats (exact up to 2**53); dates become datetime64.
    """
    columns = {c.name: _plain(frame.column(c.name)) for c in table.columns}
    rows: pd.DataFrame = pa.table(columns).to_pandas(date_as_object=False)
    for name, rule in session_rules(table):
        rows[session_column(name, rule)] = _is_session(columns[name], columns[rule.exchange_column])
    return rows


def session_days(exchange: str) -> np.ndarray:
    """Days since 1970 (int32, ascending) of all its sessions; none for an exchange that the calendar does not know."""
    if exchange not in calendars.EXCHANGES:
        return np.empty(0, np.int32)
    days = calendars.sessions(exchange, calendars.FIRST, calendars.LAST)
    return np.array(days, "datetime64[D]").astype(np.int32)


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column


def _is_session(days: pa.ChunkedArray, exchanges: pa.ChunkedArray) -> np.ndarray:
    """(n,) True, False, or None where the day or the exchange is null."""
    answer = np.full(len(days), None, dtype=object)
    known = pc.and_(pc.is_valid(days), pc.is_valid(exchanges)).to_numpy(zero_copy_only=False).astype(bool)
    day = days.cast(pa.date32()).cast(pa.int32()).fill_null(0).to_numpy()
    for exchange in pc.unique(exchanges).to_pylist():
        if exchange is not None:
            rows = known & pc.equal(exchanges, exchange).fill_null(False).to_numpy(zero_copy_only=False).astype(bool)
            answer[rows] = np.isin(day[rows], session_days(exchange))
    return answer


def _same_kind(found: pa.DataType, expected: pa.DataType, is_nullable: bool) -> bool:
    if pa.types.is_dictionary(found):
        found = found.value_type
    if pa.types.is_null(found):
        return is_nullable
    if pa.types.is_timestamp(expected):
        return pa.types.is_timestamp(found) and found.tz is not None
    kinds = (
        pa.types.is_integer,
        pa.types.is_floating,
        pa.types.is_boolean,
        pa.types.is_date,
        _is_text,
        pa.types.is_list,
    )
    return next(kind(found) for kind in kinds if kind(expected))


def _is_text(kind: pa.DataType) -> bool:
    return any(is_text(kind) for is_text in (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view))
