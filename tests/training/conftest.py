"""A small world with a known signal, and a model and lock for it."""

from collections.abc import Callable

import pandas as pd
import pytest

from tests.support.planted import HORIZON, planted
from training.lock import DataLock
from training.model import Model, WalkForward

SMALL = Model(
    name="small_world",
    service="price_model",
    features=("signal", "noise_a", "noise_b"),
    label="forward_return_5d",
    horizon=HORIZON,
    doc="Finds the planted signal of a small world.",
    parameters={"n_rounds": 40, "max_depth": 3, "nthread": 1},
    validation=WalkForward(n_folds=3, embargo=5, min_train=120),
    combinations=None,  # fits by the dozen: tests of the paths ask for them
)


def make_lock(model: Model, frame: pd.DataFrame, **changes: object) -> DataLock:
    """A lock that fits the model and frame."""
    values: dict[str, object] = {
        "release_id": "r-20240101-1",
        "rulebook": "krx-2024.1",
        "code_sha": "0" * 40,
        "code_dirty": False,
        "seed": 7,
        "dataset_digest": "d" * 64,
        "model": model.name,
        "parameters": dict(model.parameters),
        "features": model.features,
        "train_from": frame["session_date"].min().date(),
        "train_to": frame["session_date"].max().date(),
        "tables": {"gold.features_daily": 3, "gold.labels": 2},
    }
    return DataLock(**(values | changes))  # type: ignore[arg-type]


@pytest.fixture(scope="session")
def small_model() -> Model:
    return SMALL


@pytest.fixture(scope="session")
def panel() -> pd.DataFrame:
    return planted(seed=1)


@pytest.fixture(scope="session")
def new_panel() -> Callable[..., pd.DataFrame]:
    return planted


@pytest.fixture(scope="session")
def new_lock() -> Callable[..., DataLock]:
    return make_lock


@pytest.fixture(scope="session")
def lock(panel: pd.DataFrame) -> DataLock:
    return make_lock(SMALL, panel)


@pytest.fixture(scope="session")
def tracking_uri(tmp_path_factory: pytest.TempPathFactory) -> str:
    """One SQLite store for the session: making its schema takes seconds."""
    return f"sqlite:///{tmp_path_factory.mktemp('mlflow')}/mlflow.db"
