"""The numba kernel of sums and moments over the last n rows: count, sum, means, spread, the line through a window.

How it works: of m rows that end at one row are kept the sum of their distances from its value (the newest known one, the anchor), the squares around their mean
and what they share with their places. Two neighbours of m rows make one of 2m. Distances are differences of rows near each other, so that a 5-row
deviation of 0.001 on a price of 1e9 keeps its digits, and rows that are equal have exactly no spread. Tiles without a gap, which most are, need no weights;
both ways give equal bits where a window is full. Third and fourth powers and absolute distances take a second pass, lag by lag.

Helpers stay in this file: numba keeps the machine code beside it, and does not see changes elsewhere. A loop reads and writes few arrays, each of them a slice
in one dimension: LLVM proves eight pairs of them apart at most, and past that it uses no vectors. What does not belong here: order (``extremes``).

Source: T. F. Chan, G. H. Golub and R. J. LeVeque, Updating Formulae and a Pairwise Algorithm for Computing Sample Variances (1979), equation 2.1;
P. Pébay, Formulas for Robust, One-Pass Parallel Computation of Covariances and Arbitrary-Order Statistical Moments (2008), section 3.
"""

import math
from typing import Any, Final

import numba
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

CODES: Final = {
    name: code
    for code, name in enumerate((
        "count", "sum", "wma", "mean", "mad", "skew", "kurt", "var", "std", "slope", "rsquare", "residual",
    ))
}  # fmt: skip
"""Operators of this kernel, by name."""

_COUNT, _SUM, _WMA, _MEAN, _MAD, _SKEW, _KURT, _VAR, _STD, _SLOPE, _RSQUARE, _RESIDUAL = range(len(CODES))
# rows of a tile's room: what is read, what is made on the way, two of each statistic in turn, what windows come to
_ZERO, _ONE, _VALUE, _ANCHOR, _WEIGHT, _MOVED, _SCALE, _TILT = range(8)
_TOTAL, _SQUARES, _LINE, _KNOWN, _LAGS, _LAGS2 = range(8, 20, 2)
_HOW_MANY, _CENTRE, _MIDDLE, _PLACE, _SPREAD = range(20, 25)
ROOM: Final = 25

# division by zero gives what numpy gives: rows that have no value are masked at the end. Nothing is allocated, so numba need not count who
# holds a slice: the counting took as long as the sums of a tile
_LEAN: Final[dict[str, Any]] = {"nogil": True, "error_model": "numpy", "_nrt": False}
_kernel: Any = numba.njit(cache=True, **_LEAN)
_helper: Any = numba.njit(**_LEAN)


@_kernel
def rolling(codes: Ints, x: Floats, starts: Ints, n: int, least: Ints, room: Floats, out: Floats) -> None:
    """Fill ``out``, one row for each of ``codes``; parameters as in ``windows.rolling``. ``room`` is (ROOM, rows of a tile and n - 1) to work in."""
    reach, fewest, depth = n - 1, n, 0
    tile = room.shape[1] - reach
    room[_ZERO], room[_ONE] = 0.0, 1.0
    for at in range(len(codes)):
        code, fewest = codes[at], min(fewest, least[at])
        depth = max(depth, 3 if code == _WMA or code >= _SLOPE else 2 if code >= _SKEW else 1 if code > _SUM else 0)
    for series in range(len(starts) - 1):
        own = x[starts[series] : starts[series + 1]]
        begin = 0
        while begin < len(own):
            end = min(begin + tile, len(own) if begin >= reach else min(reach, len(own)))
            first, is_full = starts[series] + begin, _lay_out(own, begin - reach, end, n, room)
            # where all rows of a window must be known, one that is short or has a gap has no value, whatever is computed of it
            weighs, anchor = fewest < n and not is_full, _VALUE if is_full else _ANCHOR
            if weighs or begin >= reach:
                _statistics(codes, depth, anchor, _WEIGHT if weighs else _ONE, end - begin + reach, n, room, out, first)
            for at in range(0 if is_full else len(codes)):
                result = out[at][first : starts[series] + end]
                _mask(own[begin:end], room[_HOW_MANY], least[at], codes[at] == _RESIDUAL, result)
            begin = end


@_helper
def _lay_out(x: Floats, begin: int, end: int, n: int, room: Floats) -> bool:
    """From row ``begin`` on, which may lie before the first: the values, 0 where not known; the newest known ones; 1 where known;
    the known rows of each window. Where all are known, which is told, the values and counts alone."""
    value, anchor, weight, count, size = room[_VALUE], room[_ANCHOR], room[_WEIGHT], room[_HOW_MANY], end - begin
    if begin >= 0:
        n_known, past = 0, x[begin:end]
        for at in range(size):
            n_known += math.isfinite(past[at])
        if n_known == size:
            for at in range(size):
                value[at] = past[at]
            count[: size - n + 1] = n
            return True
    last, running = 0.0, 0.0
    for at in range(size):
        known = begin + at >= 0 and math.isfinite(x[begin + at])
        last = x[begin + at] if known else last
        value[at], anchor[at], weight[at] = last if known else 0.0, last, 1.0 if known else 0.0
        running += weight[at]  # whole numbers, so a running sum is exact
        if at >= n - 1:
            count[at - n + 1] = running
            running -= weight[at - n + 1]
    return False


@_helper
def _mask(x: Floats, count: Floats, least: int, needs_current: bool, out: Floats) -> None:
    for row in range(len(out)):
        is_there = count[row] >= least and (not needs_current or math.isfinite(x[row]))
        out[row] = out[row] if is_there else math.nan


@_helper
def _statistics(
    codes: Ints, depth: int, anchor: int, weight: int, size: int, n: int, room: Floats, out: Floats, first: int
) -> None:  # fmt: skip
    """A tile of rows: what their windows add up to, once for all that is made of it. ``anchor`` and ``weight`` are rows of the room."""
    rows, total, squares, line = size - n + 1, _ZERO, _ZERO, _ZERO
    count, centre, mean, now = room[_HOW_MANY], room[_CENTRE], room[_MIDDLE], room[anchor][n - 1 :]
    if depth:
        made = _whole(room, anchor, size, n, depth) if weight == _ONE else _weighted(room, anchor, size, n, depth)
        total, squares, line = made
        distance = room[total]
        for row in range(rows):
            centre[row] = distance[row] / count[row]
        for row in range(rows):
            mean[row] = now[row] + centre[row]
    for at in range(len(codes)):
        # rows of whole columns: of a part of both axes numba does not know that it lies end to end, and uses no vectors
        code, result = codes[at], out[at][first : first + rows]
        if code == _SUM:
            _sum(room, size, n, result)
        elif code == _COUNT or code == _MEAN:
            plain = room[_HOW_MANY if code == _COUNT else _MIDDLE]
            for row in range(rows):
                result[row] = plain[row]
        elif code == _MAD or code == _SKEW or code == _KURT:
            _moment(code, room, anchor, weight, squares, n, result)
        elif code == _VAR or code == _STD:
            square = room[squares]
            for row in range(rows):
                variance = square[row] / (count[row] - 1.0)
                result[row] = variance if code == _VAR else math.sqrt(variance)
        else:
            _of_line(code, room, squares, line, n, result)


@_helper
def _step(width: int, n: int) -> int:
    """How many older rows to join to ``width`` on the way to ``n``: as many again where width's binary digits begin n's, else 1."""
    begin = n
    while begin > width:
        begin >>= 1
    return width if begin == width else 1


@_helper
def _sum(room: Floats, size: int, n: int, out: Floats) -> None:
    """The sum of ``width`` rows from each row on, which are n at last."""
    width, done, next_ = 1, _VALUE, _TOTAL
    while width < n:
        step = _step(width, n)
        newer, older, both = room[done][step:], room[done if step == width else _VALUE], room[next_]
        for at in range(size - width - step + 1):
            both[at] = newer[at] + older[at]
        width, done, next_ = width + step, next_, 2 * _TOTAL + 1 - next_
    made = room[done]
    for row in range(len(out)):
        out[row] = made[row]


@_helper
def _whole(room: Floats, anchor: int, size: int, n: int, depth: int) -> tuple[int, int, int]:
    """The rows of the room with, for windows without a gap, the sum of distances from the newest value; ``depth`` 2: of squares around the mean; 3: of what
    they share with their places."""
    total, squares, line, width, turn = _ZERO, _ZERO, _ZERO, 1, 0
    x, moved = room[anchor], room[_MOVED]
    while width < n:
        step = _step(width, n)
        is_twin, length, a, b = step == width, size - width - step + 1, float(width), float(step)
        now, past = x[step + width - 1 :], x[step - 1 :]
        near, far, both = room[total][step:], room[total if is_twin else _ZERO], room[_TOTAL + turn]
        for at in range(length):
            moved[at] = far[at] + b * (past[at] - now[at])
        for at in range(length):
            both[at] = near[at] + moved[at]
        if depth > 1:
            newer, older, both = room[squares][step:], room[squares if is_twin else _ZERO], room[_SQUARES + turn]
            scale = 1.0 / (a * b * (a + b))
            for at in range(length):
                gap = a * moved[at] - b * near[at]
                both[at] = newer[at] + older[at] + gap * gap * scale
            squares = _SQUARES + turn
        if depth > 2:
            newer, older, both = room[line][step:], room[line if is_twin else _ZERO], room[_LINE + turn]
            for at in range(length):
                both[at] = newer[at] + older[at] - 0.5 * (a * moved[at] - b * near[at])
            line = _LINE + turn
        total, width, turn = _TOTAL + turn, width + step, 1 - turn
    if depth > 2:
        room[_PLACE][: size - n + 1] = (n - 1.0) / 2.0
        room[_SPREAD][: size - n + 1] = n * (n * n - 1.0) / 12.0
    return total, squares, line


@_helper
def _weighted(room: Floats, anchor: int, size: int, n: int, depth: int) -> tuple[int, int, int]:
    """The same of the known rows alone: each block has its own count, and sums of its rows' lags and of their squares, which are whole numbers."""
    known, total, squares, line, lags, lags2 = _WEIGHT, _ZERO, _ZERO, _ZERO, _ZERO, _ZERO
    x, moved, scale, tilt = room[anchor], room[_MOVED], room[_SCALE], room[_TILT]
    width, turn = 1, 0
    while width < n:
        step = _step(width, n)
        is_twin, length, a = step == width, size - width - step + 1, float(width)
        now, past, na, nb = (
            x[step + width - 1 :],
            x[step - 1 :],
            room[known][step:],
            room[known if is_twin else _WEIGHT],
        )
        near, far, both = room[total][step:], room[total if is_twin else _ZERO], room[_TOTAL + turn]
        for at in range(length):  # where the older block has no known row, its anchor lies before it
            moved[at] = far[at] + (nb[at] * (past[at] - now[at]) if nb[at] > 0.0 else 0.0)
        for at in range(length):
            both[at] = near[at] + moved[at]
        if depth > 1:
            newer, older, both = room[squares][step:], room[squares if is_twin else _ZERO], room[_SQUARES + turn]
            for at in range(length):
                product = na[at] * nb[at] * (na[at] + nb[at])
                scale[at] = 1.0 / product if product > 0.0 else 0.0
            for at in range(length):
                gap = na[at] * moved[at] - nb[at] * near[at]
                both[at] = newer[at] + older[at] + gap * gap * scale[at]
            squares = _SQUARES + turn
        if depth > 2:
            pa, pb = room[lags][step:], room[lags if is_twin else _ZERO]
            newer, older, both = room[line][step:], room[line if is_twin else _ZERO], room[_LINE + turn]
            for at in range(length):  # of whole numbers: exactly a half where no row is missing
                product = na[at] * nb[at] * (na[at] + nb[at])
                apart = na[at] * (pb[at] + a * nb[at]) - nb[at] * pa[at]
                tilt[at] = apart / product if product > 0.0 else 0.0
            for at in range(length):
                both[at] = newer[at] + older[at] - tilt[at] * (na[at] * moved[at] - nb[at] * near[at])
            newer, older, both = room[lags2][step:], room[lags2 if is_twin else _ZERO], room[_LAGS2 + turn]
            for at in range(length):
                both[at] = newer[at] + older[at] + a * (2.0 * pb[at] + a * nb[at])
            both = room[_LAGS + turn]
            for at in range(length):
                both[at] = pa[at] + pb[at] + a * nb[at]
            line, lags, lags2 = _LINE + turn, _LAGS + turn, _LAGS2 + turn
        both = room[_KNOWN + turn]
        for at in range(length):
            both[at] = na[at] + nb[at]
        known, total, width, turn = _KNOWN + turn, _TOTAL + turn, width + step, 1 - turn
    count, lag, lag2, place, spread = room[_HOW_MANY], room[lags], room[lags2], room[_PLACE], room[_SPREAD]
    for row in range(size - n + 1 if depth > 2 else 0):
        place[row] = lag[row] / count[row]
        spread[row] = (count[row] * lag2[row] - lag[row] * lag[row]) / count[row]
    return total, squares, line


@_helper
def _moment(code: int, room: Floats, anchor: int, weight: int, squares: int, n: int, out: Floats) -> None:
    """What is made of absolute distances from the mean, or of their third or fourth powers, lag by lag: a mean first, then what is around it."""
    rows, now, centre, count, total = len(out), room[anchor][n - 1 :], room[_CENTRE], room[_HOW_MANY], room[_SCALE]
    total[:rows] = 0.0
    for lag in range(n):
        at, is_known = room[anchor][lag:], room[weight][lag:]
        if code == _MAD:
            for row in range(rows):
                total[row] += is_known[row] * abs((at[row] - now[row]) - centre[row])
        elif code == _SKEW:
            for row in range(rows):
                far = (at[row] - now[row]) - centre[row]
                total[row] += is_known[row] * far * far * far
        else:
            for row in range(rows):
                far = (at[row] - now[row]) - centre[row]
                total[row] += is_known[row] * far * far * (far * far)
    square = room[squares]
    for row in range(rows):
        m, made, variance = count[row], total[row] / count[row], square[row] / count[row]
        if code == _MAD:
            out[row] = made
        elif code == _SKEW:
            out[row] = math.sqrt(m * (m - 1.0)) / (m - 2.0) * made / (variance * math.sqrt(variance))
        else:
            out[row] = (m - 1.0) / ((m - 2.0) * (m - 3.0)) * ((m + 1.0) * (made / variance**2 - 3.0) + 6.0)


@_helper
def _of_line(code: int, room: Floats, squares: int, line: int, n: int, out: Floats) -> None:
    """What is made of the line through a window's rows by how many rows ago they are: ``line`` falls where it rises with the lag."""
    count, centre, mean, place, spread = room[_HOW_MANY], room[_CENTRE], room[_MIDDLE], room[_PLACE], room[_SPREAD]
    shared, square = room[line], room[squares]
    if code == _WMA:  # weights n less the lag
        for row in range(len(out)):
            out[row] = mean[row] + shared[row] / (count[row] * (n - place[row]))
    elif code == _SLOPE:
        for row in range(len(out)):
            out[row] = shared[row] / spread[row]
    elif code == _RSQUARE:
        for row in range(len(out)):
            explained = shared[row] / spread[row] * (shared[row] / square[row])
            out[row] = 1.0 if explained > 1.0 else explained  # rounding can pass 1 by a bit; NaN stays
    else:  # the current row is the anchor, so that nothing of a price's size is rounded
        for row in range(len(out)):
            out[row] = -(centre[row] + shared[row] / spread[row] * place[row])
