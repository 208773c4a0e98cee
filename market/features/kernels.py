"""The numba kernels: window statistics of one and of two columns, and recursive smoothing, over series laid end to end.

Every kernel is generic (an operator code is an argument), so a cold machine compiles three functions, not one per feature.
Statistics make two passes inside each window, shifted by its first value: running sums lose up to a tenth of a 5-row standard
deviation, and a shift makes a constant window have exactly no spread. Each value depends only on the rows of its window,
never on where a chunk begins; that is why a split history gives equal bits. What does not belong here: which kernel runs when.

All arrays are float64 and contiguous; ``starts`` is (k + 1,) int64, series i being rows starts[i] to starts[i + 1], oldest
first. numba caches the machine code beside this file.
"""

import math
from typing import Any, Final

import numba
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

REF: Final = 0
DELTA: Final = 1
MEAN: Final = 2
SUM: Final = 3
STD: Final = 4
MIN: Final = 5
MAX: Final = 6
RANK: Final = 7
SLOPE: Final = 8
CORR: Final = 0

COUNT: Final = 0
VALUE: Final = 1
CELLS: Final = 2
"""State of one recursive operator: values taken into the seed so far, then the seed's sum or the smoothed value."""

_kernel: Any = numba.njit(cache=True, nogil=True)
_helper: Any = numba.njit(nogil=True)  # compiled into its caller, so it needs no cache entry of its own


@_kernel
def rolling(code: int, x: Floats, starts: Ints, n: int, out: Floats) -> None:
    """Fill ``out`` with the window statistic ``code`` of ``x`` over ``n`` rows; NaN rules as in ``operators``."""
    for series in range(len(starts) - 1):
        first = starts[series]
        known = 0  # rows since the last NaN, so a window is whole when known >= n
        for row in range(first, starts[series + 1]):
            known = 0 if math.isnan(x[row]) else known + 1
            if code <= DELTA:
                past = x[row - n] if row - n >= first else math.nan
                out[row] = past if code == REF else x[row] - past
            else:
                out[row] = _statistic(code, x, row - n + 1, n) if known >= n else math.nan


@_kernel
def paired(code: int, x: Floats, y: Floats, starts: Ints, n: int, out: Floats) -> None:
    """Fill ``out`` with the statistic ``code`` of two columns over ``n`` rows; CORR is the only one so far."""
    for series in range(len(starts) - 1):
        known = 0
        for row in range(starts[series], starts[series + 1]):
            known = 0 if math.isnan(x[row]) or math.isnan(y[row]) else known + 1
            out[row] = _corr(x, y, row - n + 1, n) if known >= n else math.nan


@_kernel
def smooth(
    alpha: float, x: Floats, starts: Ints, begins: Ints, n: int, before: Floats, out: Floats, after: Floats
) -> None:
    """Exponential smoothing of ``x`` with weight ``alpha``, resumed from stored state.

    Parameters
    ----------
    begins : (k,) rows of each series that are context: they are not taken in, their ``out`` comes from the state.
    n : values whose simple mean is the seed.
    before : (k, 2 + r) state after each series' last context row: count, value, then the r last outputs, newest first.
    out : (rows,) filled: NaN while seeding and where ``x`` is NaN.
    after : (emitted rows, 2 + r) filled with the state after each row that is no context.
    """
    reach = before.shape[1] - CELLS
    emitted = 0
    for series in range(len(starts) - 1):
        first = starts[series]
        begin = first + begins[series]
        for row in range(first, begin):
            back = begin - 1 - row
            out[row] = before[series, CELLS + back] if back < reach else math.nan
        count, value = before[series, COUNT], before[series, VALUE]
        for row in range(begin, starts[series + 1]):
            out[row] = math.nan
            if not math.isnan(x[row]):
                count, value = _take(count, value, x[row], n, alpha)
                if count >= n:
                    out[row] = value
            after[emitted, COUNT] = count
            after[emitted, VALUE] = value
            for back in range(reach):
                after[emitted, CELLS + back] = out[row - back] if row - back >= first else math.nan
            emitted += 1


@_helper
def _take(count: float, value: float, x: float, n: int, alpha: float) -> tuple[float, float]:
    if count >= n:
        return count, value + alpha * (x - value)
    count += 1.0
    value += x
    return count, value / n if count == n else value


@_helper
def _statistic(code: int, x: Floats, first: int, n: int) -> float:
    if code == MEAN:
        return _mean(x, first, n)
    if code == SUM:
        return _sum(x, first, n)
    if code == STD:
        return _std(x, first, n)
    if code == MIN or code == MAX:
        return _extreme(x, first, n, 1.0 if code == MAX else -1.0)
    if code == RANK:
        return _rank(x, first, n)
    return _slope(x, first, n)


@_helper
def _sum(x: Floats, first: int, n: int) -> float:
    total = 0.0
    for row in range(first, first + n):
        total += x[row]
    return total


@_helper
def _mean(x: Floats, first: int, n: int) -> float:
    shift = x[first]
    total = 0.0
    for row in range(first, first + n):
        total += x[row] - shift
    return shift + total / n


@_helper
def _std(x: Floats, first: int, n: int) -> float:
    mean = _mean(x, first, n)
    total = 0.0
    for row in range(first, first + n):
        total += (x[row] - mean) ** 2
    return math.sqrt(total / (n - 1))


@_helper
def _extreme(x: Floats, first: int, n: int, side: float) -> float:
    best = x[first]
    for row in range(first + 1, first + n):
        if side * x[row] > side * best:
            best = x[row]
    return best


@_helper
def _rank(x: Floats, first: int, n: int) -> float:
    current = x[first + n - 1]
    below, ties = 0, 0
    for row in range(first, first + n):
        below += x[row] < current
        ties += x[row] == current
    return (below + 0.5 * (ties + 1)) / n


@_helper
def _slope(x: Floats, first: int, n: int) -> float:
    middle = 0.5 * (n - 1)
    mean = _mean(x, first, n)
    shared, spread = 0.0, 0.0
    for i in range(n):
        shared += (i - middle) * (x[first + i] - mean)
        spread += (i - middle) ** 2
    return shared / spread


@_helper
def _corr(x: Floats, y: Floats, first: int, n: int) -> float:
    mean_x, mean_y = _mean(x, first, n), _mean(y, first, n)
    xx, yy, xy = 0.0, 0.0, 0.0
    for row in range(first, first + n):
        dx, dy = x[row] - mean_x, y[row] - mean_y
        xx += dx * dx
        yy += dy * dy
        xy += dx * dy
    scale = math.sqrt(xx) * math.sqrt(yy)  # not sqrt(xx * yy): won volumes overflow there
    if scale == 0.0:
        return math.nan
    return min(1.0, max(-1.0, xy / scale))  # rounding can pass 1 by a bit
