"""How fast and how often a source may be asked: pace, daily quota, and the record of what was asked.

What does not belong here: how a request is made (`lake.http`) and where the record is stored (`lake.bronze`).
"""

import threading
import time
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TypeVar
from zoneinfo import ZoneInfo

from lake.clock import Clock
from market.errors import Permanent
from market.sources import SOURCES

_QUOTA_ZONE = ZoneInfo("Asia/Seoul")  # the Korean hosts count calls per day and start again at midnight in Seoul

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Requested:
    """One request as it ended, with all its attempts.

    Parameters
    ----------
    status : the last HTTP status, None where nothing answered.
    outcome : ok, transient or permanent.
    """

    source: str
    session_date: date
    request: str
    status: int | None
    outcome: str
    attempts: int
    size_bytes: int
    ended_at: datetime


def quota_day(now: datetime) -> date:
    """The day that a call at this instant counts for."""
    return now.astimezone(_QUOTA_ZONE).date()


class RequestLog:
    """What was asked so far: counts calls against the daily quota, and keeps the requests until somebody stores them.

    Parameters
    ----------
    used : calls of a source already stored for a quota day; asked once per source and day.
    """

    def __init__(self, used: Callable[[str, date], int] | None = None) -> None:
        self._stored = used or (lambda source, day: 0)
        self._used: dict[tuple[str, date], int] = {}
        self._ended: list[Requested] = []
        self._lock = threading.Lock()

    def spend(self, source: str, now: datetime, quota_per_day: int | None) -> None:
        """Count one call.

        Raises
        ------
        Permanent
            The day's quota is spent.
        """
        key = (source, quota_day(now))
        with self._lock:
            if key not in self._used:
                self._used[key] = self._stored(*key)
            if quota_per_day is not None and self._used[key] >= quota_per_day:
                limit = f"MARKETLAKE_{SOURCES[source].setting('quota_per_day').upper()}"
                raise Permanent(
                    source, expected=f"at most {quota_per_day} calls on {key[1]}", found=f"{self._used[key]} made",
                    do=f"Go on tomorrow (Seoul time), or raise {limit} if the key allows more",
                )  # fmt: skip
            self._used[key] += 1

    def ended(self, request: Requested) -> None:
        """Keep how a request ended."""
        with self._lock:
            self._ended.append(request)

    def drain(self) -> list[Requested]:
        """The requests kept since the last call."""
        with self._lock:
            kept, self._ended = self._ended, []
        return kept


class Pace:
    """At most so many calls a second over all threads; 0: no limit.

    Parameters
    ----------
    monotonic, sleep : the machine's, or a test's.
    """

    def __init__(
        self,
        per_s: float,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._gap_s = 1.0 / per_s if per_s > 0 else 0.0
        self._monotonic, self._sleep = monotonic, sleep
        self._next = 0.0
        self._lock = threading.Lock()

    def wait(self) -> None:
        """Return when it is this call's turn."""
        if not self._gap_s:
            return
        with self._lock:
            now = self._monotonic()
            turn = max(now, self._next)
            self._next = turn + self._gap_s
        if turn > now:
            self._sleep(turn - now)


class Glance:
    """A clock read at most every so many seconds: the simulated world's costs a request, and stands still anyway."""

    def __init__(self, clock: Clock, keep_s: float = 2.0) -> None:
        self._clock, self._keep_s = clock, keep_s
        self._read: tuple[float, datetime] | None = None
        self._lock = threading.Lock()

    def __call__(self, *, fresh: bool = False) -> datetime:
        """The instant (UTC), at most `keep_s` old; read anew where `fresh`."""
        with self._lock:
            at = time.monotonic()
            if fresh or self._read is None or at - self._read[0] > self._keep_s:
                self._read = (at, self._clock())
            return self._read[1]


def skew(one: datetime, other: datetime) -> timedelta:
    """How far two clocks are apart, never negative."""
    return abs(one - other)


def in_order(work: Callable[[Item], Result], items: Sequence[Item], parallel: int) -> Generator[Result]:
    """Results in the order of the items, at most `parallel` under way and twice as many ahead of the reader.

    An error comes out at its item's place; what was not begun by then is never begun. A reader that leaves waits for nothing.
    """
    pool = ThreadPoolExecutor(max_workers=max(1, parallel))
    has_reader = True
    try:
        ahead: list[Future[Result]] = []
        for item in items:
            ahead.append(pool.submit(work, item))
            if len(ahead) >= 2 * max(1, parallel):
                yield ahead.pop(0).result()
        while ahead:
            yield ahead.pop(0).result()
    except GeneratorExit:
        has_reader = False
        raise
    finally:
        # Where the reader has gone nobody waits: the collector may end us in the midst of another thread's start, and joining
        # threads there never ends.
        pool.shutdown(wait=has_reader, cancel_futures=True)
