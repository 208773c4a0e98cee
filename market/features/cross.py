"""Operators over the securities of one exchange and session: their kernel, and the rows that belong together.

How it works: rows are ordered by bucket (exchange, session, group) once for each column of groups; within a bucket the known values are
sorted before anything is summed, so that a value hangs on what the others are and never on the order in which they come. What does not
belong here: when a cross-section is computed (``stages``).
"""

import math
from dataclasses import dataclass
from typing import Any, Final

import numba
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

CODES: Final = {name: code for code, name in enumerate(("cs_rank", "cs_demean", "cs_zscore", "cs_winsorize"))}
"""Operators by name."""
_RANK, _DEMEAN, _ZSCORE, _WINSORIZE = range(len(CODES))

_kernel: Any = numba.njit(cache=True, nogil=True, error_model="numpy")
_helper: Any = numba.njit(nogil=True, error_model="numpy")


@dataclass(frozen=True)
class Buckets:
    """Rows that belong together.

    Parameters
    ----------
    order : (m,) rows, bucket after bucket; a row whose group is not known belongs to none.
    bounds : (b + 1,) where buckets begin in ``order``, and m.
    """

    order: Ints
    bounds: Ints

    @classmethod
    def of(cls, sections: Ints, groups: Floats | None) -> "Buckets":
        """Rows by exchange and session, and by group where there are any.

        Parameters
        ----------
        sections : (n,) equal for rows of one exchange and session.
        groups : (n,) equal for rows of one group, NaN where not known; None: no groups.
        """
        if groups is None:
            order = np.argsort(sections, kind="stable")
            apart = np.diff(sections[order]) != 0
        else:
            order = np.lexsort((groups, sections))
            order = order[~np.isnan(groups[order])]
            apart = (np.diff(sections[order]) != 0) | (np.diff(groups[order]) != 0)
        bounds = np.concatenate(([0], np.flatnonzero(apart) + 1, [len(order)] if len(order) else []))
        return cls(order.astype(np.int64), bounds.astype(np.int64))


@_kernel
def crossed(code: int, level: float, x: Floats, order: Ints, bounds: Ints, out: Floats) -> None:
    """Fill ``out`` (n rows, NaN where a row has no bucket or no finite value) with the operator ``code`` of CODES.

    Parameters
    ----------
    level : of a quantile, 0 to 0.5; no other operator reads it.
    order, bounds : as in ``Buckets``.
    """
    out[:] = math.nan
    for bucket in range(len(bounds) - 1):
        rows = order[bounds[bucket] : bounds[bucket + 1]]
        n = 0
        known = np.empty(len(rows), np.int64)
        for row in rows:
            if math.isfinite(x[row]):
                known[n] = row
                n += 1
        if n == 0:
            continue
        values = np.empty(n)
        for at in range(n):
            values[at] = x[known[at]]
        by_size = np.argsort(values)
        ordered = values[by_size]
        if code == _RANK:
            first = 0
            while first < n:
                last = first
                while last + 1 < n and ordered[last + 1] == ordered[first]:
                    last += 1
                for at in range(first, last + 1):
                    out[known[by_size[at]]] = ((first + last) / 2.0 + 1.0) / n
                first = last + 1
        elif code == _WINSORIZE:
            low, high = _quantile(ordered, level), _quantile(ordered, 1.0 - level)
            for at in range(n):
                out[known[at]] = min(max(values[at], low), high)
        else:
            mean, least = 0.0, ordered[0]  # a distance from the smallest: nothing of a price's size is rounded
            for at in range(n):
                mean += ordered[at] - least
            mean /= n
            spread = 1.0
            if code == _ZSCORE:
                squares = 0.0
                for at in range(n):
                    squares += ((ordered[at] - least) - mean) ** 2
                spread = math.sqrt(squares / (n - 1)) if n > 1 and ordered[0] < ordered[n - 1] else math.nan
            for at in range(n):
                out[known[at]] = ((values[at] - least) - mean) / spread


@_helper
def _quantile(ordered: Floats, level: float) -> float:
    place = level * (len(ordered) - 1)
    below = int(place)
    if below + 1 >= len(ordered):
        return float(ordered[len(ordered) - 1])
    return float(ordered[below] + (place - below) * (ordered[below + 1] - ordered[below]))
