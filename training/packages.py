"""MLflow model folders of fitted models, one packager per algorithm's flavour; none of them holds a pickle.

What does not belong here: where the folder goes (training.train), what serving loads (training.export).
"""

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import mlflow
import mlflow.pyfunc
import mlflow.xgboost
import xgboost
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, DataType, Schema, TensorSpec

from training import gradient_boosting
from training.model import Model


def save_package(model: Model, raw: bytes, folder: Path) -> None:
    """Write an MLflow model folder that does not exist yet.

    Raises
    ------
    KeyError
        The model's algorithm has a flavour without a packager here.
    """
    PACKAGERS[model.algorithm.flavour](model, raw, folder)


def _save_xgboost(model: Model, raw: bytes, folder: Path) -> None:
    inputs = Schema([ColSpec(DataType.double, name, required=True) for name in model.features])
    requirements = [f"mlflow=={mlflow.__version__}", f"xgboost=={xgboost.__version__}"]
    mlflow.xgboost.save_model(
        gradient_boosting.load(raw),
        path=str(folder),
        model_format="ubj",
        signature=ModelSignature(inputs=inputs, outputs=Schema([ColSpec(DataType.double)])),
        # Given in full, since MLflow otherwise starts a process that loads the model to see what gets imported.
        conda_env={"dependencies": ["python=3.11", "pip", {"pip": requirements}]},
    )


def _save_lstm(model: Model, raw: bytes, folder: Path) -> None:
    """MLflow's own folder of a torch network holds a pickle; this one holds the safetensors, and names what reads them."""
    with tempfile.TemporaryDirectory() as passing:
        (path := Path(passing) / model.algorithm.file).write_bytes(raw)
        columns: list[ColSpec | TensorSpec] = [
            ColSpec(DataType.string, "security_id"),
            ColSpec(DataType.datetime, "session_date"),
        ]
        columns += [ColSpec(DataType.double, name, required=False) for name in model.features]
        mlflow.pyfunc.save_model(
            path=str(folder),
            loader_module="training.lstm_package",
            data_path=str(path),
            signature=ModelSignature(inputs=Schema(columns), outputs=Schema([ColSpec(DataType.double)])),
            conda_env={
                "dependencies": ["python=3.11", "pip", {"pip": [f"mlflow=={mlflow.__version__}", "marketlake[deep]"]}]
            },
        )


PACKAGERS: Mapping[str, Callable[[Model, bytes, Path], None]] = {"xgboost": _save_xgboost, "lstm": _save_lstm}
