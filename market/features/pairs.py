"""The numba kernel of two columns over the last n rows: correlation and covariance of the rows where both are known.

How it works: as in ``moments``, by doubling: sums of distances from the newest pair, squares and products around the means, which two neighbours share when they join.
Helpers and loops: as in ``moments``. What does not belong here: one column (``moments``, ``extremes``).

Source: P. Pébay, Formulas for Robust, One-Pass Parallel Computation of Covariances and Arbitrary-Order Statistical Moments (2008), section 3.
"""

import math
from typing import Any, Final

import numba
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

CODES: Final = {"corr": 0, "cov": 1}
"""Operators of this kernel, by name."""

_CORR, _COV = range(2)
# rows of a tile's room: what is read, what is made on the way, two of each statistic in turn
_ZERO, _LEFT, _RIGHT, _WEIGHT, _COUNT, _SCALE, _MOVED, _GAP_X, _GAP_Y = range(9)
_X, _Y, _XX, _YY, _XY, _KNOWN = range(9, 21, 2)
ROOM: Final = 21

_LEAN: Final[dict[str, Any]] = {"nogil": True, "error_model": "numpy", "_nrt": False}  # as in ``moments``
_kernel: Any = numba.njit(cache=True, **_LEAN)
_helper: Any = numba.njit(**_LEAN)


@_kernel
def paired(code: int, x: Floats, y: Floats, starts: Ints, n: int, least: int, room: Floats, out: Floats) -> None:
    """Fill ``out`` with the statistic ``code`` of two columns over the rows of the last ``n`` where both are known.

    Parameters
    ----------
    code : of CODES.
    x, y : (rows,) float64, contiguous.
    starts : (k + 1,) int64; series i is rows starts[i] to starts[i + 1], oldest first.
    least : known rows below which it is NaN.
    room : (ROOM, rows of a tile and n - 1) to work in.
    out : (rows,) filled.
    """
    reach = n - 1
    tile = room.shape[1] - reach
    room[_ZERO] = 0.0
    for series in range(len(starts) - 1):
        own, beside = x[starts[series] : starts[series + 1]], y[starts[series] : starts[series + 1]]
        begin = 0
        while begin < len(own):
            end = min(begin + tile, len(own) if begin >= reach else min(reach, len(own)))
            is_full = _lay_out(own, beside, begin - reach, end, n, room)
            result = out[starts[series] + begin : starts[series] + end]
            # where all rows of a window must be known, one with a gap has no value, whatever is computed of it: no weights then
            _joint(code, least < n and not is_full, end - begin + reach, n, room, result)
            count = room[_COUNT]
            for row in range(end - begin):
                result[row] = result[row] if count[row] >= least else math.nan
            begin = end


@_helper
def _lay_out(x: Floats, y: Floats, begin: int, end: int, n: int, room: Floats) -> bool:
    """From row ``begin`` on, which may lie before the first: the newest pair that is known, 1 where the row's own is, the known rows of windows; are all?"""
    left, right, weight, count = room[_LEFT], room[_RIGHT], room[_WEIGHT], room[_COUNT]
    size = end - begin
    if begin >= 0:
        n_known, a, b = 0, x[begin:end], y[begin:end]
        for at in range(size):
            n_known += math.isfinite(a[at]) and math.isfinite(b[at])
        if n_known == size:
            for at in range(size):
                left[at] = a[at]
            for at in range(size):
                right[at] = b[at]
            count[: size - n + 1] = n
            return True
    last_x, last_y, running = 0.0, 0.0, 0.0
    for at in range(size):
        row = begin + at
        known = row >= 0 and math.isfinite(x[row]) and math.isfinite(y[row])
        last_x, last_y = (x[row], y[row]) if known else (last_x, last_y)
        left[at], right[at], weight[at] = last_x, last_y, 1.0 if known else 0.0
        running += weight[at]
        if at >= n - 1:
            count[at - n + 1] = running
            running -= weight[at - n + 1]
    return False


@_helper
def _step(width: int, n: int) -> int:
    """How many older rows to join to ``width`` on the way to ``n``: as many again where width's binary digits begin n's, else 1."""
    begin = n
    while begin > width:
        begin >>= 1
    return width if begin == width else 1


@_helper
def _joint(code: int, weighs: bool, size: int, n: int, room: Floats, out: Floats) -> None:
    """A tile of rows."""
    known, sum_x, sum_y, xx, yy, xy, width, turn = _WEIGHT, _ZERO, _ZERO, _ZERO, _ZERO, _ZERO, 1, 0
    scale = room[_SCALE]
    while width < n:
        step = _step(width, n)
        is_twin, length, a, b = step == width, size - width - step + 1, float(width), float(step)
        older = known if is_twin else _WEIGHT
        if weighs:
            na, nb, both = room[known][step:], room[older], room[_KNOWN + turn]
            for at in range(length):
                product = na[at] * nb[at] * (na[at] + nb[at])
                scale[at] = 1.0 / product if product > 0.0 else 0.0
            for at in range(length):
                both[at] = na[at] + nb[at]
        else:
            scale[:length] = 1.0 / (a * b * (a + b))
        for side in range(2):
            column, total, made, gap = (
                (_LEFT, sum_x, _X + turn, _GAP_X) if side == 0 else (_RIGHT, sum_y, _Y + turn, _GAP_Y)
            )
            _apart(
                room, column, known, older, total, total if is_twin else _ZERO, width, step, weighs, length, gap, made
            )
        if code == _CORR:
            _shared(room, xx, xx if is_twin else _ZERO, step, length, _GAP_X, _GAP_X, _XX + turn)
            _shared(room, yy, yy if is_twin else _ZERO, step, length, _GAP_Y, _GAP_Y, _YY + turn)
        _shared(room, xy, xy if is_twin else _ZERO, step, length, _GAP_X, _GAP_Y, _XY + turn)
        known = _KNOWN + turn if weighs else _WEIGHT
        sum_x, sum_y, xx, yy, xy, width, turn = (
            _X + turn,
            _Y + turn,
            _XX + turn,
            _YY + turn,
            _XY + turn,
            width + step,
            1 - turn,
        )
    count, own, others, joint = room[_COUNT], room[xx], room[yy], room[xy]
    for row in range(len(out)):
        if code == _COV:
            out[row] = joint[row] / (count[row] - 1.0)
        else:
            spread = math.sqrt(own[row]) * math.sqrt(others[row])  # not sqrt(xx * yy): won volumes overflow there
            # rounding can pass 1 by a bit; what overflowed has no value
            out[row] = min(1.0, max(-1.0, joint[row] / spread)) if 0.0 < spread < math.inf else math.nan


@_helper
def _apart(
    room: Floats, column: int, newer: int, older: int, total: int, older_total: int, width: int, step: int, weighs: bool,
    length: int, gap: int, made: int,
) -> None:  # fmt: skip
    """Join the sums of distances of ``width`` rows and the ``step`` before them; and how far apart their means are, times the rows of both."""
    now, past, near, far = (
        room[column][step + width - 1 :],
        room[column][step - 1 :],
        room[total][step:],
        room[older_total],
    )
    na, nb, a, b, moved, apart, both = (
        room[newer][step:],
        room[older],
        float(width),
        float(step),
        room[_MOVED],
        room[gap],
        room[made],
    )
    if weighs:
        for at in range(length):  # where the older block has no known row, its anchor lies before it
            moved[at] = far[at] + (nb[at] * (past[at] - now[at]) if nb[at] > 0.0 else 0.0)
        for at in range(length):
            apart[at] = na[at] * moved[at] - nb[at] * near[at]
    else:
        for at in range(length):
            moved[at] = far[at] + b * (past[at] - now[at])
        for at in range(length):
            apart[at] = a * moved[at] - b * near[at]
    for at in range(length):
        both[at] = near[at] + moved[at]


@_helper
def _shared(room: Floats, newer: int, older: int, step: int, length: int, left: int, right: int, made: int) -> None:
    near, far, a, b, scale, both = room[newer][step:], room[older], room[left], room[right], room[_SCALE], room[made]
    for at in range(length):
        both[at] = near[at] + far[at] + a[at] * b[at] * scale[at]
