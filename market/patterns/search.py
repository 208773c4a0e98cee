"""Finds the chart patterns of series laid end to end, each told once, at the row that confirms it.

How it works: 1 series are cut at rows that are not known, so that nothing spans a halt; 2 ``pivots`` turns what is left into bars seen from
either side; 3 ``reversals``, ``boundaries``, ``flags`` and ``gaps`` look for what breaks upward, from both sides; 4 ``confidence`` weighs
it; 5 of one kind and direction, the most confident of a row stands, and none within QUIET rows after another, told or not: that is
decided by the rows of the lookback alone. What does not belong here: shapes.
"""

from dataclasses import dataclass, fields, replace
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from market.errors import Permanent
from market.patterns import boundaries, flags, gaps, reversals
from market.patterns.confidence import confidence, volume_surge
from market.patterns.gaps import Gaps
from market.patterns.pivots import Floats, Ints, Side, upright, upside_down

LOOKBACK: Final = 250
"""Rows before a row that decide what is found there; an incremental run needs as many, or all there are."""
QUIET: Final = 10
"""Rows after a pattern in which another of its kind and direction counts as the same one."""
PIVOTS: Final = 5
"""Pivot rows a pattern is told with at most."""

_SEARCHES: Final = (
    (reversals.search, reversals.KINDS),
    (boundaries.search, boundaries.KINDS),
    (flags.search, flags.KINDS),
)
_CODE, _ROW, _FIRST = range(3)
_FIT, _BOUNDARY, _TARGET, _FAILURE = range(4)


@dataclass(frozen=True)
class Found:
    """Chart patterns, sorted by row, then kind, then direction; arrays of one length m.

    Parameters
    ----------
    kind : (m,) of PATTERNS.
    direction : (m,) int64, 1 where prices should rise, -1 where they should fall.
    start : (m,) int64, the row of the first pivot; of a gap, the row before it.
    row : (m,) int64, the row that confirms: nothing of it is known earlier. Rows count through all series, as the columns do.
    confidence : (m,) from 0 to 1, see ``confidence`` and ``gaps``.
    target, failure : (m,) in the price's unit: failure < close < target where prices should rise, target < close < failure where fall.
    pivots : (m, PIVOTS) int64, the pivots it is made of, oldest first, then -1; a gap has none.
    """

    kind: NDArray[np.str_]
    direction: Ints
    start: Ints
    row: Ints
    confidence: Floats
    target: Floats
    failure: Floats
    pivots: Ints

    def __len__(self) -> int:
        return len(self.row)


def find(
    open: ArrayLike, high: ArrayLike, low: ArrayLike, close: ArrayLike, volume: ArrayLike, offsets: ArrayLike
) -> Found:  # fmt: skip
    """Every chart pattern of daily bars, at the row that confirms it.

    Parameters
    ----------
    open, high, low, close : (n,) prices on one scale per series, securities one after another, each oldest first. A row with a price that
        is not finite and above 0 (a halt) is not known: nothing spans it.
    volume : (n,) shares on the same scale; a row where it is not a number is not known.
    offsets : (k + 1,) where each unbroken run of sessions begins in the rows, and n at the end.

    Returns
    -------
    Found. What stands at a row depends on it and the LOOKBACK rows before it.

    Raises
    ------
    Permanent : columns that differ in length, or offsets that do not rise from 0 to it.
    """
    columns = [np.array(column, dtype=np.float64) for column in (open, high, low, close, volume)]
    at, starts = _known_runs(columns, _checked(columns, offsets))
    _, highs, lows, closes, volumes = (column[at] for column in columns)
    side, surge = upright(highs, lows, closes, starts), volume_surge(volumes, starts)
    turned = upside_down(side)
    with np.errstate(invalid="ignore", divide="ignore"):  # rows without a past compare false
        parts = [
            part
            for view, sign in ((side, 1), (turned, -1))
            for part in (*_formations(view, sign, starts, volumes, surge), *_gaps(view, sign, starts, surge))
        ]
    found = _joined(parts)
    # as far below a low price as the formation is high there may be no price at all
    return _told(_once(_taken(found, (found.target > 0.0) & (found.failure > 0.0)), starts), at)


def _checked(columns: list[Floats], offsets: ArrayLike) -> Ints:
    rows = len(columns[-1]) if columns[-1].ndim == 1 else -1
    for name, column in zip(("open", "high", "low", "close", "volume"), columns, strict=True):
        if column.shape != (rows,):
            raise Permanent(f"patterns.find, column {name}", expected=f"shape ({rows},)", found=str(column.shape))
    checked = np.asarray(offsets, dtype=np.int64)
    if checked.ndim != 1 or not len(checked) or checked[0] != 0 or checked[-1] != rows or np.any(np.diff(checked) < 0):
        raise Permanent("patterns.find, offsets", expected=f"rising from 0 to {rows}", found=str(checked[:5]))
    return checked


def _known_runs(columns: list[Floats], offsets: Ints) -> tuple[Ints, Ints]:
    """Rows that are known, and where their unbroken runs begin among them, with their number at the end."""
    known = np.isfinite(columns[-1])
    for price in columns[:-1]:
        known &= np.isfinite(price) & (price > 0.0)
    at = np.flatnonzero(known)
    breaks = np.flatnonzero(np.diff(at) != 1) + 1
    return at, np.unique(np.concatenate(([0], breaks, np.searchsorted(at, offsets))))


def _formations(side: Side, sign: int, starts: Ints, volume: Floats, surge: Floats) -> list[Found]:
    """What each search finds from one side, in prices again."""
    parts = []
    for search, kinds in _SEARCHES:
        at, levels = search(side, starts)
        names = np.array([upward if sign > 0 else downward for upward, downward in kinds])[at[:, _CODE]]
        at, levels, names = at[names != ""], levels[names != ""], names[names != ""]
        start, row = at[:, _FIRST], at[:, _ROW]
        weighed = confidence(side, volume, surge, start, row, levels[:, _FIT], levels[:, _BOUNDARY])
        target, failure = sign * levels[:, _TARGET], sign * levels[:, _FAILURE]
        parts.append(Found(names, np.full(len(row), sign), start, row, weighed, target, failure, at[:, _FIRST:]))
    return parts


def _gaps(side: Side, sign: int, starts: Ints, surge: Floats) -> list[Found]:
    away, back = gaps.breakaway_gaps(side, surge, starts), gaps.common_gaps(side, surge, starts)
    return [_gap("breakaway_gap", away, sign, sign), _gap("common_gap", back, sign, -sign)]


def _gap(name: str, gap: Gaps, sign: int, direction: int) -> Found:
    m = len(gap.row)
    none = np.full((m, PIVOTS), -1)
    return Found(
        np.full(m, name), np.full(m, direction), gap.row - 1, gap.row, gap.confidence, sign * gap.target, sign * gap.failure, none
    )  # fmt: skip


def _joined(parts: list[Found]) -> Found:
    return Found(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Found)))


def _taken(found: Found, which: NDArray[Any]) -> Found:
    return Found(*(getattr(found, field.name)[which] for field in fields(Found)))


def _once(found: Found, starts: Ints) -> Found:
    """The most confident of each row, kind and direction, without those that follow another within QUIET rows of its run."""
    # what two are made of breaks a tie of confidence, not where a search happened to meet them
    order = (-found.start, -found.pivots[:, 1], -found.confidence, found.row, found.direction, found.kind)
    found = _taken(found, np.lexsort(order))
    run = np.searchsorted(starts, found.row, side="right")
    same = (found.kind[1:] == found.kind[:-1]) & (found.direction[1:] == found.direction[:-1]) & (run[1:] == run[:-1])
    same &= found.pivots[1:, 0] >= 0  # each gap stands for itself
    follows = np.zeros(len(found), dtype=bool)
    follows[1:] = same & (np.diff(found.row) <= QUIET)
    return _taken(found, ~follows)


def _told(found: Found, at: Ints) -> Found:
    """The same sorted, in rows of the caller's columns."""
    found = _taken(found, np.lexsort((found.direction, found.kind, found.row)))
    pivots = np.where(found.pivots < 0, -1, at[found.pivots]) if len(at) else found.pivots
    return replace(found, start=at[found.start], row=at[found.row], pivots=pivots)
