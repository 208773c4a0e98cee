"""What the gates say of a version, held against the champions that it must not fall behind.

What does not belong here: what the gates ask (training.gates), what becomes of the verdict (training.registry).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from mlflow.entities.model_registry import ModelVersion
from mlflow.tracking import MlflowClient

from market.errors import Permanent
from training import tracking
from training.gates import COMMON, Gate, Outcome, judge
from training.versions import champions_so_far, decisions_of, metrics, version_of


@dataclass(frozen=True)
class _Comparison:
    """Mean rank IC of a challenger and of a champion over the sessions that both were judged on; NaN where there is none."""

    rival: ModelVersion
    sessions: int
    challenger: float
    champion: float

    def __str__(self) -> str:
        on = f" on the {self.sessions} sessions that both were judged on" if self.sessions else ""
        return f"held against version {self.rival.version}{on}"


def judged(
    client: MlflowClient,
    challenger: ModelVersion,
    held: ModelVersion | None,
    gates: Sequence[Gate],
    now: Mapping[str, float],
) -> tuple[tuple[Outcome, ...], tuple[str, ...]]:
    """The verdict of every gate; their reasons, and whom the challenger was held against."""
    own = metrics(client, challenger) | dict(now)
    rivals = [] if held is None else _rivals(client, challenger.name, int(held.version))
    against = _hardest(client, challenger, [rival for rival in rivals if rival.version != challenger.version])
    if against is None:
        outcomes = judge(tuple(gates), own, None)
        return outcomes, tuple(outcome.reason for outcome in outcomes)
    theirs = metrics(client, against.rival) | {COMMON: against.champion}
    outcomes = judge(tuple(gates), own | {COMMON: against.challenger}, theirs)
    return outcomes, (*(outcome.reason for outcome in outcomes), str(against))


def _rivals(client: MlflowClient, name: str, present: int) -> list[ModelVersion]:
    """The champions that a challenger must not fall behind: the present one and those before it, newest first.

    They end with one that was promoted by force: whoever forced it has set the standard anew.
    """
    history = champions_so_far(client, name)
    past = history[: history.index(present)] if present in history else []
    found: list[ModelVersion] = []
    for number in (present, *reversed(past)):
        found.append(version_of(client, name, number))
        if any(decision.get("decision") == "promoted by force" for decision in decisions_of(found[-1])):
            break
    return found


def _hardest(client: MlflowClient, challenger: ModelVersion, rivals: Sequence[ModelVersion]) -> _Comparison | None:
    """The comparison in which the challenger does worst; one without common sessions before all, None without rivals."""
    own = _daily(client, challenger)
    made = []
    for rival in rivals:
        both = own.to_frame("own").join(_daily(client, rival).rename("rival"), how="inner").dropna()
        made.append(_Comparison(rival, len(both), float(both["own"].mean()), float(both["rival"].mean())))
    return min(made, key=lambda one: -math.inf if one.sessions == 0 else one.challenger - one.champion, default=None)


def _daily(client: MlflowClient, version: ModelVersion) -> "pd.Series[float]":
    """Rank IC by session; none where the run did not record it, which a gate then calls not known."""
    try:
        return tracking.daily_rank_ic(client, str(version.run_id))
    except Permanent:
        return pd.Series([], index=pd.Index([], dtype=str), dtype=np.float64)
