"""Sessions of the two exchanges: which days trade, when they open and close, and why a day is closed.

exchange_calendars gives the rules; `OVERRIDES` corrects it where the exchange decided otherwise. What does not belong here:
when a source delivers a session (`market.sources`).
"""

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Literal

import exchange_calendars
import pandas as pd

EXCHANGES: Mapping[str, str] = {"XKRX": "Asia/Seoul", "XNYS": "America/New_York"}
FIRST = date(2000, 1, 3)
LAST = date(2027, 11, 30)


@dataclass(frozen=True)
class Override:
    """One day on which the library's calendar is wrong, and who says so."""

    exchange: str
    day: date
    kind: Literal["closed"]
    reason: str
    source: str


OVERRIDES: tuple[Override, ...] = (
    Override("XKRX", date(2026, 6, 3), "closed", "local elections", "KRX closure list, retrieved 2026-08-22"),
    Override("XKRX", date(2026, 7, 17), "closed", "Constitution Day", "KRX closure list, retrieved 2026-08-22"),
)


def sessions(exchange: str, start: date, end: date) -> list[date]:
    """Session dates of the exchange within [start, end], ascending."""
    days = _days(exchange)
    return list(days[bisect_left(days, start) : bisect_left(days, end + timedelta(days=1))])


def is_session(exchange: str, day: date) -> bool:
    """True where the exchange trades that day."""
    days = _days(exchange)
    at = bisect_left(days, day)
    return at < len(days) and days[at] == day


def previous_session(exchange: str, day: date) -> date:
    """The last session before the day."""
    days = _days(exchange)
    return days[bisect_left(days, day) - 1]


def next_session(exchange: str, day: date) -> date:
    """The first session after the day."""
    days = _days(exchange)
    return days[bisect_left(days, day + timedelta(days=1))]


def session_no(exchange: str, day: date) -> int:
    """How many sessions the exchange had since 2000-01-03; consecutive sessions differ by one.

    Raises
    ------
    ValueError
        The day is no session.
    """
    if not is_session(exchange, day):
        raise ValueError(f"{exchange} {day}: expected a session, was {why_closed(exchange, day)}")
    return bisect_left(_days(exchange), day)


def open_at(exchange: str, day: date) -> datetime:
    """The instant (UTC) at which the session opens."""
    return _instant(_calendar(exchange).opens[pd.Timestamp(day)])


def close_at(exchange: str, day: date) -> datetime:
    """The instant (UTC) at which the session closes."""
    return _instant(_calendar(exchange).closes[pd.Timestamp(day)])


def why_closed(exchange: str, day: date) -> str:
    """Why there is no session that day, in words; empty where there is one."""
    if is_session(exchange, day):
        return ""
    for override in OVERRIDES:
        if (override.exchange, override.day) == (exchange, day):
            return f"{override.reason} ({override.source})"
    if day.weekday() >= 5:
        return f"{day:%A}"
    if not FIRST <= day <= LAST:
        return f"outside the calendar ({FIRST} to {LAST})"
    return f"a holiday of {exchange} by its calendar"


@lru_cache(maxsize=4)
def _calendar(exchange: str) -> exchange_calendars.ExchangeCalendar:
    if exchange not in EXCHANGES:
        raise ValueError(f"calendar: expected one of {', '.join(EXCHANGES)}, was {exchange!r}")
    return exchange_calendars.get_calendar(exchange, start=str(FIRST), end=str(LAST))


@lru_cache(maxsize=4)
def _days(exchange: str) -> tuple[date, ...]:
    closed = {o.day for o in OVERRIDES if o.exchange == exchange and o.kind == "closed"}
    return tuple(d for d in _calendar(exchange).sessions.date if d not in closed)


def _instant(value: pd.Timestamp) -> datetime:
    instant: datetime = value.to_pydatetime().astimezone(UTC)
    return instant
