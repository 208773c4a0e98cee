"""Sessions of both exchanges, against KRX's own closures where they are at hand; due times and the rulebook."""

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from market import calendars, rulebook
from market.errors import Permanent
from market.sources import SOURCES, news_window, session_due_at

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data"


@pytest.mark.skipif(not SHARED.exists(), reason="../shared/data is absent: KRX's own closures are not here")
def test_every_weekday_of_2016_to_2026_agrees_with_the_exchange():
    closures = json.loads((SHARED / "krx_calendar" / "krx_closures_2016_2026.json").read_text())
    closed = {day for days in closures.values() for day in days}
    days = (date(2016, 1, 1) + timedelta(days=n) for n in range((date(2026, 8, 22) - date(2016, 1, 1)).days))
    differ = [d for d in days if d.weekday() < 5 and calendars.is_session("XKRX", d) == (f"{d:%Y%m%d}" in closed)]
    assert differ == []


@pytest.mark.parametrize("day", [date(2026, 6, 3), date(2026, 7, 17)])
def test_a_closure_that_the_library_misses_is_known_with_its_reason(day):
    assert not calendars.is_session("XKRX", day)
    assert "KRX closure list" in calendars.why_closed("XKRX", day)


def test_there_were_1719_sessions_from_2019_to_2025():
    assert len(calendars.sessions("XKRX", date(2019, 1, 1), date(2025, 12, 31))) == 1719


def test_a_korean_session_closes_at_half_past_six_utc():
    assert calendars.close_at("XKRX", date(2024, 5, 3)) == datetime(2024, 5, 3, 6, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    "day",
    [date(2020, 12, 3), date(2021, 11, 18), date(2022, 11, 17), date(2023, 11, 16), date(2024, 11, 14), date(2025, 11, 13)],
)  # fmt: skip
def test_the_day_of_the_entrance_exam_opens_and_closes_an_hour_late(day):
    assert calendars.open_at("XKRX", day) == datetime(day.year, day.month, day.day, 1, 0, tzinfo=UTC)
    assert calendars.close_at("XKRX", day) == datetime(day.year, day.month, day.day, 7, 30, tzinfo=UTC)
    assert news_window("XKRX", day)[1] <= SOURCES["naver"].due_at(day) - timedelta(minutes=30)
    assert calendars.close_at("XKRX", day + timedelta(days=1)).time() == datetime(2024, 1, 1, 6, 30).time()


@pytest.mark.parametrize("day", [date(2021, 1, 4), date(2024, 1, 2), date(2026, 1, 2)])
def test_the_first_session_of_the_year_opens_an_hour_late_and_closes_as_ever(day):
    assert calendars.open_at("XKRX", day) == datetime(day.year, day.month, day.day, 1, 0, tzinfo=UTC)
    assert calendars.close_at("XKRX", day) == datetime(day.year, day.month, day.day, 6, 30, tzinfo=UTC)


@pytest.mark.parametrize("exchange", ["XKRX", "XNYS"])
def test_the_calendars_own_last_session_opens_as_ever(exchange):
    first, last = (
        calendars.open_at(exchange, day) for day in calendars.sessions(exchange, date(2027, 11, 29), calendars.LAST)
    )
    assert last - first == timedelta(days=1)


def test_the_calendar_reaches_back_before_any_published_recording():
    assert calendars.sessions("XKRX", date(1995, 5, 1), date(1995, 5, 3)) == [date(1995, 5, 2), date(1995, 5, 3)]
    assert calendars.previous_session("XNYS", date(1995, 5, 1)) == date(1995, 4, 28)


OUTSIDE = r"calendar of X\w+: expected days from 1990-01-03 to 2027-11-30; was .*extend market\.calendars"


@pytest.mark.parametrize("exchange", ["XKRX", "XNYS"])
def test_no_neighbour_is_made_up_beyond_the_calendars_ends(exchange):
    beyond = calendars.LAST + timedelta(days=1)
    assert calendars.is_session(exchange, calendars.LAST)
    for ask in (
        lambda: calendars.previous_session(exchange, calendars.FIRST),
        lambda: calendars.next_session(exchange, calendars.LAST),
        lambda: calendars.previous_session(exchange, beyond),
        lambda: calendars.next_session(exchange, date(1980, 1, 2)),
        lambda: calendars.sessions(exchange, calendars.LAST, beyond),
        lambda: calendars.sessions(exchange, date(1989, 12, 1), date(1990, 2, 1)),
    ):
        with pytest.raises(Permanent, match=OUTSIDE):
            ask()


def test_hours_of_a_day_that_is_no_session_are_refused_with_the_reason():
    with pytest.raises(Permanent, match=r"2024-05-04.*Saturday"):
        calendars.close_at("XKRX", date(2024, 5, 4))
    with pytest.raises(Permanent, match="outside the calendar"):
        calendars.open_at("XNYS", date(2031, 3, 4))


def test_sessions_are_counted_from_2000():
    assert calendars.session_no("XKRX", date(2000, 1, 4)) == calendars.session_no("XNYS", date(2000, 1, 3)) == 0
    assert calendars.session_no("XNYS", date(1999, 12, 31)) == -1


def test_consecutive_sessions_differ_by_one():
    assert calendars.session_no("XKRX", date(2024, 5, 7)) == calendars.session_no("XKRX", date(2024, 5, 3)) + 1
    with pytest.raises(ValueError, match="Saturday"):
        calendars.session_no("XKRX", date(2024, 5, 4))


def test_krx_owes_a_session_the_next_morning_and_new_york_after_its_close():
    day = date(2024, 5, 3)
    assert SOURCES["krx"].due_at(day) == datetime(2024, 5, 3, 23, 0, tzinfo=UTC)
    assert SOURCES["yahoo"].due_at(day) > calendars.close_at("XNYS", day)
    assert session_due_at(day) == max(SOURCES[name].due_at(day) for name in ("krx", "yahoo", "dart", "naver"))


def test_news_windows_follow_each_other_without_gap():
    assert news_window("XKRX", date(2024, 5, 7))[0] == news_window("XKRX", date(2024, 5, 3))[1]


def test_ticks_follow_the_rules_of_their_day():
    assert rulebook.tick_size("KOSPI", date(2022, 5, 3), 150_000) == 500
    assert rulebook.tick_size("KOSPI", date(2024, 5, 3), 150_000) == 100
    assert rulebook.version().startswith("krx-")
