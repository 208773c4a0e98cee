"""Labels: what a model is asked to predict, the only place where looking ahead is allowed.

What does not belong here: features (they look back only), the split that keeps labels out of the test (market.splits).
"""

import numpy as np
import numpy.typing as npt
import pandas as pd

Float1D = npt.NDArray[np.float64]
Int1D = npt.NDArray[np.int64]


def forward_return(
    close: npt.ArrayLike,
    offsets: npt.ArrayLike,
    horizon: int,
    *,
    session_numbers: npt.ArrayLike | None = None,
    is_tradable: npt.ArrayLike | None = None,
) -> Float1D:
    """Simple return from the close of row t to the close ``horizon`` sessions later, as a fraction.

    The value at row t is first known at the close of that later session; ``market.splits`` purges by that date.

    Parameters
    ----------
    close : (n,) forward-adjusted close in any one currency per security, the securities one after another, each oldest first.
    offsets : (m + 1,) where each of the m securities begins, and n at the end: security i is rows offsets[i]:offsets[i+1].
    horizon : sessions ahead, at least 1.
    session_numbers : (n,) number of the row's session in its exchange's calendar, strictly rising within a security.  With
        it the later row must be exactly ``horizon`` sessions ahead.  Without it the horizon counts the security's own rows,
        which is right only where it has a row for every session.
    is_tradable : (n,) whether one could trade at that close; all of them where it is not given.

    Returns
    -------
    (n,) fraction.  NaN where the later row is missing (too near the end, delisted, a hole), where either close is not a
    positive finite number, and where row t itself is not tradable (halted: nobody can enter).  A halt at the *later* row
    keeps its label, valued at the last close: dropping it would condition the sample on what was not known at t.

    Raises
    ------
    ValueError
        ``horizon`` below 1, offsets that do not cover the rows, or session numbers that do not rise.

    Source
    ------
    Ours; the definition of a holding-period return.
    """
    prices = np.asarray(close, dtype=np.float64)
    later = later_rows(offsets, prices.size, horizon, session_numbers=session_numbers)
    usable = np.isfinite(prices) & (prices > 0)
    enters = usable if is_tradable is None else usable & np.asarray(is_tradable, dtype=bool)
    known = (later >= 0) & enters & usable[later]
    result = np.full(prices.size, np.nan)
    result[known] = prices[later[known]] / prices[known] - 1.0
    return result


def later_rows(
    offsets: npt.ArrayLike, n_rows: int, horizon: int, *, session_numbers: npt.ArrayLike | None = None
) -> Int1D:
    """(n,) index of the row ``horizon`` sessions later in the same security, -1 where there is none.

    Parameters and errors are those of ``forward_return``.
    """
    starts = _checked_offsets(offsets, n_rows)
    if horizon < 1:
        raise ValueError(f"forward_return: expected a horizon of at least 1 session, was {horizon}")
    security = np.repeat(np.arange(starts.size - 1), np.diff(starts))
    rows = np.arange(n_rows)
    if session_numbers is None:
        later = rows + horizon
        inside = later < starts[security + 1] if n_rows else np.zeros(0, dtype=bool)
        return np.where(inside, later, -1)
    numbers = np.asarray(session_numbers, dtype=np.int64)
    if numbers.size != n_rows:
        raise ValueError(f"forward_return: expected {n_rows} session numbers, was {numbers.size}")
    if n_rows == 0:
        return rows
    # One rising key for all securities, wide enough that a step of the horizon never reaches the next one.
    width = int(numbers.max() - numbers.min()) + horizon + 1
    keys = security * width + (numbers - numbers.min())
    if (np.diff(keys) <= 0).any():
        at = int(np.flatnonzero(np.diff(keys) <= 0)[0]) + 1
        raise ValueError(f"forward_return: expected session numbers rising within each security, was not at row {at}")
    found = np.searchsorted(keys, keys + horizon)
    matches = (found < n_rows) & (keys[np.minimum(found, n_rows - 1)] == keys + horizon)
    return np.where(matches, found, -1)


def group_codes(*columns: npt.ArrayLike | pd.Series) -> Int1D:
    """One integer per distinct combination of the columns, numbered in sorted order; -1 where any of them is null.

    Parameters
    ----------
    columns : each (n,), for instance session dates and exchanges.

    Returns
    -------
    (n,) int64.

    Raises
    ------
    ValueError
        No column at all.
    """
    if not columns:
        raise ValueError("group_codes: expected at least one column, was none")
    codes = np.zeros(np.asarray(columns[0]).size, dtype=np.int64)
    has_null = np.zeros(codes.size, dtype=bool)
    for column in columns:
        own, values = pd.factorize(np.asarray(column), sort=True)
        codes = codes * (len(values) + 1) + own
        has_null |= own < 0
    dense = np.unique(codes[~has_null], return_inverse=True)[1]
    result = np.full(codes.size, -1, dtype=np.int64)
    result[~has_null] = dense
    return result


def rank_within(values: npt.ArrayLike, groups: npt.ArrayLike) -> Float1D:
    """Percentile rank of each value among its group, in (0, 1]; 1 is the highest.

    Parameters
    ----------
    values : (n,) any real quantity, larger is better.
    groups : (n,) integers or strings, for instance ``group_codes(session_date, exchange)``; negative integers are no group.

    Returns
    -------
    (n,) rank divided by the number of known values in the group; ties share their average rank, a value alone gets 1.
    NaN where the value is NaN or the row has no group; such rows do not count for the others.

    Raises
    ------
    ValueError
        The two differ in length.
    """
    numbers, keys = np.asarray(values, dtype=np.float64), np.asarray(groups)
    if numbers.shape != keys.shape:
        raise ValueError(f"rank_within: expected one group per value, was {keys.shape} for {numbers.shape}")
    if np.issubdtype(keys.dtype, np.signedinteger):
        numbers = np.where(keys < 0, np.nan, numbers)
    ranks = pd.Series(numbers).groupby(keys).rank(method="average", pct=True)
    return np.asarray(ranks, dtype=np.float64)


def _checked_offsets(offsets: npt.ArrayLike, n_rows: int) -> Int1D:
    starts = np.asarray(offsets, dtype=np.int64)
    covers = starts.ndim == 1 and starts.size >= 1 and starts[0] == 0 and starts[-1] == n_rows
    if not covers or (np.diff(starts) < 0).any():
        raise ValueError(f"forward_return: expected offsets rising from 0 to {n_rows}, was {starts.tolist()[:10]}")
    return starts
