"""KRX price rules that generated prices obey: tick sizes by date, price limits, the base price after an action.

Independent of market's rulebook on purpose: a test of that rulebook against this world must not compare it with itself.
Source: KRX KOSPI/KOSDAQ Market Business Regulation, tick sizes before and from 2023-01-25; limits of 30 % since 2015-06-15.
"""

from datetime import date

import numpy as np

from exchange.model import Float64, Int64

_NEW_TICKS_FROM = date(2023, 1, 25)
_NEW = (np.array([2_000, 5_000, 20_000, 50_000, 200_000, 500_000]), np.array([1, 5, 10, 50, 100, 500, 1_000]))
_OLD = (np.array([1_000, 5_000, 10_000, 50_000, 100_000, 500_000]), np.array([1, 5, 10, 50, 100, 500, 1_000]))
_LIMIT_PERCENT = 30


def tick_size(price: Int64, day: date, is_kospi: np.ndarray) -> Int64:
    """(n,) tick in KRW for (n,) prices in KRW; before 2023-01-25 boards other than KOSPI stop at 100."""
    edges, sizes = _NEW if day >= _NEW_TICKS_FROM else _OLD
    ticks: Int64 = sizes[np.searchsorted(edges, price, side="right")].astype(np.int64)
    if day >= _NEW_TICKS_FROM:
        return ticks
    capped: Int64 = np.where(is_kospi, ticks, np.minimum(ticks, 100))
    return capped


def to_tick(price: Float64, day: date, is_kospi: np.ndarray) -> Int64:
    """(n,) nearest price on the tick grid, at least one won."""
    near: Int64 = np.maximum(np.rint(price), 1).astype(np.int64)
    tick = tick_size(near, day, is_kospi)
    on_grid: Int64 = (near + tick // 2) // tick * tick
    return np.maximum(on_grid, 1)


def price_limits(base: Int64, day: date, is_kospi: np.ndarray) -> tuple[Int64, Int64]:
    """(n,) lowest and highest price of the day: 30 % truncated to the base's tick, then each limit inwards to its own.

    A base of 9,980 gives 6,990 and 12,970.
    """
    tick = tick_size(base, day, is_kospi)
    band = base * _LIMIT_PERCENT // 100 // tick * tick
    low, high = base - band, base + band
    low_tick, high_tick = tick_size(low, day, is_kospi), tick_size(high, day, is_kospi)
    return np.maximum(-(-low // low_tick) * low_tick, 1), high // high_tick * high_tick
