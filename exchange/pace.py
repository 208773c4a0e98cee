"""How many calls a host allows. Off by default; on where clients' pacing is tested.

What does not belong here: how a host words its refusal (exchange.wires).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date


@dataclass(frozen=True)
class Pace:
    """Limits by source; a source that is absent has none.

    ``per_day`` resets at midnight in Seoul by the exchange's clock; ``per_second`` counts wall time.
    """

    per_day: Mapping[str, int] = field(default_factory=dict)
    per_second: Mapping[str, float] = field(default_factory=dict)


REAL_PACE = Pace(
    per_day={"krx": 10_000, "dart": 20_000, "naver": 25_000, "daum": 30_000},
    per_second={"yahoo": 2.0, "dart": 1_000 / 60, "naver": 50.0, "sec": 10.0},
)
"""As the real hosts': KRX 10,000 a day per key; OpenDART 20,000 a day and about 1,000 a minute; Naver 25,000 a day; Kakao
30,000 a day as usually quoted; SEC 10 a second."""


class Meter:
    """Counts calls against a pace."""

    def __init__(self, pace: Pace | None) -> None:
        self._pace = pace or Pace()
        self._lock = threading.Lock()
        self._calls: dict[tuple[str, date], int] = {}
        self._second: dict[str, tuple[int, int]] = {}

    def is_spent(self, source: str, today: date) -> bool:
        """Count one call; true where the day's calls were used up before it."""
        limit = self._pace.per_day.get(source)
        if limit is None:
            return False
        with self._lock:
            used = self._calls.get((source, today), 0)
            self._calls[source, today] = used + 1
        return used >= limit

    def is_too_fast(self, source: str) -> bool:
        """Count one call; true where this second's calls were used up before it."""
        limit = self._pace.per_second.get(source)
        if limit is None:
            return False
        second = int(time.monotonic())
        with self._lock:
            at, used = self._second.get(source, (second, 0))
            used = used if at == second else 0
            self._second[source] = (second, used + 1)
        return used >= limit
