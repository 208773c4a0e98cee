"""MLflow's server: runs and registry in PostgreSQL, artifacts on S3 through the server, so that clients need no S3 key."""

import sys
from importlib.metadata import version
from pathlib import Path

from marketlake.service import Service
from marketlake.stack.place import BUCKET, HOST, Place


def services(place: Place) -> list[Service]:
    """The one server."""
    port = place.settings.mlflow_port
    command = (
        str(Path(sys.executable).with_name("mlflow")),
        "server",
        "--host",
        HOST,
        "--port",
        str(port),
        "--workers",
        "1",
    )
    url = f"http://{HOST}:{port}"
    environment = {
        # by environment, since a command line can be read by every user of the machine
        "MLFLOW_BACKEND_STORE_URI": place.postgres_url("mlflow").replace("postgresql://", "postgresql+psycopg://"),
        "MLFLOW_ARTIFACTS_DESTINATION": f"s3://{BUCKET}/mlflow",
        "MLFLOW_S3_ENDPOINT_URL": place.s3_url, **place.s3_environment,
    }  # fmt: skip
    return [
        Service(
            "mlflow", command, port, "MARKETLAKE_MLFLOW_PORT", url, f"{url}/health", "training runs and the registry",
            environment=environment, waits_for=("postgres", "s3"), version=f"MLflow {version('mlflow')}",
        )
    ]  # fmt: skip


def values(place: Place) -> dict[str, str]:
    """Runs are tracked there."""
    return {"MLFLOW_TRACKING_URI": f"http://{HOST}:{place.settings.mlflow_port}"}
