"""Gaps: a session that trades wholly above the one before it, or below when seen upside down; they stand at their own session.

A breakaway gap leaves a congestion on more than its volume and should run on; a common gap stays inside the range it trades in and should
be closed. A gap that is neither (in the middle of a run) is not told: which kind it was shows only later. What does not belong here:
formations of pivots.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from market.patterns.pivots import Bools, Floats, Ints, Side

RANGE_ROWS: Final = 20
"""Rows before a gap whose range it leaves or stays in."""

_CONGESTED: Final = 5.5  # units: no wider is a range that a breakaway gap leaves
_BUSY: Final = 1.5  # times the usual volume: the least of a breakaway gap, the most of a common one
_SMALLEST: Final = 0.25  # units


@dataclass(frozen=True)
class Gaps:
    """Gaps of one kind: row, confidence from 0 to 1, target and failure, (m,) each, oldest first."""

    row: Ints
    confidence: Floats
    target: Floats
    failure: Floats


def breakaway_gaps(side: Side, surge: Floats, starts: Ints) -> Gaps:
    """Gaps up out of a congestion, on half as much volume again as usual.

    Parameters
    ----------
    side : bars.
    surge : (n,) volume over its mean in the UNIT_ROWS rows before; NaN where there is none.
    starts : (r + 1,) where runs begin and the last ends.

    Returns
    -------
    Target: the congestion's height above the close. Failure: the near edge of the gap, which is then closed. Confidence: a third each for how
    narrow the congestion was, how busy the session (three times the usual is full), and how far it closed above the congestion (a unit is full).
    """
    top, bottom = _range(side, starts)
    unit, edge = _before(side.unit, 1), _before(side.high, 1)
    tall = top - bottom
    is_one = _is_gap(side, unit, edge) & (side.low > top) & (tall <= _CONGESTED * unit) & (surge >= _BUSY)
    narrow = 1.0 - tall / (_CONGESTED * unit)
    beyond = np.minimum(1.0, (side.close - top) / unit)
    busy = np.minimum(1.0, (surge - _BUSY) / _BUSY)
    return _told(is_one & (tall > 0.0), (narrow + busy + beyond) / 3.0, side.close + tall, edge)


def common_gaps(side: Side, surge: Floats, starts: Ints) -> Gaps:
    """Gaps up inside the range of the rows before, without unusual volume: they point down, to where the gap is closed.

    Parameters and rows are those of ``breakaway_gaps``.

    Returns
    -------
    Target: the near edge of the gap. Failure: the top of the range. Confidence: a third each for how far the close is from either end of the
    range, how little was traded, and how small the gap is (a unit is none).
    """
    top, bottom = _range(side, starts)
    unit, edge = _before(side.unit, 1), _before(side.high, 1)
    is_one = _is_gap(side, unit, edge) & (side.high <= top) & (surge < _BUSY)
    central = 1.0 - np.abs(top - side.close + bottom - side.close) / (top - bottom)
    small = np.maximum(0.0, 1.0 - (side.low - edge) / unit)
    return _told(is_one & (side.close < top), (central + 1.0 - surge / _BUSY + small) / 3.0, edge, top)


def _before(x: Floats, n: int) -> Floats:
    return np.concatenate((np.full(min(n, len(x)), np.nan), x[:-n]))


def _range(side: Side, starts: Ints) -> tuple[Floats, Floats]:
    """Highest high and lowest low of the RANGE_ROWS rows before each row; NaN where its run has not so many."""
    top, bottom = np.full(len(side.high), -np.inf), np.full(len(side.high), np.inf)
    for n in range(1, RANGE_ROWS + 1):
        top, bottom = np.fmax(top, _before(side.high, n)), np.fmin(bottom, _before(side.low, n))
    is_young = np.arange(len(top)) - np.repeat(starts[:-1], np.diff(starts)) < RANGE_ROWS
    return np.where(is_young, np.nan, top), np.where(is_young, np.nan, bottom)


def _is_gap(side: Side, unit: Floats, edge: Floats) -> Bools:
    is_gap: Bools = (side.low > edge) & (side.low - edge >= _SMALLEST * unit)
    return is_gap


def _told(is_one: Bools, confidence: Floats, target: Floats, failure: Floats) -> Gaps:
    row = np.flatnonzero(is_one)
    return Gaps(row, confidence[row], target[row], failure[row])
