"""Sessions of both exchanges: closures, late openings, half days, neighbours; due times. Recordings: `test_calendars_recorded`."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pandas as pd
import pytest

from market import calendars
from market.errors import Permanent
from market.overrides import OVERRIDES
from market.sources import SOURCES, news_window, session_due_at

NEW_YORK = ZoneInfo("America/New_York")


@pytest.mark.parametrize("day", [date(2026, 6, 3), date(2026, 7, 17)])
def test_a_closure_that_the_library_misses_is_known_with_its_reason(day):
    assert not calendars.is_session("XKRX", day)
    assert "KRX closure list" in calendars.why_closed("XKRX", day)


def test_there_were_1719_sessions_from_2019_to_2025():
    assert len(calendars.sessions("XKRX", date(2019, 1, 1), date(2025, 12, 31))) == 1719


def test_a_korean_session_closes_at_half_past_six_utc():
    assert calendars.close_at("XKRX", date(2024, 5, 3)) == datetime(2024, 5, 3, 6, 30, tzinfo=UTC)


EXAMS = [
    date(2010, 11, 18), date(2011, 11, 10), date(2012, 11, 8), date(2013, 11, 7), date(2014, 11, 13), date(2015, 11, 12),
    date(2016, 11, 17), date(2017, 11, 16), date(2017, 11, 23), date(2018, 11, 15), date(2019, 11, 14), date(2020, 12, 3),
    date(2021, 11, 18), date(2022, 11, 17), date(2023, 11, 16), date(2024, 11, 14), date(2025, 11, 13), date(2026, 11, 19),
    date(2027, 11, 18),
]  # fmt: skip


@pytest.mark.parametrize("day", EXAMS, ids=str)
def test_the_day_of_the_entrance_exam_opens_and_closes_an_hour_late(day):
    """In 2017 an earthquake moved the exam by a week, a day before it: KRX kept the late hours that it had told, and told them again."""
    close = time(6, 30) if day >= date(2016, 8, 1) else time(6, 0)
    assert calendars.open_at("XKRX", day) == datetime(day.year, day.month, day.day, 1, 0, tzinfo=UTC)
    assert calendars.close_at("XKRX", day) == datetime.combine(day, close, UTC) + timedelta(hours=1)
    assert news_window("XKRX", day)[1] <= SOURCES["naver"].due_at(day) - timedelta(minutes=30)
    after = calendars.next_session("XKRX", day)
    assert (calendars.open_at("XKRX", after).time(), calendars.close_at("XKRX", after).time()) == (time(0), close)


@pytest.mark.parametrize("year", range(2010, 2028))
def test_the_first_session_of_the_year_opens_an_hour_late_and_closes_as_ever(year):
    first, second = calendars.sessions("XKRX", date(year, 1, 1), date(year, 1, 9))[:2]
    assert calendars.open_at("XKRX", first) == datetime(year, 1, first.day, 1, 0, tzinfo=UTC)
    assert calendars.close_at("XKRX", first).time() == calendars.close_at("XKRX", second).time()
    assert calendars.open_at("XKRX", second).time() == time(0)


def test_no_korean_session_opens_late_but_the_first_of_a_year_and_exam_days():
    sessions = calendars.sessions("XKRX", date(2010, 1, 1), calendars.LAST)
    late = [day for day in sessions if calendars.open_at("XKRX", day).time() != time(0)]
    firsts = [calendars.sessions("XKRX", date(year, 1, 1), date(year, 1, 9))[0] for year in range(2010, 2028)]
    assert late == sorted(EXAMS + firsts)


@pytest.mark.parametrize(
    ("day", "reason"),
    [(date(2027, 5, 3), "Labour Day"), (date(2027, 7, 19), "Constitution Day")],
)
def test_a_closure_that_the_exchange_has_not_told_yet_says_that_it_is_expected(day, reason):
    assert not calendars.is_session("XKRX", day)
    assert reason in calendars.why_closed("XKRX", day) and ", expected (Public Holidays Act" in calendars.why_closed(
        "XKRX", day
    )


def test_a_saturday_in_chuseok_has_no_substitute_and_a_told_closure_is_not_expected():
    assert calendars.is_session(
        "XKRX", date(2026, 9, 28)
    )  # a wrong one in QuantLib for a month: lballabio/QuantLib#2741
    assert "expected" not in calendars.why_closed("XKRX", date(2026, 6, 3))


@pytest.mark.parametrize("override", OVERRIDES, ids=lambda one: f"{one.exchange} {one.day}")
def test_an_override_says_who_says_so_and_the_library_still_needs_it(override):
    library = calendars._calendar(override.exchange)
    day = pd.Timestamp(override.day)
    assert override.source and override.reason and library.is_session(day)
    if override.kind == "late_open":
        own = library.opens[day].tz_convert(calendars.EXCHANGES[override.exchange]).time()
        assert own != override.opens, "the library knows this day by now: strike the override"


def test_new_york_closes_at_one_on_these_half_days_and_at_four_on_all_others():
    half_days = {
        date(2016, 11, 25), date(2017, 7, 3), date(2017, 11, 24), date(2018, 7, 3), date(2018, 11, 23), date(2018, 12, 24),
        date(2019, 7, 3), date(2019, 11, 29), date(2019, 12, 24), date(2020, 11, 27), date(2020, 12, 24), date(2021, 11, 26),
        date(2022, 11, 25), date(2023, 7, 3), date(2023, 11, 24), date(2024, 7, 3), date(2024, 11, 29), date(2024, 12, 24),
        date(2025, 7, 3), date(2025, 11, 28), date(2025, 12, 24), date(2026, 11, 27), date(2026, 12, 24), date(2027, 11, 26),
    }  # fmt: skip
    for day in calendars.sessions("XNYS", date(2016, 1, 1), calendars.LAST):
        closes = calendars.close_at("XNYS", day).astimezone(NEW_YORK)
        assert closes.time() == time(13 if day in half_days else 16) and closes.date() == day
        assert calendars.open_at("XNYS", day).astimezone(NEW_YORK).time() == time(9, 30)
    assert all(calendars.is_session("XNYS", day) for day in half_days)


def test_new_york_rests_in_2026_on_these_weekdays():
    days = (date(2026, 1, 1) + timedelta(days=n) for n in range(365))
    closed = [day for day in days if day.weekday() < 5 and not calendars.is_session("XNYS", day)]
    assert [f"{day:%m-%d}" for day in closed] == [
        "01-01",
        "01-19",
        "02-16",
        "04-03",
        "05-25",
        "06-19",
        "07-03",
        "09-07",
        "11-26",
        "12-25",
    ]


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
    assert session_due_at(day) == max(source.due_at(day) for source in SOURCES.values())


def test_news_windows_follow_each_other_without_gap():
    assert news_window("XKRX", date(2024, 5, 7))[0] == news_window("XKRX", date(2024, 5, 3))[1]
