"""How much a formation is to be believed: its fit, how far it broke out, and what its volume did.

What does not belong here: the fit, which its own search knows.
"""

from typing import Final

import numpy as np

from market.patterns.compiled import kernel
from market.patterns.pivots import UNIT_ROWS, Floats, Ints, Side, trailing_mean

# shares of the parts: the shape is what makes a pattern, volume is said to confirm it; no source gives numbers
_FIT: Final = 0.55
_BEYOND: Final = 0.2
_SURGE: Final = 0.15
_WANED: Final = 0.1


def volume_surge(volume: Floats, starts: Ints) -> Floats:
    """(n,) volume over its mean in the UNIT_ROWS rows before; NaN before there are so many, and where nothing was traded in them."""
    usual = np.full(len(volume), np.nan)
    usual[1:] = trailing_mean(volume, starts, UNIT_ROWS)[:-1]
    usual[starts[:-1][starts[:-1] < len(volume)]] = np.nan  # the row before a run's first is of another run
    surge: Floats = np.divide(volume, usual, out=np.full(len(volume), np.nan), where=usual > 0.0)
    return surge


def confidence(
    side: Side, volume: Floats, surge: Floats, start: Ints, row: Ints, fit: Floats, boundary: Floats
) -> Floats:
    """(m,) from 0 to 1: 0.55 of the fit, 0.2 of the breakout, 0.15 of its volume, 0.1 of volume that waned before it.

    Parameters
    ----------
    volume, surge : (n,) volume, and ``volume_surge`` of it.
    start, row : (m,) first and confirmation row of each formation.
    fit : (m,) from 0 to 1.
    boundary : (m,) what the close of ``row`` broke: one unit beyond it is full, and twice the usual volume on the way from half of it.

    Source
    ------
    R. D. Edwards and J. Magee, Technical Analysis of Stock Trends: volume shrinks while a formation is built and grows where it is left.
    T. N. Bulkowski, Encyclopedia of Chart Patterns: breakouts on high volume. The shares and scales are ours.
    """
    beyond = np.clip((side.close[row] - boundary) / side.unit[row], 0.0, 1.0)
    busy = np.clip((np.nan_to_num(surge[row]) - 0.5) / 1.5, 0.0, 1.0)
    weighed: Floats = _FIT * fit + _BEYOND * beyond + _SURGE * busy + _WANED * _waned(volume, start, row)
    return weighed


@kernel
def _waned(volume: Floats, start: Ints, row: Ints) -> Floats:
    """1 where the mean volume of the later half before the breakout is at most half that of the earlier one, 0 from half as much again."""
    result = np.zeros(len(row))
    for i in range(len(row)):
        middle = (start[i] + row[i] + 1) // 2
        earlier, later = 0.0, 0.0
        for at in range(start[i], middle):
            earlier += volume[at]
        for at in range(middle, row[i]):
            later += volume[at]
        if earlier > 0.0:
            ratio = (later / (row[i] - middle)) / (earlier / (middle - start[i]))
            result[i] = min(1.0, max(0.0, 1.5 - ratio))
    return result
