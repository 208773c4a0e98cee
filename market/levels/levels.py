"""Support and resistance: prices at which a market turned, traded much, or that are round, and what happened to them session by session.

How it works: 1 ``candidates`` lists where a level may be; 2 each is followed for LIFE rows, or until a close breaks it, by its own bars
alone; 3 a candidate is a level once no older living one of its kind lies within its tolerance: until then it waits behind that one,
whose touches it only repeats. A broken level is dead, and never changes its role: where a broken support becomes a resistance, the next
turn there founds a new level. One that has grown too old hands on to the next waiting there.

What happens at row t hangs on rows t - LOOKBACK to t alone. A level's identity is the row it formed on, its kind and a serial, for life. It
cannot outlive LIFE: of a price that has been turned at for longer, no bounded history tells who was first.

What does not belong here: profiles (``profile``), pivots (``pivots``), whether a level is worth trading.
"""

import dataclasses
from dataclasses import dataclass
from typing import Final

import numba
import numpy as np
from numpy.typing import ArrayLike, NDArray

from market.errors import Permanent
from market.levels.bars import LOOKBACK, Bars, check_rows, checked, relative_volume
from market.levels.candidates import REACH, Candidates, candidates

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

LIFE: Final = LOOKBACK - REACH
"""Rows after which a level is forgotten: what LOOKBACK leaves of a year once the level is found."""

FORMED, TOUCHED, BROKEN = range(3)
EVENTS: Final = ("formed", "touched", "broken")
"""Events by number."""

_kernel = numba.njit(cache=True, nogil=True)
_helper = numba.njit(nogil=True)  # compiled into its caller, so it needs no cache entry of its own


@dataclass(frozen=True)
class Events:
    """What happened to levels, one event per level and row, sorted by row, then price.

    Parameters
    ----------
    row : (e,) row of the bars.
    event : (e,) index into EVENTS. Formed: it is a level from this row on. Touched: the price came from outside the zone into it, and the
        close held, on the level's own side of its price. Broken: the close is beyond the price by more than the tolerance.
    kind : (e,) index into KINDS.
    role : (e,) 1 support, -1 resistance; a level keeps it.
    price, tolerance : (e,) price of the level and half the width of its zone, in price units; a level keeps them.
    formed, serial : (e,) with ``kind`` the level's identity: the row that made it known, and its number among those of that row and kind.
        An event ``formed`` is on a later row where the level first waited behind an older one.
    age : (e,) rows since ``formed``, 0 to LIFE.
    touches : (e,) times that it was touched up to now, its waiting included.
    held_share : (e,) share of the tests that held up to now. A test is a coming into the zone from outside, and it held where it was a
        touch; a break is one more test that did not. NaN before the first.
    strength : (e,) 0 to 1, the plain mean of three parts: touches / (touches + 1); v / (v + 1) with v the mean of the candidate's weight
        and the relative volume of each touch; 1 less the part of LIFE that has passed since it formed or was last touched. It orders levels,
        and is no probability.
    security : (e,) number of the security.
    """

    row: Ints
    event: Ints
    kind: Ints
    role: Ints
    price: Floats
    tolerance: Floats
    formed: Ints
    serial: Ints
    age: Ints
    touches: Ints
    held_share: Floats
    strength: Floats
    security: Ints

    def take(self, at: NDArray[np.int64] | NDArray[np.bool_]) -> "Events":
        """The events at these places, or where this is true."""
        return Events(*(getattr(self, field.name)[at] for field in dataclasses.fields(self)))


def find(
    open: ArrayLike, high: ArrayLike, low: ArrayLike, close: ArrayLike, volume: ArrayLike,
    round_step: ArrayLike, offsets: ArrayLike,
) -> Events:  # fmt: skip
    """What happens to the levels of each security on each row.

    Parameters
    ----------
    open, high, low, close : (n,) adjusted prices in one unit per security, the securities one after another, each oldest first. A halted
        row (no volume, zero or NaN prices) confirms, touches and breaks nothing; all that can happen on it is that an old level hands on.
    volume : (n,) adjusted shares.
    round_step : (n,) spacing of round prices in price units, as ``round_steps`` makes it; NaN or 0: none are round. A tick is too
        small a step: zones would meet.
    offsets : (k + 1,) where each security begins, and n at the end.

    Returns
    -------
    Events. None on a security's first REACH rows. Scaling prices by a power of two scales prices and tolerances exactly, and changes nothing else.

    Raises
    ------
    Permanent : a column of another length, offsets that do not run from 0 to n.

    Source
    ------
    R. D. Edwards and J. Magee, Technical Analysis of Stock Trends (1948), support and resistance; C. L. Osler, Support for
    Resistance, FRBNY Economic Policy Review 6 (2000), for counting how often levels hold, and against prices without meaning.
    Zones in true ranges, life and strength are ours.
    """
    bars = checked(open, high, low, close, volume, offsets)
    step = np.asarray(round_step, dtype=np.float64)
    check_rows("round_step", step, len(bars.close))
    return follow(bars, candidates(bars, step))


def follow(bars: Bars, found: Candidates) -> Events:
    """The events of given candidates, which ``candidates`` gives sorted; ``find`` in two steps."""
    starts = np.searchsorted(found.row, bars.offsets)
    share = relative_volume(bars)
    table = _follow(
        starts, found.row, found.kind, found.role, found.price, found.tolerance, found.weight,
        bars.offsets, bars.high, bars.low, bars.close, share, bars.is_traded, LIFE,
    )  # fmt: skip
    at, row, event, touches = table[:4].astype(np.int64)
    security = np.searchsorted(starts, at, side="right") - 1
    events = Events(
        row, event, found.kind[at], found.role[at], found.price[at], found.tolerance[at], found.row[at], found.serial[at],
        row - found.row[at], touches, table[4], table[5], security,
    )  # fmt: skip
    return events.take(np.lexsort((events.serial, events.formed, events.kind, events.price, events.row)))


def alive(events: Events, row: int, offsets: ArrayLike | None = None) -> Events:
    """The levels of a security that live after the close of one of its rows.

    Parameters
    ----------
    events : as ``find`` gives them.
    row : row of the bars.
    offsets : as given to ``find``; None where the events are of one security.

    Returns
    -------
    The last event of each level that is not broken and not older than LIFE on that row, by price. ``age`` and ``strength`` are those
    of that event, not of the row.

    Raises
    ------
    Permanent : no offsets, and events of several securities: a row alone does not say whose it is.
    """
    if offsets is None and len(np.unique(events.security)) > 1:
        raise Permanent("market.levels.alive", expected="offsets", found="events of several securities, and none")
    starts = np.array([0]) if offsets is None else np.asarray(offsets, dtype=np.int64)
    begin = starts[np.searchsorted(starts, row, side="right") - 1]
    past = events.take((events.row <= row) & (events.formed >= max(begin, row - LIFE)))
    newest_first = np.lexsort((-past.row, past.serial, past.kind, past.formed))
    identity = np.stack((past.formed, past.kind, past.serial))[:, newest_first]
    is_last = np.ones(len(newest_first), dtype=np.bool_)
    is_last[1:] = np.any(np.diff(identity) != 0, axis=0)
    last = past.take(newest_first[is_last])
    living = last.take(last.event != BROKEN)
    return living.take(np.argsort(living.price, kind="stable"))


@_kernel
def _follow(
    starts: Ints, formed: Ints, kind: Ints, role: Ints, price: Floats, tolerance: Floats, weight: Floats,
    offsets: Ints, high: Floats, low: Floats, close: Floats, share: Floats, is_traded: Bools, life: int,
) -> Floats:  # fmt: skip
    """(6, e) candidate, row, event, touches, held share and strength of each event, candidate by candidate."""
    table, n = np.empty((6, 1024)), 0
    ends = np.empty(len(formed), np.int64)
    for series in range(len(offsets) - 1):
        for at in range(starts[series], starts[series + 1]):
            last = min(formed[at] + life, offsets[series + 1] - 1)
            ends[at] = _end(formed[at], last, role[at], price[at], tolerance[at], close, is_traded)
            begin = formed[at]
            for older in range(at - 1, starts[series] - 1, -1):
                if formed[older] < formed[at] - life:
                    break
                if kind[older] == kind[at] and abs(price[older] - price[at]) <= tolerance[at]:
                    # on its last row the older one hands on: a break on the next is then somebody's
                    begin = max(begin, min(ends[older], formed[older] + life))
            if begin > last or begin >= ends[at]:
                continue
            if n + life + 1 > table.shape[1]:
                table = _grown(table, life + 1)
            zone = role[at] * price[at], tolerance[at]
            n = _walk(at, begin, formed[at], min(ends[at], last), role[at], zone, weight[at],
                      high, low, close, share, is_traded, life, table, n)  # fmt: skip
    return table[:, :n]


@_helper
def _grown(table: Floats, least: int) -> Floats:
    wider = np.empty((len(table), 2 * table.shape[1] + least))
    wider[:, : table.shape[1]] = table
    return wider


@_helper
def _end(formed: int, last: int, role: int, price: float, tolerance: float, close: Floats, is_traded: Bools) -> int:
    """The row whose close breaks the level, else the one on which it is too old; the one behind the security's last where it is neither."""
    for row in range(formed + 1, last + 1):
        if is_traded[row] and role * (close[row] - price) < -tolerance:
            return row
    return last + 1


@_helper
def _walk(
    at: int, begin: int, formed: int, end: int, role: int, zone: tuple[float, float], weight: float,
    high: Floats, low: Floats, close: Floats, share: Floats, is_traded: Bools, life: int, table: Floats, n: int,
) -> int:  # fmt: skip
    """Write the events of one level from the row on which it is one; how many there are then.

    Prices times the role turn a resistance into a support.
    """
    price, tolerance = zone
    touches, tests, volume, newest = 0, 0, weight, formed
    is_outside = role * close[formed] > price + tolerance
    for row in range(formed, end + 1):
        event = -1
        if row > formed and is_traded[row]:
            settled = role * close[row]
            reached = low[row] if role > 0 else -high[row]
            if settled < price - tolerance:
                tests, event = tests + 1, BROKEN
            elif is_outside and reached <= price + tolerance:
                tests, is_outside = tests + 1, False
                if settled >= price:
                    touches, volume, newest, event = touches + 1, volume + share[row], row, TOUCHED
            if settled > price + tolerance:
                is_outside = True
        if row < begin:
            continue
        if row == begin:
            event = FORMED
        if event >= 0:
            mean = volume / (touches + 1)
            recent = 1.0 - (row - newest) / life
            table[0, n], table[1, n], table[2, n], table[3, n] = at, row, event, touches
            table[4, n] = touches / tests if tests > 0 else np.nan
            table[5, n] = (touches / (touches + 1) + mean / (mean + 1.0) + recent) / 3.0
            n += 1
    return n
