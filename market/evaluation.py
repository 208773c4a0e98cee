"""How good scores were, given the outcomes: rank IC by group and by session, its error under overlapping labels, quantile spread.

What does not belong here: splitting (market.splits), fitting and recording (training).
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from market.labels import group_codes, rank_within

Float1D = npt.NDArray[np.float64]
Int1D = npt.NDArray[np.intp]

MIN_GROUP_SIZE = 5  # a rank correlation of fewer names is mostly +-1 and says nothing


class MeanAndError(NamedTuple):
    """Mean, the standard error of that mean (same unit), and the number of values behind it."""

    mean: float
    standard_error: float
    n: int


def rank_ic(
    scores: npt.ArrayLike, outcomes: npt.ArrayLike, groups: npt.ArrayLike, *, min_size: int = MIN_GROUP_SIZE
) -> "pd.Series[float]":
    """Spearman's rank correlation between scores and outcomes within each group, from -1 to 1.

    Parameters
    ----------
    scores, outcomes : (n,) in any unit; a row counts where both are known.
    groups : (n,) for instance session dates: one cross-section each.
    min_size : rows that a group needs, at least 2.

    Returns
    -------
    One value per group, indexed by the group in sorted order.  NaN where the group has fewer than ``min_size`` known rows,
    or where all its scores or all its outcomes are equal.

    Raises
    ------
    ValueError
        The three differ in length.

    Source
    ------
    C. Spearman (1904); Pearson's correlation of average ranks, so ties are exact.  "Information coefficient" after
    R. Grinold and R. Kahn, *Active Portfolio Management* (2000), chapter 6.
    """
    x, y, codes, names = _known_pairs("rank_ic", scores, outcomes, groups)
    size = np.bincount(codes, minlength=len(names))
    ic = _correlated(_centred_ranks(x, codes, size), _centred_ranks(y, codes, size), codes, size, min_size)
    return pd.Series(ic, index=pd.Index(names, name="group"), name="rank_ic")


def correlation(x: npt.ArrayLike, y: npt.ArrayLike, groups: npt.ArrayLike, *, min_size: int = 2) -> "pd.Series[float]":
    """Pearson's correlation between x and y within each group, from -1 to 1.

    Parameters
    ----------
    x, y : (n,) in any unit; a row counts where both are known.
    groups : (n,) for instance security ids: one sample each.
    min_size : rows that a group needs, at least 2.

    Returns
    -------
    As ``rank_ic``; NaN exactly where all of a group's x or all its y are equal.

    Raises
    ------
    ValueError
        The three differ in length.

    Source
    ------
    K. Pearson (1895); two passes, so that a large mean costs no digits.
    """
    a, b, codes, names = _known_pairs("correlation", x, y, groups)
    size = np.bincount(codes, minlength=len(names))
    found = _correlated(_centred(a, codes, size), _centred(b, codes, size), codes, size, min_size)
    return pd.Series(found, index=pd.Index(names, name="group"), name="correlation")


def session_rank_ic(
    scores: npt.ArrayLike,
    outcomes: npt.ArrayLike,
    session_dates: npt.ArrayLike,
    exchanges: npt.ArrayLike,
    *,
    min_size: int = MIN_GROUP_SIZE,
) -> "pd.Series[float]":
    """Rank IC of each session: within each exchange, averaged over the date's exchanges by their number of names.

    Securities of two exchanges are never ranked against each other: their returns are in two currencies and of other hours.

    Parameters
    ----------
    scores, outcomes : (n,) in any unit; a row counts, and weighs, where both are known.
    session_dates, exchanges : (n,) of each row.
    min_size : known rows that an exchange needs that day, at least 2.

    Returns
    -------
    One value per session that has one, indexed by ``session_date`` (datetime64), oldest first.

    Raises
    ------
    ValueError
        The columns differ in length.
    """
    x, y = np.asarray(scores, dtype=np.float64), np.asarray(outcomes, dtype=np.float64)
    days, places = np.asarray(session_dates, dtype="datetime64[D]"), np.asarray(exchanges)
    if not x.size == y.size == days.size == places.size:
        found = f"{x.size} scores, {y.size} outcomes, {days.size} dates, {places.size} exchanges"
        raise ValueError(f"session_rank_ic: expected equal lengths, was {found}")
    known = np.isfinite(x) & np.isfinite(y)
    x, y, days, places = x[known], y[known], days[known], places[known]
    groups = group_codes(days, places)
    _, first, names = np.unique(groups, return_index=True, return_counts=True)
    ics = rank_ic(x, y, groups, min_size=min_size).to_numpy()
    by_group = pd.DataFrame({"session_date": days[first], "ic": ics, "names": names}).dropna()
    weighted = (by_group["ic"] * by_group["names"]).groupby(by_group["session_date"]).sum()
    return (weighted / by_group.groupby("session_date")["names"].sum()).rename("rank_ic")


def mean_and_standard_error(ics: npt.ArrayLike, overlap: int = 1) -> MeanAndError:
    """Mean of a series of ICs and a standard error that allows for their overlap.

    Labels that look ``overlap`` sessions ahead share all but one session with the next day's, so daily ICs are correlated
    up to ``overlap - 1`` sessions apart and the naive error is too small by up to sqrt(overlap).

    Parameters
    ----------
    ics : (n,) one value per session, oldest first; NaN are left out.
    overlap : sessions that the label looks ahead, at least 1.

    Returns
    -------
    Mean, standard error, number of known values.  The error is NaN below two values, the mean below one.

    Raises
    ------
    ValueError
        ``overlap`` below 1.

    Source
    ------
    W. Newey and K. West (1987), Econometrica 55: Bartlett weights, which cannot give a negative variance.  The bandwidth is
    max(2 (overlap - 1), floor(4 (n / 100)^(2/9))): twice the overlap, since at the bare overlap Bartlett's weights find only
    two thirds of the variance that overlapping sums have; the second term is the rule of Newey and West (1994).
    """
    if overlap < 1:
        raise ValueError(f"mean_and_standard_error: expected an overlap of at least 1 session, was {overlap}")
    values = np.asarray(ics, dtype=np.float64)
    values = values[np.isfinite(values)]
    n = values.size
    if n < 2:
        return MeanAndError(float(values[0]) if n else np.nan, np.nan, n)
    mean = float(values.mean())
    lags = _lags(n, overlap)
    deviations = values - mean
    long_run = float(deviations @ deviations)
    for lag in range(1, lags + 1):
        long_run += 2.0 * (1.0 - lag / (lags + 1)) * float(deviations[lag:] @ deviations[:-lag])
    return MeanAndError(mean, float(np.sqrt(max(long_run, 0.0) / (n * (n - 1)))), n)


def least_beyond_chance(n: int, overlap: int = 1) -> float:
    """How many of ``mean_and_standard_error``'s errors a mean must be above zero so that noise is there once in 40.

    It is 1.96 for long series, and more the shorter they are beside the overlap: the error is itself estimated, and too small. Of
    twenty sums of five, noise is still there once in 20.

    Parameters
    ----------
    n : values behind the mean, at least 2.
    overlap : as there.

    Source
    ------
    N. Kiefer and T. Vogelsang, A New Asymptotic Theory for Heteroskedasticity-Autocorrelation Robust Tests, Econometric Theory
    21 (2005), table 1: critical values of Bartlett's kernel at 97.5 %, a cubic in bandwidth over length.
    """
    if n < 2:
        raise ValueError(f"least_beyond_chance: expected at least 2 values, was {n}")
    b = (_lags(n, overlap) + 1) / n
    return 1.96 + 2.9694 * b + 0.4160 * b**2 - 0.5324 * b**3


def quantile_spread(
    scores: npt.ArrayLike, outcomes: npt.ArrayLike, groups: npt.ArrayLike, *, n_quantiles: int = 10
) -> "pd.Series[float]":
    """Mean outcome of the best-scored quantile less that of the worst, per group, in the outcome's unit, before costs.

    Parameters
    ----------
    scores, outcomes : (n,); a row counts where both are known.
    groups : (n,) one cross-section each.
    n_quantiles : 10 for deciles; at least 2.

    Returns
    -------
    One value per group, indexed by the group in sorted order; NaN where either end is empty.

    Raises
    ------
    ValueError
        ``n_quantiles`` below 2.
    """
    if n_quantiles < 2:
        raise ValueError(f"quantile_spread: expected at least 2 quantiles, was {n_quantiles}")
    frame = pd.DataFrame({"score": scores, "outcome": outcomes, "group": np.asarray(groups)})
    known = frame[["score", "outcome"]].notna().all(axis=1).to_numpy()
    names = pd.Index(np.unique(frame["group"].to_numpy()), name="group")
    frame = frame[known]
    percentile = rank_within(frame["score"].to_numpy(), frame["group"].to_numpy())
    top = frame[percentile > 1.0 - 1.0 / n_quantiles].groupby("group")["outcome"].mean()
    bottom = frame[percentile <= 1.0 / n_quantiles].groupby("group")["outcome"].mean()
    return (top.reindex(names) - bottom.reindex(names)).rename("quantile_spread")


def _lags(n: int, overlap: int) -> int:
    return min(max(2 * (overlap - 1), int(4 * (n / 100) ** (2 / 9))), n - 1)


def _known_pairs(
    where: str, x: npt.ArrayLike, y: npt.ArrayLike, groups: npt.ArrayLike
) -> tuple[Float1D, Float1D, Int1D, npt.NDArray[np.generic]]:
    """Rows where both are known, the code of each one's group, and the groups in sorted order."""
    a, b = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    codes, names = pd.factorize(np.asarray(groups), sort=True)
    if not a.size == b.size == codes.size:
        raise ValueError(f"{where}: expected equal lengths, was {a.size} and {b.size} values, {codes.size} groups")
    known = np.isfinite(a) & np.isfinite(b) & (codes >= 0)
    return a[known], b[known], codes[known], names


def _correlated(a: Float1D, b: Float1D, codes: Int1D, size: Int1D, min_size: int) -> Float1D:
    """Correlation within each group of values that are centred there; NaN in groups too small or without variance."""
    with np.errstate(over="ignore", invalid="ignore"):  # squares beyond what a float can hold: no correlation
        covariance, var_a, var_b = (np.bincount(codes, v, minlength=size.size) for v in (a * b, a * a, b * b))
        enough = (size >= max(min_size, 2)) & (var_a > 0) & (var_b > 0) & np.isfinite(var_a * var_b)
    found = np.full(size.size, np.nan)
    found[enough] = covariance[enough] / np.sqrt(var_a[enough] * var_b[enough])
    return np.asarray(np.clip(found, -1.0, 1.0), dtype=np.float64)


def _centred(values: Float1D, codes: Int1D, size: Int1D) -> Float1D:
    """Values less their group's mean; exactly zero where a group's are all equal, since each is first taken from the first."""
    first = np.zeros(size.size)
    first[codes[::-1]] = values[::-1]
    moved = values - first[codes]
    return moved - (np.bincount(codes, moved, minlength=size.size) / np.maximum(size, 1))[codes]


def _centred_ranks(values: Float1D, codes: Int1D, size: Int1D) -> Float1D:
    """Average ranks within each group less the group's mean rank, exact in halves."""
    ranks = np.asarray(pd.Series(values).groupby(codes).rank(method="average"), dtype=np.float64)
    return ranks - (size[codes] + 1) / 2.0
