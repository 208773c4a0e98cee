"""Volume analysis that the feature algebra cannot say: prices weighted by volume since a pivot, and volume that does not go along with price.

What does not belong here: what the algebra can say, accumulation days and the surprise of a volume among it (``market.features.indicators``).
"""

import math
from dataclasses import dataclass
from typing import Final, Literal, get_args

import numba
import numpy as np
from numpy.typing import ArrayLike, NDArray

from market.errors import Permanent
from market.levels import pivots
from market.levels.bars import LOOKBACK, Bars, checked

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

Gauge = Literal["obv", "cmf"]
"""On-balance volume, or Chaikin's money flow of FLOW rows."""
APART: Final = 60
"""Rows since its confirmation after which a pivot is compared with no later one: a quarter."""
FLOW: Final = 20

_kernel = numba.njit(cache=True, nogil=True)
_helper = numba.njit(nogil=True)  # compiled into its caller, so it needs no cache entry of its own


@dataclass(frozen=True)
class Divergence:
    """Where price and volume disagree, on the row that confirms the later of two pivots.

    Parameters
    ----------
    bullish : (n,) a pivot low below the one before, while the gauge is higher at it.
    bearish : (n,) a pivot high above the one before, while the gauge is lower at it.
    """

    bullish: Bools
    bearish: Bools


def anchored_vwap(
    open: ArrayLike, high: ArrayLike, low: ArrayLike, close: ArrayLike, volume: ArrayLike, offsets: ArrayLike,
    anchor: ArrayLike | None = None,
) -> Floats:  # fmt: skip
    """Mean typical price since the anchor, weighted by volume, the anchor's row included.

    Parameters
    ----------
    open, high, low, close, volume, offsets : as for ``market.levels.find``; halted rows add nothing.
    anchor : (k,) the row of the bars at which each security's anchor is, -1 for none. None: at each row the newest confirmed pivot, high
        or low, if it was confirmed within LOOKBACK; so its own row is SPAN rows or more in the past.

    Returns
    -------
    (n,) price; NaN without an anchor, before it, and where nothing has traded since. With pivots it hangs on the LOOKBACK rows before; with
    given rows on all since.

    Raises
    ------
    Permanent : as for ``find``; an anchor outside its security.

    Source
    ------
    B. Shannon, Maximum Trading Gains with Anchored VWAP (2023); typical price (high + low + close) / 3.
    """
    bars = checked(open, high, low, close, volume, offsets)
    from_row = _newest_pivot(bars) if anchor is None else _given(bars, np.asarray(anchor))
    out = np.full(len(bars.close), np.nan)
    _anchored(from_row, bars.high, bars.low, bars.close, bars.volume, bars.is_traded, out)
    return out


def divergence(
    open: ArrayLike, high: ArrayLike, low: ArrayLike, close: ArrayLike, volume: ArrayLike, offsets: ArrayLike,
    gauge: Gauge = "obv",
) -> Divergence:  # fmt: skip
    """Where a pivot goes beyond the one before it of its side, and the gauge at its row does not.

    The gauge is compared at the two pivots' own rows. On-balance volume is so no sum from the first row on, but that between the two.

    Parameters
    ----------
    open, high, low, close, volume, offsets : as for ``market.levels.find``.
    gauge : "obv" or "cmf".

    Returns
    -------
    Divergence, known on the row that confirms the later pivot. The earlier one was confirmed at most APART rows before.

    Raises
    ------
    Permanent : as for ``find``; another gauge.

    Source
    ------
    J. E. Granville, Granville's New Key to Stock Market Profits (1963), on-balance volume; M. Chaikin, money flow; divergence as in
    J. J. Murphy, Technical Analysis of the Financial Markets (1999), chapter 7.
    """
    if gauge not in get_args(Gauge):
        raise Permanent("volume divergence", expected=f"a gauge of {', '.join(get_args(Gauge))}", found=repr(gauge))
    bars = checked(open, high, low, close, volume, offsets)
    highs, lows = pivots.confirmed(bars)
    flow = _signed_volume(bars) if gauge == "obv" else _placed_volume(bars)
    traded = np.where(bars.is_traded, bars.volume, 0.0)
    bearish, bullish = np.zeros(len(traded), dtype=np.bool_), np.zeros(len(traded), dtype=np.bool_)
    for side, price, pivot, out in ((1.0, bars.high, highs, bearish), (-1.0, bars.low, lows, bullish)):
        before = _before(pivot, bars)
        _diverge(side, price, pivot, before, flow, traded, bars.begins, gauge == "cmf", FLOW, out)
    return Divergence(bullish, bearish)


def _newest_pivot(bars: Bars) -> Ints:
    highs, lows = pivots.confirmed(bars)
    # the pivot's own first rows must lie within the lookback
    return pivots.last_confirmed(np.maximum(highs, lows), bars.offsets, LOOKBACK - 2 * pivots.SPAN)


def _given(bars: Bars, anchor: NDArray[np.generic]) -> Ints:
    begins, ends = bars.offsets[:-1], bars.offsets[1:]
    where = "anchored VWAP, anchor"
    if anchor.shape != begins.shape or (len(anchor) and anchor.dtype.kind not in "iu"):
        raise Permanent(where, expected=f"({len(begins)},) whole numbers", found=f"{anchor.shape} {anchor.dtype}")
    rows = anchor.astype(np.int64)
    outside = np.flatnonzero((rows != -1) & ((rows < begins) | (rows >= ends)))
    if len(outside):
        keys = [f"security {at}" for at in outside]
        raise Permanent(where, expected="a row of its own security, or -1", found=str(rows[outside[0]]), keys=keys)
    per_row = np.repeat(rows, np.diff(bars.offsets))
    return np.where(np.arange(len(per_row)) >= per_row, per_row, -1)


def _before(pivot: Ints, bars: Bars) -> Ints:
    """(n,) the newest pivot known on the row before, -1 where there is none."""
    before = np.full(len(pivot), -1)
    before[1:] = pivots.last_confirmed(pivot, bars.offsets, APART - 1)[:-1]
    return np.where(before >= bars.begins, before, -1)


def _signed_volume(bars: Bars) -> Floats:
    move = np.diff(bars.close, prepend=np.nan)
    move[bars.offsets[:-1][np.diff(bars.offsets) > 0]] = np.nan
    return np.where(bars.is_traded & np.isfinite(move), np.sign(move) * bars.volume, 0.0)


def _placed_volume(bars: Bars) -> Floats:
    """Volume counted by where the close stands in the range, -1 at the low to 1 at the high."""
    reach = bars.high - bars.low
    is_open = bars.is_traded & (reach > 0)
    place = ((bars.close - bars.low) - (bars.high - bars.close)) / np.where(is_open, reach, 1.0)
    return np.where(is_open, place * bars.volume, 0.0)


@_kernel
def _anchored(
    from_row: Ints, high: Floats, low: Floats, close: Floats, volume: Floats, is_traded: Bools, out: Floats
) -> None:
    value, shares, begun = 0.0, 0.0, -1
    for row in range(len(out)):
        if from_row[row] < 0:
            begun = -1
            continue
        first = row
        if from_row[row] != begun:
            first, begun, value, shares = from_row[row], from_row[row], 0.0, 0.0
        for at in range(first, row + 1):
            if is_traded[at]:
                value += (high[at] + low[at] + close[at]) / 3.0 * volume[at]
                shares += volume[at]
        if shares > 0.0:
            out[row] = value / shares


@_kernel
def _diverge(
    side: float, price: Floats, pivot: Ints, before: Ints, flow: Floats, volume: Floats, begins: Ints,
    is_share: bool, n: int, out: Bools,
) -> None:  # fmt: skip
    for row in range(len(out)):
        late, early = pivot[row], before[row]
        if late < 0 or early < 0 or side * price[late] <= side * price[early]:
            continue
        if is_share:
            begin = begins[row]
            change = _share(flow, volume, late, begin, n) - _share(flow, volume, early, begin, n)
        else:
            change = 0.0
            for at in range(early + 1, late + 1):
                change += flow[at]
        out[row] = side * change < 0.0


@_helper
def _share(flow: Floats, volume: Floats, row: int, begin: int, n: int) -> float:
    """Flow over volume of the last ``n`` rows, NaN where there are fewer or nothing traded; NaN is below nothing."""
    if row - n + 1 < begin:
        return math.nan
    moved, traded = 0.0, 0.0
    for at in range(row - n + 1, row + 1):
        moved += flow[at]
        traded += volume[at]
    return moved / traded if traded > 0.0 else math.nan
