"""Pictures of a verdict on sentiment, drawn without a screen.

What does not belong here: the numbers (training.sentiment.judging).
"""

from matplotlib.figure import Figure

from training.plots import new_figure
from training.sentiment.judging import Verdict
from training.sentiment.labels import LABELS


def confusion(verdict: Verdict) -> Figure:
    """What was against what was said: rows of all seeds together, and the share of each true class."""
    counts = verdict.confusion
    shares = counts / counts.sum(axis=1, keepdims=True).clip(min=1)
    figure = new_figure(height_in=4.8)
    axes = figure.subplots()
    axes.imshow(shares, cmap="Blues", vmin=0.0, vmax=1.0)
    for was, said in ((was, said) for was in range(len(LABELS)) for said in range(len(LABELS))):
        colour = "white" if shares[was, said] > 0.5 else "black"
        text = f"{counts[was, said]:,}\n{shares[was, said]:.0%}"
        axes.text(said, was, text, ha="center", va="center", color=colour)
    axes.set_xticks(range(len(LABELS)), LABELS)
    axes.set_yticks(range(len(LABELS)), LABELS)
    axes.set_xlabel("said")
    axes.set_ylabel("was")
    return figure


def reliability(verdict: Verdict) -> Figure:
    """How often the most probable label was right against the probability said, after the temperature; rows of each bin below."""
    table = verdict.reliability
    held = table[table["n"] > 0]
    figure = new_figure(height_in=6.4)
    line, bars = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1])
    line.plot(held["said"].to_numpy(), held["right"].to_numpy(), marker="o", color="#4c78a8")
    line.plot([1 / len(LABELS), 1.0], [1 / len(LABELS), 1.0], color="black", linewidth=0.8)
    line.set_ylabel("share that was right")
    bars.bar(held["said"].to_numpy(), held["n"].to_numpy(), width=0.05, color="#b0b0b0")
    bars.set_xlabel("probability said")
    bars.set_ylabel("rows")
    return figure
