"""Sessions of both exchanges, against KRX's own closures where they are at hand; due times and the rulebook."""

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from market import calendars, rulebook
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
