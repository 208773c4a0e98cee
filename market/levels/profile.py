"""Volume profiles: how the volume of the last rows lies over the prices at which it traded.

A bar's volume is spread evenly over its range from low to high; daily bars do not say more. The range of the window is cut into BINS equal
bins. What does not belong here: what becomes of a profile's prices later (``levels``).
"""

from dataclasses import dataclass
from typing import Final

import numba
import numpy as np
from numpy.typing import ArrayLike, NDArray

from market.errors import Permanent
from market.levels.bars import Bars

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

WINDOW: Final = 60
"""Rows of a profile, about a quarter."""
BINS: Final = 50
VALUE_SHARE: Final = 0.7
"""Share of the volume that the value area holds, about one deviation on either side."""
NODE_RATIO: Final = 1.5
"""Volume of a high-volume node at least, over that of the mean bin."""
NODE_SPAN: Final = 3
"""Bins on either side that a node stands above."""

_kernel = numba.njit(cache=True, nogil=True)
_helper = numba.njit(nogil=True)  # compiled into its caller, so it needs no cache entry of its own


@dataclass(frozen=True)
class Profiles:
    """The profiles of m rows.

    Parameters
    ----------
    row : (m,) the last row of each window.
    lowest, width : (m,) lower edge of the first bin and width of all, in price units; NaN where nothing traded.
    volume : (m, BINS) shares per bin, lowest price first. They add up to the volume of the window's bars but for rounding, relative 1e-12.
    point_of_control : (m,) middle of the bin with the most volume, of equal ones the lowest.
    value_low, value_high : (m,) edges of the value area.
    is_node : (m, BINS) whether the bin is a high-volume node.
    """

    row: Ints
    lowest: Floats
    width: Floats
    volume: Floats
    point_of_control: Floats
    value_low: Floats
    value_high: Floats
    is_node: Bools

    @property
    def prices(self) -> Floats:
        """(m, BINS) middle of each bin."""
        middles: Floats = self.lowest[:, None] + self.width[:, None] * (np.arange(BINS) + 0.5)
        return middles


def profiles(bars: Bars, rows: ArrayLike, n: int = WINDOW) -> Profiles:
    """The volume profile of the last ``n`` rows at each of ``rows``; halted rows add nothing.

    The value area begins with the point of control and takes in the pair of bins above or below it, whichever holds more (of equal ones
    that above), until it holds VALUE_SHARE of the volume. A node is a bin that stands above NODE_SPAN bins on either side (of equal
    ones the lowest) and holds NODE_RATIO times the mean bin.

    Parameters
    ----------
    rows : (m,) whole numbers, any order.
    n : rows of the window, the current one included; near its beginning a security has fewer.

    Returns
    -------
    Profiles. Where nothing traded prices are NaN and volumes zero.

    Raises
    ------
    Permanent : a row that is not there, or ``n`` below 1.

    Source
    ------
    J. P. Steidlmayer and S. B. Hawkins, Steidlmayer on Markets (2003), Market Profile; the value area as in CBOT, A Six-Part Study Guide
    to Market Profile (1996), with volume for time. The measure of a node is ours.
    """
    wanted = np.ascontiguousarray(rows, dtype=np.int64)
    if n < 1 or np.any((wanted < 0) | (wanted >= len(bars.close))):
        raise Permanent(
            "volume profile",
            expected=f"n of at least 1, rows from 0 to {len(bars.close) - 1}",
            found=f"n {n}, {wanted}",
        )
    m = len(wanted)
    volume, is_node, scalars = np.zeros((m, BINS)), np.zeros((m, BINS), dtype=np.bool_), np.full((5, m), np.nan)
    first = np.maximum(bars.begins[wanted], wanted - n + 1)
    _profiles(bars.high, bars.low, bars.volume, bars.is_traded, first, wanted, volume, is_node, scalars)
    lowest, width, control, low, high = scalars
    return Profiles(wanted, lowest, width, volume, control, low, high, is_node)


@_kernel
def _profiles(
    high: Floats, low: Floats, volume: Floats, is_traded: Bools, first: Ints, last: Ints,
    bins: Floats, is_node: Bools, scalars: Floats,
) -> None:  # fmt: skip
    for at in range(len(last)):
        bottom, top = np.inf, -np.inf
        for row in range(first[at], last[at] + 1):
            if is_traded[row]:
                bottom, top = min(bottom, low[row]), max(top, high[row])
        if bottom > top:
            continue
        width = (top - bottom) / BINS
        own = bins[at]
        for row in range(first[at], last[at] + 1):
            if is_traded[row]:
                _spread(low[row] - bottom, high[row] - bottom, volume[row], width, own)
        control = int(np.argmax(own))
        below, above = _value_area(own, control)
        scalars[0, at], scalars[1, at] = bottom, width
        scalars[2, at] = bottom + width * (control + 0.5)
        scalars[3, at], scalars[4, at] = bottom + width * below, bottom + width * (above + 1)
        _mark_nodes(own, is_node[at])


@_helper
def _spread(low: float, high: float, volume: float, width: float, bins: Floats) -> None:
    """Add a bar's volume to the bins its range lies over, prices counted from the lowest one's edge."""
    if width == 0.0:
        bins[0] += volume
        return
    first, last = min(int(low / width), BINS - 1), min(int(high / width), BINS - 1)
    if first == last:
        bins[first] += volume
        return
    for at in range(first, last + 1):
        # the outer bins take what is left of the range: rounding of an edge moves no volume out of it
        bottom = low if at == first else at * width
        top = high if at == last else (at + 1) * width
        bins[at] += volume * (max(top - bottom, 0.0) / (high - low))


@_helper
def _value_area(bins: Floats, control: int) -> tuple[int, int]:
    wanted, held = VALUE_SHARE * bins.sum(), bins[control]
    below, above = control, control
    while held < wanted and (below > 0 or above < BINS - 1):
        under, over = bins[max(below - 2, 0) : below].sum(), bins[above + 1 : above + 3].sum()
        if above < BINS - 1 and (over >= under or below == 0):
            above, held = min(above + 2, BINS - 1), held + over
        else:
            below, held = max(below - 2, 0), held + under
    return below, above


@_helper
def _mark_nodes(bins: Floats, is_node: Bools) -> None:
    least = NODE_RATIO * bins.sum() / BINS
    for at in range(BINS):
        is_top = bins[at] >= least
        for other in range(max(at - NODE_SPAN, 0), min(at + NODE_SPAN + 1, BINS)):
            if bins[other] > bins[at] or (other < at and bins[other] == bins[at]):
                is_top = False
        is_node[at] = is_top
