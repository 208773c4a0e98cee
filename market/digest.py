"""The canonical digest of a table: equal for equal rows, whatever the engine, storage, file layout or row order.

Columns by name, rows by key; timestamps to microseconds UTC, floats with one NaN and one zero; SHA-256 per column with its
nulls, then one over name, type, null count and column hash.
"""

import hashlib
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc


def digest(rows: pa.Table, key: Sequence[str], columns: Sequence[str]) -> str:
    """SHA-256 (hex) over the named columns of all rows, sorted by the key's columns among them, equal ones by all the others.

    Parameters
    ----------
    rows : any row order, any chunking.
    key : columns that identify a row.
    columns : columns covered; volatile ones are left out by the caller.

    Raises
    ------
    KeyError
        A named column is not there.
    """
    plain = pa.table({name: _plain(rows.column(name)) for name in sorted(columns)})
    # What is not covered must not order the rows either: one answer may hold for several sessions, fetched in any order.
    ordered = _sorted(plain, [name for name in key if name in columns])
    whole = hashlib.sha256(str(ordered.num_rows).encode())
    for name in sorted(columns):
        column = ordered.column(name).combine_chunks()
        line = f"|{name}|{column.type}|{column.null_count}|{_column_hash(column)}"
        whole.update(line.encode())
    return whole.hexdigest()


def _sorted(rows: pa.Table, key: Sequence[str]) -> pa.Table:
    ordered = rows.sort_by([(name, "ascending") for name in key]) if key else rows
    if not key or _has_equal_neighbours(ordered.select(key)):
        others = [
            name
            for name in rows.column_names
            if name not in key and not pa.types.is_nested(rows.schema.field(name).type)
        ]
        return rows.sort_by([(name, "ascending") for name in (*key, *others)])
    return ordered


def _has_equal_neighbours(ordered: pa.Table) -> bool:
    """Whether two rows that follow each other are the same; a null is like a null."""
    n = ordered.num_rows
    is_same = np.ones(max(n - 1, 0), bool)
    for column in ordered.itercolumns():
        if not is_same.any():
            return False
        later, earlier = column.slice(1), column.slice(0, n - 1)
        nulls = pc.and_(pc.is_null(later), pc.is_null(earlier))
        is_same &= pc.or_(pc.fill_null(pc.equal(later, earlier), False), nulls).to_numpy()
    return bool(is_same.any())


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _plain(column.cast(kind.value_type))
    if pa.types.is_timestamp(kind):
        return column.cast(pa.timestamp("us", tz="UTC")).cast(pa.int64())
    if pa.types.is_date(kind):
        return column.cast(pa.date32())
    if pa.types.is_integer(kind):
        return column.cast(pa.int64())
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return column.cast(pa.large_string())
    if pa.types.is_floating(kind):
        return column.cast(pa.float64())
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return column.cast(pa.large_list(pa.float64()))
    return column


def _column_hash(column: pa.Array) -> str:
    hashed = hashlib.sha256()
    if column.null_count:
        hashed.update(np.packbits(pc.is_null(column).to_numpy(zero_copy_only=False)).tobytes())
    kind = column.type
    if pa.types.is_large_list(kind):
        hashed.update(np.asarray(pc.fill_null(pc.list_value_length(column), 0), dtype=np.int64).tobytes())
        hashed.update(_float_bytes(column.flatten()))
    elif pa.types.is_large_string(kind):
        filled = pc.fill_null(column, "")
        hashed.update(np.asarray(pc.binary_length(filled), dtype=np.int64).tobytes())
        hashed.update("".join(filled.to_pylist()).encode())
    elif pa.types.is_floating(kind):
        hashed.update(_float_bytes(column))
    elif pa.types.is_boolean(kind):
        hashed.update(np.packbits(pc.fill_null(column, False).to_numpy(zero_copy_only=False)).tobytes())
    elif pa.types.is_date(kind):
        hashed.update(pc.fill_null(column.cast(pa.int32()), 0).to_numpy(zero_copy_only=False).tobytes())
    else:
        hashed.update(pc.fill_null(column, 0).to_numpy(zero_copy_only=False).tobytes())
    return hashed.hexdigest()


def _float_bytes(column: pa.Array) -> bytes:
    values = np.array(pc.fill_null(column, 0.0).to_numpy(zero_copy_only=False), dtype=np.float64)
    values[np.isnan(values)] = np.nan
    return (values + 0.0).tobytes()  # adding zero turns -0.0 into 0.0
