"""Which symbols are asked for: of the US those named, those of SEC's list, or both (MARKETLAKE_US_SYMBOLS); Korean charts of Yahoo.

SEC keeps no lists of past days, so a list counts for the sessions before it too: what it tells is asked for them. What has left
the list is asked for the sessions that ended before a list told it last. What does not belong here: asking (`lake.clients`).
"""

import re
import sys
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import pyarrow as pa
import pyarrow.compute as pc

from market import calendars
from market.errors import Permanent, Transient

TOLD = ("symbol", "cik_str", "row_no", "fetched_at")
"""Columns of bronze.sec_tickers that `told` reads."""

_VARIABLE = "MARKETLAKE_US_SYMBOLS"
_SYMBOL = re.compile(r"[A-Z][A-Z\-]{0,7}")
_KOREAN = re.compile(r"\d[\dA-Z]{5}\.K[SQ]")
_LIST = re.compile(r"sec(?::([1-9]\d{0,8}))?")


@dataclass(frozen=True)
class Told:
    """What SEC's lists in bronze told of a symbol.

    Parameters
    ----------
    cik : its company's number, by the newest list that has it.
    place : the best one that it ever had on a list, from 0; SEC puts the company of the highest market value first.
    told_at : when the newest list that has it was fetched.
    """

    symbol: str
    cik: int
    place: int
    told_at: datetime


@dataclass(frozen=True)
class UsSymbols:
    """The setting, read.

    Parameters
    ----------
    named : symbols as SEC and Yahoo write them: BRK-B.
    first : how many of SEC's list are asked for; 0: none, sys.maxsize: all.
    without : symbols that are not asked for although the list has them.
    """

    named: tuple[str, ...] = ()
    first: int = 0
    without: frozenset[str] = frozenset()

    def __str__(self) -> str:
        """For people: 12 named, the first 500 of SEC's list."""
        listed = "all" if self.first == sys.maxsize else f"the first {self.first:,}"
        parts = [f"{len(self.named)} named"] if self.named else []
        parts += [f"{listed} of SEC's list"] if self.takes_list else []
        parts += [f"{len(self.without)} left out"] if self.without else []
        return ", ".join(parts) or "none"

    @property
    def takes_list(self) -> bool:
        """True where SEC's list is needed."""
        return self.first > 0

    def of_list(self, tickers: Sequence[str], told: Iterable[Told]) -> tuple[str, ...]:
        """What is asked for by a list that was just fetched: the named, its first, and what was among the first of an earlier one.

        The last keeps a series whole whose company falls behind: it is asked for as long as SEC lists it.
        """
        once = {one.symbol for one in told if one.place < self.first}
        listed = (ticker for place, ticker in enumerate(tickers) if place < self.first or ticker in once)
        return self._wanted((*self.named, *listed))

    def since(self, told: Collection[Told], sessions: Sequence[date]) -> tuple[Told, ...]:
        """Symbols of the lists that were told after the first session's close, also those that have left the list by now."""
        if not self.takes_list:
            return ()
        ended = calendars.close_at("XNYS", sessions[0])
        wanted = self._wanted(one.symbol for one in told if one.place < self.first and one.told_at >= ended)
        by_symbol = {one.symbol: one for one in told}
        return tuple(by_symbol[symbol] for symbol in wanted)

    def refuse_old(self, told: Collection[Told], sessions: Sequence[date]) -> None:
        """Nothing, where no list is needed or one was fetched after the last session's close.

        Raises
        ------
        Transient
            There is none: who is listed is not known yet.
        """
        newest = max((one.told_at for one in told), default=None)
        if self.takes_list and (newest is None or newest < calendars.close_at("XNYS", sessions[-1])):
            raise Transient(
                f"bronze.sec_tickers for {sessions[-1]}", expected="SEC's list of tickers, fetched after the session's close",
                found=f"the newest is of {newest.isoformat()}" if newest else "none", do=f"Take the session of sec first: {_VARIABLE} asks for its list",
            )  # fmt: skip

    def _wanted(self, symbols: Iterable[str]) -> tuple[str, ...]:
        return tuple(symbol for symbol in dict.fromkeys(symbols) if symbol not in self.without)


def read(value: str) -> UsSymbols:
    """What the setting asks for.

    Raises
    ------
    Permanent
        An entry is neither a symbol nor one of the words.

    Examples
    --------
    >>> read("BRK.B, sec:500, -TSLA")
    UsSymbols(named=('BRK-B',), first=500, without=frozenset({'TSLA'}))
    """
    named, without, first = [], set[str](), 0
    for entry in filter(None, (part.strip() for part in value.split(","))):
        listed = _LIST.fullmatch(entry)
        symbol = entry.removeprefix("-").upper().replace(".", "-")
        if listed:
            first = max(first, int(listed[1] or sys.maxsize))
        elif not _SYMBOL.fullmatch(symbol):
            raise Permanent(
                _VARIABLE, expected="US symbols, 'sec' or 'sec:500', and '-SYMBOL' for what to leave out, comma-separated",
                found=repr(entry), do="Correct it; Korean charts of Yahoo are MARKETLAKE_YAHOO_KR_SYMBOLS",
            )  # fmt: skip
        elif entry.startswith("-"):
            without.add(symbol)
        else:
            named.append(symbol)
    return UsSymbols(tuple(dict.fromkeys(named)), first, frozenset(without))


def read_korean(value: str) -> tuple[str, ...]:
    """The Korean symbols of Yahoo that MARKETLAKE_YAHOO_KR_SYMBOLS names.

    Raises
    ------
    Permanent
        An entry is none.
    """
    entries = tuple(dict.fromkeys(filter(None, (part.strip().upper() for part in value.split(",")))))
    if wrong := [entry for entry in entries if not _KOREAN.fullmatch(entry)]:
        raise Permanent(
            "MARKETLAKE_YAHOO_KR_SYMBOLS", expected="codes with Yahoo's suffix, such as 005930.KS or 035720.KQ",
            found=", ".join(wrong), do="Correct it: .KS is KOSPI, .KQ KOSDAQ",
        )  # fmt: skip
    return entries


def told(tickers: pa.Table) -> tuple[Told, ...]:
    """What rows of bronze.sec_tickers tell of each symbol, in the order of their best places.

    Parameters
    ----------
    tickers : any order, with the columns TOLD.
    """
    ordered = tickers.sort_by([("fetched_at", "ascending")]).group_by("symbol", use_threads=False)
    found = ordered.aggregate([("cik_str", "last"), ("row_no", "min"), ("fetched_at", "max")])
    kept = found.filter(pc.is_valid(found["symbol"])).sort_by([("row_no_min", "ascending"), ("symbol", "ascending")])
    columns = (kept[name].to_pylist() for name in ("symbol", "cik_str_last", "row_no_min", "fetched_at_max"))
    return tuple(Told(*row) for row in zip(*columns, strict=True))
