"""Where a level may be: pivots, high-volume nodes and round prices, all read on the rows that confirm a pivot.

A turn is what shows that a price mattered, and it comes every week or two; reading on every n-th row would hang on where a history
begins. A node or a round price that was read a turn ago is no news, and no candidate, unless the market turned at it now: so a level is
not founded again and again. What does not belong here: what becomes of a candidate (``levels``).
"""

from dataclasses import dataclass
from typing import Final

import numba
import numpy as np
from numpy.typing import ArrayLike, NDArray

from market.levels import pivots, profile
from market.levels.bars import Bars, mean_true_range, relative_volume

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

PIVOT, VOLUME, ROUND = range(3)
KINDS: Final = ("pivot", "volume", "round")
"""Kinds of level by number."""
SUPPORT, RESISTANCE = 1, -1
"""Roles: the close stands above a support, below a resistance."""

TOLERANCE: Final = 0.5
"""Half the width of a level's zone, in mean true ranges at the row it forms."""
GAP: Final = 20
"""Rows between two readings after which everything read is news."""
REACH: Final = GAP + profile.WINDOW
"""Rows before the current one that a candidate hangs on: a profile's before the reading before; ranges and relative volumes need fewer."""

_POWERS: Final = 10.0 ** np.arange(-8, 16)
_kernel = numba.njit(cache=True, nogil=True)


@dataclass(frozen=True)
class Candidates:
    """Possible levels, sorted by row, kind and price.

    Parameters
    ----------
    row : (c,) the row that makes it known.
    kind : (c,) index into KINDS.
    role : (c,) SUPPORT or RESISTANCE, by the close of that row.
    price, tolerance : (c,) price and half the width of its zone, in price units.
    weight : (c,) volume behind it, about 1: relative volume of a pivot's bar, a node's volume over the mean bin's, 1 for a round price.
    """

    row: Ints
    kind: Ints
    role: Ints
    price: Floats
    tolerance: Floats
    weight: Floats

    @property
    def serial(self) -> Ints:
        """(c,) place among the candidates of the same row and kind, lowest price first."""
        at = np.arange(len(self.row))
        is_first = np.ones(len(at), dtype=np.bool_)
        is_first[1:] = (np.diff(self.row) != 0) | (np.diff(self.kind) != 0)
        return at - np.maximum.accumulate(np.where(is_first, at, 0))


def round_steps(close: ArrayLike) -> Floats:
    """Spacing of round prices at each row: half the power of ten at or below the close, so 5,000 from 10,000 on and 50 from 100 on.

    Orders gather at prices that end in zeros, and less so in fives. What is round is the price people saw: for adjusted prices take the
    raw close and divide the step by the row's cumulative factor.

    Parameters
    ----------
    close : (n,) raw close.

    Returns
    -------
    (n,) in price units, NaN where the close is no number from 1e-8 up to 1e16.

    Source
    ------
    C. L. Osler, Currency Orders and Exchange Rate Dynamics, Journal of Finance 58 (2003); half a power of ten is our reading of it.
    """
    prices = np.asarray(close, dtype=np.float64)
    at = np.searchsorted(_POWERS, prices, side="right") - 1  # not log10: an exact power must not fall to the one below
    is_known = np.isfinite(prices) & (at >= 0) & (prices < 1e16)
    return np.where(is_known, _POWERS[np.maximum(at, 0)] / 2, np.nan)


def candidates(bars: Bars, round_step: Floats) -> Candidates:
    """Every candidate: the pivots themselves, and on their rows the profile's nodes and the round price next to the close on either side.

    A node or round price less than a tolerance from the close has no role yet, and is left out. So are round prices whose zones would
    meet (a step of two tolerances or less), what is no news, and what a security's first REACH rows hold.
    """
    highs, lows = pivots.confirmed(bars)
    zone = TOLERANCE * mean_true_range(bars)
    age = np.arange(len(zone)) - bars.begins
    rows = np.flatnonzero(((highs >= 0) | (lows >= 0)) & (zone > 0) & (age >= profile.WINDOW))
    share = relative_volume(bars)
    parts = [
        _of_pivots(rows, highs[rows], bars.high, share, RESISTANCE),
        _of_pivots(rows, lows[rows], bars.low, share, SUPPORT),
        _of_nodes(bars, rows, zone[rows]),
        _of_rounds(rows, bars.close[rows], round_step[rows], zone[rows]),
    ]
    row, kind, role, price, weight = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    order = np.lexsort((price, kind, row))
    row, kind, role, price, weight = row[order], kind[order], role[order], price[order], weight[order]
    is_news = np.empty(len(row), dtype=np.bool_)
    _mark_news(row, kind, role, price, zone[row], GAP, is_news)
    kept = is_news & (age[row] >= REACH)
    return Candidates(row[kept], kind[kept], role[kept], price[kept], zone[row[kept]], weight[kept])


_Part = tuple[Ints, Ints, Ints, Floats, Floats]


def _of_pivots(rows: Ints, pivot: Ints, price: Floats, share: Floats, role: int) -> _Part:
    rows, pivot = rows[pivot >= 0], pivot[pivot >= 0]
    return rows, np.full_like(rows, PIVOT), np.full_like(rows, role), price[pivot], share[pivot]


def _of_nodes(bars: Bars, rows: Ints, zone: Floats) -> _Part:
    found = profile.profiles(bars, rows)
    at, bins = np.nonzero(found.is_node)
    price, volume = found.prices[at, bins], found.volume[at]
    weight = volume[np.arange(len(at)), bins] / volume.mean(axis=1)
    return _with_role(rows[at], VOLUME, price, weight, bars.close[rows[at]], zone[at])


def _of_rounds(rows: Ints, close: Floats, step: Floats, zone: Floats) -> _Part:
    is_wide = np.isfinite(step) & (step > 2 * zone)
    rows, close, step, zone = rows[is_wide], close[is_wide], step[is_wide], zone[is_wide]
    price = np.concatenate((np.floor((close - zone) / step) * step, np.ceil((close + zone) / step) * step))
    rows, close, zone = np.tile(rows, 2), np.tile(close, 2), np.tile(zone, 2)
    return _with_role(rows, ROUND, price, np.ones(len(price)), close, zone)


def _with_role(rows: Ints, kind: int, price: Floats, weight: Floats, close: Floats, zone: Floats) -> _Part:
    is_away = (np.abs(close - price) >= zone) & (price > 0)
    role = np.where(close > price, SUPPORT, RESISTANCE)
    found = rows[is_away]
    return found, np.full_like(found, kind), role[is_away], price[is_away], weight[is_away]


@_kernel
def _mark_news(row: Ints, kind: Ints, role: Ints, price: Floats, tolerance: Floats, gap: int, is_news: Bools) -> None:
    """False where the reading before had the same kind and role in the zone, and none of today's pivots is in it."""
    before, today = 0, 0
    for at in range(len(row)):
        if row[at] != row[today]:
            before, today = today, at
        is_news[at] = kind[at] == PIVOT or before == today or row[before] < row[at] - gap
        if is_news[at]:
            continue
        is_news[at] = True
        for other in range(before, today):
            is_near = abs(price[other] - price[at]) <= tolerance[at]
            if is_near and kind[other] == kind[at] and role[other] == role[at]:
                is_news[at] = False
        for other in range(today, at):
            if kind[other] == PIVOT and abs(price[other] - price[at]) <= tolerance[at]:
                is_news[at] = True
