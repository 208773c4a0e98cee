"""What keeps a lake in order over years: the vacuum with what models pin, and services stopped while their server is worked on.

What does not belong here: finding and removing files (`lake.vacuum`), printing (`marketlake.commands.upkeep`).
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from market.errors import Permanent, Transient

if TYPE_CHECKING:
    from lake.objects import Store
    from lake.settings import Settings
    from lake.vacuum import Swept
    from marketlake.service import Service

Pins = dict[str, Mapping[str, int]]


def vacuum(settings: "Settings", keep: timedelta, *, only: str = "", dry_run: bool = False) -> "Iterator[Swept]":
    """Table by table what no release, no registered model, no newest version and none of the last days needs, removed.

    Raises
    ------
    Permanent
        There is no such table; or as `lake.vacuum.sweep`.
    Transient
        MLflow does not say which models are registered: nothing was removed.
    """
    from lake.vacuum import Rule, sweep
    from market import registry

    if only and only not in registry.tables():
        known = sorted(registry.tables())
        raise Permanent(f"table {only!r}", expected="a table of the lake", found="none of that name", keys=known)
    pins = model_pins(settings)
    yield from sweep(settings, pins, Rule(datetime.now(UTC), keep), only=only, dry_run=dry_run)


def model_pins(settings: "Settings") -> Pins:
    """Table versions by model: of every version registered in MLflow, and of every one that was exported to the lake."""
    from lake.objects import lake_store

    return {**_exported(lake_store(settings)), **_registered(settings)}


def _exported(store: "Store") -> Pins:
    found: Pins = {}
    for path in store.list("models/"):
        if path.endswith("/signature.json"):
            _, name, version, _ = path.split("/")
            found[f"model {name} {version}"] = json.loads(store.get(path))["lock"]["tables"]
    return found


def _registered(settings: "Settings") -> Pins:
    from mlflow.exceptions import MlflowException

    from assets.learning import tracking_uri
    from lake.lake import Lake
    from training import replay
    from training.registry import list_models

    uri = tracking_uri(Lake(settings))
    try:
        return {
            f"model {model['name']} {model['version']}": replay.recorded(uri, str(model["run_id"]))[0].tables
            for model in list_models(uri)
        }
    except (MlflowException, OSError) as error:
        raise Transient(
            "MLflow", expected="the registered models and their data locks", found=str(error).splitlines()[0],
            do="Nothing was removed: what these models read is not known. See `marketlake status`",
        ) from error  # fmt: skip


@contextmanager
def without_clients(settings: "Settings", server: str, say: Callable[[str], None]) -> Iterator[None]:
    """While it lasts, the services of the local stack that need that server, directly or not, are stopped; the server runs."""
    from marketlake.stack import local
    from marketlake.stack.place import Place

    keeper = local.supervisor(settings)
    needing = [service.name for service in _needing(local.platform(Place(settings)), server)]
    states = keeper.states()
    stopped = [name for name in needing if states.get(name, {}).get("pid")]

    def start(name: str) -> None:
        keeper.start(name)
        say(f"started {name}")

    with ExitStack() as held:  # each is started again, though stopping another, the work or starting another failed
        for name in reversed(stopped):
            held.callback(start, name)
            keeper.stop(name)
            say(f"stopped {name}")
        yield


def _needing(ordered: "Sequence[Service]", server: str) -> "list[Service]":
    """The services that wait for the server, or for one that does; in their order."""
    names = {server}
    found = []
    for service in ordered:
        if set(service.waits_for) & names:
            names.add(service.name)
            found.append(service)
    return found
