"""Whether a result could be luck: Sharpe ratios deflated by the number of trials, backtest overfitting, intervals by blocks.

What does not belong here: which trials there were (training.trials), the series themselves (market.evaluation, market.deciles).
"""

import math
from itertools import combinations
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from market.evaluation import mean_and_standard_error

Float1D = npt.NDArray[np.float64]

MIN_BLOCKS = 5
EULER = 0.5772156649015329
_NORMAL = NormalDist()


class Interval(NamedTuple):
    """Lower and upper end, in the unit of what was resampled."""

    lower: float
    upper: float


class Deflated(NamedTuple):
    """A Sharpe ratio held against the best that as many trials without any skill would show.

    Parameters
    ----------
    sharpe : mean over standard deviation, per value of the series.
    benchmark : the expected best Sharpe ratio of ``n_trials`` without skill, in the same unit.
    probability : that the true ratio is above ``benchmark``; 0.95 is the usual bar.
    n_trials : that it was deflated by.
    """

    sharpe: float
    benchmark: float
    probability: float
    n_trials: int


def sharpe(returns: npt.ArrayLike) -> float:
    """Mean over sample standard deviation of the known values; NaN below two of them or where all are equal."""
    values = _known(returns)
    if values.size < 2 or np.ptp(values) == 0:
        return float("nan")
    return float(values.mean() / values.std(ddof=1))


def effective_size(returns: npt.ArrayLike, overlap: int = 1) -> float:
    """How many independent values carry as much about the mean as these, at most their number.

    ``overlap`` is the sessions that one value spans: overlapping values repeat one another.  The ratio of the naive to the
    Newey-West variance of the mean (``market.evaluation.mean_and_standard_error``).
    """
    values = _known(returns)
    found = mean_and_standard_error(values, overlap)
    if values.size < 2 or not found.standard_error > 0:
        return float(values.size)
    naive = values.var(ddof=1) / values.size
    return float(values.size * min(1.0, naive / found.standard_error**2))


def probabilistic_sharpe(returns: npt.ArrayLike, benchmark: float = 0.0, *, overlap: int = 1) -> float:
    """Probability that the true Sharpe ratio is above ``benchmark``, given skew, fat tails and overlap of the series.

    Parameters
    ----------
    returns : (n,) per period; NaN are left out.
    benchmark : a Sharpe ratio per value of the series.
    overlap : sessions that one value spans, at least 1.

    Returns
    -------
    From 0 to 1; NaN below three known values or where all are equal.

    Source
    ------
    D. Bailey and M. Lopez de Prado, The Sharpe Ratio Efficient Frontier, Journal of Risk 15 (2012), equation 9; the number
    of values is ``effective_size``.
    """
    values = _known(returns)
    ratio = sharpe(values)
    if values.size < 3 or np.isnan(ratio):
        return float("nan")
    standard = (values - values.mean()) / values.std()
    skew, kurtosis = float(np.mean(standard**3)), float(np.mean(standard**4))
    spread = 1.0 - skew * ratio + (kurtosis - 1.0) / 4.0 * ratio**2
    n = max(effective_size(values, overlap) - 1.0, 0.0)
    return _NORMAL.cdf((ratio - benchmark) * np.sqrt(n / max(spread, 1e-12)))


def expected_best_sharpe(trial_sharpes: npt.ArrayLike, n_trials: int) -> float:
    """The best Sharpe ratio to be expected of ``n_trials`` that have no skill and vary as these did.

    Parameters
    ----------
    trial_sharpes : (m,) ratios of the trials known, any unit; NaN are left out.
    n_trials : all trials that were made, known or not; at least 1.

    Returns
    -------
    In the unit of the ratios; 0 for a single trial, or where the ratios do not vary; NaN for more where fewer than two are known.

    Raises
    ------
    ValueError
        ``n_trials`` below 1.

    Source
    ------
    D. Bailey and M. Lopez de Prado, The Deflated Sharpe Ratio, Journal of Portfolio Management 40 (2014): the expected maximum
    of independent normal values. Trials that resemble one another are fewer than their number, so this asks too much of
    them rather than too little.
    """
    if n_trials < 1:
        raise ValueError(f"expected_best_sharpe: expected at least 1 trial, was {n_trials}")
    ratios = _known(trial_sharpes)
    if n_trials == 1:
        return 0.0
    if ratios.size < 2:
        return float("nan")
    return _expected_best(float(ratios.std(ddof=1)), n_trials)


def _expected_best(spread: float, n_trials: int) -> float:
    high = _NORMAL.inv_cdf(1.0 - 1.0 / n_trials)
    higher = _NORMAL.inv_cdf(1.0 - 1.0 / (n_trials * math.e))
    return float(spread * ((1.0 - EULER) * high + EULER * higher))


def deflated_sharpe(
    returns: npt.ArrayLike, trial_sharpes: npt.ArrayLike, n_trials: int, *, overlap: int = 1
) -> Deflated:
    """The series' Sharpe ratio against ``expected_best_sharpe`` of its trials; arguments are those of the two above.

    Where fewer than two ratios are known, they are taken to vary as the estimate of a ratio without skill does.
    """
    benchmark = expected_best_sharpe(trial_sharpes, n_trials)
    if np.isnan(benchmark):
        benchmark = _expected_best(1.0 / np.sqrt(max(effective_size(returns, overlap) - 1.0, 1.0)), n_trials)
    return Deflated(sharpe(returns), benchmark, probabilistic_sharpe(returns, benchmark, overlap=overlap), n_trials)


def probability_of_overfitting(trials: npt.ArrayLike, n_blocks: int = 10) -> float:
    """How often the trial that is best in one half of the time is below the median in the other half.

    Parameters
    ----------
    trials : (n, k) one column per trial, one row per session, oldest first; rows with a NaN are left out.
    n_blocks : contiguous blocks of equal length (the oldest rows that do not fill one are left out); every half of them is
        once what is chosen on.  Even, at least 2.

    Returns
    -------
    From 0 to 1: about 0.5 where choosing among the trials means nothing, near 0 where it does.  NaN below two trials, or
    where a block would hold fewer than two rows.

    Raises
    ------
    ValueError
        ``n_blocks`` is odd or below 2, or ``trials`` is no matrix.

    Source
    ------
    D. Bailey, J. Borwein, M. Lopez de Prado and Q. Zhu, The Probability of Backtest Overfitting, Journal of Computational
    Finance 20 (2017): combinatorially symmetric cross-validation.  A tie counts half.
    """
    matrix = np.asarray(trials, dtype=np.float64)
    if matrix.ndim != 2:
        raise ValueError(f"probability_of_overfitting: expected (sessions, trials), was {matrix.ndim} dimension(s)")
    if n_blocks < 2 or n_blocks % 2:
        raise ValueError(f"probability_of_overfitting: expected an even number of blocks, was {n_blocks}")
    matrix = matrix[np.isfinite(matrix).all(axis=1)]
    length = len(matrix) // n_blocks
    if matrix.shape[1] < 2 or length < 2:
        return float("nan")
    blocks = matrix[len(matrix) - length * n_blocks :].reshape(n_blocks, length, -1)
    sums, squares = blocks.sum(axis=1), (blocks**2).sum(axis=1)
    chosen = np.array([np.isin(np.arange(n_blocks), half) for half in combinations(range(n_blocks), n_blocks // 2)])
    size = length * n_blocks // 2
    within, without = (
        _sharpes(half.astype(np.float64) @ sums, half.astype(np.float64) @ squares, size) for half in (chosen, ~chosen)
    )
    best = within.argmax(axis=1)
    reached = without[np.arange(len(best)), best][:, None]
    rank = (without < reached).sum(axis=1) + ((without == reached).sum(axis=1) + 1) / 2
    relative = rank / (matrix.shape[1] + 1)
    return float(np.mean((relative < 0.5) + 0.5 * (relative == 0.5)))


def block_interval(
    values: npt.ArrayLike, *, block: int, level: float = 0.95, n_samples: int = 2_000, seed: int = 0
) -> Interval:
    """Interval of the mean of a series whose neighbours resemble one another, by resampling whole blocks of it.

    Parameters
    ----------
    values : (n,) oldest first; NaN are left out.
    block : sessions in a block, at least 1: well above the overlap of the values.
    level : of the interval, between 0 and 1.
    n_samples : resampled series.
    seed : of the sampling; equal seeds give equal ends.

    Returns
    -------
    Percentiles of the resampled means; NaN where there are fewer than ``MIN_BLOCKS`` blocks: so few say too little of how they
    vary, and the interval would be far too narrow.

    Raises
    ------
    ValueError
        ``block`` below 1, or ``level`` outside (0, 1).

    Source
    ------
    D. Politis and J. Romano, A Circular Block-Resampling Procedure for Stationary Data (1992).
    """
    if block < 1 or not 0.0 < level < 1.0:
        raise ValueError(
            f"block_interval: expected a block of at least 1 and a level in (0, 1), was {block} and {level}"
        )
    known = _known(values)
    if known.size < MIN_BLOCKS * block:
        return Interval(float("nan"), float("nan"))
    length = block
    starts = np.random.default_rng(seed).integers(known.size, size=(n_samples, -(-known.size // length)))
    # The sum of a block from each start: a resampled mean is then a sum of sums, less what its last block has too much.
    around = np.concatenate([[0.0], np.cumsum(np.concatenate([known, known]))])
    whole = around[starts + length] - around[starts]
    surplus = starts.shape[1] * length - known.size
    last = starts[:, -1]
    means = (whole.sum(axis=1) - (around[last + length] - around[last + length - surplus])) / known.size
    lower, upper = np.quantile(means, [(1.0 - level) / 2.0, (1.0 + level) / 2.0])
    return Interval(float(lower), float(upper))


def _sharpes(sums: Float1D, squares: Float1D, size: int) -> Float1D:
    mean = sums / size
    variance = np.maximum(squares / size - mean**2, 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(
            np.where(variance > 0, mean / np.sqrt(variance), np.where(mean == 0, 0.0, np.copysign(np.inf, mean))),
            dtype=np.float64,
        )


def _known(values: npt.ArrayLike) -> Float1D:
    numbers = np.asarray(values, dtype=np.float64)
    return numbers[np.isfinite(numbers)]
