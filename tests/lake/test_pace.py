"""Pace, quota, and work in order."""

import threading
import time
from datetime import UTC, date, datetime

import pytest

from lake.pace import Glance, Pace, RequestLog, in_order, quota_day
from market.errors import Permanent

NOW = datetime(2024, 5, 7, 9, 0, tzinfo=UTC)


def test_calls_come_no_faster_than_the_pace() -> None:
    pauses: list[float] = []
    pace = Pace(4.0, monotonic=lambda: 100.0, sleep=pauses.append)
    for _ in range(4):
        pace.wait()
    assert pauses == [0.25, 0.5, 0.75]


def test_no_pace_is_no_pause() -> None:
    pace = Pace(0.0, sleep=lambda s: pytest.fail("paused"))
    pace.wait()


def test_the_quota_day_begins_at_midnight_in_seoul() -> None:
    assert quota_day(datetime(2024, 5, 7, 14, 59, tzinfo=UTC)) == date(2024, 5, 7)
    assert quota_day(datetime(2024, 5, 7, 15, 0, tzinfo=UTC)) == date(2024, 5, 8)


def test_calls_of_earlier_runs_count() -> None:
    log = RequestLog(lambda source, day: {"krx": 9}[source])
    log.spend("krx", NOW, 10)
    with pytest.raises(Permanent, match="10 made"):
        log.spend("krx", NOW, 10)


def test_results_keep_the_order_of_the_items_whatever_finishes_first() -> None:
    slow = threading.Event()

    def work(n: int) -> int:
        if n == 0:
            slow.wait(5)
        elif n == 3:
            slow.set()
        return n * n

    assert list(in_order(work, list(range(20)), 4)) == [n * n for n in range(20)]


def test_an_error_comes_out_at_its_place_and_ends_the_work() -> None:
    begun: list[int] = []

    def work(n: int) -> int:
        begun.append(n)
        if n == 3:
            raise ValueError("three")
        return n

    results = in_order(work, list(range(100)), 2)
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ValueError, match="three"):
        next(results)
    assert len(begun) < 20


def test_a_reader_that_leaves_waits_for_nothing() -> None:
    """The collector may end it inside another thread's start, where joining a thread would never end."""
    goes_on = threading.Event()

    def work(n: int) -> int:
        return n if n == 0 or goes_on.wait(20) else -1

    results = in_order(work, list(range(50)), 2)
    assert next(results) == 0
    began = time.monotonic()
    results.close()
    assert time.monotonic() - began < 10
    goes_on.set()


def test_a_glance_reads_the_clock_once_in_a_while() -> None:
    reads: list[datetime] = []
    glance = Glance(lambda: reads.append(NOW) or NOW, keep_s=60)
    assert [glance() for _ in range(5)] == [NOW] * 5
    assert len(reads) == 1
    glance(fresh=True)
    assert len(reads) == 2
