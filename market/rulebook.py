"""The Korean rulebook as dated data, each line with its source; its version is recorded by every release and run.

Lines marked unverified rest on third-party code; nothing in features or models uses them yet.
"""

import hashlib
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class Line:
    """One rule from a date on: `steps` are (price below, tick) pairs for ticks, or one (0, rate) pair for rates."""

    rule: str
    market: str
    valid_from: date
    steps: tuple[tuple[float, float], ...]
    source: str
    verified: bool


_TICKS_2023 = ((2e3, 1), (5e3, 5), (2e4, 10), (5e4, 50), (2e5, 100), (5e5, 500), (float("inf"), 1000))
_TICKS_KOSPI = ((1e3, 1), (5e3, 5), (1e4, 10), (5e4, 50), (1e5, 100), (5e5, 500), (float("inf"), 1000))
_TICKS_KOSDAQ = ((1e3, 1), (5e3, 5), (1e4, 10), (5e4, 50), (float("inf"), 100))
_THIRD_PARTY = "two public test suites of Korean cost models, read 2026-11"

LINES: tuple[Line, ...] = (
    Line("tick_size", "KOSPI", date(2010, 1, 4), _TICKS_KOSPI, _THIRD_PARTY, False),
    Line("tick_size", "KOSDAQ", date(2010, 1, 4), _TICKS_KOSDAQ, _THIRD_PARTY, False),
    Line("tick_size", "KOSPI", date(2023, 1, 25), _TICKS_2023, _THIRD_PARTY, False),
    Line("tick_size", "KOSDAQ", date(2023, 1, 25), _TICKS_2023, _THIRD_PARTY, False),
    *(
        Line("sell_tax", "KOSPI+KOSDAQ", day, ((0, rate),), _THIRD_PARTY, False)
        for day, rate in (
            (date(2010, 1, 4), 0.0030), (date(2019, 5, 30), 0.0025), (date(2020, 12, 29), 0.0023),
            (date(2022, 12, 28), 0.0020), (date(2023, 12, 27), 0.0018), (date(2024, 12, 27), 0.0015),
            (date(2025, 12, 29), 0.0020),
        )
    ),
)  # fmt: skip


def version() -> str:
    """The rulebook's version: the digest of its lines."""
    return "krx-" + hashlib.sha256(repr(LINES).encode()).hexdigest()[:10]


def tick_size(market: str, day: date, price: float) -> float:
    """The tick, in KRW, at that price on that board and day.

    Raises
    ------
    ValueError
        No line covers the board and day.
    """
    lines = [line for line in LINES if line.rule == "tick_size" and line.market == market and line.valid_from <= day]
    if not lines:
        raise ValueError(f"rulebook tick_size: expected a line for {market} on {day}, was none")
    return next(tick for below, tick in max(lines, key=lambda line: line.valid_from).steps if price < below)
