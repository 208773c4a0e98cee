"""Pivots, true range and trailing means of series laid end to end: what chart patterns are built from.

A pivot is a strict extreme of PIVOT_ROWS rows on both sides, so it is known that many rows later and not before. Means are summed anew for
each row, oldest row first: no value depends on where a history was cut. Arrays are float64 and contiguous, every row known; ``starts`` is
(r + 1,) int64, run i being rows starts[i] to starts[i + 1]. What does not belong here: patterns.
"""

import math
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from market.patterns.compiled import kernel

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

PIVOT_ROWS: Final = 3
"""Rows on either side that a pivot is the strict extreme of."""
UNIT_ROWS: Final = 20
"""Rows whose mean true range is the unit of distances, and whose mean volume is the usual one."""


class Side(NamedTuple):
    """Bars as one looks at them for a break upward; for one downward they are turned upside down.

    Parameters
    ----------
    high, low, close : (n,) prices, or their negatives with high and low exchanged.
    unit : (n,) mean true range of the UNIT_ROWS rows up to this one, in the price's unit; NaN before there are so many.
    is_high, is_low : (n,) pivots; they are known ``lag`` rows later.
    lag : PIVOT_ROWS.
    """

    high: Floats
    low: Floats
    close: Floats
    unit: Floats
    is_high: Bools
    is_low: Bools
    lag: int


def upright(high: Floats, low: Floats, close: Floats, starts: Ints) -> Side:
    """The side from which a break upward is looked for."""
    unit = trailing_mean(true_range(high, low, close, starts), starts, UNIT_ROWS)
    return Side(
        high, low, close, unit, pivot_highs(high, starts, PIVOT_ROWS), pivot_highs(-low, starts, PIVOT_ROWS), PIVOT_ROWS
    )


def upside_down(side: Side) -> Side:
    """The same bars with prices negated: what breaks downward breaks upward here, to the bit."""
    return Side(-side.low, -side.high, -side.close, side.unit, side.is_low, side.is_high, side.lag)


@kernel
def pivot_highs(high: Floats, starts: Ints, k: int) -> Bools:
    """(n,) whether a row's value is above that of each of the ``k`` rows before and the ``k`` rows after it, all in its own run."""
    is_pivot = np.zeros(len(high), np.bool_)
    for run in range(len(starts) - 1):
        for row in range(starts[run] + k, starts[run + 1] - k):
            above = True
            for away in range(1, k + 1):
                above = above and high[row] > high[row - away] and high[row] > high[row + away]
            is_pivot[row] = above
    return is_pivot


@kernel
def true_range(high: Floats, low: Floats, close: Floats, starts: Ints) -> Floats:
    """(n,) range of a row together with the close before it, in the price's unit; NaN in a run's first row.

    Source
    ------
    J. W. Wilder, New Concepts in Technical Trading Systems (1978), "The volatility system".
    """
    result = np.empty(len(close))
    for run in range(len(starts) - 1):
        for row in range(starts[run], starts[run + 1]):
            before = close[row - 1] if row > starts[run] else math.nan
            result[row] = max(high[row], before) - min(low[row], before) if row > starts[run] else math.nan
    return result


@kernel
def trailing_mean(x: Floats, starts: Ints, n: int) -> Floats:
    """(n rows,) mean of a row and the ``n`` - 1 before it; NaN in a run's first ``n`` - 1 rows, and while one of them is NaN."""
    result = np.full(len(x), math.nan)
    for run in range(len(starts) - 1):
        for row in range(starts[run] + n - 1, starts[run + 1]):
            total = 0.0
            for at in range(row - n + 1, row + 1):
                total += x[at]
            result[row] = total / n
    return result
