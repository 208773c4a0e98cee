"""A model card: what a version is, what it saw, how it was judged and what is known against it, as Markdown made of what happened.

What does not belong here: measuring (training.evidence), deciding (training.gates), pictures (training.plots; they lie beside it).
"""

import math
from collections.abc import Mapping, Sequence

from market.deciles import PARTICIPATION
from market.identity import CURRENCIES
from training.algorithm import Importance
from training.baselines import BASELINES
from training.evaluate import Evaluation
from training.evidence import CAPACITY, LAGS
from training.export import feature
from training.lock import DataLock
from training.model import Model

_MOST = 15  # features listed by importance

_ALWAYS = (
    "Outcomes count from the session's close, and a score needs that close: whoever trades later earns less.",
    "Names without an outcome (halted that session, or gone within the horizon) are in no figure here.",
    "Costs are brokerage and Korea's taxes; spread and impact are left out, and so is what a short position would cost.",
)
"""Weaknesses of every version: docs/evaluation.md has them at length."""


def card(
    model: Model,
    lock: DataLock,
    evaluation: Evaluation,
    metrics: Mapping[str, float],
    findings: Sequence[str],
    shares: Importance,
) -> str:
    """The card of one run, before anybody decided about it.

    Parameters
    ----------
    metrics : as the run logged them.
    findings : of the leak court, a sentence each.
    shares : importance of each feature.
    """
    parts = [
        [f"# {model.name}", model.doc],
        ["## Data", *_data(model, lock, metrics)],
        ["## Folds", *_folds(evaluation)],
        ["## Judged out of sample", *_judged(model, metrics)],
        ["## Features", *_features(model, shares)],
        ["## Known weaknesses", *(f"- {one}" for one in weaknesses(metrics, findings))],
    ]
    return "\n\n".join("\n".join(spaced(part)) for part in parts) + "\n"


def weaknesses(metrics: Mapping[str, float], findings: Sequence[str]) -> list[str]:
    """What speaks against a version, in sentences with their numbers; what holds for every one comes last."""
    found = [f"Leak court: {one}." for one in findings]
    lower, sessions = metrics.get("rank_ic_lower", math.nan), metrics["rank_ic_sessions"]
    if math.isnan(lower):
        found.append(f"Only {sessions:.0f} sessions were judged: too few for an interval of the rank IC.")
    elif lower <= 0:
        found.append(f"The 95 % interval of the rank IC reaches down to {lower:+.4f}.")
    if not metrics["rank_ic_over_linear"] > 2 * metrics["rank_ic_over_linear_se"]:
        found.append(
            f"Not shown to be better than a straight line on the same features (lead {metrics['rank_ic_over_linear']:+.4f},"
            f" error {metrics['rank_ic_over_linear_se']:.4f})."
        )
    if not metrics["top_net"] > 0:
        found.append(f"A book of its best tenth loses after costs ({metrics['top_net']:+.4%} per tranche).")
    elif not metrics["deflated_sharpe"] >= 0.95:
        found.append(
            f"That a book of its best tenth earns after costs may be luck (probability {metrics['deflated_sharpe']:.2f} that it"
            f" is none, discounted by {metrics['trials']:.0f} trials)."
        )
    if metrics["rank_ic_worst_fold"] <= 0:
        found.append(f"One fold had a rank IC of {metrics['rank_ic_worst_fold']:+.4f}.")
    if metrics.get("path_rank_ic_worst", 1.0) <= 0:
        found.append(f"One path through the blocks had a rank IC of {metrics['path_rank_ic_worst']:+.4f}.")
    return [*found, *_ALWAYS]


def _data(model: Model, lock: DataLock, metrics: Mapping[str, float]) -> list[str]:
    tables = ", ".join(
        f"{name} at version {version}" for name, version in sorted(lock.tables.items()) if name.startswith("gold.")
    )
    dirty = " with changes of the work tree" if lock.code_dirty else ""
    return [
        f"Release {lock.release_id} ({tables}); {lock.train_from} to {lock.train_to}, {metrics['train_rows']:,.0f} rows with an"
        f" outcome; rulebook {lock.rulebook}; commit {lock.code_sha}{dirty}; rows' digest {lock.dataset_digest[:12]}.",
        f"Label `{model.label}`, {model.horizon} sessions ahead, fitted as {model.target}; {model.algorithm.version}, seed {lock.seed}:"
        f" {', '.join(f'{name} {value}' for name, value in lock.parameters.items())}.",
        "The prices, filings and news behind the features are under the terms of their sources; whoever passes them on answers for it.",
    ]


def _folds(evaluation: Evaluation) -> list[str]:
    rows = [
        (fold.number, f"{fold.train_from} to {fold.train_to}", f"{fold.test_from} to {fold.test_to}", f"{fold.n_test_rows:,}",
         f"{fold.rank_ic:+.4f}", f"{fold.standard_error:.4f}")
        for fold in evaluation.folds
    ]  # fmt: skip
    return table(("fold", "trained on", "judged on", "rows", "rank IC", "error"), rows)


def _judged(model: Model, metrics: Mapping[str, float]) -> list[str]:
    def of(name: str, form: str = "+.4f") -> str:
        value = metrics.get(name, math.nan)
        return "not known" if math.isnan(value) else format(value, form)

    rows = [
        ("rank IC", f"{of('rank_ic_mean')}, error {of('rank_ic_se', '.4f')}, 95 % from {of('rank_ic_lower')} to {of('rank_ic_upper')}"),
        ("baselines", ", ".join(f"{name} {of(f'{name}_rank_ic')}" for name in BASELINES)),
        ("scores 1, 2, … horizons old", ", ".join(of(f"rank_ic_lag_{lag}") for lag in LAGS)),
        ("paths through blocks", f"{of('path_rank_ic_mean')}, worst {of('path_rank_ic_worst')}"),
        ("best tenth, per tranche", f"{of('top_gross', '+.3%')} before and {of('top_net', '+.3%')} after costs, {of('top_turnover', '.0%')} bought anew"),
        *_capacity(metrics),
        ("trials", f"{of('trials', '.0f')}; discounted by them, rank IC {of('deflated_rank_ic', '.3f')}, book {of('deflated_sharpe', '.3f')}"),
    ]  # fmt: skip
    if model.target == "up":
        rows.append(
            (
                "as a probability",
                f"AUC {of('auc', '.3f')}, Brier skill {of('brier_skill')}, calibration error {of('calibration_error', '.3f')}",
            )
        )
    return table(("", "out of sample"), rows)


def _capacity(metrics: Mapping[str, float]) -> list[tuple[str, str]]:
    """The line of the book's capacity; none where it is not known."""
    known = {
        exchange: metrics[f"{CAPACITY}{exchange}"] for exchange in CURRENCIES if f"{CAPACITY}{exchange}" in metrics
    }
    money = ", ".join(
        f"{float(f'{value:.3g}'):,.0f} {CURRENCIES[exchange]} on {exchange}" for exchange, value in known.items()
    )
    what = f"a book that buys at most {PARTICIPATION:.0%} of what is traded of nineteen of twenty names"
    return [("capacity", f"{money}: {what}")] if money else []


def _features(model: Model, shares: Importance) -> list[str]:
    ordered = sorted(model.features, key=lambda name: -shares.get(name, 0.0))
    rows = [
        (f"`{name}`", f"{shares.get(name, 0.0):.1%}", feature(name)["unit"], f"`{feature(name)['formula']}`" if feature(name)["formula"] else "")
        for name in ordered[:_MOST]
    ]  # fmt: skip
    more = len(ordered) - len(rows)
    return [*table(("feature", "share", "unit", "formula"), rows), *([f"and {more} more"] if more else [])]


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> list[str]:
    """Lines of a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return ["| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |" for line in lines]


def spaced(part: Sequence[str]) -> list[str]:
    """The lines of a section, an empty one between all but rows of a table and points of a list."""
    out: list[str] = []
    for line in part:
        if out and not (line[:2] in ("| ", "- ") and out[-1][:2] == line[:2]):
            out.append("")
        out.append(line)
    return out
