"""Registered models: versions, the aliases that three of them may have, promotion past gates, rollback; every decision is kept with its reasons.

The champion is what people see. The challenger was filed and waits for somebody's decision. The shadow scores beside the champion.
What does not belong here: what the gates ask (training.gates), exporting them to the lake (the caller).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Protocol

from mlflow.entities import Run
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import RESOURCE_ALREADY_EXISTS, ErrorCode
from mlflow.tracking import MlflowClient

from market.errors import Permanent
from training import tracking
from training.gates import GATES, Gate, Outcome
from training.lock import DataLock
from training.rivals import judged
from training.versions import (
    CHALLENGER,
    CHAMPION,
    HISTORY,
    SHADOW,
    aliases,
    champions_so_far,
    decisions_of,
    every_page,
    holder_of,
    record,
    version_of,
)

GIVEN = (CHALLENGER, SHADOW)
"""Aliases that are given and taken by hand, or by a sensor; the champion's moves by ``promote`` and ``rollback`` alone."""


@dataclass(frozen=True)
class GateResult:
    """What came of a promotion: whether the alias is on the version now, and why.

    Parameters
    ----------
    promoted : it is champion now; never of one that was filed.
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
    """Every version of every model, by name, newest first: name, version, aliases, run_id, release_id, train_to, metrics, decision."""
    client = tracking.client(tracking_uri)
    versions = [
        version
        for registered in every_page(client.search_registered_models)
        for version in every_page(client.search_model_versions, f"name='{registered.name}'")
    ]
    versions.sort(key=lambda v: (v.name, -int(v.version)))
    return [record(client, version) for version in versions]


def champion(tracking_uri: str, name: str) -> dict[str, object] | None:
    """The champion of that name, as ``list_models`` describes it; None where there is none."""
    return holder(tracking_uri, name, CHAMPION)


def holder(tracking_uri: str, name: str, alias: str) -> dict[str, object] | None:
    """The version of that name that has the alias, as ``list_models`` describes it; None where none has."""
    client = tracking.client(tracking_uri)
    held = holder_of(client, name, alias)
    return None if held is None else record(client, held)


def promote(
    tracking_uri: str,
    name: str,
    version: int,
    *,
    force: bool = False,
    gates: Sequence[Gate] = GATES,
    now: Mapping[str, float] = MappingProxyType({}),
) -> GateResult:
    """Make a version champion if it passes every gate; either way the verdicts are recorded as tags of the version.

    Parameters
    ----------
    force : promote past a refusal; recorded as forced.
    gates : what to ask.
    now : metrics that no run could log, since they are known when it is decided: ``training.gates.SESSIONS_BEHIND``.

    Returns
    -------
    The result.  A refusal is a result, not an error.  Promoting the present champion changes and records nothing.  Whoever becomes
    champion has no other alias any more; whoever is refused is no challenger any more, since that was the decision.

    Raises
    ------
    Permanent
        There is no such version.
    """
    client = tracking.client(tracking_uri)
    challenger, held = version_of(client, name, version), holder_of(client, name)
    before = None if held is None else int(held.version)
    if before == version:
        return GateResult(name, version, True, False, before, (), (f"version {version} is the champion already",))
    outcomes, reasons = judged(client, challenger, held, gates, now)
    passed = all(outcome.passed for outcome in outcomes)
    promoted = passed or force
    result = GateResult(name, version, promoted, promoted and not passed, before, outcomes, reasons)
    decision = "refused" if not promoted else "promoted by force" if result.forced else "promoted"
    _decide(client, challenger, decision, asdict(result))
    if promoted:
        past = [v for v in champions_so_far(client, name) if v != version]
        if before is not None and before not in past:
            past.append(before)  # the alias was moved outside this module
        _crown(client, name, [*past, version])
    elif CHALLENGER in aliases(client, challenger):
        client.delete_registered_model_alias(name, CHALLENGER)  # this was the decision that it waited for
    return result


def file(
    tracking_uri: str,
    name: str,
    version: int,
    reason: str,
    *,
    gates: Sequence[Gate] = GATES,
    now: Mapping[str, float] = MappingProxyType({}),
) -> GateResult:
    """Make a version the challenger, which waits for somebody's decision however good it is; what the gates say of it is recorded.

    Parameters
    ----------
    reason : why it was made.
    gates, now : as ``promote`` takes them.

    Raises
    ------
    Permanent
        There is no such version, or it is the champion.
    """
    client = tracking.client(tracking_uri)
    filed, held = version_of(client, name, version), holder_of(client, name)
    outcomes, reasons = judged(client, filed, held, gates, now)
    before = None if held is None else int(held.version)
    result = GateResult(name, version, False, False, before, outcomes, (f"filed: {reason}", *reasons))
    _give(client, CHALLENGER, filed, "filed", asdict(result))
    return result


def assign(tracking_uri: str, name: str, alias: str, version: int | None, reason: str) -> None:
    """Give ``challenger`` or ``shadow`` to a version, or take it from whoever has it; recorded at both with the reason.

    Parameters
    ----------
    version : None to take it away.  Where it has the alias already nothing changes, and nothing is recorded.

    Raises
    ------
    Permanent
        There is no such version, or it is the champion; or nobody has the alias that is to be taken away.
    """
    if alias not in GIVEN:
        raise Permanent(
            "alias", expected=" or ".join(GIVEN), found=alias, do="The champion's moves by promote and rollback"
        )
    client = tracking.client(tracking_uri)
    if version is not None:
        given = version_of(client, name, version)
        if alias not in aliases(client, given):
            _give(client, alias, given, f"made {alias}", {"reasons": [reason]})
        return
    held = holder_of(client, name, alias)
    if held is None:
        raise Permanent(f"model {name}", expected=f"a {alias}", found="none")
    _decide(client, held, f"no longer {alias}", {"reasons": [reason]})
    client.delete_registered_model_alias(name, alias)


def rollback(tracking_uri: str, name: str) -> dict[str, object]:
    """Give the alias back to the champion before the present one; recorded at both.  The champion, as ``champion`` says.

    Raises
    ------
    Permanent
        There is no champion, or none before it.
    """
    client = tracking.client(tracking_uri)
    held, past = _with_past(client, name)
    restored = version_of(client, name, past[-1])
    _decide(client, held, "rolled back", {"champion_after": past[-1]})
    _decide(client, restored, "restored by rollback", {"champion_before": int(held.version)})
    _crown(client, name, past)
    return record(client, version_of(client, name, past[-1]))


def previous(tracking_uri: str, name: str) -> int:
    """The version that ``rollback`` would make champion; errors as there."""
    return _with_past(tracking.client(tracking_uri), name)[1][-1]


def run_id_of(client: MlflowClient, name: str, version: int) -> str:
    """The run that made a version; Permanent where there is no such version."""
    return str(version_of(client, name, version).run_id)


def decisions(tracking_uri: str, name: str, version: int) -> list[dict[str, object]]:
    """Every decision about a version, oldest first: decision, at (UTC, ISO), and the reasons or versions concerned."""
    return decisions_of(version_of(tracking.client(tracking_uri), name, version))


def _with_past(client: MlflowClient, name: str) -> tuple[ModelVersion, list[int]]:
    """The champion, and the versions that were champion before it, the latest one last; Permanent without either."""
    held, history = holder_of(client, name), champions_so_far(client, name)
    if held is None:
        raise Permanent(f"model {name}", expected="a champion with one before it", found="no champion")
    present = int(held.version)
    past = history[: history.index(present)] if present in history else history
    if not past:
        raise Permanent(
            f"model {name}", expected="a champion with one before it", found=f"version {present}, the first one"
        )
    return held, past


def _crown(client: MlflowClient, name: str, history: list[int]) -> None:
    # The history first: a process killed between the two leaves the old champion and a history that still holds it.
    client.set_registered_model_tag(name, HISTORY, json.dumps(history))
    client.set_registered_model_alias(name, CHAMPION, str(history[-1]))
    for alias in set(aliases(client, version_of(client, name, history[-1]))) & set(GIVEN):
        client.delete_registered_model_alias(name, alias)  # it waits for nothing, and is what people see


def _give(client: MlflowClient, alias: str, given: ModelVersion, decision: str, why: dict[str, object]) -> None:
    """Move an alias other than the champion's to a version; recorded there, and at whoever had it."""
    name = given.name
    if CHAMPION in aliases(client, given):
        raise Permanent(
            f"model {name}", expected="a version that is not the champion", found=f"version {given.version}, which is"
        )
    before = holder_of(client, name, alias)
    if before is not None and before.version != given.version:
        _decide(client, before, f"no longer {alias}", {"reasons": [f"version {given.version} is {alias} now"]})
    _decide(client, given, decision, why)
    client.set_registered_model_alias(name, alias, str(given.version))


def _decide(client: MlflowClient, version: ModelVersion, decision: str, why: dict[str, object]) -> None:
    number = sum(key.startswith("decision.") for key in version.tags) + 1
    entry = {"decision": decision, "at": datetime.now(UTC).isoformat(timespec="seconds")} | why
    client.set_model_version_tag(version.name, str(version.version), f"decision.{number:04d}", json.dumps(entry))
    client.set_model_version_tag(version.name, str(version.version), "decision", decision)
