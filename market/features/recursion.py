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

COUNT: Final = 0
VALUE: Final = 1
CELLS: Final = 2
"""State of one recursive operator: values taken into the seed so far, then the seed's sum or the smoothed value."""

_kernel: Any = numba.njit(cache=True, nogil=True)
_helper: Any = numba.njit(nogil=True)  # compiled into its caller, so it needs no cache entry of its own


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
