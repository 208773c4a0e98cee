"""What a version must show before it may be champion.  Gates are data; this file judges, it decides nothing by itself.

What does not belong here: moving aliases and recording (training.registry), computing a metric (training.evaluate).
"""

import math
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

COMMON = "rank_ic_common"
"""Mean rank IC over the sessions that challenger and champion were both judged on, out of sample each."""
DIFFERS = "replay_differs"
"""Digests, of the fitted model and of what it predicts, that were others when it was made a second time."""
SESSIONS_BEHIND = "sessions_behind"
"""Sessions of the current release that are later than the last one that the version was trained on."""

COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {">": operator.gt, ">=": operator.ge, "<=": operator.le}


@dataclass(frozen=True)
class Gate:
    """``metric comparison reference + margin * scale``, all read from what the runs logged.

    Parameters
    ----------
    name : short, for people and tags.
    metric : the challenger's.
    comparison : >, >= or <=.
    reference : "zero", or "champion": the value of the same metric of the champion it is held against; passed where there is
        none.
    margin : added to the reference; in the metric's unit, or in units of ``scale``.
    scale : name of a metric of the challenger, for instance its standard error; none for 1.
    doc : why.
    """

    name: str
    metric: str
    comparison: Literal[">", ">=", "<="]
    reference: Literal["zero", "champion"]
    margin: float
    doc: str
    scale: str | None = None


@dataclass(frozen=True)
class Outcome:
    """One gate's verdict and a sentence with the numbers behind it."""

    gate: str
    passed: bool
    reason: str


REPLAYS = Gate(
    name="replays",
    metric=DIFFERS,
    comparison="<=",
    reference="zero",
    margin=0.0,
    doc="Made a second time when it was trained, from the same rows, it had the same bits: what it says can be made again.",
)

GATES: tuple[Gate, ...] = (
    Gate(
        name="no_leak",
        metric="leaks",
        comparison="<=",
        reference="zero",
        margin=0.0,
        doc="The leak court found nothing; what it found is in the run's leak_court.txt.",
    ),
    Gate(
        name="signal",
        metric="rank_ic_mean",
        comparison=">",
        reference="zero",
        margin=1.0,
        scale="rank_ic_bar",
        doc=(
            "The mean rank IC is above what noise exceeds once in 40: two of its standard errors, and more where the sessions"
            " judged are few beside the label's horizon."
        ),
    ),
    Gate(
        name="beyond_trials",
        metric="deflated_rank_ic",
        comparison=">=",
        reference="zero",
        margin=0.95,
        doc=(
            "With a probability of 0.95 better than the best that as many trials without skill would show: what was chosen"
            " among many has to be better than what was tried once."
        ),
    ),
    Gate(
        name="beats_naive",
        metric="rank_ic_over_naive",
        comparison=">",
        reference="zero",
        margin=1.0,
        scale="rank_ic_over_naive_se",
        doc="By more than a standard error better than the last value, momentum and the mean of each name, whichever of them does best on the same rows.",
    ),
    Gate(
        name="holds_against_linear",
        metric="rank_ic_over_linear",
        comparison=">=",
        reference="zero",
        margin=-2.0,
        scale="rank_ic_over_linear_se",
        doc=(
            "Not behind a ridge regression on the same features by more than two standard errors of the difference: what"
            " loses to a straight line should be replaced by one."
        ),
    ),
    Gate(
        name="not_worse",
        metric=COMMON,
        comparison=">=",
        reference="champion",
        margin=-0.005,
        doc=(
            "On the sessions that both were judged on, not below by more than 0.005, the order of what another seed changes."
            " Held against the best of the champions so far, so that small steps down do not add up."
        ),
    ),
    Gate(
        name="holds_in_slices",
        metric="rank_ic_worst_slice_t",
        comparison=">",
        reference="zero",
        margin=-2.0,
        doc=(
            "In no large slice, an exchange or a third of its names by value traded, is the order turned round: the mean rank IC of the"
            " worst one is not two of its standard errors below zero."
        ),
    ),
    Gate(
        name="fresh",
        metric=SESSIONS_BEHIND,
        comparison="<=",
        reference="zero",
        margin=20.0,
        doc="Trained on data that ends no more than twenty sessions, a month, before the release: an old version is not promoted unnoticed.",
    ),
    REPLAYS,
)

PROBABILITY_GATES: tuple[Gate, ...] = (
    *GATES,
    Gate(
        name="calibrated",
        metric="calibration_error",
        comparison="<=",
        reference="zero",
        margin=0.05,
        doc="What it says with a probability comes true about as often, within five in a hundred on average: its level is read as one.",
    ),
)
"""Of models whose score is a probability."""

SENTIMENT_GATES: tuple[Gate, ...] = (
    Gate(
        name="reads",
        metric="macro_f1_low",
        comparison=">",
        reference="zero",
        margin=0.45,
        doc="The lower end of the macro F1's interval is well above a third, which whoever deals out the classes evenly gets.",
    ),
    Gate(
        name="holds_against_words",
        metric="macro_f1_over_tfidf_high",
        comparison=">=",
        reference="zero",
        margin=0.0,
        doc="The 95 % interval of its lead over TF-IDF with a logistic regression is not all below zero: what loses to counting words should be replaced by it.",
    ),
    Gate(
        name="calibrated",
        metric="ece",
        comparison="<=",
        reference="zero",
        margin=0.15,
        doc="What it says with a probability comes true about as often: levels are averaged, so their size has to mean something.",
    ),
    Gate(
        name="not_worse",
        metric="macro_f1",
        comparison=">=",
        reference="champion",
        margin=-0.03,
        doc="Not below the champion by more than other seeds change.",
    ),
    REPLAYS,
)
"""Of models that read texts."""


def judge(
    gates: tuple[Gate, ...], challenger: Mapping[str, float], champion: Mapping[str, float] | None
) -> tuple[Outcome, ...]:
    """The verdict of every gate, in their order.  A metric that is missing or NaN fails its gate.

    Parameters
    ----------
    challenger, champion : metrics by name; no champion where there is none yet.
    """
    return tuple(_outcome(gate, challenger, champion) for gate in gates)


def _outcome(gate: Gate, challenger: Mapping[str, float], champion: Mapping[str, float] | None) -> Outcome:
    if gate.reference == "champion" and champion is None:
        return Outcome(gate.name, True, f"{gate.name}: there is no champion to compare with")
    needed = {f"challenger's {name}": challenger.get(name, math.nan) for name in (gate.metric, gate.scale) if name}
    base = 0.0
    if gate.reference == "champion" and champion is not None:
        base = champion.get(gate.metric, math.nan)
        needed[f"champion's {gate.metric}"] = base
    unknown = [name for name, number in needed.items() if math.isnan(number)]
    if gate.scale and challenger.get(gate.scale, math.nan) <= 0:
        return Outcome(
            gate.name,
            False,
            f"{gate.name}: the challenger's {gate.scale} is {challenger[gate.scale]:g}, no error at all",
        )
    if unknown:
        return Outcome(gate.name, False, f"{gate.name}: the {' and the '.join(unknown)} is not known")
    scale = challenger[gate.scale] if gate.scale else 1.0
    value, bound = challenger[gate.metric], base + gate.margin * scale
    passed = COMPARISONS[gate.comparison](value, bound)
    against = "zero" if gate.reference == "zero" else f"the champion's {base:.5f}"
    margin = f"{gate.margin:+g}" + (f" x {gate.scale} {scale:.5f}" if gate.scale else "")
    verdict = "passed" if passed else "refused"
    reason = (
        f"{gate.name} {verdict}: {gate.metric} {value:.5f}, needs {gate.comparison} {bound:.5f} ({against} {margin})"
    )
    return Outcome(gate.name, passed, reason)
