"""What a shift means for a model: verdicts over what `market.drift` measures, each with its bounds and a sentence.

What does not belong here: the arithmetic (market.drift), reading and recording (assets.drift).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from market.datasets.ops.model_drift import DRIFTED, KS, MOVED, PSI, RANK_IC, SCORE, STEADY, UNKNOWN
from market.drift import Reference, ks_bound, mean_interval

WINDOW = 20
"""Newest sessions that are compared, a month: of fewer the market of a week is the difference, of more a shift is old when it shows."""
LIVE = 120
"""Newest sessions whose rank IC counts: six blocks of the interval. What a champion did a year ago hides what it does now."""
BLOCK = 20
PSI_MOVED, PSI_DRIFTED = 0.1, 0.25

WHAT_TO_DO: Mapping[str, str] = {
    STEADY: "nothing to do",
    MOVED: "look at it again tomorrow, and first at the feature's source: a shift of the data is not one of the market",
    DRIFTED: "check the feature's source; if the market is what moved, train again (job `train`): the gates decide whether what comes of it is better",
    UNKNOWN: "nothing to do: it is known after more sessions",
}
_ORDER = (DRIFTED, MOVED, UNKNOWN, STEADY)


@dataclass(frozen=True)
class Measured:
    """One line of `ops.model_drift`; the columns are described there."""

    quantity: str
    metric: str
    value: float
    lower: float
    upper: float
    moved_at: float
    drifted_at: float
    verdict: str
    found: str
    n_reference: int
    n_current: int


def shifts(
    quantity: str, reference: Reference, values: npt.ArrayLike, n_current: int, n_quantities: int
) -> list[Measured]:
    """A quantity's stability index and its Kolmogorov-Smirnov statistic, with their verdicts.

    The bounds of the index are the usual ones, or what nineteen of twenty stretches of the training itself kept within, where that is
    more: what the fit has seen is no drift of it. The statistic asks whether it is the same distribution at all, and alone says no
    more than "moved": its bound counts a session as one value, since the names of one session move together, and is corrected for
    all quantities.

    Parameters
    ----------
    values : (n,) of the newest sessions; NaN is null.
    n_current : sessions that they are of.
    n_quantities : that are looked at together.
    """
    counts = reference.count(values)
    where = _described(reference, counts)
    psi, ks = reference.psi(counts), reference.ks(counts)
    index = (max(PSI_MOVED, reference.usual_psi), max(PSI_DRIFTED, reference.usual_psi))
    bound = ks_bound(reference.n_sessions, n_current, n_quantities) if n_current else np.nan
    sides = reference.n_sessions, n_current
    return [
        _shift(quantity, PSI, psi, index, where, sides),
        _shift(quantity, KS, ks, (max(bound, reference.usual_ks), np.nan), where, sides),
    ]


def decay(daily: "pd.Series[float]", metrics: Mapping[str, float | None], horizon: int) -> Measured:
    """The mean rank IC of the newest sessions whose outcome is known, against what the walk-forward promised.

    Moved where the upper end of its interval is below the walk-forward's mean, drifted where it is below the lower end of the
    walk-forward's own interval.

    Parameters
    ----------
    daily : as ``market.drift.live_rank_ic`` gives it.
    metrics : of the model's signature.
    horizon : sessions that its label looks ahead.
    """
    newest = daily.tail(LIVE)
    lower, upper = mean_interval(newest, horizon, max(BLOCK, 4 * horizon))
    promised, least = (_number(metrics.get(name)) for name in ("rank_ic_mean", "rank_ic_lower"))
    n_promised = _number(metrics.get("rank_ic_sessions"))
    mean = float(newest.mean()) if len(newest) else np.nan
    if np.isnan(upper) or np.isnan(promised):
        verdict = UNKNOWN
    else:
        verdict = DRIFTED if upper < least else MOVED if upper < promised else STEADY
    between = f", 95 % from {lower:+.4f} to {upper:+.4f}" if not np.isnan(upper) else ""
    found = (
        f"live rank IC {_told(mean)}{between}, on {len(newest)} session(s) scored before their outcome; the walk-forward had"
        f" {_told(promised)}, at least {_told(least)}"
    )
    return Measured(
        SCORE, RANK_IC, mean, lower, upper, promised, least, verdict, found,
        0 if np.isnan(n_promised) else int(n_promised), len(newest),
    )  # fmt: skip


def worst_first(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Lines of `ops.model_drift`: drifted before moved before the others, the nearest to its bound first."""
    return sorted((dict(row) for row in rows), key=lambda row: (_ORDER.index(row["verdict"]), -_nearness(row)))


def worst(rows: Sequence[Mapping[str, Any]]) -> str:
    """The verdict on a whole: drifted or moved where any line is, steady otherwise."""
    found = {row["verdict"] for row in rows}
    return DRIFTED if DRIFTED in found else MOVED if MOVED in found else STEADY


def _shift(
    quantity: str, metric: str, value: float, bounds: tuple[float, float], where: str, sides: tuple[int, int]
) -> Measured:
    moved_at, drifted_at = bounds
    if np.isnan(value) or np.isnan(moved_at):
        verdict = UNKNOWN
    else:
        verdict = DRIFTED if value > drifted_at else MOVED if value > moved_at else STEADY
    found = f"{quantity}: {metric.upper()} {value:.3f}, moved above {moved_at:.3f}"
    found += f", drifted above {drifted_at:.3f}" if not np.isnan(drifted_at) else ""
    return Measured(quantity, metric, value, np.nan, np.nan, moved_at, drifted_at, verdict, f"{found}; {where}", *sides)


def _described(reference: Reference, counts: npt.NDArray[np.int64]) -> str:
    """Where the values lie now, in the training's own terms."""
    at, n = reference.percentile(counts), counts.sum()
    half = "none is known" if np.isnan(at) else f"the median is at {at:.0%} of the training's"
    nulls = [float(side[-1] / max(side.sum(), 1)) for side in (np.asarray(reference.counts), counts)]
    return f"{half}, {nulls[1]:.1%} null (then {nulls[0]:.1%}), {n:,} rows"


def _nearness(row: Mapping[str, Any]) -> float:
    value, bound = row["value"], row["moved_at"]
    if value is None or bound is None or not bound:
        return -np.inf
    return float(value / bound) if row["metric"] != RANK_IC else float(1.0 - value / bound)


def _number(value: float | None) -> float:
    return np.nan if value is None else float(value)


def _told(value: float) -> str:
    return "not known" if np.isnan(value) else f"{value:+.4f}"
