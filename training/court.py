"""The leak court for a whole model: what could not be if the model, its split and its rows looked back only.

How it works: each question is put to the very code that trains and judges, on rows that were altered so that an honest model must
answer in a known way. A finding says which question was answered wrongly, with the numbers.
What does not belong here: the court of single computations (market.court), refusing a version (training.gates).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from market.errors import Permanent
from market.evaluation import rank_ic
from market.labels import group_codes
from training.algorithm import Parameter
from training.evaluate import Evaluation, walk_forward
from training.model import Model
from training.panel import session_days

Z_OF_A_LEAK = 4.0
"""Rank IC on outcomes dealt anew, in units of its deviation under chance, from which it is none: once in 16,000."""
ROWS_ALONE = 50
LEAKS = "leaks"
"""Metric of a run: how many findings there were."""
TOLD = "leak_court.txt"
"""Artifact of a run: the findings, a line each, or "none"."""


@dataclass(frozen=True)
class Finding:
    """One question answered as only a model that looks ahead would, and the numbers."""

    question: str
    told: str

    def __str__(self) -> str:
        return f"{self.question}: {self.told}"


def tried(
    model: Model, panel: pd.DataFrame, parameters: Mapping[str, Parameter], seed: int, evaluation: Evaluation
) -> list[Finding]:
    """Every question put to a model; none answered wrongly gives an empty list.

    Parameters
    ----------
    panel : as ``training.panel.prepare`` gives it, label included.
    evaluation : of the same model, panel, parameters and seed, as its walk-forward made it.
    """
    how = (parameters, seed)
    found = [*_order(model, panel, evaluation), *_shuffled(model, panel, how)]
    return [*found, *_prefix(model, panel, how, evaluation), *_alone(model, panel, how)]


def _order(model: Model, panel: pd.DataFrame, evaluation: Evaluation) -> list[Finding]:
    """Every fold trains before it tests, with the label's horizon and the embargo between them."""
    dates = np.unique(session_days(panel))
    gap = model.horizon + model.validation.embargo
    found = []
    for fold in evaluation.folds:
        between = int(np.searchsorted(dates, fold.test_from) - np.searchsorted(dates, fold.train_to))
        if between <= gap:
            told = f"fold {fold.number} trains to {fold.train_to} and tests from {fold.test_from}: {between} sessions, not over {gap}"
            found.append(Finding("order", told))
    return found


def _shuffled(model: Model, panel: pd.DataFrame, how: tuple[Mapping[str, Parameter], int]) -> list[Finding]:
    """Nothing is found where the outcomes of a session are dealt anew among its names."""
    evaluation = _judged(model, shuffled(panel, how[1]), how, oldest=2)
    if evaluation is None:
        return []
    rows = evaluation.rows[evaluation.rows["outcome"].notna()]
    groups = group_codes(session_days(rows), rows["exchange"])
    ics = rank_ic(rows["score"], rows["outcome"], groups)
    freedom = (np.bincount(groups) - 1.0)[ics.notna().to_numpy()]
    # Whatever the scores, a rank correlation with n values dealt anew has the variance 1 / (n - 1), and sessions are independent.
    z = float((ics.dropna() * freedom).sum() / np.sqrt(freedom.sum())) if freedom.size else 0.0
    if abs(z) < Z_OF_A_LEAK:
        return []
    mean = evaluation.metrics()["rank_ic_mean"]
    return [
        Finding("shuffled labels", f"rank IC {mean:+.4f} on outcomes of other names, {z:+.1f} deviations from chance")
    ]


def _prefix(
    model: Model, panel: pd.DataFrame, how: tuple[Mapping[str, Parameter], int], evaluation: Evaluation
) -> list[Finding]:
    """The oldest fold has the same scores, bit for bit, whatever comes after it."""
    first = evaluation.folds[0]
    later = session_days(panel) > first.test_to
    numbers = [name for name in panel.columns if name not in ("security_id", "session_date", "exchange")]
    rng = np.random.default_rng(how[1])
    poisoned = panel.copy()
    for name in numbers:  # each column in another order: finite, of its own scale, and wrong
        values = panel[name].to_numpy(dtype=np.float64)
        poisoned[name] = np.where(later, -3.0 * rng.permutation(values), values)
    poisoned.loc[later, "label"] = poisoned.loc[later, "label"].where(panel.loc[later, "label"].notna())
    again = _judged(model, poisoned, how, oldest=1)
    if again is None:
        return [Finding("poisoned future", "the folds cannot be judged with another future")]
    was, now = (_of_sessions(made, first.test_from, first.test_to) for made in (evaluation, again))
    differ = int((was["score"].to_numpy() != now["score"].to_numpy()).sum()) if len(was) == len(now) else len(was)
    return [Finding("poisoned future", f"{differ} of {len(was)} scores to {first.test_to} changed")] if differ else []


def _alone(model: Model, panel: pd.DataFrame, how: tuple[Mapping[str, Parameter], int]) -> list[Finding]:
    """A row has the same score by itself, or with its own window, as among all others: no scaling over the rows that are scored."""
    raw = model.fit(panel.rename(columns={"label": model.label}), *how)
    together = model.predict(raw, panel)
    places = np.linspace(0, len(panel) - 1, min(ROWS_ALONE, len(panel))).astype(int)
    securities, width = panel["security_id"].to_numpy(), model.algorithm.window(how[0])
    windows = (np.flatnonzero(securities[: place + 1] == securities[place])[-width:] for place in places)
    alone = np.concatenate([model.predict(raw, panel.iloc[window])[-1:] for window in windows])
    differ = int((alone != together[places]).sum())
    return [Finding("scored alone", f"{differ} of {len(places)} rows score otherwise by themselves")] if differ else []


def shuffled(panel: pd.DataFrame, seed: int) -> pd.DataFrame:
    """The panel with the known outcomes of each session and exchange dealt anew among the names that have one.

    Dealt anew each session: were whole series exchanged, a lasting trait of one name would foretell a lasting trait of another.
    """
    known = np.flatnonzero(panel["label"].notna().to_numpy())
    groups = group_codes(session_days(panel), panel["exchange"])[known]
    dealt = known[np.lexsort((np.random.default_rng(seed).random(known.size), groups))]
    label = panel["label"].to_numpy(dtype=np.float64, copy=True)
    label[known[np.argsort(groups, kind="stable")]] = panel["label"].to_numpy()[dealt]
    return panel.assign(label=label)


def _judged(
    model: Model, panel: pd.DataFrame, how: tuple[Mapping[str, Parameter], int], oldest: int
) -> Evaluation | None:
    """The oldest folds of a walk-forward of altered rows; None where they leave nothing to judge."""
    quiet: Callable[[int, int, str], None] = lambda done, total, what: None  # noqa: E731
    try:
        return walk_forward(model, panel, *how, quiet, oldest=oldest)
    except Permanent:
        return None


def _of_sessions(evaluation: Evaluation, first: np.datetime64, last: np.datetime64) -> pd.DataFrame:
    days = session_days(evaluation.rows)
    return evaluation.rows[(days >= first) & (days <= last)]
