"""The arguments of a run, checked once, so that the engine and its kernels may trust them.

What does not belong here: computing anything.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from market.errors import Permanent
from market.features.plan import SEEN

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_WHERE = "Program.run"


@dataclass(frozen=True)
class Batch:
    """Series laid end to end with what is known of their past.

    Parameters
    ----------
    columns : (n,) numbers per name.
    offsets : (k + 1,) where series begin and the last ends.
    emit_from : (k,) context rows per series.
    state : (k, width) state after each series' last context row.
    """

    columns: Mapping[str, NDArray[np.generic]]
    offsets: Ints
    emit_from: Ints
    state: Floats

    @property
    def new_rows(self) -> Ints:
        """(k,) rows of each series that are no context."""
        return np.diff(self.offsets) - self.emit_from

    def check_context(self, lookback: int) -> None:
        """Refuse a context that is shorter than windows need, or longer than the state's history.

        Raises
        ------
        Permanent : naming the series by position.
        """
        seen = self.state[:, SEEN]
        short = np.flatnonzero(self.emit_from < np.minimum(seen, lookback))
        if len(short):
            expected = f"{lookback} context rows, or all of a younger series"
            found = f"{self.emit_from[short[0]]} for a series of {int(seen[short[0]])} rows"
            raise Permanent(_WHERE, expected=expected, found=found, keys=_series(short), do="Read more rows.")
        unseen = np.flatnonzero(self.emit_from > seen)
        if len(unseen):
            expected = "the state stored with the last context row"
            found = f"{self.emit_from[unseen[0]]} context rows, state after {int(seen[unseen[0]])}"
            do = "Pass the stored state, or emit those rows instead of passing them as context."
            raise Permanent(_WHERE, expected=expected, found=found, keys=_series(unseen), do=do)


def checked_offsets(offsets: Ints) -> Ints:
    """``offsets`` as int64. Raises Permanent unless they start at 0 and never fall."""
    checked = np.ascontiguousarray(offsets, dtype=np.int64)
    if checked.ndim != 1 or not len(checked) or checked[0] != 0 or np.any(np.diff(checked) < 0):
        raise Permanent(_WHERE, expected="offsets from 0 upward, one more than series", found=str(checked[:5]))
    return checked


def checked_columns(
    columns: Mapping[str, NDArray[np.generic]], names: tuple[str, ...], rows: int
) -> dict[str, NDArray[np.generic]]:
    """The columns in ``names``. Raises Permanent for a missing one and for one that is not (rows,)."""
    missing = [name for name in names if name not in columns]
    if missing:
        raise Permanent(_WHERE, expected=f"columns {', '.join(names)}", found=f"{', '.join(columns)}", keys=missing)
    for name in names:
        if np.shape(columns[name]) != (rows,):
            raise Permanent(f"{_WHERE}, column {name}", expected=f"shape ({rows},)", found=str(np.shape(columns[name])))
    return {name: np.asarray(columns[name]) for name in names}


def checked_emit_from(emit_from: Ints | None, offsets: Ints) -> Ints:
    """(k,) context rows per series, zeros for None. Raises Permanent when out of a series' range."""
    lengths = np.diff(offsets)
    checked = np.zeros(len(lengths), dtype=np.int64) if emit_from is None else np.ascontiguousarray(emit_from, np.int64)
    if checked.shape != lengths.shape or np.any(checked < 0) or np.any(checked > lengths):
        raise Permanent(
            _WHERE, expected=f"emit_from of shape {lengths.shape}, 0 to the series' length", found=str(checked[:5])
        )
    return checked


def checked_state(state: Floats, shape: tuple[int, int]) -> Floats:
    """``state`` as float64. Raises Permanent when of another shape: it was stored by another set of features."""
    checked = np.asarray(state, dtype=np.float64)
    if checked.shape != shape:
        do = "State belongs to the set of features it was stored by; run the whole history once after a change."
        raise Permanent(_WHERE, expected=f"state of shape {shape}", found=str(checked.shape), do=do)
    return checked


def _series(positions: Ints) -> list[str]:
    return [f"series {position}" for position in positions]
