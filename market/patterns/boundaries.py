"""Triangles, wedges and channels: formations between two straight boundaries, left upward, and downward when seen upside down.

How it works: 1 every pivot is tried as a formation's last one; 2 an upper boundary is a line through two pivot highs that no later high
passes, a lower one likewise; 3 of each pair of boundaries the slopes and the width at either end say what it is; 4 the closes must have
stayed between them, and the first one above confirms; 5 per last pivot and kind the earliest confirmed formation stands, of several in one
row the best fitting. Distances are measured in the unit of the row that confirms the last pivot. What does not belong here: formations
under a neckline (``reversals``), flags (``flags``), volume (``confidence``).
"""

import math
from typing import Final

import numpy as np

from market.patterns.compiled import helper, kernel
from market.patterns.pivots import Bools, Floats, Ints, Side

KINDS: Final = (
    ("ascending_triangle", "descending_triangle"),
    ("symmetrical_triangle", "symmetrical_triangle"),
    ("falling_wedge", "rising_wedge"),
    ("rising_channel", "falling_channel"),
    ("falling_channel", "rising_channel"),
    ("horizontal_channel", "horizontal_channel"),
)
"""What each code of ``search`` is called upward and downward."""

WIDTH: Final = 130  # rows from the first pivot to the last
WAIT: Final = 40  # rows from the last pivot to the confirmation

_ASCENDING, _SYMMETRICAL, _WEDGE, _RISING, _FALLING, _HORIZONTAL = range(len(KINDS))
_CODE, _ROW, _FIRST = range(3)  # columns of what is found: code, confirmation row, then the pivots
_OLDER, _NEWER = range(2)  # columns of a boundary: its pivots

# The sources: two touches make a boundary, and five a formation (Bulkowski); a close is beyond it by 3 % (Edwards and Magee), here by half
# a unit. The other numbers were set on planted patterns (`tests/market/patterns/planted.py`).
_SHORTEST: Final = 20  # rows from the first pivot to the last
_STEP: Final = 6  # rows between the two pivots of a boundary
_SWINGS: Final = 4  # crossings: five touches, on alternate sides
_NEAR: Final = 0.5  # units from a boundary at which a pivot touches it, and a close has not left
_BROAD: Final = 3.5  # units between the boundaries at the broader end
_NARROW: Final = 1.0  # units between them at the narrower end: nearer, a pivot could touch both
_CONVERGED: Final = 0.7  # width at the end, of that at the begin: a triangle or wedge ends no broader
_PARALLEL: Final = 0.8  # narrower end of a channel, of its broader one
_SLANTED: Final = 0.2  # widths a triangle's boundary rises or falls at least; less is level
_WEDGED: Final = 0.3  # widths a wedge's lower boundary falls at least
_LEVEL: Final = 0.25  # widths a horizontal channel rises or falls at most
_STEEP: Final = 0.5  # widths any other channel rises or falls at least
_APART: Final = 0.4  # of the width: how far the ends of the two boundaries may lie apart


@kernel
def search(side: Side, starts: Ints) -> tuple[Ints, Floats]:
    """The formations of all runs that are left upward.

    Parameters
    ----------
    side : bars.
    starts : (r + 1,) where runs begin and the last ends.

    Returns
    -------
    (m, 7) code, confirmation row, the four pivots of the boundaries in order of rows, -1; and (m, 4) fit from 0 to 1, upper boundary at the
    confirmation, target, failure. Fit is the mean of how often the pivots cross over (two times are nothing, six are full) and of how near the
    two boundaries begin and end together.
    """
    room = len(KINDS) * (side.is_high.sum() + side.is_low.sum() + 1)
    at, levels, n = np.empty((room, 7), np.int64), np.empty((room, 4)), 0
    rows, floor = np.empty(WIDTH, np.int64), -side.low
    above, under = np.empty((3 * WIDTH, 2), np.int64), np.empty((3 * WIDTH, 2), np.int64)
    for run in range(len(starts) - 1):
        first, end = starts[run], starts[run + 1]
        for last in range(first, end - side.lag):
            if (side.is_high[last] or side.is_low[last]) and not math.isnan(side.unit[last + side.lag]):
                near, oldest = _NEAR * side.unit[last + side.lag], max(first, last - WIDTH)
                n_above = _boundaries(side.high, rows, _pivots(side.is_high, oldest, last, rows), last, near, above)
                n_under = _boundaries(floor, rows, _pivots(side.is_low, oldest, last, rows), last, near, under)
                at[n : n + len(KINDS), _ROW] = end
                levels[n : n + len(KINDS), 0] = -1.0
                for upper in range(n_above):
                    for lower in range(n_under):
                        _pair(side, end, last, above[upper], under[lower], at[n:], levels[n:])
                n = _packed(at, levels, n, end)
    return at[:n], levels[:n]


@helper
def _packed(at: Ints, levels: Floats, n: int, end: int) -> int:
    """Move the slots from ``n`` on that hold something together; where the next begin."""
    for slot in range(n, n + len(KINDS)):
        if at[slot, _ROW] < end:
            at[n] = at[slot]
            levels[n] = levels[slot]
            n += 1
    return n


@helper
def _pivots(is_pivot: Bools, oldest: int, last: int, rows: Ints) -> int:
    """Write down the pivots up to ``last``, newest first; how many there are."""
    n = 0
    for row in range(last, oldest - 1, -1):
        if is_pivot[row]:
            rows[n] = row
            n += 1
    return n


@helper
def _boundaries(value: Floats, rows: Ints, n: int, last: int, near: float, lines: Ints) -> int:
    """Write down the lines through a new pivot and an older one that no pivot since passes; how many there are.

    New is ``last``; on the side where it is none, any of the three newest: the newest may have turned short of the boundary.
    """
    n_lines = 0
    for newer in range(min(1 if rows[0] == last else 3, n)):
        for older in range(newer + 1, n):
            if rows[newer] - rows[older] >= _STEP and _is_outermost(value, rows[: older + 1], rows[newer], near):
                lines[n_lines, _OLDER], lines[n_lines, _NEWER] = rows[older], rows[newer]
                n_lines += 1
    return n_lines


@helper
def _is_outermost(value: Floats, rows: Ints, newer: int, near: float) -> bool:
    """Whether no pivot lies beyond the line through the last of them and ``newer``."""
    older = rows[-1]
    slope = (value[newer] - value[older]) / (newer - older)
    for row in rows:
        if value[row] > value[newer] + slope * (row - newer) + near:
            return False
    return True


@helper
def _pair(side: Side, end: int, last: int, above: Ints, under: Ints, at: Ints, levels: Floats) -> None:
    """Keep the formation between two boundaries, if it is one and is left upward."""
    begin = min(above[_OLDER], under[_OLDER])
    width, unit = last - begin, side.unit[last + side.lag]
    older, newer = abs(above[_OLDER] - under[_OLDER]), abs(above[_NEWER] - under[_NEWER])
    if width < _SHORTEST or max(older, newer) > _APART * width:
        return
    high, low = side.high[above[_NEWER]], side.low[under[_NEWER]]
    rise = (high - side.high[above[_OLDER]]) / (above[_NEWER] - above[_OLDER])
    lift = (low - side.low[under[_OLDER]]) / (under[_NEWER] - under[_OLDER])
    high, low = high + rise * (last - above[_NEWER]), low + lift * (last - under[_NEWER])
    opening, closing = (high - rise * width) - (low - lift * width), high - low
    if max(opening, closing) < _BROAD * unit or min(opening, closing) <= _NARROW * unit:
        return
    code, lines = _shape(rise * width / opening, lift * width / opening, closing / opening), (high, rise, low, lift)
    swings = _swings(side, begin, last, lines, _NEAR * unit) if code >= 0 else 0
    broken = _breakout(side, end, last, min(WAIT, width // 2), lines, _NEAR * unit) if swings >= _SWINGS else -1
    if broken >= 0:
        level, floor = high + rise * (broken - last), low + lift * (broken - last)
        reach = opening if code <= _SYMMETRICAL else closing
        target = side.high[above[_OLDER]] if code == _WEDGE else level + reach
        fit = (min(1.0, (swings - 2) / 4) + 1.0 - (older + newer) / (2.0 * _APART * width)) / 2.0
        told = (fit, level, target, min(floor, side.low[under[_NEWER]]))
        _keep(side, at[code], levels[code], (code, broken), (above, under), told)


@helper
def _shape(rise: float, lift: float, narrowing: float) -> int:
    """Code of a formation whose boundaries rise so much, in widths at its begin, and whose width ends at such a share; -1 for none."""
    if narrowing <= _CONVERGED:
        if abs(rise) <= _SLANTED and lift > _SLANTED:
            return _ASCENDING
        if rise <= -_SLANTED and lift >= _SLANTED:
            return _SYMMETRICAL
        return _WEDGE if rise < lift and lift <= -_WEDGED else -1
    drift = (rise + lift) / 2.0
    if min(narrowing, 1.0 / narrowing) < _PARALLEL:
        return -1
    if abs(drift) <= _LEVEL:
        return _HORIZONTAL
    return _RISING if drift >= _STEEP else _FALLING if drift <= -_STEEP else -1


@helper
def _swings(side: Side, begin: int, last: int, lines: tuple[float, float, float, float], near: float) -> int:
    """How often the pivots cross from one boundary to the other; 0 if a close up to pivot ``last`` has left them."""
    high, rise, low, lift = lines
    crossings, touched = 0, 0
    for row in range(begin, last + 1):
        level, floor = high + rise * (row - last), low + lift * (row - last)
        if side.close[row] > level + near or side.close[row] < floor - near:
            return 0
        if side.is_high[row] and side.high[row] >= level - near:
            crossings += touched < 0
            touched = 1
        if side.is_low[row] and side.low[row] <= floor + near:
            crossings += touched > 0
            touched = -1
    return crossings


@helper
def _breakout(side: Side, end: int, last: int, wait: int, lines: tuple[float, float, float, float], near: float) -> int:
    """First row, from where pivot ``last`` is known, that closes well above; -1 if one closes well below first, or the boundaries meet."""
    high, rise, low, lift = lines
    for row in range(last + 1, min(last + wait + 1, end)):
        level, floor = high + rise * (row - last), low + lift * (row - last)
        if side.close[row] < floor - near or floor >= level:
            return -1
        if row >= last + side.lag and side.close[row] > level + near:
            return row
    return -1


@helper
def _keep(
    side: Side, at: Ints, levels: Floats, made: tuple[int, int], lines: tuple[Ints, Ints], told: tuple[float, float, float, float]
) -> None:  # fmt: skip
    """Take a confirmed formation where it is earlier than the one held, or fits better in the same row, and has room to its target."""
    row, close = made[_ROW], side.close[made[_ROW]]
    is_sooner = row < at[_ROW] or (row == at[_ROW] and told[0] > levels[0])
    if is_sooner and told[3] < close and close < told[2]:
        at[_CODE], at[_ROW] = made
        for line in range(2):
            at[_FIRST + 2 * line], at[_FIRST + 2 * line + 1] = lines[line][_OLDER], lines[line][_NEWER]
        at[_FIRST : _FIRST + 4].sort()
        at[_FIRST + 4] = -1
        for i in range(len(told)):
            levels[i] = told[i]
