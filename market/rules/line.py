"""What a line of the rulebook is, and how its value reads.

Values are exact: won, whole basis points, times of the day in Seoul. What does not belong here: the lines themselves.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time
from typing import TypeAlias

BOARDS = ("KOSPI", "KOSDAQ", "KONEX")
ETF = "ETF"  # no board, but what is asked as one: funds have ticks and taxes of their own on any board
FIRST = date(2010, 1, 4)  # KRX Open API tells no day before; older rules would guard nothing
KONEX_OPENED = date(2013, 7, 1)


@dataclass(frozen=True)
class Hours:
    """When trading of one kind begins and ends, in Seoul; a session's own hours are the calendar's."""

    opens: time
    closes: time


@dataclass(frozen=True)
class Range:
    """The least and the most, both allowed."""

    low: float
    high: float


Steps: TypeAlias = tuple[tuple[float, float], ...]  # (price below, number) pairs, the last one up to infinity
Value: TypeAlias = Steps | Range | Hours | None


@dataclass(frozen=True)
class Rule:
    """What a rule is about, and the unit of the numbers in its lines: `KRW`, `bp` (of what `doc` names), or a noun."""

    doc: str
    unit: str = ""


@dataclass(frozen=True)
class Line:
    """One rule on one market from a day on, until the next line of both; `value` None ends the rule.

    Parameters
    ----------
    valid_from : the first trade date, even where the law counts from the settlement.
    verified : True where an announcement of the exchange or a ministry was read, in the press or in a broker's notice, or where
        every recorded price agrees; False where it rests on third-party code, on one page of somebody else's, or on memory.
    """

    rule: str
    market: str
    valid_from: date
    value: Value
    source: str
    verified: bool


def lines(
    rule: str, markets: Sequence[str], valid_from: date, value: Value, source: str, *, verified: bool
) -> Iterator[Line]:
    """The same line for several markets; for KONEX not before it opened."""
    for market in markets:
        first = max(valid_from, KONEX_OPENED) if market == "KONEX" else valid_from
        yield Line(rule, market, first, value, source, verified)


def constant(number: float) -> Steps:
    """The same number at every price."""
    return ((math.inf, number),)


def told(value: Value, unit: str) -> str:
    """The value in words: `0.15 %`, `1 below 2,000, 5 from there (KRW)`, `09:00-15:30`."""
    match value:
        case None:
            return "ended"
        case Hours(opens, closes):
            return f"{_clock(opens)}-{_clock(closes)}"
        case Range(_, high) if high == math.inf:
            return "no limit"
        case Range(low, high):
            return f"{_amount(low, unit)} to {_amount(high, unit)}"
    *below, (_, last) = value
    if not below:
        return _amount(last, unit)
    parts = [f"{number:,g} below {edge:,.0f}" for edge, number in below]
    return f"{', '.join(parts)}, {last:,g} from there" + (f" ({unit})" if unit else "")


def numbers(value: Value) -> Mapping[str, object]:
    """The value for programs; a bound that is not there is None."""
    match value:
        case None:
            return {}
        case Hours(opens, closes):
            return {"opens": opens.isoformat(), "closes": closes.isoformat()}
        case Range(low, high):
            return {"low": low, "high": _finite(high)}
    return {"steps": [{"below": _finite(edge), "number": number} for edge, number in value]}


def _amount(number: float, unit: str) -> str:
    return f"{number / 100:g} %" if unit == "bp" else f"{number:,g} {unit}".rstrip()


def _clock(at: time) -> str:
    return at.isoformat("seconds" if at.second else "minutes")


def _finite(number: float) -> float | None:
    return number if math.isfinite(number) else None
