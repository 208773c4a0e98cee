"""A small world with a known signal, and a model and lock for it."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from training.lock import DataLock
from training.model import Model, WalkForward

N_SECURITIES, N_SESSIONS, HORIZON = 60, 300, 5

SMALL = Model(
    name="small_world",
    service="price_model",
    features=("signal", "noise_a", "noise_b"),
    label="forward_return_5d",
    horizon=HORIZON,
    doc="Finds the planted signal of a small world.",
    parameters={"n_rounds": 40, "max_depth": 3, "nthread": 1},
    validation=WalkForward(n_folds=3, embargo=5, min_train=120),
)


def make_panel(seed: int, strength: float = 0.25) -> pd.DataFrame:
    """(60 x 300) rows: a slowly moving ``signal`` drives the next sessions' returns, two noises do not."""
    rng = np.random.default_rng(seed)
    shape = (N_SESSIONS, N_SECURITIES)
    signal = rng.standard_normal(shape)
    for t in range(1, N_SESSIONS):
        signal[t] = 0.9 * signal[t - 1] + np.sqrt(1 - 0.9**2) * signal[t]
    moves = 0.02 * rng.standard_normal(shape)
    moves[1:] += 0.02 * strength * signal[:-1]
    log_close = moves.cumsum(axis=0)
    label = np.full(shape, np.nan)
    label[:-HORIZON] = np.expm1(log_close[HORIZON:] - log_close[:-HORIZON])
    dates = pd.bdate_range("2023-01-02", periods=N_SESSIONS)
    return pd.DataFrame(
        {
            "security_id": np.tile([f"XKRX:{i:06d}" for i in range(N_SECURITIES)], N_SESSIONS),
            "session_date": np.repeat(dates, N_SECURITIES),
            "signal": signal.ravel(),
            "noise_a": rng.standard_normal(signal.size),
            "noise_b": np.where(rng.random(signal.size) < 0.1, np.nan, rng.standard_normal(signal.size)),
            "forward_return_5d": label.ravel(),
        }
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
    return make_panel(seed=1)


@pytest.fixture(scope="session")
def new_panel() -> Callable[..., pd.DataFrame]:
    return make_panel


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
