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
    names : (k,) what to call each series in a message: its position among the caller's.
    """

    columns: Mapping[str, NDArray[np.generic]]
    offsets: Ints
    emit_from: Ints
    state: Floats
    names: Ints

    @property
    def new_rows(self) -> Ints:
        """(k,) rows of each series that are no context."""
        return np.diff(self.offsets) - self.emit_from

    @property
    def emitted(self) -> Ints:
        """(k + 1,) where each series' rows that are no context begin among all such rows."""
        return np.concatenate(([0], np.cumsum(self.new_rows)))

    def in_runs(self, starts: Ints, fresh: Floats) -> "Batch":
        """The same rows as unbroken runs, each a series of its own.

        The stored state goes on in the run that holds the series' last context row. Without context rows it is taken for
        the state of the session right before the first row. Every other run starts anew.

        Parameters
        ----------
        starts : (r + 1,) where runs begin and the last ends, as ``runs.unbroken`` gives them.
        fresh : (r, width) states of series that have no row yet; taken over and changed.
        """
        begins, ends = starts[:-1], starts[1:]
        series = np.searchsorted(self.offsets, begins, side="right") - 1
        emit_from = self.emit_from[series]
        new = self.offsets[series] + emit_from
        goes_on = np.where(emit_from > 0, (begins < new) & (new <= ends), begins == new)
        fresh[goes_on] = self.state[series[goes_on]]
        is_past = ends < new
        fresh[is_past, SEEN] = (ends - begins)[is_past]  # context before a hole: nothing of it is read or emitted
        return Batch(self.columns, starts, np.clip(new - begins, 0, ends - begins), fresh, self.names[series])

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
            raise Permanent(_WHERE, expected=expected, found=found, keys=self._named(short), do="Read more rows.")
        unseen = np.flatnonzero(self.emit_from > seen)
        if len(unseen):
            expected = "the state stored with the last context row"
            found = f"{self.emit_from[unseen[0]]} context rows, state after {int(seen[unseen[0]])}"
            do = "Pass the stored state, or emit those rows instead of passing them as context."
            raise Permanent(_WHERE, expected=expected, found=found, keys=self._named(unseen), do=do)

    def _named(self, at: Ints) -> list[str]:
        return [f"series {name}" for name in self.names[at]]


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
