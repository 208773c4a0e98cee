"""A lake that holds just what a training run reads, and one run trained on it."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from deltalake import write_deltalake

from assets import learning
from lake.lake import Lake
from lake.releases import Release
from lake.settings import Settings
from market import calendars, registry, rulebook
from training import replay as refitting
from training import tracking
from training.catalogue import models
from training.digests import Digests
from training.lock import ARTIFACT, DataLock
from training.model import Model, WalkForward
from training.registry import register
from training.tracking import PACKAGES
from training.train import train
from training.trained import Trained

N_SECURITIES, N_SESSIONS = 12, 160
MODEL = models()["return_rank_5d"]
QUICK = replace(
    MODEL,
    parameters={**MODEL.parameters, "n_rounds": 8, "nthread": 1},
    validation=WalkForward(n_folds=2),
    combinations=None,
)
"""The same model in a tenth of the fits, where what it is worth does not matter."""
JUDGED = replace(MODEL, validation=WalkForward(n_folds=2), combinations=None)
"""The same, judged by few fits: what a replay makes again is the last one."""


@pytest.fixture(scope="session")
def trained_lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """Features and labels of 12 securities over 160 sessions, published as r00001; tests may add versions, runs pin theirs."""
    tmp_path = tmp_path_factory.mktemp("trained")
    settings = Settings(
        lake_url=str(tmp_path / "lake"), mlflow_tracking_uri=f"sqlite:///{tmp_path}/mlflow/mlflow.db",
        state_dir=tmp_path / "var", _env_file=None,
    )  # fmt: skip
    lake = Lake(settings)
    frame = make_frame(7)
    tables = {name: write_version(lake, name, frame) for name in (learning.FEATURES, learning.LABELS)}
    first, last = str(frame["session_date"].min()), str(frame["session_date"].max())
    now = learning.EPOCH
    lake.releases.publish(
        Release("r00001", "data", now, now, lake.code.sha, lake.code.dirty, rulebook.version(), tables, first, last)
    )
    return lake


@pytest.fixture
def record() -> Callable[..., Trained]:
    """Trains the model on the current release, the lock changed as told."""

    return train_one


@pytest.fixture(scope="session")
def recorded(trained_lake: Lake) -> Trained:
    """One run as training leaves it, which most tests of replay share."""
    release = learning.current(trained_lake)
    frame = learning.training_frame(trained_lake, release, MODEL)
    lock = learning.lock_of(trained_lake, release, MODEL, frame)
    return train(JUDGED, frame, lock, learning.tracking_uri(trained_lake), MODEL.name)


@pytest.fixture
def like(trained_lake: Lake, recorded: Trained) -> Callable[..., str]:
    """Makes another run of what the shared one recorded: other tags where told, the lock with the changes, and its tags with it."""

    def copied(told: dict[str, str] | None = None, registered: bool = False, **changes: Any) -> str:
        uri = learning.tracking_uri(trained_lake)
        client = tracking.client(uri)
        lock, _ = refitting.recorded(uri, recorded.run_id)
        run = client.get_run(recorded.run_id)
        lock, tags = replace(lock, **changes), {k: v for k, v in run.data.tags.items() if not k.startswith("mlflow.")}
        made = client.create_run(run.info.experiment_id, tags=tags | lock.tags() | (told or {}))
        client.log_text(made.info.run_id, lock.to_json(), ARTIFACT)
        client.set_terminated(made.info.run_id)
        if registered:
            register(client, MODEL, made, lock)
        return str(made.info.run_id)

    return copied


def train_one(lake: Lake, model: Model = JUDGED, **changes: Any) -> Trained:
    """Trains the model on the current release, the lock changed as told."""
    release = learning.current(lake)
    frame = learning.training_frame(lake, release, model)
    lock = replace(learning.lock_of(lake, release, model, frame), **changes)
    return train(model, frame, lock, learning.tracking_uri(lake), model.name)


@pytest.fixture(scope="session")
def two_versions(trained_lake: Lake, tmp_path_factory: pytest.TempPathFactory) -> tuple[Lake, Trained, Trained]:
    """The lake with prices, and a registry of two versions of which nobody has decided yet; never changed by a test."""
    folder = tmp_path_factory.mktemp("two")
    shutil.copytree(trained_lake.settings.lake_url, folder / "lake", ignore=shutil.ignore_patterns("models"))
    lake = Lake(trained_lake.settings.model_copy(
        update={"lake_url": str(folder / "lake"), "mlflow_tracking_uri": f"sqlite:///{folder}/mlflow/mlflow.db"}
    ))  # fmt: skip
    release = learning.current(lake)
    frame = learning.training_frame(lake, release, MODEL)
    tables = {**release.tables, "gold.prices": write_version(lake, "gold.prices", bars_of(frame))}
    lake.releases.publish(replace(release, release_id="r00002", parent=release.release_id, tables=tables))
    return lake, learning.fit(lake, QUICK), train_one(lake, QUICK, seed=8)


@pytest.fixture
def undecided(two_versions: tuple[Lake, Trained, Trained], tmp_path: Path) -> Lake:
    """A copy of it for the test to decide in; artifacts of the runs stay where they are."""
    lake = two_versions[0]
    shutil.copytree(lake.settings.lake_url, tmp_path / "lake")
    shutil.copytree(
        Path(lake.settings.lake_url).parent / "mlflow", tmp_path / "mlflow", ignore=shutil.ignore_patterns("artifacts")
    )
    return Lake(lake.settings.model_copy(
        update={"lake_url": str(tmp_path / "lake"), "mlflow_tracking_uri": f"sqlite:///{tmp_path}/mlflow/mlflow.db"}
    ))  # fmt: skip


@pytest.fixture
def tamper() -> Callable[..., None]:
    """Changes the lock that a run recorded, and none of its tags."""

    def change(lake: Lake, run_id: str, **changes: Any) -> None:
        uri = learning.tracking_uri(lake)
        lock, _ = refitting.recorded(uri, run_id)
        tracking.client(uri).log_text(run_id, replace(lock, **changes).to_json(), ARTIFACT)

    return change


def left(lake: Lake, lock: DataLock, digests: Digests, packages: str) -> str:
    """A run as a training leaves it, without what judges it."""
    client = tracking.client(learning.tracking_uri(lake))
    told = {f"digest.{name}": value for name, value in digests.to_dict().items()}
    run = client.create_run(
        tracking.experiment_id(client, lock.model), tags=lock.tags() | told | {PACKAGES: packages}
    ).info.run_id
    client.log_text(run, lock.to_json(), ARTIFACT)
    return str(run)


def make_frame(seed: int, n_sessions: int = N_SESSIONS) -> pd.DataFrame:
    """Random features and labels, one row per security and session."""
    rng = np.random.default_rng(seed)
    sessions = calendars.sessions("XKRX", pd.Timestamp("2023-01-02").date(), calendars.LAST)[:n_sessions]
    n = n_sessions * N_SECURITIES
    keys = {
        "session_date": np.repeat(np.array(sessions, dtype=object), N_SECURITIES),
        "security_id": [f"XKRX:{i:06d}" for i in range(N_SECURITIES)] * n_sessions,
        "exchange": "XKRX",
        "state": [[]] * n,
    }
    values = {name: rng.standard_normal(n) for name in (*MODEL.features, MODEL.label)}
    frame = pd.DataFrame({**keys, **values})
    frame["session_month"] = pd.to_datetime(frame["session_date"]).dt.strftime("%Y-%m")
    frame["known_at"] = pd.to_datetime(frame["session_date"]).dt.tz_localize("UTC")
    return frame


@pytest.fixture
def write() -> Callable[[Lake, str, pd.DataFrame], int]:
    """Writes exactly these rows as a new version of a table."""
    return write_version


def write_version(lake: Lake, name: str, frame: pd.DataFrame) -> int:
    """The new version, which holds exactly these rows."""
    table = registry.table(name)
    rows = table.conform(pa.Table.from_pandas(frame, preserve_index=False))
    write_deltalake(lake.delta.uri(table), rows, mode="overwrite")
    return int(lake.delta.version(table) or 0)


def bars_of(frame: pd.DataFrame) -> pd.DataFrame:
    """Rows of gold.prices for the frame's rows, every bar alike."""
    plain: dict[str, Any] = {"string": "x", "float64": 1.0, "bool": False, "date": frame["session_date"].iloc[0],
                             "timestamp": learning.EPOCH}  # fmt: skip
    columns = registry.table("gold.prices").columns
    bars = pd.DataFrame({column.name: plain.get(column.type, 1) for column in columns}, index=frame.index)
    bars[["security_id", "session_date", "exchange"]] = frame[["security_id", "session_date", "exchange"]]
    bars["session_month"] = [f"{day:%Y-%m}" for day in frame["session_date"]]
    return bars
