"""Confirmed pivots: bars whose high or low no bar near them reaches, each known only when the bars after it are.

What does not belong here: what is built on them (``levels``, ``volume``).
"""

from typing import Final

import numba
import numpy as np
from numpy.typing import NDArray

from market.levels.bars import Bars

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

SPAN: Final = 5
"""Rows on either side of which a pivot is the strict extreme: a week."""

_kernel = numba.njit(cache=True, nogil=True)


def confirmed(bars: Bars) -> tuple[Ints, Ints]:
    """Pivot highs and pivot lows, each on the row that confirms it.

    A pivot high is a bar whose high is above that of the SPAN rows before it and of the SPAN rows after it; a pivot low mirrors it. Equal
    highs are none, and neither is a bar with a halted row among those: a halt confirms nothing.

    Returns
    -------
    highs, lows : (n,) row of the pivot that this row confirms, SPAN rows earlier; -1 where it confirms none.

    Source
    ------
    B. Williams, Trading Chaos (1995), fractals, with SPAN rows for his two.
    """
    highs, lows = np.full(len(bars.close), -1), np.full(len(bars.close), -1)
    _confirmed(bars.high, bars.is_traded, bars.offsets, SPAN, 1.0, highs)
    _confirmed(bars.low, bars.is_traded, bars.offsets, SPAN, -1.0, lows)
    return highs, lows


def last_confirmed(pivots: Ints, offsets: Ints, within: int) -> Ints:
    """The newest pivot known at each row.

    Parameters
    ----------
    pivots : (n,) as ``confirmed`` gives them.
    offsets : (k + 1,) where securities begin.
    within : rows since its confirmation after which a pivot is forgotten, so that nothing hangs on a history's beginning.

    Returns
    -------
    (n,) row of the pivot, -1 where none is known.
    """
    rows = np.arange(len(pivots))
    newest = np.maximum.accumulate(np.where(pivots >= 0, rows, -1))
    begins = np.repeat(offsets[:-1], np.diff(offsets))
    is_known = (newest >= begins) & (rows - newest <= within)
    return np.where(is_known, pivots[newest], -1)


@_kernel
def _confirmed(price: Floats, is_traded: Bools, offsets: Ints, span: int, side: float, out: Ints) -> None:
    for series in range(len(offsets) - 1):
        traded = 0
        for row in range(offsets[series], offsets[series + 1]):
            traded = traded + 1 if is_traded[row] else 0
            if traded < 2 * span + 1:
                continue
            pivot = row - span
            is_pivot = True
            for at in range(pivot - span, row + 1):
                if at != pivot and side * price[at] >= side * price[pivot]:
                    is_pivot = False
                    break
            if is_pivot:
                out[row] = pivot
