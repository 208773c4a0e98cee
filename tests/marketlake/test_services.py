"""The embedded stack: every service is known, a taken port is named, and after `down` no process of it is left."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import psutil
import pytest

from lake.settings import Settings
from market.errors import Permanent
from marketlake import environment, processes, services
from marketlake.worlds import Outside

ROOT = Path(__file__).resolve().parents[2]
NAMES = ["exchange", "api", "dagster", "dagster-daemon", "data-docs", "mlflow"]


@pytest.fixture
def variables(tmp_path, monkeypatch):
    """The environment of a stack under the test's folder."""
    for name in [name for name in os.environ if name.startswith("MARKETLAKE_")]:
        monkeypatch.delenv(name)
    var = tmp_path / "var"
    own = {
        "STATE_DIR": var, "LAKE_URL": var / "lake", "ONLINE_URL": f"sqlite:///{var}/online.db", "DAGSTER_HOME": var / "dagster",
        "MLFLOW_TRACKING_URI": f"sqlite:///{var}/mlflow/mlflow.db", "EXCHANGE_PORT": processes.free_port(),
        "DAGSTER_PORT": processes.free_port(), "API_PORT": processes.free_port(), "DATA_DOCS_PORT": processes.free_port(),
        "MLFLOW_PORT": processes.free_port(),
    }  # fmt: skip
    found = {f"MARKETLAKE_{name}": str(value) for name, value in own.items()}
    for name, value in found.items():
        monkeypatch.setenv(name, value)
    return found


def test_status_knows_every_service_before_any_is_started(variables):
    states = services.status(environment.open_settings())
    assert [state.service for state in states] == NAMES
    assert {state.state for state in states} == {"stopped"}


def test_a_taken_port_is_named_with_the_setting_that_moves_it(variables):
    settings = environment.open_settings()
    with socket.socket() as taken:
        taken.bind((processes.HOST, settings.dagster_port))
        taken.listen()
        with pytest.raises(Permanent, match=rf"port {settings.dagster_port} to be free.*MARKETLAKE_DAGSTER_PORT"):
            services.up(settings, lambda line: None)
        states = {state.service: state.state for state in services.status(settings)}
    assert states["dagster"] == "taken" and states["exchange"] == "stopped"


def test_a_child_sees_the_settings_of_its_parent_and_no_other(variables, monkeypatch):
    monkeypatch.setenv("MARKETLAKE_KRX_API_KEY", "secret")
    monkeypatch.setenv("MARKETLAKE_NOT_A_SETTING", "1")
    told = environment.as_environment(environment.open_settings())
    assert told["MARKETLAKE_KRX_API_KEY"] == "secret" and "MARKETLAKE_NOT_A_SETTING" not in told
    assert told["DAGSTER_HOME"] == variables["MARKETLAKE_DAGSTER_HOME"]
    assert told["MARKETLAKE_API_PORT"] == variables["MARKETLAKE_API_PORT"]


def test_the_stack_file_of_another_state_folder_is_not_read(tmp_path, variables):
    values = {"KRX_API_KEY": "of-this-stack"}
    file = environment.write_stack_file(environment.stack_file(environment.open_settings()), values, "test")
    assert file.stat().st_mode & 0o777 == 0o600
    assert environment.open_settings().krx_api_key.get_secret_value() == "of-this-stack"
    elsewhere = Settings(state_dir=tmp_path / "other", _env_file=None)
    assert environment.stack_file(elsewhere) != file


def test_the_world_of_a_recording_is_a_whole_path_and_part_of_the_command():
    outside = Outside.named("recorded:var/recording", 12, 90)
    assert outside.world == f"recorded:{ROOT}/var/recording"
    assert outside.command(1234)[-4:] == ["--symbols", "12", "--sessions", "90"]
    assert f"{Outside.named('synthetic:7', 12, None)}" == "synthetic:7 cut to 12 symbols"


@pytest.mark.slow
def test_up_starts_everything_once_and_down_leaves_no_process(variables):
    settings = environment.open_settings()
    command = [str(Path(sys.executable).with_name("marketlake"))]
    try:
        made = subprocess.run([*command, "up"], cwd=ROOT, capture_output=True, text=True, timeout=400, check=False)
        assert made.returncode == 0, made.stdout + made.stderr
        settings = environment.open_settings()
        states = {state.service: state for state in services.status(settings)}
        assert {state.state for state in states.values()} == {"running"}
        assert states["exchange"].memory_mb and states["exchange"].port == settings.exchange_port
        assert httpx.get(f"{settings.exchange_url}/_exchange/health").json()["world"] == "synthetic:7"
        ids = {name: state.pid for name, state in states.items()}
        services.up(settings, lambda line: None)
        assert {state.service: state.pid for state in services.status(settings)} == ids
        sessions = {pid for pid in ids.values() if pid}
        family = [one for one in psutil.process_iter() if _session(one.pid) in sessions]
        assert len(family) >= len(NAMES)
    finally:
        services.down(settings, lambda line: None)
    assert [one for one in family if one.is_running() and one.status() != psutil.STATUS_ZOMBIE] == []
    assert {state.state for state in services.status(settings)} == {"stopped"}


def _session(pid):
    try:
        return os.getsid(pid)
    except ProcessLookupError:
        return None
