"""What people operate the lake by: the runbook, the dashboard and the scrape configuration against what exists; doctor; logs."""

import json
import os
import re
import shlex
import socket
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml
from fastapi.testclient import TestClient
from loguru import logger
from typer.main import get_command

from jobs import metrics
from lake.lake import Lake
from lake.settings import Settings
from market.sources import SOURCES
from marketlake import checkup, environment, logfiles
from marketlake.cli import app
from marketlake.service import State
from marketlake.stack import local
from serving.app import create_app
from tests.support.small_lake import SmallLake

ROOT = Path(__file__).resolve().parents[2]
RUNBOOK = ROOT / "docs" / "runbook.md"
DASHBOARD = ROOT / "deploy" / "grafana" / "marketlake.json"
SCRAPE = ROOT / "deploy" / "prometheus.yml"


@pytest.fixture
def user(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Settings:
    """The settings as a user's environment gives them, an empty lake."""
    for name in [name for name in os.environ if name.startswith("MARKETLAKE_")]:
        monkeypatch.delenv(name)
    values = {"LAKE_URL": tmp_path / "lake", "STATE_DIR": tmp_path / "var", "EXCHANGE_URL": "http://127.0.0.1:9"}
    for name, value in values.items():
        monkeypatch.setenv(f"MARKETLAKE_{name}", str(value))
    return environment.open_settings()


COMMAND = re.compile(r"^(?:[A-Z_]+=\S+ )*\.venv/bin/marketlake ([^|#\n]+)", re.MULTILINE)


def typed() -> list[str]:
    """Every command line of the runbook's blocks and of its sentences."""
    text = RUNBOOK.read_text()
    return [found.strip() for found in COMMAND.findall(text)] + re.findall(r"`\.venv/bin/marketlake ([^`]+)`", text)


@pytest.mark.parametrize("line", sorted(set(typed())))
def test_every_command_of_the_runbook_takes_these_words(line: str) -> None:
    command: Any = get_command(app)
    words = shlex.split(re.sub(r"\$\([^)]*\)", "today", line))
    while hasattr(command, "commands"):
        command = command.commands[words.pop(0)]
    assert command.make_context(command.name, words).info_name == command.name  # a word that it does not take raises


def test_the_runbook_has_ten_parts_of_four_steps() -> None:
    parts = RUNBOOK.read_text().split("\n## ")[1:-1]
    assert [part.split()[0] for part in parts] == [f"{n}." for n in range(1, 11)]
    for part in parts:
        assert all(f"**{step}" in part for step in ("Symptom.", "Look.", "Type", "Over")), part.splitlines()[0]


def test_the_runbook_names_settings_files_and_services_that_exist() -> None:
    text = RUNBOOK.read_text()
    settings = {f"MARKETLAKE_{name.upper()}" for name in Settings.model_fields}
    assert set(re.findall(r"MARKETLAKE_[A-Z0-9_]*[A-Z0-9]", text)) <= settings
    services = "\n".join(path.read_text() for path in (ROOT / "marketlake" / "stack" / "servers").glob("*.py"))
    for name in re.findall(r"var/log/local/([a-z-]+)\.log", text):
        assert f'"{name}' in services or name.startswith("spark-worker"), name
    for path in re.findall(r"`(deploy/[\w./-]+)`", text):
        assert (ROOT / path).exists()
    assert max(map(len, text.splitlines())) <= 180


@pytest.fixture(scope="module")
def exposed(small_lake: SmallLake, tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The names of every number that the API and the jobs tell, as a query may write them."""
    live = {source.setting("base_url"): "live" for source in SOURCES.values()}
    folder = tmp_path_factory.mktemp("exposed")
    settings = small_lake.settings.model_copy(
        update={**live, "state_dir": folder, "cache_url": f"sqlite:///{folder}/c.db"}
    )
    with dg.DagsterInstance.ephemeral() as instance, TestClient(create_app(settings)) as api:
        text = metrics.text(Lake(settings), instance).decode() + api.get("/metrics").text
    types = dict(re.findall(r"^# TYPE (\S+) (\w+)", text, re.MULTILINE))
    ends = {"histogram": ("_bucket", "_sum", "_count")}
    return {name + end for name, kind in types.items() for end in ends.get(kind, ("",))}


def test_the_dashboard_asks_only_for_numbers_that_are_told(exposed: set[str]) -> None:
    board = json.loads(DASHBOARD.read_text())
    asked = {target["expr"] for panel in board["panels"] for target in panel.get("targets", ())}
    names = {name for expr in asked for name in re.findall(r"\b(?:marketlake|process)_[a-z0-9_]+", expr)}
    assert names - exposed == set()
    ours = {
        name for name in exposed if name.startswith("marketlake_") and not name.endswith(("_created", "_sum", "_count"))
    }
    assert ours - names == {"marketlake_release_info"} & exposed
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])


def test_the_runbook_names_only_numbers_that_are_told(exposed: set[str]) -> None:
    assert set(re.findall(r"marketlake_[a-z_]+[a-z]", RUNBOOK.read_text())) <= exposed


def test_the_panels_of_the_dashboard_do_not_lie_on_each_other() -> None:
    cells = [
        (x, y)
        for panel in json.loads(DASHBOARD.read_text())["panels"]
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]
    assert len(cells) == len(set(cells)) and max(x for x, _ in cells) < 24


def test_prometheus_is_told_of_the_apis_port_and_of_the_file() -> None:
    told = yaml.safe_load(SCRAPE.read_text())
    jobs = {job["job_name"]: job for job in told["scrape_configs"]}
    assert jobs["marketlake-api"]["static_configs"] == [{"targets": [f"127.0.0.1:{Settings(_env_file=None).api_port}"]}]
    assert jobs["marketlake-api"]["metrics_path"] == "/metrics"
    board = DASHBOARD.read_text()
    assert set(re.findall(r'job=\\"([^"\\]+)', board)) <= jobs.keys()
    keep = re.compile(jobs["marketlake-jobs"]["metric_relabel_configs"][0]["regex"])
    assert keep.fullmatch("marketlake_session_lag_seconds") and not keep.fullmatch("node_cpu_seconds_total")
    assert str(metrics.path_of(Settings(_env_file=None)).relative_to(ROOT)) == "var/metrics/marketlake.prom"
    assert "textfile.directory=var/metrics" in SCRAPE.read_text()


def test_a_full_log_is_turned_over_and_its_writer_goes_on(tmp_path: Path) -> None:
    log = tmp_path / "service.log"
    with log.open("ab", buffering=0) as service:
        for number in range(1, 6):
            service.write(b"x" * 100 + b"%d" % number)
            assert logfiles.turn_over(log, limit_bytes=100, kept=3)
        service.write(b"after")
    assert log.read_bytes() == b"after"
    assert [(tmp_path / f"service.log.{n}").read_bytes()[-1:] for n in (1, 2, 3)] == [b"5", b"4", b"3"]
    assert not (tmp_path / "service.log.4").exists()
    assert not logfiles.turn_over(log, limit_bytes=100) and not logfiles.turn_over(tmp_path / "none.log")


def test_a_full_log_stays_whole_where_the_disk_has_no_room_for_a_copy(tmp_path: Path) -> None:
    log = tmp_path / "service.log"
    log.write_bytes(b"x" * 101)
    (tmp_path / "service.log.1").write_bytes(b"older")
    (tmp_path / "service.log.partial").symlink_to("/dev/full")
    assert not logfiles.turn_over(log, limit_bytes=100)
    assert {path.name: path.stat().st_size for path in tmp_path.iterdir()} == {"service.log": 101, "service.log.1": 5}


def test_a_command_runs_though_there_is_no_room_for_its_log(user: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    file = environment.log_file(user)
    file.parent.mkdir(parents=True)
    file.symlink_to("/dev/full")
    environment.configure_log(user)
    logger.warning("told to people all the same")
    shown = capsys.readouterr().err
    assert "told to people" in shown and "Traceback" not in shown


def test_the_logs_of_a_command_and_of_the_services_are_turned_over(user: Settings) -> None:
    folder = environment.log_file(user).parent
    folder.mkdir(parents=True)
    for name in ("marketlake.log", "dagster.log"):
        (folder / name).write_bytes(b"x" * (logfiles.LIMIT_BYTES + 1))
    (folder / "api.log").write_bytes(b"short")
    environment.configure_log(user)
    assert {path.name: path.stat().st_size for path in folder.iterdir()} == {
        "api.log": 5, "dagster.log": 0, "dagster.log.1": logfiles.LIMIT_BYTES + 1, "marketlake.log": 0,
        "marketlake.log.1": logfiles.LIMIT_BYTES + 1,
    }  # fmt: skip


def test_the_doctor_looks_at_what_the_local_stack_needs_and_makes_nothing(user: Settings) -> None:
    found = {finding.what: finding for finding in checkup.every(environment.open_settings())}
    assert {
        "jars of spark",
        "jars of s3",
        "jars of trino",
        "memory",
        "disk",
        "packages of the local stack",
    } <= found.keys()
    assert any(what.endswith("(postgres, local stack)") for what in found)
    assert not (user.path(user.state_dir) / "local").exists()  # no folder, no password


def test_the_doctor_names_the_setting_that_moves_a_taken_port(user: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        monkeypatch.setenv("MARKETLAKE_REDIS_PORT", str(port))
        (told,) = [one for one in checkup.every(environment.open_settings()) if one.what.startswith(f"port {port} ")]
    assert told.state == "optional" and "MARKETLAKE_REDIS_PORT" in told.do


def test_the_doctor_misses_what_does_not_answer_while_the_stack_is_up(
    user: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = {"redis": "ended", "trino": "starting", "s3": "running", "dagster-daemon": "ended", "mlflow": "taken"}
    states = [
        State(name, word, None if "daemon" in name else 7000 + at, None, None, "", "", "", "")
        for at, (name, word) in enumerate(words.items())
    ]
    monkeypatch.setattr(local, "is_up", lambda settings: True)
    monkeypatch.setattr(local, "status", lambda settings: states)
    told = {one.what: one for one in checkup._ports(user)}
    found = {what: (one.state, one.found.split(":")[0]) for what, one in told.items()}
    assert found == {
        "port 7000 (redis)": ("missing", "ended"),
        "port 7001 (trino)": ("missing", "starting"),
        "port 7002 (s3)": ("ok", "ours"),
        "dagster-daemon": ("missing", "ended"),
        "port 7004 (mlflow)": ("optional", "something else listens there"),
    }
    assert "marketlake status --stack local" in told["dagster-daemon"].do


def test_the_doctor_misses_the_name_that_the_real_sec_asks_for(user: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    def told() -> list[tuple[str, str]]:
        found = checkup.every(environment.open_settings())
        return [(one.state, one.do) for one in found if one.what.startswith("name of who asks sec")]

    monkeypatch.setenv("MARKETLAKE_SEC_BASE_URL", "")
    assert told() == []
    monkeypatch.setenv("MARKETLAKE_SEC_BASE_URL", "live")
    assert told() == [("missing", "set MARKETLAKE_SEC_USER_AGENT to 'Name email@host'")]
    monkeypatch.setenv("MARKETLAKE_SEC_USER_AGENT", "Jane Doe jane@example.com")
    assert told() == [("ok", "")]


def test_the_doctor_says_which_us_symbols_are_asked_for(user: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    for value, sec, state, said in (
        ("sec:500,SPY", "live", "ok", "1 named, the first 500 of SEC's list"),
        ("sec", "off", "missing", "all of SEC's list, and sec is off"),
        ("AAPL;MSFT", "live", "missing", "'AAPL;MSFT'"),
    ):
        monkeypatch.setenv("MARKETLAKE_US_SYMBOLS", value)
        monkeypatch.setenv("MARKETLAKE_SEC_BASE_URL", sec)
        (told,) = [one for one in checkup.every(environment.open_settings()) if one.what == "US symbols"]
        assert (told.state, told.found) == (state, said)


def test_the_doctor_shows_no_secret(user: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MARKETLAKE_KRX_API_KEY", "a-key-that-nobody-may-see")
    monkeypatch.setenv("MARKETLAKE_S3_SECRET_ACCESS_KEY", "another-that-nobody-may-see")
    shown = json.dumps([vars(finding) for finding in checkup.every(environment.open_settings())])
    assert "nobody-may-see" not in shown


def test_the_doctor_misses_no_key_of_a_source_that_is_left_out(user: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    for url, state in (("live", "missing"), ("off", "ok")):
        monkeypatch.setenv("MARKETLAKE_KAKAO_BASE_URL", url)
        (told,) = [one for one in checkup.every(environment.open_settings()) if one.what == f"key of daum ({url})"]
        assert told.state == state
