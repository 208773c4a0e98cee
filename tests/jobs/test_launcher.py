"""A run whose process was killed fails instead of keeping the queue waiting."""

import logging
import os
import signal
import subprocess
import sys
import time
from types import SimpleNamespace

import dagster as dg
import pytest
import yaml
from dagster._core.launcher.base import WorkerStatus
from dagster._daemon.monitoring.run_monitoring import execute_run_monitoring_iteration

from jobs.run import TEMPLATE

RUN = """
import sys, time
import dagster as dg

@dg.op
def waits() -> None:
    print("here", flush=True)
    time.sleep(120)

@dg.job
def waiting():
    waits()

with dg.DagsterInstance.from_config(sys.argv[1]) as instance:
    waiting.execute_in_process(instance=instance, run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}})
"""


@pytest.fixture
def instance(tmp_path):
    told = yaml.safe_load(TEMPLATE.read_text().replace("BASE_DIR", str(tmp_path / "events")))
    (tmp_path / "dagster.yaml").write_text(yaml.safe_dump(told))
    with dg.DagsterInstance.from_config(str(tmp_path)) as made:
        yield made


@pytest.fixture
def running(instance, tmp_path):
    process = subprocess.Popen([sys.executable, "-c", RUN, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "here\n"
    yield process
    process.kill()
    process.wait()


def monitored(instance):
    """What the monitoring daemon does every few seconds; the status of the one run then."""
    context = SimpleNamespace(instance=instance, create_request_context=lambda: None)
    assert not any(execute_run_monitoring_iteration(context, logging.getLogger("test")))
    (run,) = instance.get_runs()
    return run.status


def test_a_run_lives_as_long_as_its_process(instance, running):
    assert instance.run_monitoring_enabled
    assert monitored(instance) == dg.DagsterRunStatus.STARTED
    os.kill(running.pid, signal.SIGKILL)
    for _ in range(100):  # not reaped: the process that started it may not look after it
        if monitored(instance) == dg.DagsterRunStatus.FAILURE:
            break
        time.sleep(0.05)
    assert monitored(instance) == dg.DagsterRunStatus.FAILURE


def test_another_process_of_that_number_is_not_the_run_s(instance, running, monkeypatch):
    (run,) = instance.get_runs()
    assert instance.run_launcher.check_run_worker_health(run).status == WorkerStatus.RUNNING
    monkeypatch.setattr("psutil.Process.create_time", lambda _: time.time() + 3600)
    found = instance.run_launcher.check_run_worker_health(run)
    assert found.status == WorkerStatus.FAILED
    assert str(running.pid) in str(found.msg)
