"""Makes a recording from published price sets: files are known by their columns, never by their names or years.

Two shapes: raw whole-market days (Code, Name, Market, Close, ChangeCode, Changes, ..., Stocks, Date) and back-adjusted
prices (Code, Date, Open ... Volume) next to a listing that names the codes. Every input row ends in the recording, or, where
its day is no session, in a file beside it; unless a cut was asked for. What does not belong here: reading a recording
(exchange.recorded.reader).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from exchange.model import MARKETS
from exchange.recorded import shape
from market.errors import Permanent

_RAW = ("Code", "Name", "Market", "Close", "ChangeCode", "Changes", "Volume", "Amount", "Open", "High", "Low", "Marcap",
        "Stocks", "Date")  # fmt: skip
_ADJUSTED = ("Code", "Date", "Open", "High", "Low", "Close", "Volume")
_LISTING = ("Code", "Name", "Market")
_PATTERNS = ("*.parquet", "*.csv", "*.csv.gz")
_UP, _DOWN = ("1", "4"), ("2", "5")


@dataclass(frozen=True)
class Conversion:
    """What a conversion did; ``rows_out`` and the rows set aside are less than ``rows_in`` only where a cut was asked for.

    ``set_aside`` is each day that is no session, with its rows and why it is none.
    """

    price_basis: str
    files: tuple[str, ...]
    rows_in: int
    rows_out: int
    codes: int
    sessions: int
    unnamed_codes: tuple[str, ...] = ()
    set_aside: tuple[tuple[date, int, str], ...] = ()

    def __str__(self) -> str:
        lines = [
            f"price basis  {self.price_basis}",
            f"files        {', '.join(self.files)}",
            f"rows in      {self.rows_in:,}",
            f"rows out     {self.rows_out:,}",
            f"codes        {self.codes:,}",
            f"sessions     {self.sessions:,}",
        ]
        if self.unnamed_codes:
            shown = ", ".join(self.unnamed_codes[:5])
            lines.append(
                f"not in the listing, kept as {MARKETS[0]} under their code: {len(self.unnamed_codes)} ({shown})"
            )
        if self.set_aside:
            n_rows = sum(n for _, n, _ in self.set_aside)
            lines.append(f"NOT ON A SESSION, in {shape.SET_ASIDE} and not in the world: {n_rows:,} rows")
            lines += [f"  {day}  {n:,} rows: {why}" for day, n, why in self.set_aside]
        return "\n".join(lines)


def convert(source: Path, folder: Path, *, symbols: int | None = None) -> Conversion:
    """Write the recording of ``source`` into ``folder``; ``symbols`` keeps the N largest codes, 005930 among them.

    Raises
    ------
    Permanent : no folder, files of neither shape, or values that do not fit.
    """
    if not source.is_dir():
        raise Permanent(f"convert {source}", expected="a folder of price files", found="no such folder")
    columns = _columns_of(source)
    raw = [path for path, names in columns.items() if set(_RAW) <= names]
    adjusted = [path for path, names in columns.items() if set(_ADJUSTED) <= names and "Stocks" not in names]
    listing = [path for path, names in columns.items() if set(_LISTING) <= names and "Date" not in names]
    unnamed: tuple[str, ...] = ()
    if raw:
        basis, used = "raw", raw
        table = pa.concat_tables([_raw_table(path) for path in raw])
    elif adjusted and listing:
        basis, used = "adjusted", adjusted + listing
        table, unnamed = _adjusted_table(adjusted, listing)
    else:
        raise _unknown_shape(source, columns)
    rows_in = len(table)
    if symbols is not None:
        table = table.filter(pc.is_in(table["code"], pa.array(shape.largest_codes(table, symbols))))
    table, aside = _on_sessions(table, f"convert {source}")
    _write(folder, table, aside, basis)
    closed = aside.group_by(["date", "reason"]).aggregate([([], "count_all")]).sort_by("date").to_pylist()
    return Conversion(
        basis, tuple(path.name for path in used), rows_in, len(table),
        len(table["code"].unique()), len(table["date"].unique()), unnamed,
        tuple((day["date"], day["count_all"], day["reason"]) for day in closed),
    )  # fmt: skip


def _on_sessions(table: pa.Table, where: str) -> tuple[pa.Table, pa.Table]:
    """The rows of sessions, and the others with the reason: a host that has rows of a closed day would stop every run."""
    why = shape.closed_days(table["date"].unique().to_pylist(), where)
    is_closed = pc.is_in(table["date"], pa.array(list(why), pa.date32()))
    kept, aside = table.filter(pc.invert(is_closed)), table.filter(is_closed)
    if len(kept) == 0:
        raise Permanent(where, expected="rows on sessions of XKRX", found=f"{len(table)} rows, none of them on one")
    return kept, aside.append_column("reason", pa.array([why[day] for day in aside["date"].to_pylist()], pa.string()))


def _columns_of(source: Path) -> dict[Path, set[str]]:
    paths = sorted({path for pattern in _PATTERNS for path in source.glob(pattern)})
    found = {}
    for path in paths:
        try:
            names = (
                pq.read_schema(path).names if path.suffix == ".parquet" else list(pd.read_csv(path, nrows=0).columns)
            )
        except (pa.ArrowInvalid, ValueError, OSError):
            continue  # not a table: it is listed among the files that did not fit, if none does
        found[path] = set(names)
    return found


def _unknown_shape(source: Path, columns: dict[Path, set[str]]) -> Permanent:
    seen = "; ".join(f"{path.name} with {', '.join(sorted(names)[:20])}" for path, names in list(columns.items())[:5])
    return Permanent(
        f"convert {source}",
        expected=f"raw days ({', '.join(_RAW)}) or adjusted prices ({', '.join(_ADJUSTED)}) with a listing "
        f"({', '.join(_LISTING)}, no Date) in {', '.join(_PATTERNS)}",
        found=seen or "no readable file of these kinds",
    )


def _raw_table(path: Path) -> pa.Table:
    frame = _frame(path, _RAW)
    # Some publications sign Changes, some leave the sign to ChangeCode: the code decides.
    size, sign = frame["Changes"].abs(), frame["ChangeCode"].astype(str).str.replace(".0", "", regex=False)
    change = frame["Changes"].mask(sign.isin(_UP), size).mask(sign.isin(_DOWN), -size)
    renamed = {
        "open": "Open", "high": "High", "low": "Low", "close": "Close", "volume": "Volume", "value": "Amount",
        "market_cap": "Marcap", "listed_shares": "Stocks",
    }  # fmt: skip
    return _table(path, frame, {ours: frame[theirs] for ours, theirs in renamed.items()} | {"change": change})


def _adjusted_table(prices: list[Path], listings: list[Path]) -> tuple[pa.Table, tuple[str, ...]]:
    listed = pd.concat([_frame(path, _LISTING) for path in listings]).drop_duplicates("Code")
    listed = listed.astype({"Code": str}).set_index("Code")
    tables, unnamed = [], set()
    for path in prices:
        frame = _frame(path, _ADJUSTED)
        codes = frame["Code"].cat.categories
        unnamed |= set(frame["Code"].unique()) - set(listed.index)
        for column, default in (("Name", codes.to_series()), ("Market", MARKETS[0])):
            texts = listed[column].reindex(codes).fillna(default)
            frame[column] = texts.to_numpy(object)[frame["Code"].cat.codes]
        columns = {name.lower(): frame[name] for name in ("Open", "High", "Low", "Close", "Volume")}
        tables.append(_table(path, frame, columns))
    return pa.concat_tables(tables), tuple(sorted(unnamed))


def _frame(path: Path, columns: tuple[str, ...]) -> pd.DataFrame:
    if path.suffix == ".parquet":
        frame = pq.read_table(path, columns=list(columns)).to_pandas()
    else:
        frame = pd.read_csv(path, usecols=list(columns), dtype={"Code": str, "ChangeCode": str}, low_memory=False)
    # A code is text; where a spreadsheet took its zeros away they come back. Kept as a category: millions of rows, few codes.
    frame["Code"] = frame["Code"].astype(str).astype("category") if frame["Code"].dtype != "category" else frame["Code"]
    return _with_whole_codes(path, frame)


def _with_whole_codes(path: Path, frame: pd.DataFrame) -> pd.DataFrame:
    given = [str(code) for code in frame["Code"].cat.categories]
    whole = [code.zfill(6) for code in given]
    doubled = sorted(code for code in given if whole.count(code.zfill(6)) > 1) if len(set(whole)) < len(whole) else []
    if doubled:
        raise Permanent(
            f"{path}, column Code", expected="one way to write each code", found=", ".join(doubled[:6]),
            do="Zeros at the front were lost in some rows and not in others: write these codes with six characters",
        )  # fmt: skip
    frame["Code"] = frame["Code"].cat.rename_categories(whole)
    return frame


def _table(path: Path, frame: pd.DataFrame, numbers: dict[str, pd.Series]) -> pa.Table:
    segments = {text: str(text).split(" ")[0] for text in frame["Market"].unique()}  # "KOSDAQ GLOBAL" is KOSDAQ's
    unknown = sorted(set(segments.values()) - set(MARKETS))
    if unknown:
        raise Permanent(f"{path}, column Market", expected="one of " + ", ".join(MARKETS), found=", ".join(unknown))
    columns: dict[str, pa.Array] = {
        "date": pa.array(pd.to_datetime(frame["Date"]).to_numpy("datetime64[D]"), pa.date32()),
        "code": pa.array(frame["Code"].astype(object), pa.string()),
        "name": pa.array(
            frame["Name"].astype(object).where(frame["Name"].notna(), frame["Code"].astype(object)), pa.string()
        ),
        "market": pa.array(frame["Market"].map(segments).astype(object), pa.string()),
    }
    for name in shape.INTEGERS:
        columns[name] = _integers(path, name, numbers[name]) if name in numbers else pa.nulls(len(frame), pa.int64())
    return pa.table(columns, schema=shape.DAILY_SCHEMA)


def _integers(path: Path, name: str, values: pd.Series) -> pa.Array:
    try:
        return pa.array(values, pa.int64(), from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise Permanent(f"{path}, column {name}", expected="whole numbers", found=str(error)) from error


def _write(folder: Path, table: pa.Table, aside: pa.Table, basis: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    in_order = [("date", "ascending"), ("code", "ascending")]
    pq.write_table(table.sort_by(in_order), folder / shape.DAILY, compression="zstd")
    (folder / shape.SET_ASIDE).unlink(missing_ok=True)
    if len(aside):
        pq.write_table(aside.sort_by(in_order), folder / shape.SET_ASIDE, compression="zstd")
    (folder / shape.WORLD).write_text(json.dumps({"price_basis": basis}) + "\n", "utf-8")
