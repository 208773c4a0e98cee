"""Rows to JSON: columns are turned into Python values at once, and NaN is null. Which rows does not belong here."""

from datetime import datetime
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc

_OPTIONS = orjson.OPT_NAIVE_UTC | orjson.OPT_UTC_Z | orjson.OPT_SERIALIZE_NUMPY


def dumps(body: Any) -> bytes:
    """JSON bytes; NaN and infinities become null, instants end in Z."""
    return orjson.dumps(body, option=_OPTIONS)


def rows_of(table: pa.Table) -> list[dict[str, Any]]:
    """One dict per row, of values that `dumps` takes."""
    names = table.column_names
    columns = [_values(column) for column in table.columns]
    return [dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True)]


def latest(table: pa.Table, column: str = "known_at") -> datetime | None:
    """The latest instant of the column; None where there is no row or no such column."""
    if column not in table.column_names or not table.num_rows:
        return None
    value: datetime | None = pc.max(table.column(column)).as_py()
    return value


def _values(column: pa.ChunkedArray) -> list[Any]:
    kind = column.type
    if pa.types.is_floating(kind):
        values: list[Any] = column.to_numpy().tolist()  # null becomes NaN, which is written as null
        return values
    if pa.types.is_timestamp(kind):
        # Without the zone: building zone-aware instants one by one costs more than the whole query.
        return list(column.cast(pa.timestamp("us", tz="UTC")).cast(pa.timestamp("us")).to_pylist())
    return list(column.to_pylist())
