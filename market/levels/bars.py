"""Daily bars laid end to end, which of them traded, and the two scales by which levels are measured: mean true range and relative volume.

A halted session has no volume, and its open, high and low are zero or not there: it is no bar, but its close stays a price. Each scale
is summed up anew from its own rows, oldest first, so that it never depends on where a history begins.

What does not belong here: pivots (``pivots``), levels (``levels``).
"""

import math
from dataclasses import dataclass
from typing import Final

import numba
import numpy as np
from numpy.typing import ArrayLike, NDArray

from market.errors import Permanent

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

LOOKBACK: Final = 250
"""Rows before the current one that anything in this package hangs on, about a year."""
SCALE: Final = 20
"""Rows of either scale, about a month."""

_WHERE: Final = "market.levels"
_kernel = numba.njit(cache=True, nogil=True)


@dataclass(frozen=True)
class Bars:
    """Checked bars of securities one after another, each oldest first.

    Parameters
    ----------
    open, high, low, close : (n,) prices in one unit per security.
    volume : (n,) shares.
    offsets : (k + 1,) where each security begins, and n at the end.
    is_traded : (n,) whether the row is a bar: four positive prices, a high not below the low, a positive volume.
    """

    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats
    offsets: Ints
    is_traded: Bools

    @property
    def begins(self) -> Ints:
        """(n,) first row of each row's security."""
        return np.repeat(self.offsets[:-1], np.diff(self.offsets))


def checked(
    open: ArrayLike, high: ArrayLike, low: ArrayLike, close: ArrayLike, volume: ArrayLike, offsets: ArrayLike
) -> Bars:
    """The arguments as Bars; what is not a bar is only marked.

    Raises
    ------
    Permanent : a column of another length, offsets that do not run from 0 to the number of rows.
    """
    names = ("open", "high", "low", "close", "volume")
    columns = [np.array(column, dtype=np.float64) for column in (open, high, low, close, volume)]
    starts = np.ascontiguousarray(offsets, dtype=np.int64)
    if starts.ndim != 1 or not len(starts) or starts[0] != 0 or np.any(np.diff(starts) < 0):
        raise Permanent(_WHERE, expected="offsets from 0 upward, one more than securities", found=str(starts[:5]))
    for name, column in zip(names, columns, strict=True):
        check_rows(name, column, int(starts[-1]))
    known = np.logical_and.reduce([np.isfinite(column) & (column > 0) for column in columns])
    return Bars(columns[0], columns[1], columns[2], columns[3], columns[4], starts, known & (columns[1] >= columns[2]))


def check_rows(name: str, column: NDArray[np.generic], rows: int) -> None:
    """Raises Permanent unless ``column`` has one value for each of ``rows`` rows."""
    if column.shape != (rows,):
        raise Permanent(f"{_WHERE}, {name}", expected=f"shape ({rows},)", found=str(column.shape))


def mean_true_range(bars: Bars) -> Floats:
    """Mean true range of the last SCALE rows, in price units; a simple mean, no recursive one.

    Returns
    -------
    (n,) NaN on the first SCALE rows of a security, and where fewer than half of the rows traded. A true range takes in the close of the
    row before, a halted one's too.

    Source
    ------
    J. W. Wilder, New Concepts in Technical Trading Systems (1978), true range; the plain mean is ours.
    """
    out = np.full(len(bars.close), np.nan)
    _mean_true_range(bars.high, bars.low, bars.close, bars.is_traded, bars.offsets, SCALE, out)
    return out


def relative_volume(bars: Bars) -> Floats:
    """Volume over the mean of the SCALE rows before, halted ones as zero.

    Returns
    -------
    (n,) pure number, 1 where nothing is known: on the first SCALE rows of a security, and where nothing traded before. A halted row has 0.
    """
    out = np.ones(len(bars.close))
    _relative_volume(np.where(bars.is_traded, bars.volume, 0.0), bars.offsets, SCALE, out)
    return out


@_kernel
def _mean_true_range(
    high: Floats, low: Floats, close: Floats, is_traded: Bools, offsets: Ints, n: int, out: Floats
) -> None:
    reach = np.zeros(len(close))
    for series in range(len(offsets) - 1):
        first, last = offsets[series], offsets[series + 1]
        for row in range(first, last):
            if is_traded[row]:
                top, bottom = high[row], low[row]
                if row > first and math.isfinite(close[row - 1]) and close[row - 1] > 0.0:
                    top, bottom = max(top, close[row - 1]), min(bottom, close[row - 1])
                reach[row] = top - bottom
        for row in range(first + n, last):
            total, known = 0.0, 0
            for at in range(row - n + 1, row + 1):
                total += reach[at]
                known += is_traded[at]
            if 2 * known >= n:
                out[row] = total / known


@_kernel
def _relative_volume(volume: Floats, offsets: Ints, n: int, out: Floats) -> None:
    for series in range(len(offsets) - 1):
        for row in range(offsets[series] + n, offsets[series + 1]):
            total = 0.0
            for at in range(row - n, row):
                total += volume[at]
            if total > 0.0:
                out[row] = volume[row] / (total / n)
