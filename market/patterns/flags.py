"""Bull flags, and bear flags when seen upside down: a short, narrow drift against a steep pole.

How it works: 1 every pivot high is tried as the flag's last one, with each earlier one it does not pass as the top of the pole; 2 the line
through both is the upper boundary, the lowest pivot low under it the lower one; 3 the pole's foot is the lowest pivot low in a short
climb to the top; 4 the first close above the line confirms. The unit is that of the pole's foot, which the pole itself has not widened.
What does not belong here: channels without a pole (``boundaries``), volume (``confidence``).
"""

import math
from typing import Final

import numpy as np

from market.patterns.compiled import helper, kernel
from market.patterns.pivots import Floats, Ints, Side

KINDS: Final = (("bull_flag", "bear_flag"),)
"""What each code of ``search`` is called upward and downward."""

POLE: Final = 20  # rows from foot to top
FLAG: Final = 20  # rows from the top to the last pivot
WAIT: Final = 15  # rows from the last pivot to the confirmation

_CODE, _ROW, _FIRST = range(3)  # columns of what is found: code, confirmation row, then the pivots
_STEEP: Final = 5.0  # units a pole is tall
_NEAR: Final = 0.5  # units under its lower boundary at which a close has not left the flag
_DEEP: Final = 0.55  # of the pole: how far a flag reaches back
_WIDE: Final = 0.45  # of the pole: how broad it is
_DROP: Final = 0.4  # of the pole: how far its upper boundary falls from pivot to pivot


@kernel
def search(side: Side, starts: Ints) -> tuple[Ints, Floats]:
    """The flags of all runs that are left upward.

    Parameters
    ----------
    side : bars.
    starts : (r + 1,) where runs begin and the last ends.

    Returns
    -------
    (m, 7) code, confirmation row, five pivot rows (-1: none), the first of them the pole's foot; and (m, 4) fit from 0 to 1, upper boundary
    at the confirmation, target, failure. Fit is full where flag and pole take half of what they may, in breadth, depth and rows.
    """
    room = side.is_high.sum() + 1
    at, levels, n = np.empty((room, 7), np.int64), np.empty((room, 4)), 0
    for run in range(len(starts) - 1):
        first, end = starts[run], starts[run + 1]
        for last in range(first, end - side.lag):
            if side.is_high[last]:
                at[n, _ROW] = end
                levels[n, 0] = -1.0
                _tops(side, first, end, last, at[n], levels[n])
                n += at[n, _ROW] < end
    return at[:n], levels[:n]


@helper
def _tops(side: Side, first: int, end: int, last: int, at: Ints, levels: Floats) -> None:
    """Every high that may be the top of the pole: none between it and the last one is as high."""
    highest = side.high[last]
    for top in range(last - 1, max(first, last - FLAG) - 1, -1):
        if side.is_high[top] and side.high[top] >= highest:
            slope = (side.high[last] - side.high[top]) / (last - top)
            low = _lowest_under(side, top, last, slope)
            if side.is_low[low]:
                _poles(side, first, end, top, low, last, at, levels)
        highest = max(highest, side.high[top])


@helper
def _lowest_under(side: Side, top: int, last: int, slope: float) -> int:
    """The row between two whose low is farthest under the line through their highs."""
    lowest, farthest = top + 1, -math.inf
    for row in range(top + 1, last):
        under = slope * (row - last) - side.low[row]
        if under > farthest:
            lowest, farthest = row, under
    return lowest


@helper
def _poles(side: Side, first: int, end: int, top: int, low: int, last: int, at: Ints, levels: Floats) -> None:
    """Every low that may be the pole's foot: the lowest of the climb to its top, a steep one."""
    slope = (side.high[last] - side.high[top]) / (last - top)
    wide = side.high[last] + slope * (low - last) - side.low[low]
    deepest = min(side.low[low], side.low[last])
    lowest, fall = math.inf, side.high[top] - deepest
    for foot in range(top - 1, max(first, top - POLE) - 1, -1):
        if side.high[foot] >= side.high[top]:
            return
        pole = side.high[top] - side.low[foot]
        is_foot = side.is_low[foot] and side.low[foot] < lowest and pole >= _STEEP * side.unit[foot]
        is_small = fall <= _DEEP * pole and wide <= _WIDE * pole and side.high[top] - side.high[last] <= _DROP * pole
        broken = _breakout(side, end, last, slope, wide + _NEAR * side.unit[foot]) if is_foot and is_small else -1
        if broken >= 0:
            level = side.high[last] + slope * (broken - last)
            spent = (wide / (_WIDE * pole) + fall / (_DEEP * pole) + (top - foot) / POLE) / 3.0  # of what a flag may be
            told = (min(1.0, 2.0 - 2.0 * spent), level, deepest + pole, min(deepest, level - wide))
            _keep(side, at, levels, (0, broken, foot, top, low, last, -1), told)
        lowest = min(lowest, side.low[foot])


@helper
def _breakout(side: Side, end: int, last: int, slope: float, wide: float) -> int:
    """First row, from where pivot ``last`` is known, that closes above the flag; -1 if one closes under it first."""
    for row in range(last + 1, min(last + WAIT + 1, end)):
        line = side.high[last] + slope * (row - last)
        if side.close[row] < line - wide:
            return -1
        if row >= last + side.lag and side.close[row] > line:
            return row
    return -1


@helper
def _keep(
    side: Side, at: Ints, levels: Floats, made: tuple[int, int, int, int, int, int, int], told: tuple[float, float, float, float]
) -> None:  # fmt: skip
    """Take a confirmed flag where it is earlier than the one held, or better shaped in the same row, and has room to its target."""
    row, close = made[_ROW], side.close[made[_ROW]]
    is_sooner = row < at[_ROW] or (row == at[_ROW] and told[0] > levels[0])
    if is_sooner and told[3] < close and close < told[2]:
        for i in range(len(made)):
            at[i] = made[i]
        for i in range(len(told)):
            levels[i] = told[i]
