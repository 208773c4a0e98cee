"""How a feature behaves: coverage, distribution, autocorrelation, and rank IC against what happened afterwards, by year.

What does not belong here: computing the feature (``engine``) or the label (``market.labels``), reading either, drawing. The correlations
are those of ``market.evaluation``, by which models are judged too.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from market.errors import Permanent
from market.evaluation import correlation, mean_and_standard_error, session_rank_ic

Floats = NDArray[np.float64]

LAGS: Final = (1, 5, 20)  # rows: a session, a week, a month
LEVELS: Final = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
N_BINS: Final = 40
MIN_PAIRS: Final = 20  # an autocorrelation of fewer pairs has an error above 0.2


@dataclass(frozen=True)
class Sample:
    """A feature's values over whole series, with what happened afterwards; rows in any order.

    Parameters
    ----------
    values : (n,) in the feature's unit; what is not finite is not known.
    securities : (n,) ids.
    session_dates : (n,) datetime64[D].
    exchanges : (n,) of each row.
    outcomes : (n,) forward label in any unit, NaN where it is not known (yet).

    Raises
    ------
    Permanent : columns of different lengths, or a security with two rows of one session.
    """

    values: Floats
    securities: NDArray[np.object_]
    session_dates: NDArray[np.datetime64]
    exchanges: NDArray[np.object_]
    outcomes: Floats

    def __post_init__(self) -> None:
        sizes = {name: len(column) for name, column in vars(self).items()}
        if len(set(sizes.values())) > 1:
            raise Permanent("sample of a feature", expected="columns of one length", found=str(sizes))
        keys = pd.DataFrame({"security": self.securities, "session": self.session_dates})
        if (twice := keys.duplicated()).any():
            found = keys[twice].iloc[0]
            raise Permanent(
                "sample of a feature", expected="one row per security and session", found=f"{twice.sum()} more",
                keys=[f"{found['security']} {found['session']:%Y-%m-%d}"],
            )  # fmt: skip

    @property
    def years(self) -> NDArray[np.int64]:
        """(n,) calendar year of each row's session."""
        return _years(self.session_dates)


@dataclass(frozen=True)
class Coverage:
    """Rows, and those of them with a value."""

    rows: int
    known: int

    @property
    def share(self) -> float:
        """Known rows as a fraction of all; NaN where there is none."""
        return self.known / self.rows if self.rows else math.nan


@dataclass(frozen=True)
class Distribution:
    """The known values, in the feature's unit.

    Parameters
    ----------
    std : sample standard deviation, NaN below two values.
    quantiles : level (0 to 1) to value, interpolated linearly.
    edges, counts : histogram of equal bins from the 1 % to the 99 % quantile (from minimum to maximum where these are equal; a single
        bin where those are too), so that one outlier does not hide the rest; a value on an inner edge counts above it.
    below, above : values outside the bins.
    """

    count: int
    mean: float
    std: float
    minimum: float
    maximum: float
    quantiles: Mapping[float, float]
    edges: tuple[float, ...]
    counts: tuple[int, ...]
    below: int
    above: int


@dataclass(frozen=True)
class RankIC:
    """Rank IC over sessions.

    Parameters
    ----------
    mean, std : over the sessions that have one (sample standard deviation); from -1 to 1.
    information_ratio : mean over std, per session; NaN where the std is zero or not known.
    standard_error : of the mean, allowing for labels that overlap.
    sessions : those with five known names on one exchange.
    """

    mean: float
    std: float
    information_ratio: float
    standard_error: float
    sessions: int


@dataclass(frozen=True)
class Behaviour:
    """What ``behaviour`` finds; years and exchanges in sorted order.

    Parameters
    ----------
    securities : how many have a row.
    labelled : rows whose outcome is known; the others are left out of the rank IC alone.
    horizon : sessions that the label looks ahead.
    autocorrelation : lag in rows to the mean over securities.
    """

    securities: int
    labelled: int
    horizon: int
    coverage: Coverage
    coverage_by_year: Mapping[int, Coverage]
    coverage_by_exchange: Mapping[str, Coverage]
    distribution: Distribution
    autocorrelation: Mapping[int, float]
    rank_ic: RankIC
    rank_ic_by_year: Mapping[int, RankIC]

    def to_dict(self) -> dict[str, Any]:
        """The same as JSON types; what is no number is None."""
        plain: dict[str, Any] = _plain(asdict(self))
        return plain


def behaviour(sample: Sample, horizon: int) -> Behaviour:
    """Coverage, distribution, autocorrelation and rank IC of a feature.

    A statistic of a year reads the rows of that year alone, so it stands once the year's labels are known.

    Parameters
    ----------
    horizon : sessions that the outcomes look ahead, at least 1: so far daily ICs overlap.

    Returns
    -------
    Behaviour; NaN where too little is known.

    Raises
    ------
    ValueError : a horizon below 1.
    """
    years = sample.years
    ics = session_rank_ic(sample.values, sample.outcomes, sample.session_dates, sample.exchanges)
    ic_years = _years(ics.index.to_numpy())
    return Behaviour(
        securities=len(pd.unique(sample.securities)),
        labelled=int(np.isfinite(sample.outcomes).sum()),
        horizon=horizon,
        coverage=coverage(sample.values),
        coverage_by_year={int(year): coverage(sample.values[years == year]) for year in np.unique(years)},
        coverage_by_exchange={
            str(name): coverage(sample.values[sample.exchanges == name]) for name in np.unique(sample.exchanges)
        },
        distribution=distribution(sample.values),
        autocorrelation={lag: autocorrelation(sample, lag) for lag in LAGS},
        rank_ic=over_sessions(ics.to_numpy(), horizon),
        rank_ic_by_year={
            int(year): over_sessions(ics.to_numpy()[ic_years == year], horizon) for year in np.unique(years)
        },
    )


def coverage(values: Floats) -> Coverage:
    """How many of the values are known."""
    return Coverage(len(values), int(np.isfinite(values).sum()))


def distribution(values: Floats) -> Distribution:
    """Moments, quantiles and histogram of the values that are known; NaN and no bin where none is."""
    known = np.sort(values[np.isfinite(values)])
    if not known.size:
        return Distribution(0, math.nan, math.nan, math.nan, math.nan, dict.fromkeys(LEVELS, math.nan), (), (), 0, 0)
    quantiles = dict(zip(LEVELS, map(float, np.quantile(known, LEVELS)), strict=True))
    edges = _edges(known, quantiles)
    with np.errstate(over="ignore"):
        mean, std = float(known.mean()), float(known.std(ddof=1)) if known.size > 1 else math.nan
    return Distribution(
        count=known.size,
        mean=mean,
        std=std,
        minimum=float(known[0]),
        maximum=float(known[-1]),
        quantiles=quantiles,
        edges=tuple(map(float, edges)),
        counts=tuple(np.histogram(known, edges)[0].tolist()),
        below=int(np.searchsorted(known, edges[0], "left")),
        above=int(known.size - np.searchsorted(known, edges[-1], "right")),
    )


def autocorrelation(sample: Sample, lag: int) -> float:
    """Mean over securities of the correlation of each series with itself ``lag`` of its own rows before, from -1 to 1.

    Parameters
    ----------
    lag : rows of the series, at least 1; a pair counts where both values are known.

    Returns
    -------
    NaN where no series has MIN_PAIRS such pairs and moves.

    Source
    ------
    Pearson's correlation of the pairs, as pandas' ``Series.autocorr``; a plain mean over securities, each the same weight.
    """
    order = np.lexsort((sample.session_dates, pd.factorize(sample.securities)[0]))
    values, securities = sample.values[order], sample.securities[order]
    later, before = values[lag:], values[:-lag]
    is_same = securities[lag:] == securities[:-lag]
    found = correlation(later[is_same], before[is_same], securities[lag:][is_same], min_size=MIN_PAIRS).to_numpy()
    known = found[np.isfinite(found)]
    return float(known.mean()) if known.size else math.nan


def over_sessions(ics: Floats, horizon: int) -> RankIC:
    """Mean, spread and error of daily rank ICs.

    Parameters
    ----------
    ics : (days,) oldest first.
    horizon : sessions that the label looks ahead: neighbouring ICs share all but one of them.

    Source
    ------
    Information ratio of a signal: R. Grinold and R. Kahn, *Active Portfolio Management* (2000), chapter 6, here per session and not
    annualised. Error: ``market.evaluation.mean_and_standard_error``.
    """
    whole = mean_and_standard_error(ics, overlap=horizon)
    std = float(np.std(ics, ddof=1)) if whole.n > 1 else math.nan
    ratio = whole.mean / std if std > 0 else math.nan
    return RankIC(whole.mean, std, ratio, whole.standard_error, whole.n)


def _edges(known: Floats, quantiles: Mapping[float, float]) -> Floats:
    """Edges of the bins over sorted values: the widest of two ranges that can be cut into N_BINS at all."""
    for low, high in ((quantiles[LEVELS[0]], quantiles[LEVELS[-1]]), (known[0], known[-1])):
        with np.errstate(over="ignore", invalid="ignore"):
            edges = np.linspace(low, high, N_BINS + 1)
        if (np.diff(edges) > 0).all():
            return edges
    return np.array([known[0], known[-1]])


def _years(days: NDArray[np.datetime64]) -> NDArray[np.int64]:
    return np.asarray(days, dtype="datetime64[Y]").astype(np.int64) + 1970


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
