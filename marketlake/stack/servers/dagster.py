"""Dagster's servers: one code location shared by the web server and the daemon; runs and events in PostgreSQL, logs on S3."""

import socket
import sys
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path

import psycopg
import yaml

from marketlake.service import Service
from marketlake.stack.place import BUCKET, HOST, Place

ROOT = Path(__file__).resolve().parents[3]
TEMPLATE = ROOT / "jobs" / "dagster.yaml"

BEAT = timedelta(seconds=75)
"""Two beats of the daemon, and some."""

STORAGES = {
    "run_storage": ("dagster_postgres.run_storage", "PostgresRunStorage"),
    "event_log_storage": ("jobs.event_log_postgres", "BatchedPostgresEventLog"),
    "schedule_storage": ("dagster_postgres.schedule_storage", "PostgresScheduleStorage"),
}


def services(place: Place) -> list[Service]:
    """The code location, the web server and the daemon."""
    port, home = place.settings.dagster_port, place.of("dagster")
    code_port, bin_folder = port + 1, Path(sys.executable).parent
    shown = f"Dagster {version('dagster')}"
    url = f"http://{HOST}:{port}"
    workspace = str(home / "workspace.yaml")
    files = {home / "workspace.yaml": _workspace(code_port), home / "dagster.yaml": instance_text(place)}
    reads = (place.settings_file,)
    code = Service(
        "dagster-code",
        (str(bin_folder / "dagster"), "api", "grpc", "-m", "jobs.definitions", "-d", str(ROOT), "-h", HOST, "-p", str(code_port)),
        code_port, "MARKETLAKE_DAGSTER_PORT", "", lambda: _serves(code_port), "assets and jobs; starts the runs",
        environment=place.s3_environment, waits_for=("postgres", "s3"), version=shown, files=files, reads=reads,
    )  # fmt: skip
    web = Service(
        "dagster", (str(bin_folder / "dagster-webserver"), "-w", workspace, "-h", HOST, "-p", str(port)), port,
        "MARKETLAKE_DAGSTER_PORT", url, f"{url}/server_info", "assets, lineage, checks, runs, backfills",
        environment=place.s3_environment, waits_for=("dagster-code",), version=shown, files=files, reads=reads,
    )  # fmt: skip
    daemon = Service(
        "dagster-daemon", (str(bin_folder / "dagster-daemon"), "run", "-w", workspace), 0, "", "", lambda: _beats(place),
        "queue of runs, schedules and sensors", environment=place.s3_environment, waits_for=("dagster-code",), version=shown, files=files, reads=reads,
    )  # fmt: skip
    return [code, web, daemon]


def values(place: Place) -> dict[str, str]:
    """Runs are recorded there."""
    return {"DAGSTER_HOME": str(place.of("dagster"))}


def _workspace(port: int) -> str:
    location = {"host": HOST, "port": port, "location_name": "jobs.definitions"}
    return str(yaml.safe_dump({"load_from": [{"grpc_server": location}]}))


def instance_text(place: Place) -> str:
    """Dagster's instance file."""
    instance = yaml.safe_load(TEMPLATE.read_text())
    # The driver is named, since SQLAlchemy 2.1 takes another by default, whose statements are prepared at the server.
    url = place.postgres_url("dagster").replace("postgresql://", "postgresql+psycopg2://")
    for storage, (module, name) in STORAGES.items():
        instance[storage] = {"module": module, "class": name, "config": {"postgres_url": url}}
    logs = {"bucket": BUCKET, "prefix": "dagster-logs", "endpoint_url": place.s3_url, "upload_interval": 5}
    instance["compute_logs"] = {
        "module": "dagster_aws.s3.compute_log_manager", "class": "S3ComputeLogManager",
        "config": {**logs, "local_dir": str(place.of("dagster") / "logs")},
    }  # fmt: skip
    return str(yaml.safe_dump(instance, sort_keys=False))


def _beats(place: Place) -> bool:
    """True where the daemon's queue of runs told PostgreSQL lately that it works: it does every half minute."""
    beats = "SELECT max(timestamp) FROM daemon_heartbeats WHERE daemon_type = 'QUEUED_RUN_COORDINATOR'"
    try:
        with psycopg.connect(place.postgres_url("dagster"), connect_timeout=2) as connection:
            found = connection.execute(beats).fetchone()
    except psycopg.Error:  # no server, or nothing in it yet
        return False
    last = found[0] if found else None
    return last is not None and datetime.now(UTC).replace(tzinfo=None) - last < BEAT


def _serves(port: int) -> bool:
    """True where the code location listens, which it does once it has been loaded."""
    with socket.socket() as probe:
        probe.settimeout(2)
        return probe.connect_ex((HOST, port)) == 0
