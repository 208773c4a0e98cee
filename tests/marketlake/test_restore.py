"""What a restoration never does: write over what is there, or advise what cannot be done."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from assets import learning
from lake.lake import Lake
from lake.objects import LocalStore, lake_store
from lake.settings import Settings
from market.errors import Permanent
from marketlake.stack import backup as copies
from marketlake.stack.backup import Kind, SqliteFiles
from tests.assets.conftest import MODEL, make_frame, write_version
from tests.marketlake.conftest import release_of, run, some_sqlite
from training.train import train


class SomebodyPublishes:
    """A database whose reading in takes so long that somebody writes objects into the lake meanwhile."""

    kind: Kind = "sqlite"
    stack = "embedded"

    def __init__(self, store: LocalStore, objects: dict[str, bytes]) -> None:
        self._store, self._objects = store, objects

    def names(self) -> Sequence[str]:
        """One."""
        return ["mlflow"]

    def save(self, name: str, target: Path) -> None:
        """Something."""
        target.write_bytes(b"rows")

    def load(self, name: str, source: Path) -> None:
        """They publish."""
        for path, content in self._objects.items():
            self._store.put(path, content)


def test_a_release_that_was_published_during_a_restoration_stays(lake: Settings, tmp_path: Path) -> None:
    store = lake_store(lake)
    lost = store.list("releases/pointer")[-1]
    copies.backup(lake, SomebodyPublishes(store, {}), tmp_path / "copy", len)
    for path in (lost, "models/m/champion.json"):
        store.delete(path)
    theirs = {lost: b"another move", "models/m/champion.json": b'{"version": 3}'}
    with pytest.raises(Permanent, match=r"written while this ran.*End who publishes"):
        copies.restore(lake, SomebodyPublishes(store, theirs), tmp_path / "copy", len)
    assert store.get(lost) == b"another move"
    store.delete(lost)
    copies.restore(
        lake, SomebodyPublishes(store, {"models/m/champion.json": b'{"version": 4}'}), tmp_path / "copy", len
    )
    assert store.get("models/m/champion.json") == b'{"version": 4}'


def test_an_empty_lake_is_not_advised_to_roll_back(user: Settings, tmp_path: Path) -> None:
    some_sqlite(user)
    shutil.rmtree(Path(user.lake_url) / "releases")
    copies.backup(user, SqliteFiles.of(user), tmp_path / "copy", len)
    told = run("restore", tmp_path / "copy", "--yes")
    assert "current release: none" in told and "rollback" not in told


def test_a_number_that_a_restored_mlflow_gives_again_is_not_exported_over_the_model_that_has_it(tmp_path: Path) -> None:
    def trained(seed: int, database: str) -> tuple[Lake, int]:
        lake = Lake(Settings(lake_url=str(tmp_path / "lake"), state_dir=tmp_path / "var", _env_file=None,
                             mlflow_tracking_uri=f"sqlite:///{tmp_path}/{database}/mlflow.db"))  # fmt: skip
        versions = {name: write_version(lake, name, make_frame(seed)) for name in (learning.FEATURES, learning.LABELS)}
        release = release_of(lake, versions)
        frame = learning.training_frame(lake, release, MODEL)
        lock = learning.lock_of(lake, release, MODEL, frame)
        return lake, train(MODEL, frame, lock, learning.tracking_uri(lake), MODEL.name).version

    lake, version = trained(7, "before")
    learning.install(lake, MODEL.name, version)
    held = {path: lake.store.get(path) for path in lake.store.list("models/")}
    learning.install(lake, MODEL.name, version)  # a rollback does so
    restored, again = trained(8, "restored")
    assert again == version
    with pytest.raises(Permanent, match=r"another of that number.*models rollback"):
        learning.install(restored, MODEL.name, again)
    assert {path: lake.store.get(path) for path in lake.store.list("models/")} == held
