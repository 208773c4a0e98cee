"""Reads a recording (a folder of Parquet files) as a world.

Sessions are the dates it holds, holes included; a source without a file is not covered. What does not belong here: making
recordings (exchange.recorded.convert).
"""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from exchange.clock import SEOUL, epoch
from exchange.isin import korean_isin
from exchange.model import MARKETS, MISSING, Company, Daily, Filing, Headline, Listing, News, World
from exchange.recorded import shape
from market.errors import Permanent


def read(folder: Path, *, symbols: int | None = None, sessions: int | None = None) -> World:
    """The world of a recording, cut to some symbols and its last sessions if asked.

    Raises
    ------
    Permanent : no recording there, or one whose columns, types, markets or days are not those of a recording.
    """
    path = folder / shape.DAILY
    names = tuple(shape.DAILY_SCHEMA.names)
    table = shape.daily_table(shape.read_columns(path, names, shape.OPTIONAL), str(path))
    if len(table) == 0:
        raise Permanent(str(path), expected="rows", found="none")
    _check_markets(table, path)
    _check_days(table, path)
    if symbols is not None:
        kept = shape.largest_codes(table, symbols)
        table = table.filter(pc.is_in(table["code"], pa.array(kept)))
    daily = _daily(table)
    listings = _listings(daily)
    if sessions is not None and sessions < len(daily.sessions):
        daily = _last_sessions(daily, sessions)
    filings = _filings(folder, set(daily.codes), symbols is not None)
    last = datetime.combine(daily.sessions[-1] + timedelta(days=1), time(13), SEOUL)
    return World(
        name=f"recorded:{folder}",
        price_basis=_price_basis(folder),
        end=last,
        daily=daily,
        listings=listings,
        companies=_companies(filings or []),
        filings=filings,
        news=_news(folder, daily),
        truth={"world": f"recorded:{folder}", "rows": int(daily.offsets[-1])},
    )


def _check_markets(table: pa.Table, path: Path) -> None:
    unknown = sorted(set(table["market"].unique().to_pylist()) - set(MARKETS))
    if unknown:
        raise Permanent(f"{path}, column market", expected="one of " + ", ".join(MARKETS), found=", ".join(unknown))


def _check_days(table: pa.Table, path: Path) -> None:
    closed = shape.closed_days(table["date"].unique().to_pylist(), f"{path}, column date")
    if closed:
        raise Permanent(
            f"{path}, column date", expected="sessions of XKRX", found=f"{len(closed)} other days",
            keys=[f"{day}: {why}" for day, why in closed.items()],
            do=f"Convert it again: rows of such days go to {shape.SET_ASIDE}. Or correct market.calendars",
        )  # fmt: skip


def _daily(table: pa.Table) -> Daily:
    days = np.asarray(table["date"].cast(pa.int32()).to_numpy())
    # Stable: within a session the recording's own order stays.
    order = np.argsort(days, kind="stable")
    values, starts = np.unique(days[order], return_index=True)
    code, codes = _encoded(table["code"])
    name, names = _encoded(pc.fill_null(table["name"], ""))
    market, markets = _encoded(table["market"])
    boards = np.array([MARKETS.index(text) for text in markets], np.int64)
    first = date(1970, 1, 1)
    return Daily(
        sessions=tuple(first + timedelta(days=int(day)) for day in values),
        offsets=np.concatenate([starts, [days.size]]).astype(np.int64),
        codes=codes,
        names=names,
        code=code[order],
        name=name[order],
        market=boards[market[order]],
        numbers={column: shape.integers(table[column], MISSING)[order] for column in shape.INTEGERS},
    )


def _encoded(column: pa.ChunkedArray) -> tuple[np.ndarray, tuple[str, ...]]:
    encoded = column.combine_chunks().dictionary_encode()
    return np.asarray(encoded.indices.to_numpy(), np.int64), tuple(encoded.dictionary.to_pylist())


def _last_sessions(daily: Daily, count: int) -> Daily:
    begin = int(daily.offsets[-count - 1])
    return Daily(
        sessions=daily.sessions[-count:],
        offsets=daily.offsets[-count - 1 :] - begin,
        codes=daily.codes,
        names=daily.names,
        code=daily.code[begin:],
        name=daily.name[begin:],
        market=daily.market[begin:],
        numbers={name: column[begin:] for name, column in daily.numbers.items()},
    )


def _listings(daily: Daily) -> dict[tuple[str, str], Listing]:
    """Issue-master entries as far as daily rows tell: the listing date is the first day seen on that market."""
    pairs, first_row = np.unique(daily.code * len(MARKETS) + daily.market, return_index=True)
    session = np.searchsorted(daily.offsets, first_row, side="right") - 1
    found = {}
    for pair, at in zip(pairs.tolist(), np.asarray(session).tolist(), strict=True):
        code, market = daily.codes[pair // len(MARKETS)], MARKETS[pair % len(MARKETS)]
        kind = "구형우선주" if code[-1] in "579KLMN" else "보통주"
        found[code, market] = Listing(korean_isin(code), "", "", daily.sessions[at], "", kind, "-")
    return found


def _price_basis(folder: Path) -> str:
    path = folder / shape.WORLD
    if not path.is_file():
        return "raw"
    try:
        basis = json.loads(path.read_text("utf-8")).get("price_basis")
    except (ValueError, AttributeError) as error:
        raise Permanent(str(path), expected="a JSON object", found=str(error)) from error
    if basis not in ("raw", "adjusted"):
        raise Permanent(str(path), expected="price_basis raw or adjusted", found=repr(basis))
    return str(basis)


def _news(folder: Path, daily: Daily) -> News | None:
    path = folder / shape.NEWS
    if not path.is_file():
        return None
    last_name = dict(zip(daily.code.tolist(), daily.name.tolist(), strict=True))
    names = {daily.codes[code]: daily.names[name] for code, name in last_name.items()}
    items = []
    for row in shape.read_columns(path, shape.NEWS_COLUMNS).to_pylist():
        code, url = row["code"] or "", row["url"] or ""
        at = _seconds(row["published_at"], path)
        items.append(Headline(at, code, names.get(code, ""), row["title"] or "", row["summary"] or "", url, url))
    return News(sorted(items))


def _filings(folder: Path, codes: set[str], is_cut: bool) -> list[Filing] | None:
    path = folder / shape.FILINGS
    if not path.is_file():
        return None
    found = []
    for row in shape.read_columns(path, shape.FILINGS_COLUMNS).to_pylist():
        text = {name: str(row[name] or "") for name in shape.FILINGS_COLUMNS[1:]}
        if is_cut and text["stock_code"] not in codes:
            continue
        found.append(Filing(**text, kind="", received_at=_seconds(row["received_at"], path)))
    return sorted(found, key=lambda filing: (filing.received_at, filing.rcept_no))


def _companies(filings: list[Filing]) -> dict[str, Company]:
    return {f.corp_code: Company(f.corp_code, f.corp_name, "", f.stock_code, f.corp_cls, "") for f in filings}


def _seconds(at: datetime | None, path: Path) -> int:
    if not isinstance(at, datetime):
        raise Permanent(str(path), expected="time stamps", found=repr(at))
    return epoch(at if at.tzinfo else at.replace(tzinfo=UTC))
