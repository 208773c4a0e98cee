"""Background processes: ours is told from another's by its start time, and ends with its children, willing or not."""

import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from market.errors import Transient
from marketlake import processes

ROOT = Path(__file__).resolve().parents[2]
FAMILY = "import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']).wait()"
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"


def started(tmp_path, code):
    """A python process of ours."""
    log = tmp_path / "log.txt"
    return processes.start([sys.executable, "-c", code], log=log, environment=dict(os.environ), cwd=ROOT, port=0)


def eventually(is_so, timeout_s=60):
    """Wait until it is so."""
    end = time.monotonic() + timeout_s
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_a_process_ends_with_its_children(tmp_path):
    process = started(tmp_path, FAMILY)
    eventually(lambda: psutil.Process(process.pid).children())
    child = psutil.Process(process.pid).children()[0]
    assert processes.stop(process) == [process]
    assert process.alive() is None and not child.is_running()
    assert processes.stop(process) == []


def test_ours_stays_ours_when_the_clock_is_set(tmp_path, monkeypatch):
    process = started(tmp_path, STUBBORN)
    was = psutil.boot_time()
    monkeypatch.setattr("psutil._pslinux.boot_time", lambda: was + 3600)
    assert process.alive() is not None
    assert processes.stop(process, grace_s=0.1) == [process]


def test_one_that_ignores_the_request_is_killed(tmp_path):
    process = started(tmp_path, STUBBORN)
    eventually(lambda: "up" in (tmp_path / "log.txt").read_text())
    assert processes.stop(process, grace_s=0.5) == [process]
    assert process.alive() is None


def test_a_later_process_of_the_same_id_is_not_ours(tmp_path):
    process = started(tmp_path, FAMILY)
    try:
        stranger = replace(process, created=process.created - 3600)
        assert stranger.alive() is None and processes.stop(stranger) == []
        assert process.alive() is not None
    finally:
        processes.stop(process)


def test_what_is_remembered_is_read_back(tmp_path):
    process = processes.Process(1, 2.5, 3, ("a", "b"), "log")
    processes.save(process, tmp_path / "run" / "a.json")
    assert processes.load(tmp_path / "run" / "a.json") == process
    assert processes.load(tmp_path / "run" / "b.json") is None


def test_a_service_that_ends_is_reported_with_the_last_lines_of_its_log(tmp_path):
    process = started(tmp_path, "print('no such world'); raise SystemExit(3)")
    with pytest.raises(Transient, match=r"(?s)it ended.*no such world"):
        processes.wait_ready(process, lambda: False, name="exchange", timeout_s=20)


def test_a_port_is_free_until_somebody_listens():
    import socket

    port = processes.free_port()
    assert processes.is_free(port)
    with socket.socket() as taken:
        taken.bind((processes.HOST, port))
        taken.listen()
        assert not processes.is_free(port)


def test_a_process_started_for_us_alone_dies_with_us(tmp_path):
    code = (
        "import os, signal, sys; from pathlib import Path; from marketlake import processes\n"
        "for ignored in (signal.SIGINT, signal.SIGTERM): signal.signal(ignored, signal.SIG_IGN)\n"
        f"p = processes.start([sys.executable, '-c', 'import time; time.sleep(600)'], log=Path({str(tmp_path / 'l')!r}),\n"
        f"                    environment=dict(os.environ), cwd=Path({str(ROOT)!r}), port=0, dies_with_us=True)\n"
        "print(p.pid, flush=True); os.kill(os.getpid(), 9)"
    )
    told = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    pid = int(told.stdout)
    eventually(lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)


def test_an_interruption_is_told_as_one_whatever_error_it_became():
    from market.errors import Permanent
    from marketlake.interrupts import interruptible

    def work():
        signal.signal(signal.SIGINT, lambda *_: None)  # as Spark and Dagster do
        threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT)).start()
        time.sleep(0.5)
        raise Permanent("step", expected="to succeed", found="a cancelled job")

    handler = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt), interruptible():
        work()
    assert signal.getsignal(signal.SIGINT) is handler
    with pytest.raises(Permanent), interruptible():
        raise Permanent("step", expected="to succeed", found="a fault of its own")
