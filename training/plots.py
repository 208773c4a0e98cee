"""Pictures of a training run, drawn without a screen.

What does not belong here: pictures of prices or indicators (the notebooks draw those).
"""

from collections.abc import Mapping

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from training.evaluate import Evaluation


def rank_ic_by_fold(evaluation: Evaluation) -> Figure:
    """Mean out-of-sample rank IC of each fold with two standard errors either way, and the daily ICs added up."""
    figure = _figure(height_in=6.4)
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


def importance(shares: Mapping[str, float]) -> Figure:
    """Share of the total gain that each feature brought, the largest on top, at most 30."""
    ordered = sorted(shares.items(), key=lambda item: item[1])[-30:]
    figure = _figure(height_in=1.2 + 0.25 * len(ordered))
    axes = figure.subplots()
    axes.barh([name for name, _ in ordered], [share for _, share in ordered], color="#4c78a8")
    axes.set_xlabel("share of total gain")
    return figure


def _figure(height_in: float) -> Figure:
    # A figure with a canvas of its own: pyplot would keep it alive and choose a backend for the whole process.
    figure = Figure(figsize=(8.0, height_in), layout="constrained")
    FigureCanvasAgg(figure)
    return figure
