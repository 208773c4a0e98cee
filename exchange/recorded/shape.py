"""What a recording's files look like: column names and types, and which codes a cut keeps.

What does not belong here: foreign shapes (exchange.recorded.convert).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from market import calendars
from market.errors import Permanent

DAILY, NEWS, FILINGS, WORLD = "daily.parquet", "news.parquet", "filings.parquet", "world.json"
SET_ASIDE = "set_aside.parquet"
INTEGERS = ("open", "high", "low", "close", "volume", "value", "market_cap", "listed_shares", "change")
DAILY_SCHEMA = pa.schema(
    [("date", pa.date32()), ("code", pa.string()), ("name", pa.string()), ("market", pa.string())]
    + [(name, pa.int64()) for name in INTEGERS]
)
OPTIONAL = ("change",)
NEWS_COLUMNS = ("published_at", "title", "summary", "url", "code")
FILINGS_COLUMNS = (
    "received_at", "corp_code", "corp_name", "stock_code", "corp_cls", "report_nm", "rcept_no", "flr_nm", "rm",
)  # fmt: skip

# A cut keeps these first, so that examples work on any recording that has them.
WELL_KNOWN = ("005930", "000660", "035720", "035420", "005380", "005935", "051910")


def read_columns(path: Path, names: tuple[str, ...], optional: tuple[str, ...] = ()) -> pa.Table:
    """The named columns of a Parquet file.

    Raises
    ------
    Permanent : no such file, not Parquet, or a column missing that is not optional.
    """
    if not path.is_file():
        do = "Make it with `python -m exchange convert SOURCE FOLDER`."
        raise Permanent(f"recording {path.parent}", expected=f"a file {path.name}", found="none", do=do)
    try:
        present = pq.read_schema(path).names
        missing = [name for name in names if name not in present and name not in optional]
        if missing:
            raise Permanent(str(path), expected="columns " + ", ".join(names), found="without " + ", ".join(missing))
        return pq.read_table(path, columns=[name for name in names if name in present])
    except pa.ArrowInvalid as error:
        raise Permanent(str(path), expected="a Parquet file", found=str(error)) from error


def daily_table(table: pa.Table, where: str) -> pa.Table:
    """The table in ``DAILY_SCHEMA``; a missing ``change`` becomes null.

    Raises
    ------
    Permanent : a column whose values do not fit its type, or a null date, code or market.
    """
    columns = []
    for field in DAILY_SCHEMA:
        if field.name not in table.column_names:
            columns.append(pa.nulls(len(table), field.type))
            continue
        try:
            columns.append(_cast(table[field.name], field.type))
        except pa.ArrowInvalid as error:
            raise Permanent(f"{where}, column {field.name}", expected=str(field.type), found=str(error)) from error
        if field.name in ("date", "code", "market") and columns[-1].null_count:
            raise Permanent(f"{where}, column {field.name}", expected="no nulls", found=f"{columns[-1].null_count}")
    return pa.table(columns, schema=DAILY_SCHEMA)


def closed_days(days: Sequence[date], where: str) -> dict[date, str]:
    """Those of the days on which the Korean exchange had no session, with the reason.

    Raises
    ------
    Permanent : a day outside the calendar, of which nothing is known.
    """
    beyond = [day for day in (min(days), max(days)) if not calendars.FIRST <= day <= calendars.LAST] if days else []
    if beyond:
        raise Permanent(
            where, expected=f"days from {calendars.FIRST} to {calendars.LAST}, which the calendar knows",
            found=", ".join(map(str, beyond)), do="Leave other days out, or extend market.calendars",
        )  # fmt: skip
    return {day: why for day in sorted(days) if (why := calendars.why_closed("XKRX", day))}


def largest_codes(table: pa.Table, count: int) -> list[str]:
    """The ``count`` codes to keep: well-known ones, then by greatest market value, else turnover; ties by code."""
    size = pc.coalesce(table["market_cap"].cast(pa.float64()), _turnover(table))
    grouped = (
        pa.table({"code": table["code"], "size": pc.fill_null(size, 0.0)}).group_by("code").aggregate([("size", "max")])
    )
    sizes = dict(zip(grouped["code"].to_pylist(), grouped["size_max"].to_pylist(), strict=True))
    rank = {code: i for i, code in enumerate(WELL_KNOWN)}
    return sorted(sizes, key=lambda code: (rank.get(code, len(rank)), -sizes[code], code))[:count]


def _turnover(table: pa.Table) -> pa.ChunkedArray:
    return pc.multiply(table["close"].cast(pa.float64()), table["volume"].cast(pa.float64()))


def _cast(column: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray:
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_date(kind) and pa.types.is_string(column.type):
        return pc.strptime(column, format="%Y-%m-%d", unit="s").cast(kind)
    if pa.types.is_integer(kind) and pa.types.is_floating(column.type):
        # NaN means unknown in frames that had no nullable integers.
        column = pc.if_else(pc.is_nan(column), pa.scalar(None, column.type), column)
    return column.cast(kind)


def integers(column: pa.ChunkedArray, missing: int) -> np.ndarray:
    """(n,) int64 with ``missing`` for null."""
    filled = pc.fill_null(column, pa.scalar(missing, pa.int64()))
    return np.asarray(filled.to_numpy(), np.int64)
