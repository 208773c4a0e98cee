"""Who a row is about: stable security ids from the codes that sources use, and which company had a code when.

What does not belong here: finding a security by any of its dated names and numbers (`market.lookup`).
"""

import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import pandas as pd
import pyarrow as pa

ID = r"(?:XKRX:[0-9A-Z]{6}|XNYS:[A-Z.\-]{1,8})(?:~\d{8})?$"
"""Form of an id: exchange and code; behind a tilde the listing of a company that has another one's code (ADR 0017)."""

BOARDS = ("KONEX", "KOSDAQ", "KOSPI")
"""Korean boards, lowest first: a company moves up and keeps its code."""

YAHOO_SUFFIXES: Mapping[str, str] = {"KOSPI": ".KS", "KOSDAQ": ".KQ"}

CURRENCIES: Mapping[str, str] = {"XKRX": "KRW", "XNYS": "USD"}
"""What each exchange's prices are in."""

COMMON_SHARE = "보통주"
_NOBODY = ""


def krx_code(issue_code: pd.Series) -> pd.Series:
    """Short codes of six characters; an ISIN such as KR7005930003 gives its 005930, zeros and letters kept."""
    text = issue_code.astype("string")
    return text.where(text.str.len() != 12, text.str.slice(3, 9))


def security_id(exchange: str, symbol: pd.Series) -> pd.Series:
    """Ids such as XKRX:005930: the exchange and the code under which the security is listed."""
    return exchange + ":" + symbol.astype("string")


def symbol_of(security: str) -> str:
    """The code of an id: 005930 of XKRX:005930, and of XKRX:005930~20210304."""
    return security.split(":", 1)[1].partition("~")[0]


def board(market: pd.Series) -> pd.Series:
    """Boards of the exchange's words: "KOSDAQ GLOBAL" is a segment of KOSDAQ, and going there no transfer."""
    return market.astype("string").str.strip().str.split(" ").str[0]


def common_code(symbol: str, share_class: str | None) -> str | None:
    """The code of the common share that a preferred one belongs to; None of a common share.

    Examples
    --------
    >>> common_code("005935", "구형우선주"), common_code("00088K", "신형우선주"), common_code("005930", "보통주")
    ('005930', '000880', None)
    """
    if share_class == COMMON_SHARE or symbol.endswith("0") or len(symbol) != 6:
        return None
    return f"{symbol[:5]}0"


def issuer(security_id: pd.Series) -> pd.Series:
    """What the share codes of one company have in common: XKRX:00593 of XKRX:005930 and XKRX:005935, behind it the listing if there is one."""
    return security_id.astype("string").str.replace(r".(~\d+)?$", r"\1", regex=True)


def yahoo_symbol(exchange: str, symbol: str, market: str) -> str | None:
    """Yahoo's symbol: 005930.KS, AAPL; None on KONEX, which it does not carry."""
    if exchange != "XKRX":
        return symbol
    return symbol + YAHOO_SUFFIXES[market] if market in YAHOO_SUFFIXES else None


def is_korean_chart(symbol: pd.Series) -> pd.Series:
    """True where Yahoo's symbol has the suffix of a Korean board."""
    return symbol.astype("string").str.endswith(tuple(YAHOO_SUFFIXES.values())).fillna(False).astype(bool)


def yahoo_exchange(symbol: str) -> str:
    """The exchange that Yahoo's symbol names: XKRX by the suffix of its boards, else XNYS.

    Examples
    --------
    >>> yahoo_exchange("005930.KS"), yahoo_exchange("035720.KQ"), yahoo_exchange("BRK-B")
    ('XKRX', 'XKRX', 'XNYS')
    """
    return "XKRX" if symbol.endswith(tuple(YAHOO_SUFFIXES.values())) else "XNYS"


def listed_ids(exchange: str, listings: pd.DataFrame) -> pd.Series:
    """The id of each listing row: a code that another company was given later is another security.

    It is another company where a code is listed anew after the session that showed it last, no name of before (Korean or English)
    remains, and it is no move to a higher board. The one that was delivered first (by the day of its fetch, then by its session)
    has the plain id, whatever is fetched later; another has its listing behind a tilde.

    Parameters
    ----------
    listings : any order, every session of each code that is in it, with `symbol`, `session_date`, `list_date` (None where unknown),
        `name`, `name_en`, `market` and `fetched_at`.

    Returns
    -------
    Ids by the index of the listings.
    """
    ids = security_id(exchange, listings["symbol"])
    dates = pd.to_datetime(listings["list_date"])
    n_listings = dates.groupby(listings["symbol"]).transform("nunique", dropna=False)
    for _, rows in listings[n_listings > 1].groupby("symbol", sort=True):
        holders = list(_holders(rows))
        first = min(holders, key=lambda holder: (holder.delivered, holder.listed))
        for holder in (one for one in holders if one is not first):
            ids.loc[holder.rows] = ids.loc[holder.rows] + f"~{holder.listed:%Y%m%d}"
    return ids


def ids_then(ids: pd.Series, days: pd.Series, listed: pa.Table | None) -> pd.Series:
    """The ids of the companies that had the codes on those days, from plain ids.

    Parameters
    ----------
    ids : plain ids, such as XKRX:005930.
    days : session dates, aligned.
    listed : rows of silver.securities with `security_id` and `list_date`; None: no code has passed on.
    """
    for plain, holders in _passed_on(listed).items():
        ours = ids == plain
        when = pd.to_datetime(days[ours])
        found = pd.Series(holders[0][1], when.index, dtype="string")
        for begin, holder in holders[1:]:
            found = found.mask(when >= pd.Timestamp(begin), holder)
        ids = ids.mask(ours, found)
    return ids


def plain_name(name: str) -> str:
    """A name as it is compared: one form of each letter, no capitals, no spaces."""
    return "".join(unicodedata.normalize("NFKC", name).casefold().split())


def _bare_name(name: str) -> str:
    """A plain name without punctuation: "Foo, Inc." is Foo Inc."""
    return "".join(letter for letter in plain_name(name) if letter.isalnum()) or plain_name(name)


@dataclass
class _Holder:
    """One company's time with a code."""

    listed: date
    delivered: date
    rows: list[Any]


def _holders(rows: pd.DataFrame) -> Iterator[_Holder]:
    """The companies that had a code, in the order of their sessions."""
    ordered = rows.sort_values(["session_date", "fetched_at"], kind="stable")
    holder: _Holder | None = None
    names: set[str] = set()
    last_seen, last_board = date.min, _NOBODY
    for row in ordered.itertuples():
        said = {_bare_name(name) for name in (row.name, row.name_en) if isinstance(name, str) and name.strip()}
        listed = None if pd.isna(row.list_date) else pd.Timestamp(row.list_date).date()
        is_anew = listed is not None and listed > last_seen and not _moved_up(last_board, row.market)
        is_anew = is_anew and bool(said) and not said & names
        if holder is None or is_anew:
            if holder is not None:
                yield holder
            holder, names = _Holder(listed or row.session_date, row.fetched_at.date(), []), set()
        holder.rows.append(row.Index)
        holder.delivered = min(holder.delivered, row.fetched_at.date())
        names |= said
        last_seen, last_board = row.session_date, row.market
    if holder is not None:
        yield holder


def _moved_up(before: str, now: str) -> bool:
    return before in BOARDS and now in BOARDS and BOARDS.index(now) > BOARDS.index(before)


def _passed_on(listed: pa.Table | None) -> dict[str, list[tuple[date, str]]]:
    """By plain id of each code that passed on: when each holder was listed first, and its id, in that order."""
    if listed is None or not listed.num_rows:
        return {}
    rows = listed.select(["security_id", "list_date"]).to_pandas()
    plain = rows["security_id"].str.partition("~")[0]
    rows = rows[plain.isin(plain[rows["security_id"] != plain])].assign(plain=plain)
    found: dict[str, list[tuple[date, str]]] = {}
    for (code, holder), dates in rows.groupby(["plain", "security_id"])["list_date"]:
        found.setdefault(code, []).append((min((d for d in dates if pd.notna(d)), default=date.min), holder))
    return {code: sorted(holders) for code, holders in found.items()}
