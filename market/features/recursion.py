"""The numba kernel of recursive smoothing over series laid end to end, resumed from stored state.

Arrays are float64 and contiguous; ``starts`` is (k + 1,) int64, series i being rows starts[i] to starts[i + 1], oldest first. numba
caches the machine code beside this file. What does not belong here: windows (``windows``), which kernel runs when (``engine``).
"""

import math
from typing import Any, Final

import numba
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

CODES: Final = {"ema": 0, "wilder": 0, "wilder_sum": 1, "cumsum": 2, "adaptive": 3}
"""Which rule each operator follows."""
_MEAN, _WILDER_SUM, _CUMSUM, _ADAPTIVE = range(4)

CELLS: Final = 2
"""State of one operator before its remembered outputs. Here, since numba keeps the machine code by this file."""

COUNT: Final = 0  # values taken in so far, up to the seed
VALUE: Final = 1  # the seed's sum, then the value

_kernel: Any = numba.njit(cache=True, nogil=True)
_helper: Any = numba.njit(nogil=True)  # compiled into its caller, so it needs no cache entry of its own


@_kernel
def smooth(
    code: int, alpha: float, x: Floats, weight: Floats, starts: Ints, begins: Ints, n: int, skip: int,
    before: Floats, out: Floats, after: Floats,
) -> None:  # fmt: skip
    """A recursive rule over ``x``, resumed from stored state.

    Parameters
    ----------
    code : of CODES.
    alpha : weight of a new value in an exponential mean; ``weight`` has one for each row of the adaptive rule, which alone reads it.
    begins : (k,) rows of each series that are context: they are not taken in, their ``out`` comes from the state.
    n : values of the seed; ``skip`` values before it are left out.
    before : (k, 2 + r) state after each series' last context row: count, value, then the r last outputs, newest first.
    out : (rows,) filled: NaN while seeding and where ``x`` is no finite number, which is not taken in.
    after : (emitted rows, 2 + r) filled with the state after each row that is no context; left alone where it has no rows.
    """
    if code == _MEAN and len(after) == 0:
        _means(alpha, x, starts, begins, n + skip, skip, before, out)
        return
    reach = before.shape[1] - CELLS
    emitted = 0
    for series in range(len(starts) - 1):
        first = starts[series]
        begin = first + begins[series]
        _remember(series, first, begin, before, out)
        count, value = before[series, COUNT], before[series, VALUE]
        for row in range(begin, starts[series + 1]):
            out[row] = math.nan
            if code == _ADAPTIVE:
                past = x[row - 1] if row > first else math.nan
                if math.isfinite(weight[row]) and math.isfinite(x[row]):
                    old = value if count > 0.0 else past
                    if math.isfinite(old):
                        count, value = 1.0, old + weight[row] * (x[row] - old)
                        out[row] = value
            elif math.isfinite(x[row]):
                count, value = _take(code, count, value, x[row], n, skip, alpha)
                if count >= n + skip:
                    out[row] = value
            if len(after) == 0:
                continue
            after[emitted, COUNT] = count
            after[emitted, VALUE] = value
            for back in range(reach):
                after[emitted, CELLS + back] = out[row - back] if row - back >= first else math.nan
            emitted += 1


@_helper
def _remember(series: int, first: int, begin: int, before: Floats, out: Floats) -> None:
    """The outputs of context rows, which are not computed again."""
    for row in range(first, begin):
        back = CELLS + begin - 1 - row
        out[row] = before[series, back] if back < before.shape[1] else math.nan


@_helper
def _means(
    alpha: float, x: Floats, starts: Ints, begins: Ints, seeded: int, skip: int, before: Floats, out: Floats
) -> None:  # fmt: skip
    """Exponential means of which no state is kept: seeds first, then four series at once, since each row waits for the one before it and a processor need not."""
    k = len(starts) - 1
    at, value = np.empty(k, dtype=np.int64), np.empty(k)
    for series in range(k):
        row, end = starts[series] + begins[series], starts[series + 1]
        _remember(series, starts[series], row, before, out)
        count, held = before[series, COUNT], before[series, VALUE]
        while row < end and count < seeded:
            out[row] = math.nan
            if math.isfinite(x[row]):
                count, held = _take(_MEAN, count, held, x[row], seeded - skip, skip, alpha)
                if count == seeded:
                    out[row] = held
            row += 1
        at[series], value[series] = row, held
    for one in range(0, k - 3, 4):
        a, b, c, d = at[one], at[one + 1], at[one + 2], at[one + 3]
        u, v, w, z = value[one], value[one + 1], value[one + 2], value[one + 3]
        rows = min(starts[one + 1] - a, starts[one + 2] - b, starts[one + 3] - c, starts[one + 4] - d)
        for _ in range(rows):
            u, out[a] = _next(alpha, u, x[a])
            v, out[b] = _next(alpha, v, x[b])
            w, out[c] = _next(alpha, w, x[c])
            z, out[d] = _next(alpha, z, x[d])
            a, b, c, d = a + 1, b + 1, c + 1, d + 1
        at[one], at[one + 1], at[one + 2], at[one + 3] = a, b, c, d
        value[one], value[one + 1], value[one + 2], value[one + 3] = u, v, w, z
    for series in range(k):
        held = value[series]
        for row in range(at[series], starts[series + 1]):
            held, out[row] = _next(alpha, held, x[row])


@_helper
def _next(alpha: float, value: float, x: float) -> tuple[float, float]:
    """The mean with one more value, and what is shown on its row."""
    moved = value + alpha * (x - value)
    return (moved, moved) if math.isfinite(x) else (value, math.nan)


@_helper
def _take(code: int, count: float, value: float, x: float, n: int, skip: int, alpha: float) -> tuple[float, float]:
    if code == _CUMSUM:
        return 1.0, value + x
    if code == _WILDER_SUM:
        return min(count + 1.0, float(n)), value + x - (value / n if count >= n - 1 else 0.0)
    if count >= n + skip:
        return count, value + alpha * (x - value)
    count += 1.0
    if count > skip:
        value += x
    return count, value / n if count == n + skip else value
