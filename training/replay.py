"""Making a run again from its lock, and saying where the second time differs from the first.

What does not belong here: checking out the recorded commit and reading the release (the caller does both).
"""

from importlib.metadata import PackageNotFoundError, version

import pandas as pd

from training import tracking
from training.digests import Digests, digests
from training.lock import ARTIFACT, DataLock
from training.model import Model
from training.panel import prepare
from training.tracking import PACKAGES


def recorded(tracking_uri: str, run_id: str) -> tuple[DataLock, Digests]:
    """What a run recorded of itself: its lock, and the digests that a replay must meet.

    Raises
    ------
    Permanent
        There is no such run, or it did not get as far as recording them.
    """
    client = tracking.client(tracking_uri)
    tags = tracking.run_of(client, run_id).data.tags
    lock = DataLock.from_json(tracking.artifact(client, run_id, ARTIFACT).decode())
    return lock, Digests.from_dict({name: tags.get(f"digest.{name}", "") for name in ("booster", "predictions")})


def altered(tracking_uri: str, run_id: str, lock: DataLock) -> list[str]:
    """A sentence for each field of a lock that the run's tags tell otherwise: the seed, the rows' digest, the release, the commit."""
    tags = tracking.run_of(tracking.client(tracking_uri), run_id).data.tags
    return [
        f"{name.removeprefix('lock.')}: the run told {tags[name]}, its lock says {value}"
        for name, value in lock.tags().items()
        if tags.get(name, value) != value and name.startswith("lock.")
    ]


def other_packages(tracking_uri: str, run_id: str) -> list[str]:
    """A sentence for each library that the run recorded in another version than is installed; none for what it did not record."""
    told = tracking.run_of(tracking.client(tracking_uri), run_id).data.tags.get(PACKAGES, "")
    recorded = dict(one.split(" ", 1) for one in told.split(", ") if " " in one)
    return [f"{name}: recorded {was}, here {now}" for name, was in recorded.items() if was != (now := _installed(name))]


def _installed(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def refit(model: Model, frame: pd.DataFrame, lock: DataLock) -> Digests:
    """Fit as the lock says and digest what comes out.

    Parameters
    ----------
    model : as declared at the recorded commit.
    frame : as ``training.train.train`` takes it, read at the recorded release; row order does not matter.
    lock : of the run.

    Raises
    ------
    Permanent
        The lock describes another model or other days; or as ``Model.fit``.
    """
    lock.check(model, prepare(f"model {model.name}", frame, model.features, model.label))
    return digests(model, model.fit(frame, lock.parameters, lock.seed), frame)


def compare(recorded: Digests, again: Digests) -> list[str]:
    """One sentence per digest that differs; empty where the replay matches."""
    return [
        f"{name}: recorded {was}, again {is_now}"
        for (name, was), is_now in zip(recorded.to_dict().items(), again.to_dict().values(), strict=True)
        if was != is_now
    ]
