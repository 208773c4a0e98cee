"""The picture of a feature: its distribution, coverage, autocorrelation and rank IC as one SVG, the same bytes for the same figures.

What does not belong here: the figures (`market.features.behaviour`), the sheets of the reference pages (`marketlake.sheets`), pictures of a
training run (`training.plots`).
"""

import io
import math
import textwrap
from collections.abc import Callable, Mapping
from typing import Any

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter, StrMethodFormatter

from market.features.behaviour import Behaviour
from market.features.definition import Feature

WIDTH_IN, HEIGHT_IN = 9.0, 6.0
BAR, LINE, QUIET = "#4c78a8", "#222222", "#666666"  # the blue of a training run's pictures; greys that print
TITLE_LETTERS, TITLE_LINES = 104, 4  # a named formula may be a page long

_STYLE: Any = {
    "svg.hashsalt": "marketlake",  # ids of clip paths: random without it
    "svg.fonttype": "none",  # text stays text: it can be searched, and is drawn in the reader's own fonts
    "text.parse_math": False,  # a unit or a formula is no mathematics of TeX
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],  # the one that matplotlib brings along: the layout hangs on its widths
    "font.size": 9.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": QUIET,
    "axes.titlesize": 10.0,
    "axes.titlelocation": "left",
}
_UNDATED = {"Date": None, "Creator": None}


def feature_picture(feature: Feature, behaviour: Behaviour, about: str = "") -> str:
    """One SVG of four panels, with the formula as title.

    Parameters
    ----------
    about : what the figures are of, such as the release; stands under the formula.
    """
    with rc_context(_STYLE):
        figure = Figure(figsize=(WIDTH_IN, HEIGHT_IN), layout="constrained")
        FigureCanvasAgg(figure)  # without a canvas of its own a backend would be chosen for the whole process
        _title(figure, feature, about)
        panels: tuple[Callable[[Axes, Feature, Behaviour], None], ...] = (
            _distribution, _coverage, _autocorrelation, _rank_ic,
        )  # fmt: skip
        for draw, axes in zip(panels, figure.subplots(2, 2).flat, strict=True):
            draw(axes, feature, behaviour)
        image = io.StringIO()
        figure.savefig(image, format="svg", metadata=_UNDATED)
    return image.getvalue()


def _title(figure: Figure, feature: Feature, about: str) -> None:
    lines = textwrap.wrap(f"{feature.name} = {feature.formula}", TITLE_LETTERS)
    if len(lines) > TITLE_LINES:
        lines = [*lines[: TITLE_LINES - 1], textwrap.shorten(" ".join(lines[TITLE_LINES - 1 :]), TITLE_LETTERS)]
    title = "\n".join([*lines, about] if about else lines)
    figure.suptitle(title, x=0.01, ha="left", fontsize=10)


def _distribution(axes: Axes, feature: Feature, behaviour: Behaviour) -> None:
    found = behaviour.distribution
    axes.set(title="Distribution", xlabel=feature.unit, ylabel="rows")
    if not found.counts:
        _nothing(axes, "no row has a value")
        return
    edges = found.edges if len(found.counts) > 1 else (found.edges[0] - 0.5, found.edges[-1] + 0.5)
    axes.stairs(found.counts, edges, fill=True, color=BAR)
    if found.below or found.above:
        axes.set_title(f"Distribution, and {found.below:,} rows below, {found.above:,} above it")
    axes.set_ylim(bottom=0)
    axes.ticklabel_format(axis="x", scilimits=(-3, 4))
    axes.locator_params(axis="x", nbins=6)
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))


def _coverage(axes: Axes, _: Feature, behaviour: Behaviour) -> None:
    years = {str(year): 100.0 * one.share for year, one in behaviour.coverage_by_year.items()}
    axes.set(title="Coverage by year", ylabel="rows with a value", ylim=(0, 112), yticks=range(0, 101, 20))
    axes.yaxis.set_major_formatter(PercentFormatter())
    _bars(axes, years, "%.1f %%")


def _autocorrelation(axes: Axes, _: Feature, behaviour: Behaviour) -> None:
    known = {f"{lag}": value for lag, value in behaviour.autocorrelation.items() if math.isfinite(value)}
    axes.set(title="Autocorrelation, mean over securities", xlabel="lag in rows of a series", ylabel="correlation")
    if not known:
        _nothing(axes, "no series is long enough, or none moves")
        return
    lowest = min(known.values())
    axes.set_ylim(lowest - 0.15 if lowest < 0 else 0.0, 1.12)
    _bars(axes, known, "%.2f")


def _rank_ic(axes: Axes, _: Feature, behaviour: Behaviour) -> None:
    known = {str(year): one for year, one in behaviour.rank_ic_by_year.items() if one.sessions}
    axes.set(title="Rank IC by year", ylabel=f"rank IC, {behaviour.horizon} sessions ahead")
    if not known:
        _nothing(axes, "no session has five names of one exchange with a label")
        return
    means = [one.mean for one in known.values()]
    errors = [2 * one.standard_error if math.isfinite(one.standard_error) else 0.0 for one in known.values()]
    axes.bar(list(known), means, yerr=errors, width=0.6, capsize=4, color=BAR, ecolor=LINE)
    axes.set_xlabel("mean over sessions, 2 standard errors either way")
    axes.axhline(0.0, color=LINE, linewidth=0.8)


def _bars(axes: Axes, heights: Mapping[str, float], told: str) -> None:
    """A bar for each name, its height written at its end."""
    bars = axes.bar(list(heights), list(heights.values()), width=0.6, color=BAR)
    axes.bar_label(bars, fmt=told, padding=2, color=LINE)
    axes.axhline(0.0, color=LINE, linewidth=0.8)


def _nothing(axes: Axes, why: str) -> None:
    axes.set(xticks=[], yticks=[])
    axes.text(0.5, 0.5, why, ha="center", va="center", color=QUIET, transform=axes.transAxes)
