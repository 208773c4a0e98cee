"""Trino's answer as Arrow, with the types that DuckDB gives: instants in UTC to the microsecond, decimals, dates, lists."""

import base64
import re
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc

from market.errors import Permanent

_PLAIN: dict[str, pa.DataType] = {
    "varchar": pa.string(), "char": pa.string(), "json": pa.string(), "uuid": pa.string(), "boolean": pa.bool_(),
    "tinyint": pa.int8(), "smallint": pa.int16(), "integer": pa.int32(), "bigint": pa.int64(), "real": pa.float32(),
    "double": pa.float64(), "date": pa.date32(), "varbinary": pa.binary(), "unknown": pa.int32(),
    "timestamp with time zone": pa.timestamp("us", tz="UTC"), "timestamp": pa.timestamp("us"), "time": pa.time64("us"),
}  # fmt: skip
_INSTANT = re.compile(r"(\d{4}-\d{2}-\d{2}) (\d{2}:\d{2}:\d{2}(?:\.\d{1,6})?)\d* (\S+)\Z")


def arrow_type(name: str) -> pa.DataType:
    """The Arrow type of a Trino type such as `timestamp(3) with time zone`.

    Raises
    ------
    Permanent
        A type that no table of ours has, such as a row or a map.
    """
    if name.startswith("array("):
        return pa.list_(arrow_type(name[6:-1]))
    if name.startswith("decimal("):
        precision, scale = name[8:-1].split(",")
        return pa.decimal128(int(precision), int(scale))
    plain = re.sub(r"\(\d+\)", "", name)
    if plain not in _PLAIN:
        raise Permanent("query", expected="columns of plain values or lists", found=f"the type {name}",
                        do="Name the fields that you want, or CAST them to varchar")  # fmt: skip
    return _PLAIN[plain]


def table(columns: Sequence[tuple[str, str]], rows: Sequence[Sequence[Any]]) -> pa.Table:
    """The rows as Arrow.

    Parameters
    ----------
    columns : name and Trino type of each.
    rows : values as the protocol has them: instants, dates and decimals as text.
    """
    series = list(zip(*rows, strict=True)) if rows else [()] * len(columns)
    arrays = [_array(values, arrow_type(kind)) for (_, kind), values in zip(columns, series, strict=True)]
    return pa.table(arrays, schema=pa.schema([pa.field(c[0], a.type) for c, a in zip(columns, arrays, strict=True)]))


def _array(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    read = _reader(kind)
    if read is not None:
        values = [None if value is None else read(value) for value in values]
    if pa.types.is_date32(kind):
        return pc.cast(pa.array(values, pa.string()), kind)
    return pa.array(values, kind)


def _reader(kind: pa.DataType) -> Callable[[Any], Any] | None:
    """From a value of the protocol to one that Arrow takes; None where Arrow takes it as it is."""
    if pa.types.is_list(kind):
        inner = date.fromisoformat if pa.types.is_date32(kind.value_type) else _reader(kind.value_type)
        if inner is None:
            return None
        return lambda values: [None if value is None else inner(value) for value in values]
    for is_kind, read in _READERS:
        if is_kind(kind):
            return read
    return None


def _instant(text: str) -> datetime:
    found = _INSTANT.match(text)
    if found is None:
        raise Permanent("query", expected="an instant within the years 1 to 9999", found=text)
    day, clock, zone = found.groups()
    naive = datetime.fromisoformat(f"{day} {clock}")
    if zone == "UTC":
        return naive.replace(tzinfo=UTC)
    if zone[0] in "+-":
        hours, minutes = zone[1:].split(":")
        offset = timedelta(hours=int(hours), minutes=int(minutes))
        return (naive - offset if zone[0] == "+" else naive + offset).replace(tzinfo=UTC)
    return naive.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def _naive(text: str) -> datetime:
    return datetime.fromisoformat(text[:26])


_READERS: tuple[tuple[Callable[[pa.DataType], bool], Callable[[Any], Any]], ...] = (
    (lambda kind: pa.types.is_timestamp(kind) and kind.tz is not None, _instant),
    (pa.types.is_timestamp, _naive),
    (pa.types.is_floating, float),  # NaN and Infinity come as text
    (pa.types.is_decimal, Decimal),
    (pa.types.is_binary, base64.b64decode),
    (pa.types.is_time, lambda text: time.fromisoformat(text[:15])),
)
