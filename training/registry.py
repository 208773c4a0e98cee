"""Registered models: versions, the alias champion, promotion past gates, rollback; every decision is kept with its reasons.

What does not belong here: what the gates ask (training.gates), exporting the champion to the lake (the caller).
"""

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

import numpy as np
import pandas as pd
from mlflow.entities import Run
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import RESOURCE_ALREADY_EXISTS, ErrorCode
from mlflow.tracking import MlflowClient

from market.errors import Permanent
from training import tracking
from training.gates import COMMON, GATES, Gate, Outcome, judge
from training.lock import DataLock

CHAMPION = "champion"
HISTORY = "champion_history"  # tag of the registered model: JSON list of versions, the present champion last


@dataclass(frozen=True)
class GateResult:
    """What came of a promotion: whether the alias is on the version now, and why.

    Parameters
    ----------
    champion_before : version that held the alias, None where none did.
    forced : promoted although a gate refused.
    outcomes : the verdict of every gate; none where the version was champion already.
    reasons : a sentence for each, and one that says which champion it was held against, and on how many sessions.
    """

    name: str
    version: int
    promoted: bool
    forced: bool
    champion_before: int | None
    outcomes: tuple[Outcome, ...]
    reasons: tuple[str, ...]


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


class Declared(Protocol):
    """What every kind of model has."""

    @property
    def name(self) -> str:
        """Of the registered model."""
        ...

    @property
    def doc(self) -> str:
        """What it says of what."""
        ...


def register(client: MlflowClient, model: Declared, run: Run, lock: DataLock) -> int:
    """Register the run's ``model`` folder as the next version, without an alias; the version's number."""
    try:
        client.create_registered_model(model.name, description=model.doc)
    except MlflowException as error:
        if error.error_code != ErrorCode.Name(RESOURCE_ALREADY_EXISTS):
            raise
    made = client.create_model_version(
        model.name, f"{run.info.artifact_uri}/model", run_id=run.info.run_id, tags=lock.tags()
    )
    return int(made.version)


def list_models(tracking_uri: str) -> list[dict[str, object]]:
    """Every version of every model, by name, newest first: name, version, aliases, run_id, release_id, metrics, decision."""
    client = tracking.client(tracking_uri)
    versions = [
        version
        for registered in _all(client.search_registered_models)
        for version in _all(client.search_model_versions, f"name='{registered.name}'")
    ]
    versions.sort(key=lambda v: (v.name, -int(v.version)))
    return [_record(client, version) for version in versions]


def champion(tracking_uri: str, name: str) -> dict[str, object] | None:
    """The champion of that name, as ``list_models`` describes it; None where there is none."""
    client = tracking.client(tracking_uri)
    held = _champion(client, name)
    return None if held is None else _record(client, held)


def promote(
    tracking_uri: str, name: str, version: int, *, force: bool = False, gates: Sequence[Gate] = GATES
) -> GateResult:
    """Make a version champion if it passes every gate; either way the verdicts are recorded as tags of the version.

    Parameters
    ----------
    force : promote past a refusal; recorded as forced.
    gates : what to ask.

    Returns
    -------
    The result.  A refusal is a result, not an error.  Promoting the present champion changes and records nothing.

    Raises
    ------
    Permanent
        There is no such version.
    """
    client = tracking.client(tracking_uri)
    challenger, held = _version(client, name, version), _champion(client, name)
    before = None if held is None else int(held.version)
    if before == version:
        return GateResult(name, version, True, False, before, (), (f"version {version} is the champion already",))
    outcomes, told = _judged(client, challenger, held, gates)
    passed = all(outcome.passed for outcome in outcomes)
    promoted = passed or force
    reasons = (*(outcome.reason for outcome in outcomes), *told)
    result = GateResult(name, version, promoted, promoted and not passed, before, outcomes, reasons)
    decision = "refused" if not promoted else "promoted by force" if result.forced else "promoted"
    _decide(client, challenger, decision, asdict(result))
    if promoted:
        past = [v for v in _history(client, name) if v != version]
        if before is not None and before not in past:
            past.append(before)  # the alias was moved outside this module
        _crown(client, name, [*past, version])
    return result


def rollback(tracking_uri: str, name: str) -> dict[str, object]:
    """Give the alias back to the champion before the present one; recorded at both.  The champion, as ``champion`` says.

    Raises
    ------
    Permanent
        There is no champion, or none before it.
    """
    client = tracking.client(tracking_uri)
    held = _champion(client, name)
    history = _history(client, name)
    present = None if held is None else int(held.version)
    past = history[: history.index(present)] if present in history else history
    if held is None or not past:
        found = "no champion" if held is None else f"version {present}, the first one"
        raise Permanent(f"model {name}", expected="a champion with one before it", found=found)
    restored = _version(client, name, past[-1])
    _decide(client, held, "rolled back", {"champion_after": past[-1]})
    _decide(client, restored, "restored by rollback", {"champion_before": present})
    _crown(client, name, past)
    return _record(client, _version(client, name, past[-1]))


def run_id_of(client: MlflowClient, name: str, version: int) -> str:
    """The run that made a version; Permanent where there is no such version."""
    return str(_version(client, name, version).run_id)


def decisions(tracking_uri: str, name: str, version: int) -> list[dict[str, object]]:
    """Every decision about a version, oldest first: decision, at (UTC, ISO), and the reasons or versions concerned."""
    return _decisions(_version(tracking.client(tracking_uri), name, version))


def _judged(
    client: MlflowClient, challenger: ModelVersion, held: ModelVersion | None, gates: Sequence[Gate]
) -> tuple[tuple[Outcome, ...], tuple[str, ...]]:
    """The verdict of every gate, and whom the challenger was held against."""
    own = _metrics(client, challenger)
    rivals = [] if held is None else _rivals(client, challenger.name, int(held.version))
    against = _hardest(client, challenger, [rival for rival in rivals if rival.version != challenger.version])
    if against is None:
        return judge(tuple(gates), own, None), ()
    theirs = _metrics(client, against.rival) | {COMMON: against.champion}
    return judge(tuple(gates), own | {COMMON: against.challenger}, theirs), (str(against),)


def _rivals(client: MlflowClient, name: str, present: int) -> list[ModelVersion]:
    """The champions that a challenger must not fall behind: the present one and those before it, newest first.

    They end with one that was promoted by force: whoever forced it has set the standard anew.
    """
    history = _history(client, name)
    past = history[: history.index(present)] if present in history else []
    found: list[ModelVersion] = []
    for number in (present, *reversed(past)):
        found.append(_version(client, name, number))
        if any(decision.get("decision") == "promoted by force" for decision in _decisions(found[-1])):
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


def _decisions(version: ModelVersion) -> list[dict[str, object]]:
    return [json.loads(version.tags[key]) for key in sorted(version.tags) if key.startswith("decision.")]


def _record(client: MlflowClient, version: ModelVersion) -> dict[str, object]:
    return {
        "name": version.name,
        "version": int(version.version),
        "aliases": _aliases(client, version),
        "run_id": version.run_id,
        "release_id": version.tags.get("release_id", ""),
        "metrics": _metrics(client, version),
        "decision": version.tags.get("decision", ""),
    }


def _aliases(client: MlflowClient, version: ModelVersion) -> list[str]:
    # A search returns versions without their aliases; the registered model knows them all.
    held = client.get_registered_model(version.name).aliases
    return sorted(alias for alias, number in held.items() if int(number) == int(version.version))


def _metrics(client: MlflowClient, version: ModelVersion) -> dict[str, float]:
    logged = tracking.run_of(client, str(version.run_id)).data.metrics
    return {name: value for name, value in logged.items() if not name.startswith("fold_")}  # of the last fold only


def _version(client: MlflowClient, name: str, version: int) -> ModelVersion:
    try:
        return client.get_model_version(name, str(version))
    except MlflowException as error:
        if not tracking.is_missing(error):
            raise
        known = [str(v.version) for v in _all(client.search_model_versions, f"name='{name}'")]
        raise Permanent(
            f"model {name}", expected=f"a version among {', '.join(sorted(known)) or 'none'}", found=str(version)
        ) from error


def _champion(client: MlflowClient, name: str) -> ModelVersion | None:
    try:
        registered = client.get_registered_model(name)
    except MlflowException as error:
        if not tracking.is_missing(error):
            raise
        return None
    number = registered.aliases.get(CHAMPION)
    return None if number is None else _version(client, name, int(number))


def _history(client: MlflowClient, name: str) -> list[int]:
    return [int(v) for v in json.loads(client.get_registered_model(name).tags.get(HISTORY, "[]"))]


def _crown(client: MlflowClient, name: str, history: list[int]) -> None:
    # The history first: a process killed between the two leaves the old champion and a history that still holds it.
    client.set_registered_model_tag(name, HISTORY, json.dumps(history))
    client.set_registered_model_alias(name, CHAMPION, str(history[-1]))


def _decide(client: MlflowClient, version: ModelVersion, decision: str, why: dict[str, object]) -> None:
    number = sum(key.startswith("decision.") for key in version.tags) + 1
    entry = {"decision": decision, "at": datetime.now(UTC).isoformat(timespec="seconds")} | why
    client.set_model_version_tag(version.name, str(version.version), f"decision.{number:04d}", json.dumps(entry))
    client.set_model_version_tag(version.name, str(version.version), "decision", decision)


def _all(search: Callable[..., Any], *args: object) -> list[Any]:
    """Every page of one of MLflow's searches."""
    page = search(*args)
    found = list(page)
    while page.token:
        page = search(*args, page_token=page.token)
        found += page
    return found
