"""What out-of-sample scores show: leads over baselines, intervals, decay, returns after costs, and the discount for trials.

What does not belong here: making the scores (training.evaluate), deciding (training.gates).
"""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd

from market.deciles import capacity, top_tranches
from market.evaluation import MeanAndError, mean_and_standard_error, session_rank_ic
from market.labels import group_codes, later_rows, rank_within
from market.overfitting import block_interval, deflated_sharpe, probability_of_overfitting, sharpe
from training.baselines import BASELINES
from training.evaluate import Evaluation
from training.panel import session_days
from training.trials import ICIR, SHARPE, Trial

NAIVE = ("last_value", "momentum", "mean")
LINEAR = "linear"
LAGS = (1, 2, 3, 4)  # horizons that a score is old when its rank IC is taken again
CAPACITY = "capacity_"
SESSIONS_A_YEAR = 252
BLOCK_SESSIONS = 20
CALIBRATION_BINS = 10
LARGE = 0.1
"""Part of the judged rows that a slice needs to be a large one."""

Float1D = npt.NDArray[np.float64]


def shown(evaluation: Evaluation, tranches: pd.DataFrame, sizes: pd.DataFrame | None = None) -> dict[str, float]:
    """Metrics of one evaluation by itself, by name; what each means is in docs/evaluation.md.

    Parameters
    ----------
    evaluation : of a walk-forward.
    tranches : as ``tranches_of`` gives them.
    sizes : security_id, session_date and ``size`` (value traded of the name per session, in its exchange's currency) of the
        judged rows; without it the only slices are the exchanges, and the capacity of the book is not known.
    """
    block = block_sessions(evaluation.horizon)
    lower, upper = block_interval(evaluation.daily, block=block)
    found = evaluation.metrics() | {"rank_ic_lower": lower, "rank_ic_upper": upper, ICIR: sharpe(evaluation.daily)}
    found |= _leads(evaluation) | _decay(evaluation) | _earned(tranches, evaluation.horizon, block)
    size = _size(evaluation.rows, sizes)
    return found | _in_slices(evaluation, size) | _capacity(evaluation, size)


def block_sessions(horizon: int) -> int:
    """Sessions in a block that is resampled: a month, and well above the overlap of the outcomes."""
    return max(BLOCK_SESSIONS, 4 * horizon)


def tranches_of(evaluation: Evaluation) -> pd.DataFrame:
    """What the best-scored tenth earned, by session: ``market.deciles.top_tranches`` at the rulebook's costs."""
    return top_tranches(evaluation.rows, evaluation.horizon)


def discounted(
    daily: "pd.Series[float]", net: "pd.Series[float]", horizon: int, trials: list[Trial], every: pd.DataFrame
) -> dict[str, float]:
    """Rank IC and book held against the trials: how many, the probability that each is no luck, and that of overfitting.

    Parameters
    ----------
    daily, net : rank IC and net return of the tranches of what is judged, by session.
    trials : the ledger, the run that is judged included.
    every : net returns of all trials, as ``training.trials.tranches`` gives them; those that were judged on other sessions
        tell nothing of overfitting here, and are left out of that.
    """
    n_trials = max(len(trials), 1)
    ranked = deflated_sharpe(daily, [trial.icir for trial in trials], n_trials, overlap=horizon)
    earned = deflated_sharpe(net, [trial.sharpe for trial in trials], n_trials, overlap=horizon)
    same = every.reindex(net.index).dropna(axis="columns")
    return {
        "trials": float(n_trials),
        "deflated_rank_ic": ranked.probability,
        "deflated_sharpe": earned.probability,
        "overfitting_probability": probability_of_overfitting(same.to_numpy(dtype=np.float64)),
        "overfitting_trials": float(len(same.columns)),
    }


def as_probability(evaluation: Evaluation) -> dict[str, float]:
    """How far scores can be read as probabilities that the outcome is above zero: AUC, Brier score and skill, log loss, calibration.

    ``brier_skill`` is 1 less the ratio to the Brier score of always saying the share that rose over all that was judged: above
    zero where the scores know more than a constant with hindsight.  ``calibration_error`` is the mean distance between what was
    said and what came, over ten bins of equal size.
    """
    from sklearn.calibration import calibration_curve
    from sklearn.metrics import brier_score_loss, log_loss, roc_auc_score

    rose, said = (evaluation.rows["outcome"] > 0).to_numpy(), evaluation.rows["score"].to_numpy()
    if not 0 < rose.sum() < rose.size:
        return {}
    brier = float(brier_score_loss(rose, said))
    came, meant = calibration_curve(rose, said, n_bins=CALIBRATION_BINS, strategy="quantile")
    return {
        "auc": float(roc_auc_score(rose, said)),
        "brier": brier,
        "brier_skill": 1.0 - brier / float(brier_score_loss(rose, np.full(rose.size, rose.mean()))),
        "log_loss": float(log_loss(rose, said)),
        "calibration_error": float(np.mean(np.abs(came - meant))),
    }


def stability(paths: "pd.Series[float]") -> dict[str, float]:
    """Mean, least and spread of the rank IC over the paths of ``training.evaluate.combinations``; nothing without paths."""
    if paths.empty:
        return {}
    return {
        "paths": float(len(paths)),
        "path_rank_ic_mean": float(paths.mean()),
        "path_rank_ic_worst": float(paths.min()),
        "path_rank_ic_std": float(paths.std(ddof=1)) if len(paths) > 1 else 0.0,
    }


def baseline_daily(evaluation: Evaluation) -> Mapping[str, "pd.Series[float]"]:
    """Out-of-sample rank IC of each baseline by session."""
    return {name: _daily(evaluation.rows, name, "outcome") for name in BASELINES}


def _leads(evaluation: Evaluation) -> dict[str, float]:
    """The model's mean rank IC over that of each baseline, both on the rows where the baseline has a score."""
    daily = baseline_daily(evaluation)
    found = {f"{name}_rank_ic": float(series.mean()) for name, series in daily.items()}
    leads = {name: _lead(evaluation, name) for name in daily}
    hardest = min((leads[name] for name in NAIVE), key=lambda lead: lead.mean if lead.n else np.inf)
    for name, lead in (("naive", hardest), (LINEAR, leads[LINEAR])):
        found |= {f"rank_ic_over_{name}": lead.mean, f"rank_ic_over_{name}_se": lead.standard_error}
    return found


def _lead(evaluation: Evaluation, baseline: str) -> MeanAndError:
    rows = evaluation.rows[evaluation.rows[baseline].notna()]
    own, other = (_daily(rows, score, "outcome") for score in ("score", baseline))
    both = own.to_frame("own").join(other.rename("other"), how="inner")
    return mean_and_standard_error((both["own"] - both["other"]).to_numpy(), overlap=evaluation.horizon)


def _capacity(evaluation: Evaluation, size: Float1D) -> dict[str, float]:
    """How much money the book of the best tenth could hold, by exchange, in its currency."""
    found = capacity(evaluation.rows.assign(value_traded=size), evaluation.horizon)
    return {f"{CAPACITY}{exchange}": float(money) for exchange, money in found.items()}


def _size(rows: pd.DataFrame, sizes: pd.DataFrame | None) -> Float1D:
    """(n,) size of each row, NaN where it is not known."""
    if sizes is None:
        return np.full(len(rows), np.nan)
    keys = ["security_id", "session_date"]
    known = sizes.assign(session_date=pd.to_datetime(sizes["session_date"]).astype(rows["session_date"].dtype))
    size: Float1D = rows[keys].merge(known, on=keys, how="left")["size"].to_numpy(dtype=np.float64)
    return size


def _in_slices(evaluation: Evaluation, size: Float1D) -> dict[str, float]:
    """Rank IC and its error of each large slice, and the worst ratio of the two."""
    rows, ratios = evaluation.rows, []
    found: dict[str, float] = {}
    for name, inside in _slices(rows, size).items():
        if inside.mean() < LARGE:
            continue
        one = mean_and_standard_error(_daily(rows[inside], "score", "outcome").to_numpy(), overlap=evaluation.horizon)
        if one.standard_error > 0:  # not of a slice whose sessions have too few names to be ranked
            found |= {f"rank_ic_of_{name}": one.mean, f"rank_ic_of_{name}_se": one.standard_error}
            ratios.append(one.mean / one.standard_error)
    return found | {"rank_ic_worst_slice_t": min(ratios, default=float("nan"))}


def _slices(rows: pd.DataFrame, size: Float1D) -> dict[str, npt.NDArray[np.bool_]]:
    """Which rows belong to each exchange, and to each third of the names by size; a row of unknown size is in no third."""
    exchanges = rows["exchange"].to_numpy()
    place = rank_within(size, group_codes(session_days(rows), exchanges))
    thirds = {"small": place <= 1 / 3, "middle": (place > 1 / 3) & (place <= 2 / 3), "large": place > 2 / 3}
    return {str(name): exchanges == name for name in np.unique(exchanges)} | thirds


def _decay(evaluation: Evaluation) -> dict[str, float]:
    """Rank IC of scores that are 1, 2, ... horizons old, with the outcomes that then begin."""
    rows = evaluation.rows
    order = np.lexsort((rows["session_date"].to_numpy(), pd.factorize(rows["security_id"])[0]))
    ordered = rows.iloc[order].reset_index(drop=True)
    codes = pd.factorize(ordered["security_id"])[0]
    offsets = np.append(np.flatnonzero(np.append(True, codes[1:] != codes[:-1])), codes.size)
    numbers = ordered["session_date"].groupby(ordered["exchange"]).rank(method="dense").astype(np.int64)
    found = {}
    for lag in LAGS:
        later = later_rows(offsets, codes.size, lag * evaluation.horizon, session_numbers=numbers)
        outcome = ordered["outcome"].to_numpy()
        aged = ordered.assign(aged=np.where(later >= 0, outcome[later], np.nan))
        found[f"rank_ic_lag_{lag}"] = float(_daily(aged, "score", "aged").mean())
    return found


def _earned(tranches: pd.DataFrame, horizon: int, block: int) -> dict[str, float]:
    net = tranches["net"]
    lower, upper = block_interval(net, block=block)
    ratio = sharpe(net)
    return {
        "top_gross": float(tranches["gross"].mean()),
        "top_net": float(net.mean()),
        "top_net_lower": lower,
        "top_net_upper": upper,
        "top_cost": float(tranches["cost"].mean()),
        "top_turnover": float(tranches["turnover"].mean()),
        SHARPE: ratio,
        "top_net_sharpe_annual": ratio * float(np.sqrt(SESSIONS_A_YEAR / horizon)),
    }


def _daily(rows: pd.DataFrame, score: str, outcome: str) -> "pd.Series[float]":
    return session_rank_ic(rows[score], rows[outcome], session_days(rows), rows["exchange"])
