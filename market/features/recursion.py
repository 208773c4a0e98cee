"""The numba kernel of recursive smoothing over series laid end to end, resumed from stored state.

Arrays are float64 and contiguous; ``starts`` is (k + 1,) int64, series i being rows starts[i] to starts[i + 1], oldest first. numba
caches the machine code beside this file. What does not belong here: windows (``windows``), which kernel runs when (``engine``).
"""

import math
from typing import Any, Final

import numba
import numpy as np
from numpy.typing import NDArray

from market.features.plan import CELLS

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

CODES: Final = {"ema": 0, "wilder": 0, "wilder_sum": 1, "cumsum": 2, "adaptive": 3}
"""Which rule each operator follows."""
_MEAN, _WILDER_SUM, _CUMSUM, _ADAPTIVE = range(4)

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
    out : (rows,) filled: NaN while seeding and where ``x`` is NaN.
    after : (emitted rows, 2 + r) filled with the state after each row that is no context; left alone where it has no rows.
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
            if code == _ADAPTIVE:
                past = x[row - 1] if row > first else math.nan
                if not math.isnan(weight[row]) and not math.isnan(x[row]):
                    old = value if count > 0.0 else past
                    if not math.isnan(old):
                        count, value = 1.0, old + weight[row] * (x[row] - old)
                        out[row] = value
            elif not math.isnan(x[row]):
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
