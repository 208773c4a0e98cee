"""The Korean rulebook: what a tick, a limit, a lot, a tax and an hour were on a board and day.

Its lines are dated data with their sources (`market/rules/`); `version` is their digest, recorded by every release and run. Every
question is asked in one order: market, day, price. What does not belong here: which days trade (`market.calendars`).

Some lines are not verified, which is shown wherever a line is; `Line` says what it means. Nothing in features or models uses them.
"""

import hashlib
import math
from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from typing import Literal, NamedTuple, cast

from market import calendars
from market.errors import Permanent
from market.rules import costs, prices, trading
from market.rules.line import BOARDS, ETF, Hours, Line, Range, Rule, Steps, Value

RULES: Mapping[str, Rule] = {**prices.RULES, **costs.RULES, **trading.RULES}
LINES: tuple[Line, ...] = (*prices.LINES, *costs.LINES, *trading.LINES)
MARKETS = (*BOARDS, trading.NXT, ETF)

Trading = Literal["ordinary", "first_day", "liquidation"]
Direction = Literal["nearest", "down", "up"]


class Limits(NamedTuple):
    """Lowest and highest price of a day, in KRW."""

    lower: float
    upper: float


class SellTax(NamedTuple):
    """The two taxes on a sale, as fractions of its value."""

    securities: float
    rural: float


def version() -> str:
    """The rulebook's version: the digest of its lines."""
    return "krx-" + hashlib.sha256(repr(LINES).encode()).hexdigest()[:10]


def tick_size(day: date, market: str, price: float) -> int:
    """The tick, in KRW, at that price on that board and day; of a fund where the market is `ETF`, whatever its board.

    Raises
    ------
    ValueError
        The price is not above zero.
    Permanent
        No line covers the board and day.
    """
    return int(_step("tick_size", market, day, price))


def round_to_tick(day: date, market: str, price: float, direction: Direction = "nearest") -> int:
    """The price in KRW that an order can name: the nearest (half-way goes up), the next below or the next above; at least a tick.

    Raises
    ------
    ValueError, Permanent
        As `tick_size`.
    """
    tick = tick_size(day, market, price)
    below, above = (
        math.floor(price / tick) * tick,
        math.ceil(price / tick) * tick,
    )  # where ticks change, a price is on both
    if direction == "nearest":
        direction = "down" if price - below < above - price else "up"
    return max(below if direction == "down" else above, tick)


def limit_prices(day: date, market: str, base: float, kind: Trading = "ordinary") -> Limits:
    """Lowest and highest price of the day, in KRW, each on its own tick.

    The band (30 % of 9,980 is 2,994) is cut to the tick of the base (2,990), and a limit that is then off its own tick moves
    inwards: 6,990 to 12,970. Below a base of a few ticks the band is nothing.

    Parameters
    ----------
    base : the base price in whole KRW, which after a corporate action is not the close before; on a first day the offer price.
    kind : `first_day` of a new listing; `liquidation` before a delisting, whose upper limit is infinite.

    Raises
    ------
    ValueError
        The base is not a whole number above zero.
    Permanent
        No line covers the board, day and kind: before 2023-06-26 a first day's base was its own opening, so ask with that.

    Source
    ------
    The cutting: Vibe's `korea_equity.py`; 4,700 limits that trades of recorded market days reached.
    """
    tick, won = tick_size(day, market, base), int(base)
    if base != won:
        raise ValueError(f"rulebook limit_prices: expected whole won, was {base}")
    if kind == "liquidation":
        _value("liquidation_limit", market, day)
        return Limits(1, math.inf)
    down, up = _band(market, day, kind)
    lower, upper = (won - won * down // 10_000 // tick * tick), (won + won * up // 10_000 // tick * tick)
    return Limits(round_to_tick(day, market, lower, "up"), round_to_tick(day, market, upper, "down"))


def lot_size(day: date, market: str, price: float) -> int:
    """How many shares an order is a multiple of, at that price on that board and day.

    Raises
    ------
    ValueError, Permanent
        As `tick_size`.
    """
    return int(_step("lot_size", market, day, price))


def sell_tax(day: date, market: str) -> float:
    """Both taxes on a sale of shares traded that day, as a fraction of its value; of a fund where the market is `ETF`.

    Raises
    ------
    Permanent
        No line covers the board and day.
    """
    return (_number("securities_tax", market, day) + _number("rural_tax", market, day)) / 10_000


def sell_tax_parts(day: date, market: str) -> SellTax:
    """The securities transaction tax and the rural tax in it, each as a fraction of the value sold.

    Raises
    ------
    Permanent
        No line covers the board and day.
    """
    return SellTax(_number("securities_tax", market, day) / 10_000, _number("rural_tax", market, day) / 10_000)


def brokerage_fee(day: date, market: str) -> float:
    """The brokerage fee where nobody says another, as a fraction of the value bought or sold.

    Raises
    ------
    Permanent
        No line covers the board and day.
    """
    return _number("brokerage_fee", market, day) / 10_000


def session_hours(day: date, market: str) -> Mapping[str, Hours]:
    """Hours in Seoul of each kind of trading on an ordinary session, by its name: `regular`, `opening_auction`, `after_market`.

    The hours of this very session, late openings included, are the calendar's (`market.calendars.open_at`).

    Raises
    ------
    Permanent
        No line covers the market and day.
    """
    _value("hours_regular", market, day)
    found = (line for line in in_force(day, market) if line.rule.startswith(trading.HOURS))
    return {line.rule.removeprefix(trading.HOURS): line.value for line in found if isinstance(line.value, Hours)}


def settlement_date(day: date, market: str) -> date:
    """The session on which a trade of that session settles, by the exchange's calendar.

    Raises
    ------
    Permanent
        The day is no session, or the calendar ends before the settlement.
    """
    if not calendars.is_session("XKRX", day):
        raise Permanent(f"XKRX {day}", expected="a session", found=calendars.why_closed("XKRX", day))
    for _ in range(int(_number("settlement", market, day))):
        day = calendars.next_session("XKRX", day)
    return day


def in_force(day: date, market: str | None = None) -> tuple[Line, ...]:
    """The lines that hold on the day, in the order of `RULES`; those of one market where it is named."""
    newest: dict[tuple[str, str], Line] = {}
    for line in sorted(LINES, key=lambda line: line.valid_from):
        if line.valid_from <= day and market in (None, line.market):
            newest[line.rule, line.market] = line
    order = {name: number for number, name in enumerate((*RULES, *MARKETS))}
    held = (line for line in newest.values() if line.value is not None)
    return tuple(sorted(held, key=lambda line: (order[line.rule], order[line.market])))


@lru_cache(maxsize=4096)
def _value(rule: str, market: str, day: date) -> Value:
    """The value of the rule's newest line for the market and day; only one that is not None."""
    of_market = [line for line in LINES if line.rule == rule and line.market == market]
    past = [line for line in of_market if line.valid_from <= day]
    newest = max(past, key=lambda line: line.valid_from, default=None)
    if newest is None or newest.value is None:
        begins = min((line.valid_from for line in of_market), default=None)
        raise Permanent(
            f"rulebook {rule}", expected=f"a line for {market} on {day}",
            found=f"ended on {newest.valid_from}" if newest else f"none before {begins}" if begins else f"none for {market}",
            do=f"Add the line, with its source, under market/rules; markets are {', '.join(MARKETS)}",
        )  # fmt: skip
    return newest.value


def _step(rule: str, market: str, day: date, price: float) -> float:
    if not 0 < price < math.inf:
        raise ValueError(f"rulebook {rule}: expected a price above zero, was {price}")
    steps = cast(Steps, _value(rule, market, day))  # a rule's lines are of one kind: a test holds them to it
    return next(number for below, number in steps if price < below)


def _number(rule: str, market: str, day: date) -> float:
    return _step(rule, market, day, 1)


def _band(market: str, day: date, kind: Trading) -> tuple[int, int]:
    """How far the price may go down and up from its base, in basis points of it."""
    if kind == "ordinary":
        band = int(_number("price_limit", market, day))
        return band, band
    allowed = cast(Range, _value("first_day_limit", market, day))
    return 10_000 - int(allowed.low), int(allowed.high) - 10_000
