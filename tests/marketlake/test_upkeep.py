"""Vacuum, backup and restore as people run them, on a real PostgreSQL, on SQLite files and on a small lake."""

import json
import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from assets import learning
from assets.replay import replay
from lake.lake import Lake
from lake.objects import LocalStore, lake_store
from lake.releases import Releases
from lake.settings import Settings
from lake.vacuum import Rule, sweep
from market.errors import Permanent, Transient
from marketlake import processes, upkeep
from marketlake.stack import backup as copies
from marketlake.stack.backup import SqliteFiles
from marketlake.stack.dump import PostgresDatabases
from marketlake.stack.place import Place
from marketlake.stack.servers import postgres
from tests.assets.conftest import MODEL, make_frame, write_version
from tests.marketlake.conftest import count, fill, release_of, rows, run, some_sqlite
from training.train import train

ROOT = Path(__file__).resolve().parents[2]


def test_a_lost_database_and_a_lost_pointer_come_back(server: Place, lake: Settings, tmp_path: Path) -> None:
    fill(server)
    before, databases = rows(server, "mlflow"), PostgresDatabases(server)
    made = copies.backup(lake, databases, tmp_path / "copy", len)
    assert made.current_release == "r00002" and {part.name for part in made.of("postgres")} == set(postgres.DATABASES)
    with psycopg.connect(server.postgres_url("postgres"), autocommit=True) as connection:
        connection.execute("DROP DATABASE mlflow WITH (FORCE)")
    with psycopg.connect(server.postgres_url("dagster"), autocommit=True) as connection:
        connection.execute("DELETE FROM runs WHERE id > 10")
    for folder in ("releases", "models"):
        shutil.rmtree(Path(lake.lake_url) / folder)
    assert Releases(lake_store(lake)).current() is None
    copies.restore(lake, databases, tmp_path / "copy", len)
    assert rows(server, "mlflow") == before == rows(server, "dagster")
    current = Releases(lake_store(lake)).current()
    assert current is not None and current.release_id == "r00002"
    assert lake_store(lake).get("models/m/champion.json") == b'{"version": 2}'


def test_somebody_connected_to_a_database_does_not_hold_up_its_restoration(
    server: Place, lake: Settings, tmp_path: Path
) -> None:
    fill(server)
    databases = PostgresDatabases(server)
    copies.backup(lake, databases, tmp_path / "copy", len)
    with psycopg.connect(server.postgres_url("mlflow")) as held:
        held.execute("SELECT count(*) FROM runs")
        copies.restore(lake, databases, tmp_path / "copy", len)
        with pytest.raises(psycopg.OperationalError):
            held.execute("SELECT 1")
    assert len(rows(server, "mlflow")) == 500


def test_a_dump_that_is_none_leaves_the_database_as_it_was(server: Place, tmp_path: Path) -> None:
    fill(server)
    (tmp_path / "dump").write_bytes(b"PGDMP and then nothing")
    with pytest.raises(Permanent, match="pg_restore"):
        PostgresDatabases(server).load("mlflow", tmp_path / "dump")
    assert len(rows(server, "mlflow")) == 500


def test_a_backup_holds_no_password_and_is_for_its_owner_alone(server: Place, lake: Settings, tmp_path: Path) -> None:
    copies.backup(lake, PostgresDatabases(server), tmp_path / "copy", len)
    files = [path for path in (tmp_path / "copy").rglob("*") if path.is_file()]
    assert (tmp_path / "copy").stat().st_mode & 0o077 == 0
    assert all(path.stat().st_mode & 0o077 == 0 for path in files)
    password = server.credentials.postgres_password.encode()
    assert not [path for path in files if password in path.read_bytes()]


def test_a_server_that_is_away_is_told_as_such(lake: Settings, tmp_path: Path) -> None:
    away = Place(lake.model_copy(update={"postgres_port": processes.free_port()}))
    with pytest.raises(Transient, match="marketlake up --stack local"):
        copies.backup(lake, PostgresDatabases(away), tmp_path / "copy", len)
    with pytest.raises(Permanent, match="manifest"):  # what was broken off is no backup
        copies.checked(tmp_path / "copy")


def test_the_embedded_stacks_files_come_back(lake: Settings, tmp_path: Path) -> None:
    files = some_sqlite(lake)
    with closing(sqlite3.connect(files[0])) as writer:
        writer.execute("INSERT INTO runs VALUES (-1)")  # not committed: not in the copy
        made = copies.backup(lake, SqliteFiles.of(lake), tmp_path / "copy", len)
    assert [part.name for part in made.of("sqlite")] == ["mlflow", "dagster/history/runs.db"]
    files[0].write_bytes(b"broken")
    shutil.rmtree(files[1].parent)
    copies.restore(lake, SqliteFiles.of(lake), tmp_path / "copy", len)
    assert [count(file) for file in files] == [200, 200]


@pytest.mark.parametrize("harm", ["manifest", "missing", "changed", "outside"])
def test_a_broken_backup_is_refused_and_nothing_is_touched(lake: Settings, tmp_path: Path, harm: str) -> None:
    files, copy = some_sqlite(lake), tmp_path / "copy"
    copies.backup(lake, SqliteFiles.of(lake), copy, len)
    manifest = copy / copies.MANIFEST
    if harm == "manifest":
        manifest.write_text(manifest.read_text()[:-20])
    elif harm == "missing":
        (copy / "sqlite" / "mlflow").unlink()
    elif harm == "changed":
        (copy / "objects" / "releases" / "r00001.json").write_text("{}")
    else:
        manifest.write_text(manifest.read_text().replace("sqlite/mlflow", "../online.db"))
    files[0].unlink()
    with pytest.raises(Permanent, match=r"manifest|missing or differ"):
        copies.restore(lake, SqliteFiles.of(lake), copy, len)
    assert not files[0].exists()


def test_what_was_published_since_stays_current(lake: Settings, tmp_path: Path) -> None:
    lake_store(lake).put("models/m/drift.json", b"[]")
    copies.backup(lake, SqliteFiles.of(lake), tmp_path / "copy", len)
    lake_store(lake).put("models/m/drift.json", b"[1]")  # every build measures anew
    releases = Releases(lake_store(lake))
    current = releases.current()
    assert current is not None
    releases.publish(replace(current, release_id="r00003", parent=current.release_id))
    lake_store(lake).put("models/m/champion.json", b'{"version": 3}')
    copies.restore(lake, SqliteFiles.of(lake), tmp_path / "copy", len)
    again = Releases(lake_store(lake)).current()
    assert again is not None and again.release_id == "r00003"
    assert lake_store(lake).get("models/m/champion.json") == b'{"version": 3}'


def test_the_backup_of_another_lake_or_stack_is_refused(server: Place, lake: Settings, tmp_path: Path) -> None:
    copies.backup(lake, SqliteFiles.of(lake), tmp_path / "copy", len)
    with pytest.raises(Permanent, match="--stack embedded"):
        copies.restore(lake, PostgresDatabases(server), tmp_path / "copy", len)
    other = lake.model_copy(update={"lake_url": str(tmp_path / "other")})
    LocalStore(tmp_path / "other").put("releases/r00001.json", b"{}")
    with pytest.raises(Permanent, match="another lake"):
        copies.restore(other, SqliteFiles.of(other), tmp_path / "copy", len)


def test_a_folder_that_holds_something_is_no_place_for_a_backup(lake: Settings, tmp_path: Path) -> None:
    (tmp_path / "copy").mkdir()
    (tmp_path / "copy" / "mine").touch()
    with pytest.raises(Permanent, match="new or empty"):
        copies.backup(lake, SqliteFiles.of(lake), tmp_path / "copy", len)


def test_restoring_asks_first(user: Settings, tmp_path: Path) -> None:
    (file, _) = some_sqlite(user)
    assert "current release r00002" in run("backup", tmp_path / "copy")
    file.unlink()
    asked = run("restore", tmp_path / "copy", code=1, told="n\n")
    assert "replace mlflow, dagster/history/runs.db" in asked and not file.exists()
    assert "current release: r00002" in run("restore", tmp_path / "copy", "--yes")
    assert count(file) == 200


def test_a_vacuum_tells_what_holds_each_version(user: Settings) -> None:
    lines = run("vacuum", "gold.prices", "--dry-run", "--keep-days", 0).splitlines()
    assert "v1 r00002, newest; v0 r00001" in lines[1]
    assert lines[-1] == "0 files, 0.0 MB would be removed"
    told = json.loads(run("vacuum", "--json", "--keep-days", 0))
    assert {report["what"] for report in told} >= {"gold.prices", "bronze.krx_daily", "staging"}
    assert "a table of the lake" in run("vacuum", "gold.nothing", code=1)


def test_a_vacuum_without_mlflow_removes_nothing(user: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MARKETLAKE_MLFLOW_TRACKING_URI", f"http://127.0.0.1:{processes.free_port()}")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    assert "what these models read is not known" in " ".join(run("vacuum", code=1).split())


def test_a_registered_models_replay_reads_its_data_after_a_vacuum(tmp_path: Path) -> None:
    settings = Settings(
        lake_url=str(tmp_path / "lake"), mlflow_tracking_uri=f"sqlite:///{tmp_path}/mlflow/mlflow.db",
        state_dir=tmp_path / "var", _env_file=None,
    )  # fmt: skip
    lake, names = Lake(settings), (learning.FEATURES, learning.LABELS)
    tables = {name: write_version(lake, name, make_frame(7)) for name in names}
    release = replace(release_of(lake, tables), release_id="r00001")  # read by the training, and never published
    frame = learning.training_frame(lake, release, MODEL)
    trained = train(
        MODEL, frame, learning.lock_of(lake, release, MODEL, frame), learning.tracking_uri(lake), MODEL.name
    )
    unpinned = {name: write_version(lake, name, make_frame(8)) for name in names}
    for name in names:
        write_version(lake, name, make_frame(9))
    pins = upkeep.model_pins(settings)
    assert pins[f"model {MODEL.name} 1"] == tables
    rule = Rule(datetime.now(UTC) + timedelta(seconds=2), timedelta(0), timedelta(0))
    reports = {report.what: report for report in sweep(settings, pins, rule)}
    assert all(reports[name].removed for name in names)
    assert replay(lake, trained.run_id, here=True).matches
    gone = lake.delta.open(learning.FEATURES, unpinned[learning.FEATURES]).file_uris()
    assert not any(Path(uri).exists() for uri in gone)


def test_an_exported_model_pins_although_mlflow_is_lost(lake: Settings) -> None:
    signature = {"lock": {"tables": {"gold.prices": 0}}}
    lake_store(lake).put("models/m/2/signature.json", json.dumps(signature).encode())
    assert upkeep.model_pins(lake) == {"model m 2": {"gold.prices": 0}}
