"""Double bottoms, inverse heads and shoulders, cups with handles: formations under a neckline, and above it when seen upside down.

How it works: 1 every pivot low is tried as a formation's last one; 2 one walk back over rows finds the pivots before it, carrying the
highest and lowest rows passed; 3 what has the shape waits for the first close above its neckline; 4 per last pivot and kind the earliest
confirmed formation stands, of several in one row the best shaped. Distances are measured in the unit of the row that confirms the last
pivot. What does not belong here: formations between two boundaries (``boundaries``), volume (``confidence``).
"""

import math
from typing import Final

import numpy as np

from market.patterns.compiled import helper, kernel
from market.patterns.pivots import Floats, Ints, Side

KINDS: Final = (
    ("double_bottom", "double_top"),
    ("inverse_head_and_shoulders", "head_and_shoulders"),
    ("cup_and_handle", ""),
)
"""What each code of ``search`` is called upward and downward; empty where it is none."""

WIDTH: Final = 130  # rows from the first pivot to the last
WAIT: Final = 40  # rows from the last pivot to the confirmation
BEFORE: Final = 50  # rows before the first pivot that show the trend which the formation reverses or continues

_DOUBLE, _HEAD, _CUP = range(len(KINDS))
_CODE, _ROW, _FIRST = range(3)  # columns of what is found: code, confirmation row, then the pivots

# Sizes are in units of the row, shares are of the formation's height or width. The sources give pictures and a few percentages of the
# price; these were set on planted patterns (`tests/market/patterns/planted.py`) to find them without telling every wiggle.
_TALL: Final = 4.0  # units of a double bottom
_TALLER: Final = 5.0  # units of a head, a cup
_SPACED: Final = 10  # rows between the lows of a double bottom
_ROOMY: Final = 25  # rows between the rims of a cup
_UNEVEN_LOWS: Final = 0.15
_UNEVEN_SHOULDERS: Final = 0.2
_UNEVEN_RIMS: Final = 0.25
_SHALLOWEST: Final = 0.2  # of a shoulder
_DEEPEST: Final = 0.75  # of a shoulder
_TILTED: Final = 0.3  # of a neckline from peak to peak
_PACED: Final = 0.5  # the nearer shoulder's distance from the head, of the farther one's
_RISEN: Final = 0.75  # of a cup's height: the rise before it
_CENTRED: Final = 0.4  # of a cup: 0 with its bottom at a rim, 1 in the middle
_ROUND: Final = 0.4  # closes in the lowest third of a cup: a third of them in a V
_PARABOLA: Final = 0.577  # the same of a parabola, 1 / sqrt(3)
_HANDLE: Final = (0.1, 0.5)  # least and most that a handle gives back; O'Neil has it in the upper half


@kernel
def search(side: Side, starts: Ints) -> tuple[Ints, Floats]:
    """The formations of all runs that are left upward.

    Parameters
    ----------
    side : bars.
    starts : (r + 1,) where runs begin and the last ends.

    Returns
    -------
    (m, 7) code, confirmation row, five pivot rows (-1: none), the first of them the formation's start; and (m, 4) fit from 0 to 1, neckline
    at the confirmation, target, failure. Fit is the mean of: of a double bottom, how equal the lows are and how near the middle the high is;
    of a head, how equal the shoulders' depths and distances are and how level the neckline is; of a cup, how equal the rims are, how near
    the middle its bottom is and how round.
    """
    room = len(KINDS) * (side.is_low.sum() + 1)
    at, levels, n = np.empty((room, 7), np.int64), np.empty((room, 4)), 0
    for run in range(len(starts) - 1):
        first, end = starts[run], starts[run + 1]
        for last in range(first, end - side.lag):
            if side.is_low[last] and not math.isnan(side.unit[last + side.lag]):
                at[n : n + len(KINDS), _ROW] = end
                levels[n : n + len(KINDS), 0] = -1.0
                _doubles(side, first, end, last, at[n + _DOUBLE], levels[n + _DOUBLE])
                _heads(side, first, end, last, at[n + _HEAD], levels[n + _HEAD])
                _cups(side, first, end, last, at[n + _CUP], levels[n + _CUP])
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
def _keep(
    side: Side, at: Ints, levels: Floats, made: tuple[int, int, int, int, int, int, int], told: tuple[float, float, float, float]
) -> None:  # fmt: skip
    """Take a confirmed formation where it is earlier than the one held, or better shaped in the same row, and has room to its target."""
    row, close = made[_ROW], side.close[made[_ROW]]
    is_sooner = row < at[_ROW] or (row == at[_ROW] and told[0] > levels[0])
    if is_sooner and told[3] < close and close < told[2]:
        for i in range(len(made)):
            at[i] = made[i]
        for i in range(len(told)):
            levels[i] = told[i]


@helper
def _breakout(side: Side, end: int, last: int, wait: int, level: float, slope: float, floor: float) -> int:
    """First row, from where pivot ``last`` is known, that closes above a line with ``level`` there; -1 if a low undercuts the floor first."""
    for row in range(last + 1, min(last + wait + 1, end)):
        if side.low[row] < floor:
            return -1
        if row >= last + side.lag and side.close[row] > level + slope * (row - last):
            return row
    return -1


@helper
def _highest_before(side: Side, first: int, row: int) -> float:
    highest = -math.inf
    for at in range(max(first, row - BEFORE), row):
        highest = max(highest, side.high[at])
    return highest


@helper
def _lowest_before(side: Side, first: int, row: int) -> float:
    lowest = math.inf
    for at in range(max(first, row - BEFORE), row):
        lowest = min(lowest, side.low[at])
    return lowest


@helper
def _doubles(side: Side, first: int, end: int, last: int, at: Ints, levels: Floats) -> None:
    """Two lows at one height, at least ten rows apart, none between them below both, after a fall as tall as the formation."""
    peak, deepest = last - 1, math.inf  # of the rows between the two lows
    for row in range(last - 1, max(first, last - WIDTH) - 1, -1):
        low = min(side.low[row], side.low[last])
        if side.is_low[row] and last - row >= _SPACED and side.is_high[peak] and deepest >= low:
            neck = side.high[peak]
            tall = neck - low
            apart = abs(side.low[row] - side.low[last]) / tall
            is_shaped = tall >= _TALL * side.unit[last + side.lag] and apart <= _UNEVEN_LOWS
            if is_shaped and _highest_before(side, first, row) >= neck:
                broken = _breakout(side, end, last, min(WAIT, last - row), neck, 0.0, low)
                if broken >= 0:
                    centred = 1.0 - abs((peak - row) - (last - peak)) / (last - row)
                    told = ((1.0 - apart / _UNEVEN_LOWS + centred) / 2.0, neck, neck + tall, low)
                    _keep(side, at, levels, (_DOUBLE, broken, row, peak, last, -1, -1), told)
        if side.high[row] > side.high[peak]:
            peak = row
        deepest = min(deepest, side.low[row])


@helper
def _heads(side: Side, first: int, end: int, last: int, at: Ints, levels: Floats) -> None:
    """Every low that may be the head before a right shoulder: the lowest row since, with the shoulder the lowest since the peak between."""
    peak, since_peak, deepest = last - 1, side.low[last], side.low[last]
    for row in range(last - 1, max(first, last - WIDTH) - 1, -1):
        is_lowest = side.low[row] < deepest
        if side.is_low[row] and is_lowest and side.is_high[peak] and since_peak >= side.low[last]:
            if side.high[peak] - side.low[row] >= _TALL * side.unit[last + side.lag]:  # most lows end here
                _shoulders(side, first, end, row, peak, last, at, levels)
        if side.high[row] > side.high[peak]:
            peak, since_peak = row, deepest
        deepest = min(deepest, side.low[row])


@helper
def _shoulders(side: Side, first: int, end: int, head: int, right: int, last: int, at: Ints, levels: Floats) -> None:
    """Every low that may be the left shoulder: none since is as low but the head, none between it and the peak after it lower."""
    left, since_left = head - 1, math.inf  # the peak between left shoulder and head, and the lowest row before it
    for row in range(head - 1, max(first, last - WIDTH) - 1, -1):
        if side.low[row] <= side.low[head]:
            return
        if side.is_low[row] and side.is_high[left] and since_left >= side.low[row]:
            _head(side, first, end, (row, left, head, right, last), at, levels)
        if side.high[row] > side.high[left]:
            left, since_left = row, math.inf
        since_left = min(since_left, side.low[row])


@helper
def _head(side: Side, first: int, end: int, pivots: tuple[int, int, int, int, int], at: Ints, levels: Floats) -> None:
    """Keep a head whose shoulders match in depth under the neckline and in distance from it, after a fall to below the neckline."""
    shoulder, left, head, right, last = pivots
    slope = (side.high[right] - side.high[left]) / (right - left)
    tall = side.high[left] + slope * (head - left) - side.low[head]
    begin, level = side.high[left] + slope * (shoulder - left), side.high[right] + slope * (last - right)
    one, other = (begin - side.low[shoulder]) / tall, (level - side.low[last]) / tall
    pace = min(head - shoulder, last - head) / max(head - shoulder, last - head)
    tilt, uneven = abs(side.high[right] - side.high[left]) / tall, abs(one - other)
    is_head = tall >= _TALLER * side.unit[last + side.lag] and tilt <= _TILTED and pace >= _PACED
    is_matched = min(one, other) >= _SHALLOWEST and max(one, other) <= _DEEPEST and uneven <= _UNEVEN_SHOULDERS
    if is_head and is_matched and _highest_before(side, first, shoulder) >= begin:
        broken = _breakout(side, end, last, min(WAIT, last - head), level, slope, side.low[last])
        if broken >= 0:
            neck = level + slope * (broken - last)
            fit = (1.0 - uneven / _UNEVEN_SHOULDERS + pace + 1.0 - tilt / _TILTED) / 3.0
            told = (fit, neck, neck + tall, side.low[last])
            _keep(side, at, levels, (_HEAD, broken, shoulder, left, head, right, last), told)


@helper
def _cups(side: Side, first: int, end: int, last: int, at: Ints, levels: Floats) -> None:
    """Every high that may be the right rim before a handle's low: the highest row since, the handle's low the lowest."""
    highest = side.high[last]
    for rim in range(last - 1, max(first, last - WAIT) - 1, -1):
        if side.low[rim] < side.low[last]:
            return
        if side.is_high[rim] and side.high[rim] > highest:
            _cup(side, first, end, rim, last, at, levels)
        highest = max(highest, side.high[rim])


@helper
def _cup(side: Side, first: int, end: int, right: int, last: int, at: Ints, levels: Floats) -> None:
    """Left rims at the height of the right one, with a bottom between, after a rise."""
    bottom, unit = right - 1, side.unit[last + side.lag]
    highest = -math.inf  # from a rim down to the bottom: the rim is above
    for row in range(right - 1, max(first, last - WIDTH) - 1, -1):
        tall = min(side.high[row], side.high[right]) - side.low[bottom]
        if side.is_high[row] and side.high[row] >= highest and right - row >= _ROOMY and side.is_low[bottom]:
            if tall >= _TALLER * unit and _lowest_before(side, first, row) <= side.high[row] - _RISEN * tall:
                _handle(side, end, (row, bottom, right, last), tall, at, levels)
        most = side.high[right] + _UNEVEN_RIMS * (side.high[right] - side.low[bottom])
        if (
            side.high[row] > most + 0.5 * unit
        ):  # what lies before is no longer level; near the right rim there is hardly a height yet
            return
        highest = max(highest, side.high[row])
        if side.low[row] < side.low[bottom]:
            bottom, highest = row, -math.inf


@helper
def _handle(side: Side, end: int, pivots: tuple[int, int, int, int], tall: float, at: Ints, levels: Floats) -> None:
    """Keep a cup whose rims are level, whose bottom is round and in the middle, and whose handle stays in its upper half."""
    left, bottom, right, last = pivots
    neck, floor = side.high[right], side.low[last]
    apart = abs(side.high[left] - neck) / tall
    deep = (neck - floor) / tall
    centred = 1.0 - abs((bottom - left) - (right - bottom)) / (right - left)
    below = _share_below(side, left, right, side.low[bottom] + tall / 3.0)
    is_level = apart <= _UNEVEN_RIMS and _HANDLE[0] <= deep and deep <= _HANDLE[1]
    if is_level and centred >= _CENTRED and below >= _ROUND:
        broken = _breakout(side, end, last, min(WAIT, (right - left) // 2 - (last - right)), neck, 0.0, floor)
        if broken >= 0:
            fit = (1.0 - apart / _UNEVEN_RIMS + centred + min(1.0, (below - _ROUND) / (_PARABOLA - _ROUND))) / 3.0
            _keep(side, at, levels, (_CUP, broken, left, bottom, right, last, -1), (fit, neck, neck + tall, floor))


@helper
def _share_below(side: Side, begin: int, end: int, level: float) -> float:
    """Share of the closes between two rows that lie below a level."""
    below = 0
    for row in range(begin + 1, end):
        below += side.close[row] < level
    return below / (end - begin - 1)
