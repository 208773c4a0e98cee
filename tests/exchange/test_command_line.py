"""The exchange's command line, run as a process of its own."""

import json
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).resolve().parents[2]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "exchange", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)


def test_serve_answers_until_it_is_told_to_stop():
    port = _free_port()
    base = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "exchange", "serve", "--port", str(port), "--symbols", "5", "--sessions", "5"]
    command += ["--us-symbols", "2", "--fault", "quota:source=dart"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        _wait_for(f"{base}/_exchange/health")
        world = httpx.get(f"{base}/_exchange/world").json()
        assert world["sources"]["yahoo"]["symbols"] == ["AAPL", "MSFT"]
        assert httpx.get(f"{base}/dart/api/list.json").json()["status"] == "020"
        taken = run("serve", "--port", str(port), "--symbols", "5", "--sessions", "5")
        assert taken.returncode == 1 and "free port" in taken.stderr
    finally:
        process.terminate()
        output, _ = process.communicate(timeout=20)
    assert process.returncode == 0
    assert "5 Korean and 2 US symbols, 5 sessions 2024-06-24 to 2024-06-28" in output


def test_truth_is_json():
    done = run("truth", "--world", "synthetic:7", "--symbols", "12", "--sessions", "60")
    truth = json.loads(done.stdout)
    assert done.returncode == 0
    assert {"krx", "us", "signal", "news"} <= set(truth)


@pytest.mark.parametrize(
    ("arguments", "code"), [(("truth", "--world", "odd"), 1), (("no-such",), 2), (("convert", "x"), 2)]
)
def test_failures_have_their_exit_codes_and_speak_on_stderr(arguments, code):
    done = run(*arguments)
    assert done.returncode == code
    assert done.stdout == "" and done.stderr != ""


@pytest.mark.parametrize("command", ["serve", "truth", "convert"])
def test_every_command_has_help_with_an_example(command):
    assert "example" in run(command, "--help").stdout


def _free_port() -> int:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return int(bound.getsockname()[1])


def _wait_for(url: str) -> None:
    for _ in range(600):
        try:
            httpx.get(url)
            return
        except httpx.ConnectError:
            time.sleep(0.1)
    raise AssertionError(f"{url} did not answer")
