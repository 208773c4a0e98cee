"""The numba kernel of order and place over the last n rows: rank, smallest and largest and their age, quantiles, earlier rows.

How it works: 1 the largest of n rows is that of two runs of 2^k rows which may overlap, and a run that of two half as long; the smallest is the largest of the negative;
2 a rank counts, so the order of its sum does not matter, and eight lags are read for each time the count is; 3 for quantiles the known rows are kept sorted from row to row.
A row that is not known is laid out as minus infinity, or as NaN, which is below nothing and equal to nothing. Helpers and loops: as in ``moments``.
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
    for code, name in enumerate(("rank", "min", "max", "argmin", "argmax", "ref", "delta", "quantile"), start=12)
}
"""Operators of this kernel, by name; from where those of ``moments`` end."""

_RANK, _MIN, _MAX, _ARGMIN, _ARGMAX, _REF, _DELTA, _QUANTILE = range(12, 20)
_VALUE, _COUNT, _FOUND, _AGE = 0, 1, 2, 4  # rows of a tile's room, two of what is found, in turn
ROOM: Final = 6

_LEAN: Final[dict[str, Any]] = {"nogil": True, "error_model": "numpy", "_nrt": False}  # as in ``moments``
_kernel: Any = numba.njit(cache=True, **_LEAN)
_helper: Any = numba.njit(**_LEAN)


@_kernel
def rolling(
    codes: Ints, x: Floats, starts: Ints, n: int, least: Ints, levels: Floats, room: Floats, out: Floats
) -> None:
    """Fill ``out``, one row for each of ``codes``; parameters as in ``windows.rolling``. ``room`` is (ROOM, rows of a tile and n - 1) to work in."""
    tile = room.shape[1] - n + 1
    for series in range(len(starts) - 1):
        first, own = starts[series], x[starts[series] : starts[series + 1]]
        for begin in range(0, len(own) if codes[0] < _REF else 0, tile):
            _in_tile(codes, own, begin, min(begin + tile, len(own)), n, least, room, out, first + begin)
        for at in range(len(codes)):
            if codes[at] == _REF or codes[at] == _DELTA:
                _shifted(codes[at], own, n, out[at][first : first + len(own)])
        if codes[-1] == _QUANTILE:
            _quantiles(codes, own, n, least, levels, room[0], out, first)


@_helper
def _in_tile(
    codes: Ints, x: Floats, begin: int, end: int, n: int, least: Ints, room: Floats, out: Floats, first: int
) -> None:  # fmt: skip
    size, rows = end - begin + n - 1, end - begin
    _count(x, begin, end, n, room[_COUNT])
    if codes[0] == _RANK:
        _lay_out(x, begin - n + 1, size, 1.0, math.nan, room[_VALUE])
        _rank(room, n, rows)
        _write(codes, _RANK, room, _FOUND, rows, 1.0, least, out, first)
    for kind in range(2):
        smallest, its_age, side = _MIN + kind, _ARGMIN + kind, 2.0 * kind - 1.0
        has_age = _has(codes, its_age)
        if has_age or _has(codes, smallest):
            _lay_out(x, begin - n + 1, size, side, -math.inf, room[_VALUE])
            found, age = _largest(room, size, n, has_age)
            _write(codes, smallest, room, found, rows, side, least, out, first)
            _write(codes, its_age, room, age, rows, 1.0, least, out, first)


@_helper
def _has(codes: Ints, code: int) -> bool:
    n_found = 0
    for at in range(len(codes)):
        n_found += codes[at] == code
    return n_found > 0


@_helper
def _count(x: Floats, begin: int, end: int, n: int, count: Floats) -> None:
    """Known rows of each window that ends in a row from ``begin`` to ``end``."""
    n_known, past = 0, x[max(0, begin - n + 1) : end]
    for row in range(len(past)):
        n_known += math.isfinite(past[row])
    if n_known == end - begin + n - 1:
        count[: end - begin] = n
        return
    running = 0
    for row in range(max(0, begin - n + 1), begin):
        running += math.isfinite(x[row])
    for row in range(begin, end):
        running += math.isfinite(x[row])
        count[row - begin] = running
        if row >= n - 1:
            running -= math.isfinite(x[row - n + 1])


@_helper
def _lay_out(x: Floats, begin: int, size: int, side: float, missing: float, value: Floats) -> None:
    """The series from row ``begin`` on, which may lie before its first, times ``side``; ``missing`` where it is not known."""
    before = max(0, -begin)
    value[:before] = missing
    own, laid = x[begin + before :], value[before:]
    for row in range(size - before):
        laid[row] = side * own[row] if math.isfinite(own[row]) else missing


@_helper
def _write(
    codes: Ints, code: int, room: Floats, found: int, rows: int, side: float, least: Ints, out: Floats, first: int
) -> None:  # fmt: skip
    count, values = room[_COUNT], room[found]
    for at in range(len(codes)):
        if codes[at] == code:
            result, fewest = out[at][first:], float(least[at])
            for row in range(rows):
                result[row] = side * values[row] if count[row] >= fewest else math.nan


@_helper
def _shifted(code: int, x: Floats, n: int, out: Floats) -> None:
    out[:n] = math.nan
    now, later = x[n:], out[n:]
    for row in range(len(later)):
        later[row] = x[row] if code == _REF else now[row] - x[row]


@_helper
def _largest(room: Floats, size: int, n: int, has_age: bool) -> tuple[int, int]:
    """The rows of the room with the largest of the ``n`` rows from each on, and how many rows came after the oldest that is as large."""
    found, age, width, turn = _VALUE, _AGE + 1, 1, 0
    room[age][:size] = 0.0
    while width < n:
        step = min(width, n - width)  # the last two runs overlap: the largest does not mind
        older, newer, largest = room[found], room[found][step:], room[_FOUND + turn]
        for at in range(size - width - step + 1):
            largest[at] = newer[at] if newer[at] > older[at] else older[at]
        if has_age:
            its_age, other_age, new_age = room[age], room[age][step:], room[_AGE + turn]
            for at in range(size - width - step + 1):
                new_age[at] = other_age[at] if newer[at] > older[at] else its_age[at] + step
        found, age, width, turn = _FOUND + turn, _AGE + turn, width + step, 1 - turn
    return found, age


@_helper
def _rank(room: Floats, n: int, rows: int) -> None:
    """Rows below the current one, half of those as large, itself among them, and a half; over all known ones."""
    now, twice, count = room[_VALUE][n - 1 :], room[_FOUND], room[_COUNT]
    twice[:rows] = 0.0
    whole = n // 8 * 8
    for lag in range(0, whole, 8):
        at = room[_VALUE][lag:]
        for row in range(rows):
            x, found = now[row], 0.0
            for far in range(8):
                found += (1.0 if at[row + far] < x else 0.0) + (1.0 if at[row + far] <= x else 0.0)
            twice[row] += found
    for lag in range(whole, n):
        at = room[_VALUE][lag:]
        for row in range(rows):
            twice[row] += (1.0 if at[row] < now[row] else 0.0) + (1.0 if at[row] <= now[row] else 0.0)
    for row in range(rows):
        twice[row] = 0.5 * (twice[row] + 1.0) / count[row] if now[row] == now[row] else math.nan


@_helper
def _quantiles(
    codes: Ints, x: Floats, n: int, least: Ints, levels: Floats, ordered: Floats, out: Floats, first: int
) -> None:
    """Linear between the two values around each level's place among the known ones, which are kept sorted from row to row."""
    m, kinds = 0, len(codes)
    begin = kinds
    while begin > 0 and codes[begin - 1] == _QUANTILE:
        begin -= 1
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
            for at in range(gap, m):
                ordered[at] = ordered[at + 1]
        for at in range(begin, kinds):
            place = levels[at] * (m - 1)
            low = int(place)
            high = min(low + 1, m - 1)
            value = ordered[low] + (place - low) * (ordered[high] - ordered[low]) if m >= least[at] else math.nan
            out[at, first + row] = value


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
