"""Pictures of a training run and of a champion's drift, drawn without a screen.

What does not belong here: pictures of prices or indicators (the notebooks draw those).
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from market.datasets.ops.model_drift import DRIFTED, MOVED, PSI, STEADY
from market.drift import Reference
from market.labels import group_codes, rank_within
from training.baselines import BASELINES
from training.evaluate import Evaluation
from training.evidence import CALIBRATION_BINS, LAGS


def rank_ic_by_fold(evaluation: Evaluation) -> Figure:
    """Mean out-of-sample rank IC of each fold with two standard errors either way, and the daily ICs added up."""
    figure = new_figure(height_in=6.4)
    bars, line = figure.subplots(2, 1)
    folds = evaluation.folds
    names = [f"{fold.number}\n{fold.test_from} to\n{fold.test_to}" for fold in folds]
    errors = [2 * fold.standard_error for fold in folds]
    bars.bar(names, [fold.rank_ic for fold in folds], yerr=errors, capsize=4, color="#4c78a8")
    bars.axhline(0.0, color="black", linewidth=0.8)
    bars.set_ylabel("rank IC (mean, 2 standard errors)")
    daily = evaluation.daily
    line.plot(daily.index.to_numpy(), daily.cumsum().to_numpy(), color="#4c78a8")
    line.axhline(0.0, color="black", linewidth=0.8)
    line.set_ylabel("daily rank IC, added up")
    return figure


def beside_baselines(metrics: Mapping[str, float]) -> Figure:
    """Rank IC of the model with its interval beside the baselines; and of scores that are 0, 1, 2, ... horizons old."""
    figure = new_figure(height_in=6.4)
    beside, aged = figure.subplots(2, 1)
    names = ["model", *BASELINES]
    values = [metrics["rank_ic_mean"], *(metrics[f"{name}_rank_ic"] for name in BASELINES)]
    spans = [[values[0] - metrics["rank_ic_lower"]], [metrics["rank_ic_upper"] - values[0]]]
    beside.bar(names, values, color=["#4c78a8", *["#b0b0b0"] * len(BASELINES)])
    beside.errorbar([0], values[:1], yerr=spans, capsize=4, color="black")
    beside.axhline(0.0, color="black", linewidth=0.8)
    beside.set_ylabel("rank IC (95 % interval by blocks)")
    lags = [0, *LAGS]
    aged.plot(lags, [values[0], *(metrics[f"rank_ic_lag_{lag}"] for lag in LAGS)], marker="o", color="#4c78a8")
    aged.axhline(0.0, color="black", linewidth=0.8)
    aged.set_xticks(lags)
    aged.set_xlabel("age of the score, in horizons")
    aged.set_ylabel("rank IC")
    return figure


def tenths(rows: pd.DataFrame) -> Figure:
    """Mean outcome of each tenth of the scores, ranked within session and exchange, worst to best, less the mean of all."""
    groups = group_codes(rows["session_date"], rows["exchange"])
    rank = rank_within(rows["score"].to_numpy(), groups)
    over = (rows["outcome"] - rows["outcome"].groupby(groups).transform("mean")).to_numpy()
    tenth = np.clip(np.ceil(rank * 10), 1, 10)
    means = pd.Series(over).groupby(tenth).mean()
    figure = new_figure(height_in=3.6)
    axes = figure.subplots()
    axes.bar([str(int(number)) for number in means.index], means.to_numpy(), color="#4c78a8")
    axes.axhline(0.0, color="black", linewidth=0.8)
    axes.set_xlabel("tenth of the scores, 10 is the best")
    axes.set_ylabel("mean outcome over all names, before costs")
    return figure


def earned(tranches: pd.DataFrame) -> Figure:
    """What the best-scored tenth earned over all names, session by session, added up: before and after costs."""
    figure = new_figure(height_in=3.6)
    axes = figure.subplots()
    for name, colour in (("gross", "#b0b0b0"), ("net", "#4c78a8")):
        axes.plot(tranches.index.to_numpy(), tranches[name].cumsum().to_numpy(), label=name, color=colour)
    axes.axhline(0.0, color="black", linewidth=0.8)
    axes.set_ylabel("tranches' excess returns, added up")
    axes.legend()
    return figure


def calibration(rows: pd.DataFrame) -> Figure:
    """What was said against what came, of scores that are probabilities: ten bins of equal size."""
    from sklearn.calibration import calibration_curve

    came, said = calibration_curve((rows["outcome"] > 0).to_numpy(), rows["score"].to_numpy(), n_bins=CALIBRATION_BINS,
                                   strategy="quantile")  # fmt: skip
    figure = new_figure(height_in=4.8)
    axes = figure.subplots()
    axes.plot(said, came, marker="o", color="#4c78a8")
    ends = [min(said.min(), came.min()), max(said.max(), came.max())]
    axes.plot(ends, ends, color="black", linewidth=0.8)
    axes.set_xlabel("probability said")
    axes.set_ylabel("share that rose")
    return figure


def importance(shares: Mapping[str, float]) -> Figure:
    """Share of the total gain that each feature brought, the largest on top, at most 30."""
    ordered = sorted(shares.items(), key=lambda item: item[1])[-30:]
    figure = new_figure(height_in=1.2 + 0.25 * len(ordered))
    axes = figure.subplots()
    axes.barh([name for name, _ in ordered], [share for _, share in ordered], color="#4c78a8")
    axes.set_xlabel("share of total gain")
    return figure


def stability(rows: Sequence[Mapping[str, Any]]) -> Figure:
    """Stability index of each quantity, the largest on top, with the bounds of its verdicts; rows of `ops.model_drift`."""
    ordered = sorted((row for row in rows if row["metric"] == PSI), key=lambda row: row["value"] or 0.0)
    colours = {STEADY: "#4c78a8", MOVED: "#f2a541", DRIFTED: "#d1495b"}
    figure = new_figure(height_in=1.2 + 0.25 * len(ordered))
    axes = figure.subplots()
    names = [row["quantity"] for row in ordered]
    axes.barh(
        names,
        [row["value"] or 0.0 for row in ordered],
        color=[colours.get(row["verdict"], "#b0b0b0") for row in ordered],
    )
    for bound, colour in (("moved_at", colours[MOVED]), ("drifted_at", colours[DRIFTED])):
        axes.scatter(
            [row[bound] for row in ordered], names, marker="|", s=120, color=colour, label=bound.replace("_", " ")
        )
    axes.set_xlabel("population stability index against the training")
    axes.legend()
    return figure


def shares(reference: Reference, counts: npt.ArrayLike, quantity: str) -> Figure:
    """Share of the rows in each bin of the training, then and now; the last bin is of the nulls."""
    sides = [reference.binned(one) for one in (reference.counts, counts)]
    figure = new_figure(height_in=2.6)
    axes = figure.subplots()
    names = [*(f"to {end:.3g}" for end in reference.bins), "above", "null"]
    for side, label, shift, colour in zip(sides, ("training", "now"), (-0.2, 0.2), ("#b0b0b0", "#4c78a8"), strict=True):
        axes.bar(np.arange(len(names)) + shift, side / max(side.sum(), 1), width=0.4, label=label, color=colour)
    axes.set_xticks(np.arange(len(names)), names, rotation=45, ha="right")
    axes.set(title=quantity, ylabel="share of the rows")
    axes.legend()
    return figure


def live(daily: "pd.Series[float]", promised: float) -> Figure:
    """Rank IC of the sessions scored before their outcome, added up, beside what the walk-forward's mean would have made."""
    figure = new_figure(height_in=2.6)
    axes = figure.subplots()
    days = daily.index.to_numpy()
    axes.plot(days, daily.cumsum().to_numpy(), label="live", color="#4c78a8")
    axes.plot(days, promised * np.arange(1, len(daily) + 1), label="as promised", color="#b0b0b0")
    axes.axhline(0.0, color="black", linewidth=0.8)
    axes.set_ylabel("daily rank IC, added up")
    axes.legend()
    return figure


def new_figure(height_in: float) -> Figure:
    """An empty figure of our width with a canvas of its own: pyplot would keep it alive and choose a backend for the process."""
    figure = Figure(figsize=(8.0, height_in), layout="constrained")
    FigureCanvasAgg(figure)
    return figure
