"""How far a quantity has moved from where a model was fitted, and how scores fared once their outcomes were known.

A quantity is counted into the cells between the hundredths of what the fit saw, nulls in a cell of their own; everything here
follows from such counts, so that a reference is a few hundred numbers however long the history was. What does not belong here:
which shift matters (training.drift), reading a lake (assets.drift).
"""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt
import pandas as pd

from market.evaluation import least_beyond_chance, mean_and_standard_error, session_rank_ic
from market.overfitting import Interval, block_interval

Float1D = npt.NDArray[np.float64]
Int1D = npt.NDArray[np.int64]
Counts = npt.NDArray[np.int64]

N_CELLS, N_BINS = 100, 10
USUAL = 0.95
_KEY = ["security_id", "session_date"]


@dataclass(frozen=True)
class Reference:
    """One quantity as a fit saw it.

    Parameters
    ----------
    edges : (k,) rising upper ends of the cells, each end inside its cell; the last cell has none.
    bins : those of the edges that bound the bins of the stability index.
    counts : (k + 2,) rows of each cell, the nulls last.
    n_sessions : sessions that they are of.
    usual_psi, usual_ks : how far nineteen of twenty stretches, of as many sessions as are compared, and the last of them, were at
        most from the rest of the history; 0 where it is shorter than two stretches.
    """

    edges: tuple[float, ...]
    bins: tuple[float, ...]
    counts: tuple[int, ...]
    n_sessions: int
    usual_psi: float
    usual_ks: float

    @classmethod
    def of(cls, values: npt.ArrayLike, session_dates: npt.ArrayLike, stretch: int) -> "Reference":
        """The reference of a history; of its sessions from the first one that knows the quantity at all, for a lookback is no drift.

        Parameters
        ----------
        values : (n,) in any unit and order; NaN is null, infinities are the ends of the line.
        session_dates : (n,) of each row.
        stretch : sessions that will be compared with it, at least 1.

        Raises
        ------
        ValueError
            The two differ in length, or ``stretch`` is below 1.
        """
        numbers, days = np.asarray(values, dtype=np.float64), np.asarray(session_dates)
        if numbers.shape != days.shape or stretch < 1:
            found = f"{numbers.size} values, {days.size} dates, a stretch of {stretch}"
            raise ValueError(f"Reference: expected a date for each value and a stretch of at least 1, was {found}")
        known = ~np.isnan(numbers)
        if known.any():
            numbers, days = (one[days >= days[known].min()] for one in (numbers, days))
        edges, bins = edges_of(numbers)
        names, session = np.unique(days, return_inverse=True)
        width = edges.size + 2
        flat = np.bincount(session * width + _cells(numbers, edges), minlength=names.size * width)
        daily = flat.reshape(names.size, width).astype(np.int64)
        psi, ks = _usual(daily, _inner(edges, bins), stretch)
        ends = tuple(edges.tolist()), tuple(bins.tolist())
        return cls(*ends, tuple(daily.sum(axis=0).tolist()), int(names.size), psi, ks)

    def count(self, values: npt.ArrayLike) -> Counts:
        """(k + 2,) how many of the values lie in each cell, nulls last."""
        cells = _cells(np.asarray(values, dtype=np.float64), np.asarray(self.edges))
        return np.bincount(cells, minlength=len(self.counts)).astype(np.int64)

    def binned(self, counts: npt.ArrayLike) -> Counts:
        """Counts of cells as those of the bins of the stability index, nulls last."""
        return _binned(np.asarray(counts, dtype=np.int64), _inner(np.asarray(self.edges), np.asarray(self.bins)))

    def psi(self, counts: npt.ArrayLike) -> float:
        """``stability_index`` of the bins, nulls being one of them."""
        return float(stability_index(self.binned(self.counts), self.binned(counts)))

    def ks(self, counts: npt.ArrayLike) -> float:
        """``ks_statistic`` of what is known."""
        return float(ks_statistic(np.asarray(self.counts)[:-1], np.asarray(counts)[:-1]))

    def percentile(self, counts: npt.ArrayLike) -> float:
        """Share of what the fit saw that is at or below the counted values' median cell, from 0 to 1; NaN where none is known."""
        known, own = np.asarray(counts)[:-1], np.asarray(self.counts)[:-1]
        if not known.sum() or not own.sum():
            return float("nan")
        at = int(np.searchsorted(known.cumsum(), known.sum() / 2))
        return float(own[: at + 1].sum() / own.sum())


def edges_of(values: npt.ArrayLike) -> tuple[Float1D, Float1D]:
    """Upper ends of the cells, and those among them that bound the bins: hundredths and tenths of the known values.

    Ties: an end is a value that was there, and belongs to the cell below it. A value that fills a cell (or a bin) by itself has
    it for itself, so that a constant, or a flag of 0 and 1, is told from what lies below, between and above.

    Returns
    -------
    (k,) and (j,) rising, no end twice; both empty without a known value.
    """
    numbers = np.asarray(values, dtype=np.float64)
    known = numbers[~np.isnan(numbers)]
    if not known.size:
        return np.empty(0), np.empty(0)
    points = np.quantile(known, np.arange(N_CELLS + 1) / N_CELLS, method="inverted_cdf")
    return _ends(points), _ends(points[:: N_CELLS // N_BINS])


def stability_index(reference: npt.ArrayLike, current: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Population stability index: the sum over bins of the difference of the shares times that of their logarithms, 0 or more.

    Parameters
    ----------
    reference, current : (…, m) rows of each bin, along the last axis.

    Returns
    -------
    (…) 0 exactly where the shares are equal; NaN where either side has no row.  An empty bin counts as half a row, since its
    logarithm has no value; one that is empty on both sides counts as nothing.

    Source
    ------
    S. Kullback and R. Leibler (1951), the divergence both ways; as an index of stability with its bounds of 0.1 and 0.25 after
    N. Siddiqi, *Credit Risk Scorecards* (2006).
    """
    before, after = np.asarray(reference, dtype=np.float64), np.asarray(current, dtype=np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        p, q = (np.maximum(one, 0.5) / one.sum(axis=-1, keepdims=True) for one in (before, after))
        parts = np.where((before == 0) & (after == 0), 0.0, (q - p) * np.log(q / p))
    is_empty = (before.sum(axis=-1) == 0) | (after.sum(axis=-1) == 0)
    return np.asarray(np.where(is_empty, np.nan, parts.sum(axis=-1)), dtype=np.float64)


def ks_statistic(reference: npt.ArrayLike, current: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Kolmogorov and Smirnov's statistic: the largest distance between the two shares at or below the same end, from 0 to 1.

    Parameters
    ----------
    reference, current : (…, m) rows of each cell in rising order, along the last axis; without the nulls.

    Returns
    -------
    (…) that of the two samples to within the share of the reference that a cell has, at most a hundredth by ``edges_of``; NaN
    where either side has no row.

    Source
    ------
    N. Smirnov (1939).
    """
    before, after = np.asarray(reference, dtype=np.float64), np.asarray(current, dtype=np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        p, q = (one.cumsum(axis=-1) / one.sum(axis=-1, keepdims=True) for one in (before, after))
    return np.asarray(np.abs(p - q).max(axis=-1), dtype=np.float64)


def ks_bound(n_reference: int, n_current: int, n_tests: int = 1, level: float = 0.05) -> float:
    """What ``ks_statistic`` exceeds by chance, of any of ``n_tests`` quantities, with the probability ``level`` at most.

    Parameters
    ----------
    n_reference, n_current : independent values of either side, at least 1 each.
    n_tests : quantities that are looked at, at least 1: Bonferroni's correction, which holds however they hang together.
    level : of all of them together, between 0 and 1.

    Raises
    ------
    ValueError
        A number below 1, or a level outside (0, 1).

    Source
    ------
    The limit of Smirnov's distribution, 2 exp(-2 d^2 n m / (n + m)), solved for d; F. Massey (1951).  Few values exceed it
    less often.
    """
    if min(n_reference, n_current, n_tests) < 1 or not 0.0 < level < 1.0:
        found = f"{n_reference}, {n_current}, {n_tests} and {level}"
        raise ValueError(f"ks_bound: expected numbers of at least 1 and a level in (0, 1), was {found}")
    return float(np.sqrt(-np.log(level / n_tests / 2.0) / 2.0 * (1.0 / n_reference + 1.0 / n_current)))


def live_rank_ic(scores: pd.DataFrame, outcomes: pd.DataFrame, at: datetime) -> "pd.Series[float]":
    """Rank IC by session of scores that were there before their outcome, of the outcomes known at the instant.

    Parameters
    ----------
    scores : security_id, session_date, exchange, score, known_at (with a zone): of one model's version.
    outcomes : security_id, session_date, outcome, known_at.
    at : with a zone; an outcome that was known later does not count.  Nor does a score that was made when its outcome was
        known already, as a backfill makes them: it is no forecast.

    Returns
    -------
    As ``market.evaluation.session_rank_ic``.
    """
    matured = outcomes[outcomes["known_at"] <= at]
    rows = scores.merge(matured, on=_KEY, suffixes=("", "_of_outcome"))
    rows = rows[rows["known_at"] < rows["known_at_of_outcome"]]
    return session_rank_ic(rows["score"], rows["outcome"], rows["session_date"], rows["exchange"])


def mean_interval(daily: npt.ArrayLike, overlap: int, block: int) -> Interval:
    """95 % interval of the mean of a series of ICs: by blocks where there are enough of them, else by its Newey-West error.

    Parameters
    ----------
    daily : (n,) oldest first; NaN are left out.
    overlap : sessions that the label looks ahead.
    block : sessions in a block, as ``market.overfitting.block_interval`` takes it.

    Returns
    -------
    Both ends NaN below ``block`` values, which say too little of how they vary.
    """
    found = block_interval(daily, block=block)
    mean = mean_and_standard_error(daily, overlap)
    if not np.isnan(found.lower) or mean.n < block:
        return found
    reach = least_beyond_chance(mean.n, overlap) * mean.standard_error
    return Interval(mean.mean - reach, mean.mean + reach)


def _ends(points: Float1D) -> Float1D:
    """Ends between the points, the outer ones left open; a value that is there twice is shut off from what lies below it too."""
    values, times = np.unique(points, return_counts=True)
    alone = values[times > 1]
    return np.unique(np.concatenate([points[1:-1], alone, np.nextafter(alone, -np.inf)]))


def _cells(values: Float1D, edges: Float1D) -> Int1D:
    return np.where(np.isnan(values), edges.size + 1, np.searchsorted(edges, values, side="left")).astype(np.int64)


def _inner(edges: Float1D, bins: Float1D) -> Int1D:
    """Where each bin begins among the cells, the nulls' one last."""
    return np.concatenate([[0], np.searchsorted(edges, bins) + 1, [edges.size + 1]]).astype(np.int64)


def _binned(counts: Counts, begins: Int1D) -> Counts:
    return np.add.reduceat(counts, begins, axis=-1)


def _usual(daily: Counts, begins: Int1D, stretch: int) -> tuple[float, float]:
    """The index and the statistic of stretches of sessions against all the others, that ``USUAL`` of them do not exceed, nor the last.

    With the last, whoever fits again on a history that ends with a break does not find the break again.
    """
    if len(daily) < 2 * stretch:
        return 0.0, 0.0
    until = np.concatenate([np.zeros((1, daily.shape[1]), dtype=np.int64), daily.cumsum(axis=0)])
    own = until[stretch:] - until[:-stretch]
    rest = until[-1] - own
    psi = stability_index(_binned(rest, begins), _binned(own, begins))
    ks = ks_statistic(rest[:, :-1], own[:, :-1])
    return _most(psi), _most(ks)


def _most(apart: Float1D) -> float:
    known = apart[~np.isnan(apart)]
    return float(max(np.quantile(known, USUAL), known[-1])) if known.size else 0.0
