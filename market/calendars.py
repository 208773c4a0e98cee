"""Sessions of the two exchanges: which days trade, when they open and close, and why a day is closed.

exchange_calendars gives the rules; `market.overrides` corrects it where the exchange decided otherwise. What does not belong
here: when a source delivers a session (`market.sources`).
"""

from bisect import bisect_left
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import exchange_calendars
import pandas as pd
from pandas.tseries.holiday import AbstractHolidayCalendar

from market.errors import Permanent
from market.overrides import OVERRIDES, Override

EXCHANGES: Mapping[str, str] = {"XKRX": "Asia/Seoul", "XNYS": "America/New_York"}
FIRST = date(1990, 1, 3)  # published whole-market recordings begin in 1995; years before them are for looking back
LAST = date(2027, 11, 30)
_MARGIN = pd.Timedelta(days=400)
_COUNTED_FROM = date(2000, 1, 3)


def sessions(exchange: str, start: date, end: date) -> list[date]:
    """Session dates of the exchange within [start, end], ascending; none where the end is before the start.

    Raises
    ------
    Permanent
        The range reaches outside the calendar: nothing is known there, which is not the same as no session.
    """
    days = _days(exchange)
    if start > end:
        return []
    _inside(exchange, start, end)
    return list(days[bisect_left(days, start) : bisect_left(days, end + timedelta(days=1))])


def is_session(exchange: str, day: date) -> bool:
    """True where the exchange trades that day; False outside the calendar, and `why_closed` says so."""
    days = _days(exchange)
    at = bisect_left(days, day)
    return at < len(days) and days[at] == day


def previous_session(exchange: str, day: date) -> date:
    """The last session before the day.

    Raises
    ------
    Permanent
        It, or the day, is outside the calendar.
    """
    return _neighbour(exchange, day, bisect_left(_days(exchange), day) - 1)


def next_session(exchange: str, day: date) -> date:
    """The first session after the day.

    Raises
    ------
    Permanent
        It, or the day, is outside the calendar.
    """
    return _neighbour(exchange, day, bisect_left(_days(exchange), day + timedelta(days=1)))


def session_no(exchange: str, day: date) -> int:
    """How many sessions the exchange had since 2000-01-03, negative before; consecutive sessions differ by one.

    Raises
    ------
    ValueError
        The day is no session.
    """
    if not is_session(exchange, day):
        raise ValueError(f"{exchange} {day}: expected a session, was {why_closed(exchange, day)}")
    days = _days(exchange)
    return bisect_left(days, day) - bisect_left(days, _COUNTED_FROM)


def open_at(exchange: str, day: date) -> datetime:
    """The instant (UTC) at which the session opens.

    Raises
    ------
    Permanent
        The day is no session.
    """
    hours = _session(exchange, day)
    return _local(exchange, day, hours.opens) if hours else _instant(_calendar(exchange).opens[pd.Timestamp(day)])


def close_at(exchange: str, day: date) -> datetime:
    """The instant (UTC) at which the session closes.

    Raises
    ------
    Permanent
        The day is no session.
    """
    hours = _session(exchange, day)
    return _local(exchange, day, hours.closes) if hours else _instant(_calendar(exchange).closes[pd.Timestamp(day)])


def last_closed(exchange: str, at: datetime) -> date:
    """The newest session of the exchange that was over at an aware instant.

    Raises
    ------
    Permanent
        It, or the instant's day, is outside the calendar.
    """
    day = at.astimezone(ZoneInfo(EXCHANGES[exchange])).date()
    is_over = is_session(exchange, day) and close_at(exchange, day) <= at
    return day if is_over else previous_session(exchange, day)


def why_closed(exchange: str, day: date) -> str:
    """Why there is no session that day, in words; empty where there is one."""
    if is_session(exchange, day):
        return ""
    override = _overrides(exchange).get(day)
    if override:
        return f"{override.reason}{', expected' if override.is_expected else ''} ({override.source})"
    if day.weekday() >= 5:
        return f"{day:%A}"
    if not FIRST <= day <= LAST:
        return f"outside the calendar ({FIRST} to {LAST})"
    return f"a holiday of {exchange} by its calendar"


@lru_cache(maxsize=4)
def _calendar(exchange: str) -> exchange_calendars.ExchangeCalendar:
    if exchange not in EXCHANGES:
        raise ValueError(f"calendar: expected one of {', '.join(EXCHANGES)}, was {exchange!r}")
    # Holidays are computed for all of pandas' own range, to the year 2200, unless it is narrower: seconds in each process.
    pandas_own = AbstractHolidayCalendar.start_date, AbstractHolidayCalendar.end_date
    AbstractHolidayCalendar.start_date = pd.Timestamp(FIRST) - _MARGIN
    AbstractHolidayCalendar.end_date = pd.Timestamp(LAST) + _MARGIN
    try:
        # The library opens the last session that it builds an hour late, whatever the day: it is one that nobody asks for.
        return exchange_calendars.get_calendar(exchange, start=str(FIRST), end=str(LAST + timedelta(days=30)))
    finally:
        AbstractHolidayCalendar.start_date, AbstractHolidayCalendar.end_date = pandas_own


@lru_cache(maxsize=4)
def _days(exchange: str) -> tuple[date, ...]:
    closed = {day for day, override in _overrides(exchange).items() if override.kind == "closed"}
    return tuple(d for d in _calendar(exchange).sessions.date if d not in closed and d <= LAST)


@lru_cache(maxsize=4)
def _overrides(exchange: str) -> Mapping[date, Override]:
    return {override.day: override for override in OVERRIDES if override.exchange == exchange}


def _session(exchange: str, day: date) -> Override | None:
    """The session's own hours, None where it has the library's."""
    if not is_session(exchange, day):
        raise Permanent(f"{exchange} {day}", expected="a session", found=why_closed(exchange, day))
    return _overrides(exchange).get(day)


def _neighbour(exchange: str, day: date, at: int) -> date:
    days = _days(exchange)
    _inside(exchange, day)
    if not 0 <= at < len(days):
        raise _outside(exchange, f"the session {'before' if at < 0 else 'after'} {day}")
    return days[at]


def _inside(exchange: str, *wanted: date) -> None:
    for day in wanted:
        if not FIRST <= day <= LAST:
            raise _outside(exchange, str(day))


def _outside(exchange: str, found: str) -> Permanent:
    return Permanent(
        f"calendar of {exchange}", expected=f"days from {FIRST} to {LAST}", found=found,
        do="Correct the date; once the exchange has announced later sessions, extend market.calendars",
    )  # fmt: skip


def _local(exchange: str, day: date, at: time | None) -> datetime:
    return datetime.combine(day, at or time(), ZoneInfo(EXCHANGES[exchange])).astimezone(UTC)


def _instant(value: pd.Timestamp) -> datetime:
    instant: datetime = value.to_pydatetime().astimezone(UTC)
    return instant
