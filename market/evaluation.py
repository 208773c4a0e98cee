"""How good scores were, given the outcomes: rank IC, its standard error under overlapping labels, quantile spread.

What does not belong here: splitting (market.splits), fitting and recording (training).
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from market.labels import rank_within

Float1D = npt.NDArray[np.float64]

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
    x, y = np.asarray(scores, dtype=np.float64), np.asarray(outcomes, dtype=np.float64)
    codes, names = pd.factorize(np.asarray(groups), sort=True)
    if not x.size == y.size == codes.size:
        raise ValueError(
            f"rank_ic: expected equal lengths, was {x.size} scores, {y.size} outcomes, {codes.size} groups"
        )
    known = np.isfinite(x) & np.isfinite(y) & (codes >= 0)
    x, y, codes = x[known], y[known], codes[known]
    size = np.bincount(codes, minlength=len(names))
    a, b = _centred_ranks(x, codes, size), _centred_ranks(y, codes, size)
    covariance, var_a, var_b = (np.bincount(codes, v, minlength=len(names)) for v in (a * b, a * a, b * b))
    enough = (size >= max(min_size, 2)) & (var_a > 0) & (var_b > 0)
    ic = np.full(len(names), np.nan)
    ic[enough] = covariance[enough] / np.sqrt(var_a[enough] * var_b[enough])
    return pd.Series(np.clip(ic, -1.0, 1.0), index=pd.Index(names, name="group"), name="rank_ic")


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
    lags = min(max(2 * (overlap - 1), int(4 * (n / 100) ** (2 / 9))), n - 1)
    deviations = values - mean
    long_run = float(deviations @ deviations)
    for lag in range(1, lags + 1):
        long_run += 2.0 * (1.0 - lag / (lags + 1)) * float(deviations[lag:] @ deviations[:-lag])
    return MeanAndError(mean, float(np.sqrt(max(long_run, 0.0) / (n * (n - 1)))), n)


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


def _centred_ranks(values: Float1D, codes: npt.NDArray[np.intp], size: npt.NDArray[np.intp]) -> Float1D:
    """Average ranks within each group less the group's mean rank, exact in halves."""
    ranks = np.asarray(pd.Series(values).groupby(codes).rank(method="average"), dtype=np.float64)
    return ranks - (size[codes] + 1) / 2.0
