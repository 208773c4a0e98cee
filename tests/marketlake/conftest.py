"""What tests of the local stack and of a lake's upkeep share: a stack under the test's folder, a small lake, a PostgreSQL."""

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import psycopg
import pytest
from typer.testing import CliRunner

from assets import learning
from lake.lake import Lake
from lake.objects import lake_store
from lake.releases import Release
from lake.settings import Settings
from market import rulebook
from marketlake import environment
from marketlake.cli import app
from marketlake.service import Service
from marketlake.stack import local
from marketlake.stack.place import Place
from marketlake.stack.supervisor import Supervisor
from tests.support.postgres_server import postgres_server
from tests.support.s3_server import free_ports
from tests.support.small_lake import SmallLake

PORTS = {"S3": 8, "POSTGRES": 1, "REDIS": 1, "SPARK": 6, "TRINO": 1, "API": 1, "DATA_DOCS": 1, "MLFLOW": 1, "DAGSTER": 2,
         "EXCHANGE": 1}  # fmt: skip


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A stack under the test's folder, on ports of its own."""
    for name in [name for name in os.environ if name.startswith("MARKETLAKE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("MARKETLAKE_STATE_DIR", str(tmp_path / "var"))
    first = free_ports(sum(PORTS.values()))  # in one row: drawn one by one they could overlap
    for name, n in PORTS.items():
        monkeypatch.setenv(f"MARKETLAKE_{name}_PORT", str(first))
        first += n
    return environment.open_settings()


@pytest.fixture
def keeper(settings: Settings) -> Iterator[Supervisor]:
    made = local.supervisor(settings)
    yield made
    made.end()


def sleeper(name: str, **given: object) -> Service:
    """A service that does nothing for long."""
    return Service(name, ("sleep", "600"), 0, "", "", "", "sleeps", **given)  # type: ignore[arg-type]


def running_pid(keeper: Supervisor, name: str, other_than: int = 0) -> int:
    """The process id of a running service, other than that one; waits for it."""
    give_up = monotonic() + 30
    while monotonic() < give_up:
        info = keeper.states()[name]
        if info["statename"] == "RUNNING" and info["pid"] != other_than:
            return int(info["pid"])
        sleep(0.1)
    raise AssertionError(keeper.states())


@pytest.fixture
def lake(small_lake: SmallLake, tmp_path: Path) -> Settings:
    """A copy of the small lake with a champion's pointer."""
    shutil.copytree(small_lake.settings.lake_url, tmp_path / "lake")
    values = {
        "lake_url": tmp_path / "lake", "state_dir": tmp_path / "var", "dagster_home": tmp_path / "dagster",
        "mlflow_tracking_uri": f"sqlite:///{tmp_path}/mlflow/mlflow.db", "online_url": f"sqlite:///{tmp_path}/online.db",
    }  # fmt: skip
    settings = Settings(**{name: str(value) for name, value in values.items()}, _env_file=None)
    lake_store(settings).put("models/m/champion.json", b'{"version": 2}')
    return settings


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A real PostgreSQL as the local stack runs it."""
    with postgres_server(tmp_path_factory.mktemp("pg")) as place:
        yield place


@pytest.fixture
def user(lake: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The settings as a user's environment gives them."""
    for name in [name for name in os.environ if name.startswith("MARKETLAKE_")]:
        monkeypatch.delenv(name)
    for name in lake.model_fields_set:
        monkeypatch.setenv(f"MARKETLAKE_{name.upper()}", environment.plain(lake, name))
    monkeypatch.setenv("MARKETLAKE_EXCHANGE_URL", "http://127.0.0.1:9")
    return lake


def run(*words: object, code: int = 0, told: str | None = None) -> str:
    result = CliRunner().invoke(app, [str(word) for word in words], input=told)
    assert result.exit_code == code, f"{words}: {result.exit_code}\n{result.output}\n{result.exception!r}"
    return result.output


def rows(place: Place, database: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(place.postgres_url(database)) as connection:
        return connection.execute("SELECT id, name FROM runs ORDER BY id").fetchall()


def fill(place: Place) -> None:
    for name in ("mlflow", "dagster"):
        with psycopg.connect(place.postgres_url(name), autocommit=True) as connection:
            connection.execute("DROP TABLE IF EXISTS runs")
            connection.execute("CREATE TABLE runs (id int PRIMARY KEY, name text)")
            connection.execute("INSERT INTO runs SELECT i, 'run ' || i FROM generate_series(1, 500) i")


def some_sqlite(settings: Settings) -> list[Path]:
    """Files as MLflow and Dagster have them, one with its log beside it and a writer on it."""
    home = settings.path(settings.dagster_home)
    files = [settings.path(settings.mlflow_tracking_uri.removeprefix("sqlite:///")), home / "history" / "runs.db"]
    for file in files:
        file.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(file)) as made:
            made.execute("PRAGMA journal_mode=WAL")
            made.execute("CREATE TABLE runs (id int)")
            made.executemany("INSERT INTO runs VALUES (?)", [(i,) for i in range(200)])
            made.commit()
    return files


def count(file: Path) -> int:
    with closing(sqlite3.connect(file)) as opened:
        return int(opened.execute("SELECT count(*) FROM runs").fetchone()[0])


def release_of(lake: Lake, tables: dict[str, int]) -> Release:
    """A release of these versions that was never published."""
    at = learning.EPOCH
    return Release("", "data", at, at, lake.code.sha, lake.code.dirty, rulebook.version(), tables, "", "")
