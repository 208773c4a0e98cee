"""The numba kernels of windows: statistics of one and of two columns over the last n rows of series laid end to end.

How it works: 1 a series is laid out behind n - 1 rows that are not there, each row with weight 1 where it is known (a finite number) and 0 where not;
2 tiles of rows are walked lag by lag, oldest first, so that the inner loop runs along the rows and fills vector registers, while every
row's own sum keeps its order; 3 moments take two passes, around the newest known value and then around the mean: running sums lose up to a
tenth of a 5-row standard deviation, and a constant window has exactly no spread. Each value depends on the rows of its window alone,
never on where a chunk begins: a split history gives equal bits. What does not belong here: what carries state (``recursion``).

Two functions are compiled, an operator code being an argument: numba keeps their machine code beside this file, and does not see changes of
helpers in other files. Arrays are float64 and contiguous; ``starts`` is (k + 1,) int64, series i being rows starts[i] to starts[i + 1].
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
        "count", "sum", "wma", "mean", "mad", "skew", "kurt", "var", "std", "slope", "rsquare", "residual", "rank", "min", "max",
        "argmin", "argmax", "ref", "delta", "quantile",
    ))
}  # fmt: skip
"""Operators of one column, by name."""
PAIRS: Final = {"corr": 0, "cov": 1}
"""Operators of two columns."""
LEAST: Final = {"var": 2, "std": 2, "skew": 3, "kurt": 4, "slope": 2, "rsquare": 2, "residual": 2, "corr": 2, "cov": 2}
"""Known rows below which an operator has no value, where it is not 1."""

(_COUNT, _SUM, _WMA, _MEAN, _MAD, _SKEW, _KURT, _VAR, _STD, _SLOPE, _RSQUARE, _RESIDUAL, _RANK, _MIN, _MAX,
 _ARGMIN, _ARGMAX, _REF, _DELTA, _QUANTILE) = range(len(CODES))  # fmt: skip
_TILE: Final = 512  # rows; what a tile reads and sums stays in the first-level cache

# division by zero gives what numpy gives: the rows that have no value are masked at the end
_kernel: Any = numba.njit(cache=True, nogil=True, error_model="numpy")
_helper: Any = numba.njit(nogil=True, error_model="numpy")


@_kernel
def rolling(codes: Ints, x: Floats, starts: Ints, n: int, least: Ints, levels: Floats, out: Floats) -> None:
    """Statistics of the known values among the last ``n`` rows, several of one column at once: they share what they have in common.

    Parameters
    ----------
    codes : (c,) of CODES, rising: what shares a layout stands together.
    least : (c,) known rows below which the statistic is NaN.
    levels : (c,) of quantiles, 0 to 1; no other statistic reads its own.
    out : (c, n rows) filled.
    """
    rows = _longest(starts)
    value, weight = np.empty(n - 1 + rows), np.empty(n - 1 + rows)
    shift, count, tile = np.empty(rows), np.empty(rows), np.empty((6, _TILE))
    for series in range(len(starts) - 1):
        first, own = starts[series], x[starts[series] : starts[series + 1]]
        is_whole = _lay_out(own, n, 1.0, 0.0, value, weight) == len(own)
        _count(weight, n, is_whole, count[: len(own)])
        if codes[-1] >= _WMA and codes[0] < _RANK:
            _newest(own, shift)
        n_sums = np.searchsorted(codes, _MIN)
        for begin in range(0, len(own), _TILE):
            end = min(begin + _TILE, len(own))
            v, w = value[begin : end + n - 1], weight[begin : end + n - 1]
            _sums(codes[:n_sums], v, w, shift[begin:end], count[begin:end], n, tile, out, first + begin)
        n_plain = np.searchsorted(codes, _QUANTILE)
        for at in range(n_sums, n_plain):
            result = out[at][first : first + len(own)]
            if codes[at] == _REF or codes[at] == _DELTA:
                _shifted(codes[at], own, n, result)
            else:
                _extreme(codes[at], own, n, value, weight, tile[0], result)
        if n_plain < len(codes):
            _quantiles(own, n, levels[n_plain:], out[n_plain:], first)
        for at in range(len(codes)):
            if codes[at] != _REF and codes[at] != _DELTA:
                needs_current = codes[at] == _RANK or codes[at] == _RESIDUAL
                _mask(own, count, least[at], is_whole, needs_current, out[at][first : first + len(own)])


@_kernel
def paired(code: int, x: Floats, y: Floats, starts: Ints, n: int, least: int, out: Floats) -> None:
    """Fill ``out`` with the statistic ``code`` of two columns over the rows of the last ``n`` where both are known."""
    rows = _longest(starts)
    left, right, weight = np.empty(n - 1 + rows), np.empty(n - 1 + rows), np.empty(n - 1 + rows)
    both, shift, other, count = np.empty(rows), np.empty(rows), np.empty(rows), np.empty(rows)
    tile = np.empty((5, _TILE))
    for series in range(len(starts) - 1):
        first, last = starts[series], starts[series + 1]
        length, result = last - first, out[first:last]
        for turn in range(2):
            own, beside = (x[first:last], y[first:last]) if turn == 0 else (y[first:last], x[first:last])
            for row in range(length):
                both[row] = own[row] if math.isfinite(beside[row]) else math.nan
            n_known = _lay_out(both[:length], n, 1.0, 0.0, left if turn == 0 else right, weight)
            _newest(both[:length], shift if turn == 0 else other)
        _count(weight, n, n_known == length, count[:length])
        for begin in range(0, length, _TILE):
            end = min(begin + _TILE, length)
            a, b, w = left[begin : end + n - 1], right[begin : end + n - 1], weight[begin : end + n - 1]
            _joint(code, a, b, w, shift[begin:end], other[begin:end], count[begin:end], n, tile, result[begin:end])
        for row in range(length):
            if count[row] < least:
                result[row] = math.nan


@_helper
def _longest(starts: Ints) -> int:
    longest = 0
    for series in range(len(starts) - 1):
        longest = max(longest, starts[series + 1] - starts[series])
    return longest


@_helper
def _shifted(code: int, x: Floats, n: int, out: Floats) -> None:
    for row in range(len(x)):
        past = x[row - n] if row >= n else math.nan
        out[row] = past if code == _REF else x[row] - past


@_helper
def _lay_out(x: Floats, n: int, side: float, missing: float, value: Floats, weight: Floats) -> int:
    """The series times ``side`` behind n - 1 rows that are not there; how many of its own rows are known."""
    value[: n - 1] = missing
    weight[: n - 1] = 0.0
    n_known = 0
    for row in range(len(x)):
        known = math.isfinite(x[row])
        value[n - 1 + row] = side * x[row] if known else missing
        weight[n - 1 + row] = 1.0 if known else 0.0
        n_known += known
    return n_known


@_helper
def _count(weight: Floats, n: int, is_whole: bool, count: Floats) -> None:
    """Known rows of each window; whole numbers, so a running sum is exact."""
    if is_whole:
        count[:] = n
        for row in range(min(n, len(count))):
            count[row] = row + 1.0
        return
    running = 0.0
    for row in range(len(count)):
        running += weight[n - 1 + row]
        count[row] = running
        running -= weight[row]


@_helper
def _newest(x: Floats, shift: Floats) -> None:
    """The newest known value at each row, 0 before the first: near to what its window holds."""
    last = 0.0
    for row in range(len(x)):
        last = x[row] if math.isfinite(x[row]) else last
        shift[row] = last


@_helper
def _mask(x: Floats, count: Floats, least: int, is_whole: bool, needs_current: bool, out: Floats) -> None:
    if is_whole:
        out[: least - 1] = math.nan
        return
    for row in range(len(out)):
        out[row] = math.nan if count[row] < least else out[row]
    if needs_current:
        for row in range(len(out)):
            out[row] = out[row] if math.isfinite(x[row]) else math.nan


@_helper
def _sums(
    codes: Ints, v: Floats, w: Floats, shift: Floats, count: Floats, n: int, tile: Floats, out: Floats, first: int
) -> None:  # fmt: skip
    """The statistics that are made of sums over a tile of rows: one mean and one line for all of them."""
    rows = len(count)
    mean, place, shared, spread, square = tile[0][:rows], tile[1][:rows], tile[2][:rows], tile[3][:rows], tile[4][:rows]
    has_mean, has_line, has_square = False, False, False
    for at in range(len(codes)):
        # rows of whole columns: of a part of both axes numba does not know that it lies end to end, and uses no vectors
        code, result = codes[at], out[at][first : first + rows]
        if code == _COUNT:
            result[:] = count
        elif code == _SUM:
            _sum(v, n, result)
        elif code == _WMA:
            _weighted(v, w, shift, n, tile[5], result)
        elif code == _RANK:
            _rank(v, w, count, n, tile[5], result)
        else:
            if not has_mean:
                _mean(v, w, shift, count, n, mean)
                has_mean = True
            if code == _MEAN:
                result[:] = mean
            elif code <= _KURT:
                _moment(code, v, w, mean, count, n, square, tile[5][:rows], result)
            elif code <= _STD:
                if not has_square:
                    _square(v, w, mean, n, square)
                    has_square = True
                for row in range(rows):
                    variance = square[row] / (count[row] - 1.0)
                    result[row] = variance if code == _VAR else math.sqrt(variance)
            else:
                if not has_square:
                    _square(v, w, mean, n, square)
                    has_square = True
                if not has_line:
                    _line(v, w, mean, count, n, place, shared, spread)
                    has_line = True
                _of_line(code, v[n - 1 : n - 1 + rows], mean, n, place, shared, spread, square, result)


@_helper
def _sum(v: Floats, n: int, out: Floats) -> None:
    rows = len(out)
    out[:] = 0.0
    for lag in range(n):
        at = v[lag : lag + rows]
        for row in range(rows):
            out[row] += at[row]


@_helper
def _mean(v: Floats, w: Floats, shift: Floats, count: Floats, n: int, out: Floats) -> None:
    rows = len(out)
    out[:] = 0.0
    for lag in range(n):
        at, is_known = v[lag : lag + rows], w[lag : lag + rows]
        for row in range(rows):
            out[row] += is_known[row] * (at[row] - shift[row])
    for row in range(rows):
        out[row] = shift[row] + out[row] / count[row]


@_helper
def _weighted(v: Floats, w: Floats, shift: Floats, n: int, weights: Floats, out: Floats) -> None:
    """Weights 1 for the oldest row to n for the current one."""
    rows = len(out)
    out[:] = 0.0
    weights[:rows] = 0.0
    for lag in range(n):
        at, is_known = v[lag : lag + rows], w[lag : lag + rows]
        for row in range(rows):
            weight = (lag + 1.0) * is_known[row]
            out[row] += weight * (at[row] - shift[row])
            weights[row] += weight
    for row in range(rows):
        out[row] = shift[row] + out[row] / weights[row]


@_helper
def _square(v: Floats, w: Floats, mean: Floats, n: int, out: Floats) -> None:
    """Sum of the squared distances from the mean."""
    rows = len(out)
    out[:] = 0.0
    for lag in range(n):
        at, is_known = v[lag : lag + rows], w[lag : lag + rows]
        for row in range(rows):
            out[row] += is_known[row] * (at[row] - mean[row]) ** 2


@_helper
def _moment(
    code: int, v: Floats, w: Floats, mean: Floats, count: Floats, n: int, second: Floats, higher: Floats, out: Floats
) -> None:  # fmt: skip
    """What is made of absolute distances from the mean, or of their second and third or fourth powers."""
    rows = len(out)
    second[:] = 0.0
    higher[:] = 0.0
    for lag in range(n):
        at, is_known = v[lag : lag + rows], w[lag : lag + rows]
        if code == _MAD:
            for row in range(rows):
                second[row] += is_known[row] * abs(at[row] - mean[row])
        else:
            for row in range(rows):
                far = at[row] - mean[row]
                square = is_known[row] * far * far
                second[row] += square
                higher[row] += square * (far if code == _SKEW else far * far)
    for row in range(rows):
        m, far = count[row], second[row]
        if code == _MAD:
            out[row] = far / m
        elif code == _SKEW:
            out[row] = math.sqrt(m * (m - 1.0)) / (m - 2.0) * (higher[row] / m) / (far / m * math.sqrt(far / m))
        else:
            excess = (higher[row] / m) / (far / m) ** 2 - 3.0
            out[row] = (m - 1.0) / ((m - 2.0) * (m - 3.0)) * ((m + 1.0) * excess + 6.0)


@_helper
def _line(
    v: Floats, w: Floats, mean: Floats, count: Floats, n: int, place: Floats, shared: Floats, spread: Floats
) -> None:
    """The line through the known rows by their places 0 to n - 1 in the window: mean place, covered and own spread."""
    rows = len(place)
    is_full = (count == n).all()
    place[:] = n * (n - 1) / 2.0 if is_full else 0.0
    shared[:] = 0.0
    spread[:] = 0.0
    for lag in range(n if not is_full else 0):
        is_known = w[lag : lag + rows]
        for row in range(rows):
            place[row] += is_known[row] * lag
    for row in range(rows):
        place[row] /= count[row]
    for lag in range(n):
        at, is_known = v[lag : lag + rows], w[lag : lag + rows]
        for row in range(rows):
            shared[row] += is_known[row] * (lag - place[row]) * (at[row] - mean[row])
    if is_full:
        spread[:] = n * (n * n - 1.0) / 12.0  # the sum of the squares, which are quarters: exact either way
        return
    for lag in range(n):
        is_known = w[lag : lag + rows]
        for row in range(rows):
            spread[row] += is_known[row] * (lag - place[row]) ** 2


@_helper
def _of_line(
    code: int, current: Floats, mean: Floats, n: int, place: Floats, shared: Floats, spread: Floats, square: Floats, out: Floats
) -> None:  # fmt: skip
    for row in range(len(out)):
        slope = shared[row] / spread[row]
        if code == _SLOPE:
            out[row] = slope
        elif code == _RSQUARE:
            explained = slope * (shared[row] / square[row])
            out[row] = 1.0 if explained > 1.0 else explained  # rounding can pass 1 by a bit; NaN stays
        else:
            out[row] = current[row] - (mean[row] + slope * (n - 1.0 - place[row]))


@_helper
def _extreme(code: int, x: Floats, n: int, value: Floats, weight: Floats, best: Floats, out: Floats) -> None:
    """Smallest and largest, as the largest of the series or of its negative."""
    side = -1.0 if code == _MIN or code == _ARGMIN else 1.0
    _lay_out(x, n, side, -math.inf, value, weight)
    for begin in range(0, len(x), _TILE):
        end = min(begin + _TILE, len(x))
        if code <= _MAX:
            _largest(value[begin : end + n - 1], n, side, out[begin:end])
        else:
            _since(value[begin : end + n - 1], n, best, out[begin:end])


@_helper
def _largest(v: Floats, n: int, side: float, out: Floats) -> None:
    rows = len(out)
    out[:] = v[:rows]
    for lag in range(1, n):
        at = v[lag : lag + rows]
        for row in range(rows):
            out[row] = at[row] if at[row] > out[row] else out[row]
    for row in range(rows):
        out[row] *= side


@_helper
def _since(v: Floats, n: int, best: Floats, out: Floats) -> None:
    """Rows since the largest, the oldest of equal ones."""
    rows = len(out)
    best[:rows] = -math.inf
    for lag in range(n):
        at = v[lag : lag + rows]
        for row in range(rows):
            is_larger = at[row] > best[row]
            best[row] = at[row] if is_larger else best[row]
            out[row] = n - 1.0 - lag if is_larger else out[row]


@_helper
def _rank(v: Floats, w: Floats, count: Floats, n: int, ties: Floats, out: Floats) -> None:
    rows = len(out)
    current = v[n - 1 : n - 1 + rows]
    out[:] = 0.0
    ties[:rows] = 0.0
    for lag in range(n):
        at, is_known = v[lag : lag + rows], w[lag : lag + rows]
        for row in range(rows):
            out[row] += is_known[row] if at[row] < current[row] else 0.0
            ties[row] += is_known[row] if at[row] == current[row] else 0.0
    for row in range(rows):
        out[row] = (out[row] + 0.5 * (ties[row] + 1.0)) / count[row]


@_helper
def _quantiles(x: Floats, n: int, levels: Floats, out: Floats, first: int) -> None:
    """Linear between the two values around each level's place among the known ones, which are kept sorted from row to row."""
    ordered, m = np.empty(n), 0
    for row in range(len(x)):
        leaves = row >= n and math.isfinite(x[row - n])
        gap = _place(ordered, m, x[row - n]) if leaves else m
        if math.isfinite(x[row]):
            m += not leaves
            # the values between the one that leaves and the new one move up or down by one
            while gap > 0 and ordered[gap - 1] > x[row]:
                ordered[gap] = ordered[gap - 1]
                gap -= 1
            while gap < m - 1 and ordered[gap + 1] < x[row]:
                ordered[gap] = ordered[gap + 1]
                gap += 1
            ordered[gap] = x[row]
        elif leaves:
            m -= 1
            ordered[gap:m] = ordered[gap + 1 : m + 1].copy()
        for at in range(len(levels) if m else 0):
            place = levels[at] * (m - 1)
            low = int(place)
            high = min(low + 1, m - 1)
            out[at, first + row] = ordered[low] + (place - low) * (ordered[high] - ordered[low])


@_helper
def _place(ordered: Floats, m: int, x: float) -> int:
    """Where the first of m sorted values is that is not below x."""
    low, high = 0, m
    while low < high:
        middle = (low + high) >> 1
        if ordered[middle] < x:
            low = middle + 1
        else:
            high = middle
    return low


@_helper
def _joint(
    code: int, a: Floats, b: Floats, w: Floats, shift: Floats, other: Floats, count: Floats, n: int, tile: Floats, out: Floats
) -> None:  # fmt: skip
    rows = len(out)
    mean_a, mean_b, aa, bb, ab = tile[0][:rows], tile[1][:rows], tile[2][:rows], tile[3][:rows], tile[4][:rows]
    _mean(a, w, shift, count, n, mean_a)
    _mean(b, w, other, count, n, mean_b)
    aa[:] = 0.0
    bb[:] = 0.0
    ab[:] = 0.0
    for lag in range(n):
        left, right, is_known = a[lag : lag + rows], b[lag : lag + rows], w[lag : lag + rows]
        for row in range(rows):
            da, db = is_known[row] * (left[row] - mean_a[row]), right[row] - mean_b[row]
            aa[row] += da * da
            bb[row] += is_known[row] * db * db
            ab[row] += da * db
    for row in range(rows):
        if code == 1:
            out[row] = ab[row] / (count[row] - 1.0)
        else:
            scale = math.sqrt(aa[row]) * math.sqrt(bb[row])  # not sqrt(aa * bb): won volumes overflow there
            # rounding can pass 1 by a bit; what overflowed has no value
            out[row] = min(1.0, max(-1.0, ab[row] / scale)) if 0.0 < scale < math.inf else math.nan
