"""The clocks that `known_at` comes from."""

from datetime import UTC, datetime

import pytest

from lake.clock import ExchangeClock, system_clock


@pytest.fixture
def world(monkeypatch) -> ExchangeClock:
    clock = ExchangeClock("http://127.0.0.1:1")
    monkeypatch.setattr(clock, "_ask", lambda *_: {"now": "2024-05-03T15:30:00.123999+09:00"})
    return clock


def test_no_clock_is_finer_than_what_every_engine_reads(world):
    assert {system_clock().microsecond % 1000 for _ in range(100)} == {0}
    assert world() == datetime(2024, 5, 3, 6, 30, 0, 123_000, tzinfo=UTC), (
        "cut, so that nothing is known before its time"
    )
