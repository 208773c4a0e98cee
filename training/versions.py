"""What the registry of models holds: versions, who has which alias, the champions so far, and the decisions kept with each version.

What does not belong here: moving aliases and recording decisions (training.registry).
"""

import json
from collections.abc import Callable
from typing import Any

from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

from market.errors import Permanent
from training import tracking

CHAMPION, CHALLENGER, SHADOW = "champion", "challenger", "shadow"
HISTORY = "champion_history"  # tag of the registered model: JSON list of versions, the present champion last


def version_of(client: MlflowClient, name: str, version: int) -> ModelVersion:
    """The version of that number; Permanent, naming those that there are, where there is none."""
    try:
        return client.get_model_version(name, str(version))
    except MlflowException as error:
        if not tracking.is_missing(error):
            raise
        known = [str(v.version) for v in every_page(client.search_model_versions, f"name='{name}'")]
        raise Permanent(
            f"model {name}", expected=f"a version among {', '.join(sorted(known)) or 'none'}", found=str(version)
        ) from error


def holder_of(client: MlflowClient, name: str, alias: str = CHAMPION) -> ModelVersion | None:
    """The version that has the alias; None where none has, or no model has that name."""
    try:
        registered = client.get_registered_model(name)
    except MlflowException as error:
        if not tracking.is_missing(error):
            raise
        return None
    number = registered.aliases.get(alias)
    return None if number is None else version_of(client, name, int(number))


def champions_so_far(client: MlflowClient, name: str) -> list[int]:
    """Versions that were champion and were not rolled back, the present one last."""
    return [int(v) for v in json.loads(client.get_registered_model(name).tags.get(HISTORY, "[]"))]


def decisions_of(version: ModelVersion) -> list[dict[str, object]]:
    """Every decision about a version, oldest first."""
    return [json.loads(version.tags[key]) for key in sorted(version.tags) if key.startswith("decision.")]


def record(client: MlflowClient, version: ModelVersion) -> dict[str, object]:
    """A version as people see it: name, version, aliases, run_id, release_id, train_to (ISO date), metrics, decision (the last one)."""
    return {
        "name": version.name,
        "version": int(version.version),
        "aliases": aliases(client, version),
        "run_id": version.run_id,
        "release_id": version.tags.get("release_id", ""),
        "train_to": version.tags.get("lock.train_to", ""),
        "metrics": metrics(client, version),
        "decision": version.tags.get("decision", ""),
    }


def aliases(client: MlflowClient, version: ModelVersion) -> list[str]:
    """The aliases that a version has, sorted."""
    # A search returns versions without their aliases; the registered model knows them all.
    held = client.get_registered_model(version.name).aliases
    return sorted(alias for alias, number in held.items() if int(number) == int(version.version))


def metrics(client: MlflowClient, version: ModelVersion) -> dict[str, float]:
    """What the version's run logged, without the values of single folds."""
    logged = tracking.run_of(client, str(version.run_id)).data.metrics
    return {name: value for name, value in logged.items() if not name.startswith("fold_")}  # of the last fold only


def every_page(search: Callable[..., Any], *args: object) -> list[Any]:
    """Every page of one of MLflow's searches."""
    page = search(*args)
    found = list(page)
    while page.token:
        page = search(*args, page_token=page.token)
        found += page
    return found
