"""The one door to MLflow: a client for a tracking URL, experiments with a place for their artifacts, what runs hold.

What does not belong here: what a run logs (training.train), versions and aliases (training.registry).
"""

import io
import logging
import tempfile
from pathlib import Path

import mlflow.telemetry
import pandas as pd
from mlflow.entities import Run
from mlflow.environment_variables import MLFLOW_DISABLE_TELEMETRY, MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import RESOURCE_DOES_NOT_EXIST, ErrorCode
from mlflow.tracking import MlflowClient

from market.errors import Permanent, Transient

SQLITE = "sqlite:///"
PACKAGES = "algorithm"
"""Tag of every run: the libraries behind its bits with their versions, "torch 2.13.0, transformers 5.23.0"."""
DAILY = "rank_ic_daily.csv"
"""Artifact of every run: out-of-sample rank IC by session."""


def client(tracking_uri: str) -> MlflowClient:
    """A client whose runs and registered models are both at this URL; no global MLflow state is set.

    Parameters
    ----------
    tracking_uri : ``sqlite:///PATH`` (its folder is made), a database, or the ``http(s)`` address of a server.

    Raises
    ------
    Permanent
        A ``file:`` store or a plain path: MLflow no longer keeps models there.
    Transient
        The store cannot be opened now.
    """
    if tracking_uri.startswith("file:") or "://" not in tracking_uri:
        raise Permanent(
            "MLflow tracking URI", expected="sqlite:///PATH, a database or a server", found=tracking_uri or "empty"
        )
    _stay_quiet()
    if tracking_uri.startswith(SQLITE):
        _database(tracking_uri).parent.mkdir(parents=True, exist_ok=True)
    try:
        return MlflowClient(tracking_uri, tracking_uri)
    except MlflowException as error:
        raise Transient("MLflow", expected="a store that opens", found=str(error)) from error


def experiment_id(at: MlflowClient, name: str, artifact_root: str | None = None) -> str:
    """Id of the experiment of that name, made on first use.

    Parameters
    ----------
    artifact_root : URL or folder for the artifacts of a new experiment.  Without it a server decides, and for SQLite it is
        ``artifacts`` beside the database: MLflow's own default is the folder that the process happens to run in.
    """
    found = at.get_experiment_by_name(name)
    if found is not None:
        return str(found.experiment_id)
    if artifact_root is None and at.tracking_uri.startswith(SQLITE):
        artifact_root = (_database(at.tracking_uri).parent / "artifacts").as_uri()
    place = f"{artifact_root.rstrip('/')}/{name}" if artifact_root else None
    return str(at.create_experiment(name, artifact_location=place))


def run_of(at: MlflowClient, run_id: str) -> Run:
    """The run of that id; Permanent where there is none."""
    try:
        return at.get_run(run_id)
    except MlflowException as error:
        if not is_missing(error):
            raise
        raise Permanent(f"run {run_id}", expected="a run in MLflow", found="none of this id") from error


def artifact(at: MlflowClient, run_id: str, path: str) -> bytes:
    """Bytes of one artifact of a run; Permanent where the run has none at that path."""
    with tempfile.TemporaryDirectory() as folder:
        names = artifacts(at, run_id, str(Path(path).parent) if "/" in path else None)
        if path not in names:
            raise Permanent(
                f"run {run_id}", expected=f"artifact {path}", found=f"only {', '.join(sorted(names)) or 'none'}"
            )
        return Path(at.download_artifacts(run_id, path, folder)).read_bytes()


def artifacts(at: MlflowClient, run_id: str, folder: str | None = None) -> set[str]:
    """Paths of what a run recorded in one folder of its artifacts, the topmost without one."""
    return {item.path for item in at.list_artifacts(run_id, folder)}


def daily_rank_ic(at: MlflowClient, run_id: str) -> "pd.Series[float]":
    """(days,) out-of-sample rank IC of a run, indexed by session date (ISO text); Permanent where the run recorded none."""
    table = pd.read_csv(io.BytesIO(artifact(at, run_id, DAILY)), dtype={"session_date": str})
    return table.set_index("session_date")["rank_ic"]


def is_missing(error: MlflowException) -> bool:
    """Whether MLflow says that the thing asked for is not there."""
    return bool(error.error_code == ErrorCode.Name(RESOURCE_DOES_NOT_EXIST))


def _database(tracking_uri: str) -> Path:
    return Path(tracking_uri.removeprefix(SQLITE)).resolve()


def _stay_quiet() -> None:
    # A lakehouse sends nothing about its use to anyone; the second line drops the sender that importing MLflow started.
    MLFLOW_DISABLE_TELEMETRY.set("true")  # type: ignore[no-untyped-call]
    mlflow.telemetry.set_telemetry_client()  # type: ignore[no-untyped-call]
    MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR.set("false")  # type: ignore[no-untyped-call]
    # A new SQLite store reports some 80 schema steps at INFO.
    logging.getLogger("alembic").setLevel(logging.WARNING)
    logging.getLogger("mlflow.store.db.utils").setLevel(logging.WARNING)
