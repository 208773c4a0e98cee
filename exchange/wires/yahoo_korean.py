"""Charts of Korean securities as Yahoo has them, 005930.KS, made of the world's own KRX rows: raw bars, splits, no dividends.

Yahoo's names of the boards are from memory. What does not belong here: adjusting and the wire (exchange.wires.yahoo).
"""

from __future__ import annotations

import re

import numpy as np

from exchange.clock import Clock, epoch
from exchange.model import MARKETS, MISSING, Chart, World
from market import calendars

_SYMBOL = re.compile(r"(\d[\dA-Z]{5})\.(K[SQ])")
_BOARDS = {"KS": ("KOSPI", "KSC", "KSE"), "KQ": ("KOSDAQ", "KOE", "KOSDAQ")}
_PRICES = ("open", "high", "low", "close")


def chart(world: World, symbol: str, clock: Clock) -> Chart | None:
    """The chart of a symbol such as 005930.KS; None where the world has no such code on that board by now."""
    named = _SYMBOL.fullmatch(symbol)
    daily = world.daily
    if named is None or named[1] not in daily.codes:
        return None
    board, exchange_name, full_name = _BOARDS[named[2]]
    rows = np.flatnonzero(daily.code == daily.codes.index(named[1]))
    rows = rows[daily.numbers["close"][rows] != MISSING]
    at = np.searchsorted(daily.offsets, rows, side="right") - 1
    days = [daily.sessions[i] for i in at.tolist()]
    opens = np.array([epoch(calendars.open_at("XKRX", day)) for day in days], np.int64)
    begun = int(np.searchsorted(opens, clock.seconds, side="right"))
    if not begun or MARKETS[int(daily.market[rows[begun - 1]])] != board:
        return None
    volume = np.maximum(daily.numbers["volume"][rows], 0)
    close = daily.numbers["close"][rows].astype(np.float64)
    told = {name: daily.numbers[name][rows].astype(np.float64) for name in _PRICES}
    return Chart(
        symbol=symbol,
        name=daily.names[int(daily.name[rows[begun - 1]])],
        exchange_name=exchange_name,
        full_exchange_name=full_name,
        first_trade=int(opens[0]),
        sessions=tuple(days),
        opens_at=opens,
        closes_at=np.array([epoch(calendars.close_at("XKRX", day)) for day in days], np.int64),
        prices={name: np.where(volume > 0, prices, close) for name, prices in told.items()},  # a halt repeats the close
        volume=volume,
        splits=tuple(one for one in world.korean_splits.get(named[1], ()) if one[0] in set(days)),
        exchange="XKRX",
    )
