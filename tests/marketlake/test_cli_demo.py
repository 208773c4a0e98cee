"""The demo as a user runs it, in a process of its own: to its end, again without doing anything twice, and away with Ctrl-C."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from marketlake import processes

ROOT = Path(__file__).resolve().parents[2]
COMMAND = [str(Path(sys.executable).with_name("marketlake"))]
CUT = ["--symbols", "12", "--sessions", "90"]

pytestmark = pytest.mark.slow


def environment(folder):
    """A user's environment with everything under a folder of the test."""
    var = folder / "var"
    own = {
        "STATE_DIR": var, "LAKE_URL": var / "lake", "ONLINE_URL": f"sqlite:///{var}/online.db", "DAGSTER_HOME": var / "dagster",
        "MLFLOW_TRACKING_URI": f"sqlite:///{var}/mlflow/mlflow.db", "EXCHANGE_PORT": processes.free_port(),
    }  # fmt: skip
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MARKETLAKE_")}
    return kept | {f"MARKETLAKE_{name}": str(value) for name, value in own.items()}


def command(env, *words):
    """The result of a command, its output joined."""
    return subprocess.run(
        [*COMMAND, *words], cwd=ROOT, env=env, capture_output=True, text=True, timeout=540, check=False
    )


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Environment and output of a first run."""
    env = environment(tmp_path_factory.mktemp("demo"))
    result = command(env, "demo", *CUT)
    assert result.returncode == 0, result.stdout + result.stderr
    return env, result


def test_it_runs_to_its_end_and_accounts_for_every_row(made):
    _, result = made
    assert result.stderr == ""
    assert "price rows: 3,791 delivered = 3,791 in silver + 0 in quarantine + 0 repeats" in result.stdout
    assert "release r0000" in result.stdout and "make up" in result.stdout
    assert "gold.features_daily XKRX:005930 2024-05-03 rsi_14 = " in result.stdout
    assert "return_rank_5d needs 135 sessions" in result.stdout  # 90 are too few for the walk-forward, and it goes on


def test_it_leaves_no_process_and_a_private_file_of_settings(made):
    env, _ = made
    assert processes.is_free(int(env["MARKETLAKE_EXCHANGE_PORT"]))
    file = Path(env["MARKETLAKE_STATE_DIR"]) / "stack" / "embedded.env"
    assert file.stat().st_mode & 0o777 == 0o600
    assert "MARKETLAKE_KRX_API_KEY=" in file.read_text()


def test_the_second_run_skips_and_says_so(made):
    env, _ = made
    before = json.loads(command(env, "release", "list", "--json").stdout)
    result = command(env, "demo", *CUT)
    assert result.returncode == 0, result.stderr
    assert "skipped 94 of 94 sessions" in result.stdout
    assert "skipped 2024-06-27" in result.stdout and "skipped 2024-06-28" in result.stdout
    assert json.loads(command(env, "release", "list", "--json").stdout) == before


def test_another_world_is_refused_before_anything_starts(made):
    env, _ = made
    result = command(env, "demo", "--world", "synthetic:8", *CUT)
    assert result.returncode == 1
    assert "expected to hold the world synthetic:8" in result.stderr and "make clean" in result.stderr


def test_an_interruption_leaves_nothing_running(tmp_path):
    env = environment(tmp_path)
    log = tmp_path / "out.txt"
    with log.open("wb") as out:
        demo = subprocess.Popen(
            [*COMMAND, "demo", "--symbols", "5", "--sessions", "60"], cwd=ROOT, env=env, stdout=out, stderr=out
        )
    end = time.monotonic() + 300
    while "silver_" not in log.read_text():
        assert demo.poll() is None and time.monotonic() < end, log.read_text()
        time.sleep(0.2)
    family = psutil.Process(demo.pid).children(recursive=True)
    assert any("java" in one.name() for one in family)
    demo.send_signal(signal.SIGINT)
    assert demo.wait(60) == 1
    assert log.read_text().rstrip().splitlines()[-1].startswith("interrupted")
    _gone, alive = psutil.wait_procs(family, timeout=10)
    assert alive == []
