"""Bars along straight lines between corners, so that patterns can be worked out by hand: a close, one above it, one below it, 100 shares.

What does not belong here: noise (``planted``).
"""

from collections.abc import Mapping

import numpy as np

from market import patterns
from tests.market.patterns.planted import Bars


def drawn(corners: Mapping[int, float]) -> Bars:
    """Bars whose closes go straight from corner to corner, given by row."""
    close = np.interp(np.arange(max(corners) + 1), list(corners), list(corners.values()))
    return Bars(close, close + 1.0, close - 1.0, close, np.full(len(close), 100.0))


def upside_down(bars: Bars, level: float = 512.0) -> Bars:
    """The same bars mirrored at half that level."""
    return Bars(level - bars.open, level - bars.low, level - bars.high, level - bars.close, bars.volume)


def found_in(bars: Bars) -> patterns.Found:
    """What one security's bars hold."""
    return patterns.find(*bars, [0, len(bars.close)])


def only(found: patterns.Found, kind: str) -> dict[str, object]:
    """The fields of the one pattern of a kind."""
    (at,) = np.flatnonzero(found.kind == kind)
    return {
        name: getattr(found, name)[at].tolist()
        for name in ("direction", "start", "row", "confidence", "target", "failure", "pivots")
    }
