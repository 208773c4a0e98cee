"""Statistics of one and of two columns over the last n rows of series laid end to end: the operators by code, and which kernel has which.

How it works: a kernel walks each series in tiles that stay in the first-level cache and doubles. What is said of 2m rows comes from what is said of twice m,
and one row is added where n has a binary digit, from the first digit on: some log2(n) vector operations a row, where walking the lags takes n.
1 Nothing is carried from row to row: the order depends on n alone, a value on the rows of its window alone, and a split history gives equal bits;
2 rounding grows with log2(n), as in pairwise summation; 3 moments are kept around the newest known value of what they cover (``moments``).

Rows that are no finite number are not known. What does not belong here: what carries state (``recursion``), which window is wanted (``engine``).

Source: N. J. Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed. (2002), section 4.2, on summing by pairs.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from market.features import extremes, moments, pairs

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

CODES: Final = moments.CODES | extremes.CODES
"""Operators of one column, by name."""
PAIRS: Final = pairs.CODES
"""Operators of two columns."""
LEAST: Final = {"var": 2, "std": 2, "skew": 3, "kurt": 4, "slope": 2, "rsquare": 2, "residual": 2, "corr": 2, "cov": 2}
"""Known rows below which an operator has no value, where it is not 1."""

_TILE: Final = 384  # rows; what a tile reads and keeps stays in the first-level cache


def rolling(codes: Ints, x: Floats, starts: Ints, n: int, least: Ints, levels: Floats, out: Floats) -> None:
    """Statistics of the known values among the last ``n`` rows, several of one column at once: they share what they have in common.

    Parameters
    ----------
    codes : (c,) of CODES, rising.
    x : (rows,) float64, contiguous.
    starts : (k + 1,) int64; series i is rows starts[i] to starts[i + 1], oldest first.
    least : (c,) known rows below which the statistic is NaN.
    levels : (c,) of quantiles, 0 to 1; no other statistic reads its own.
    out : (c, rows) filled.
    """
    split = int(np.searchsorted(codes, len(moments.CODES)))
    if split:
        moments.rolling(codes[:split], x, starts, n, least[:split], _room(moments.ROOM, n), out[:split])
    if split < len(codes):
        extremes.rolling(
            codes[split:], x, starts, n, least[split:], levels[split:], _room(extremes.ROOM, n), out[split:]
        )


def paired(code: int, x: Floats, y: Floats, starts: Ints, n: int, least: int, out: Floats) -> None:
    """Fill ``out`` with the statistic ``code``, of PAIRS, over the rows of the last ``n`` where both ``x`` and ``y`` are known."""
    pairs.paired(code, x, y, starts, n, least, _room(pairs.ROOM, n), out)


def _room(arrays: int, n: int) -> Floats:
    """What a kernel works in: a tile of rows and the n - 1 before it, of each array; a longer window, a longer tile."""
    return np.empty((arrays, max(_TILE, n) + n - 1))
