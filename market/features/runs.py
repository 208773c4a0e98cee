"""Unbroken runs of sessions: where a series misses one, what follows is a series of its own.

A window across a hole would take a month's move for a day's, and an average would carry a price level over it that may not
compare any more (a split inside the hole leaves no factor). A halt is no hole: its session has a row. What does not belong
here: computing features.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from market.errors import Permanent

Ints = NDArray[np.int64]


def unbroken(offsets: Ints, session_numbers: ArrayLike | None) -> Ints:
    """Where unbroken runs begin, and the number of rows at the end.

    Parameters
    ----------
    offsets : (k + 1,) where series begin and the last ends, checked.
    session_numbers : (n,) place of each row's session in its exchange's calendar, rising within a series; None: the caller
        knows that no session is missing.

    Returns
    -------
    (r + 1,) int64: every series' begin, and every row whose session is not the one right after the row's before.
    Series without rows have no run.

    Raises
    ------
    Permanent : not one whole number per row, or numbers that do not rise.
    """
    if session_numbers is None:
        return np.unique(offsets)
    numbers, where = np.asarray(session_numbers), "Program.run, session_numbers"
    if numbers.shape != (offsets[-1],) or (len(numbers) and numbers.dtype.kind not in "iu"):
        raise Permanent(where, expected=f"({offsets[-1]},) whole numbers", found=f"{numbers.shape} {numbers.dtype}")
    steps = np.diff(numbers.astype(np.int64))
    inside = np.ones(len(steps), dtype=bool)
    inside[offsets[(offsets > 0) & (offsets < offsets[-1])] - 1] = False
    falls = np.flatnonzero(inside & (steps < 1))
    if len(falls):
        raise Permanent(where, expected="sessions in order, each once", found=f"not so at row {falls[0] + 1}")
    return np.unique(np.concatenate((offsets, np.flatnonzero(steps != 1) + 1)))
