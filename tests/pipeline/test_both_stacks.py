"""The main job on the local stack leaves what it leaves embedded, and Dagster shows its runs. What does not belong here: speed (`bench.demo`)."""

import json
import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import date
from subprocess import PIPE
from time import monotonic
from typing import Any
from unittest import mock

import psutil
import pytest
from dagster import DagsterRunStatus
from dagster_graphql import DagsterGraphQLClient

from bench import chaos, demo
from bench.own_stack import own_stack
from bench.queued_day import ended
from exchange.server import serve
from jobs.names import BUILD, selected_sessions
from marketlake.stack import local
from marketlake.stack.place import HOST, Place
from marketlake.worlds import Outside

WORLD, SYMBOLS, SESSIONS = "synthetic:7", 20, 160
COUNTED = "SELECT exchange, count(*) AS n, sum(volume) AS volume FROM gold.prices GROUP BY exchange ORDER BY exchange"
EVENTS = "{pipelineRunOrError(runId: %s) {... on Run {eventConnection {events {... on LogsCapturedEvent {fileKey}}}}}}"
LOGS = "{capturedLogs(logKey: %s) {stdout stderr}}"

pytestmark = [pytest.mark.slow, pytest.mark.timeout(2400)]  # the main job twice, and a stack


@pytest.fixture(autouse=True)
def variables_of_their_own():
    """A stack moves its ports through the environment."""
    with mock.patch.dict(os.environ):
        yield


def test_the_main_job_leaves_equal_tables_on_both_stacks_and_the_ui_reads_its_logs_from_s3(tmp_path):
    with serve(WORLD, symbols=SYMBOLS, sessions=SESSIONS) as server:
        embedded = demo.embedded(server.url, tmp_path / "embedded")
        here = demo.stages_of(embedded, tmp_path, warm_days=0)
        counted, features = shown(embedded, "duckdb"), demo.asked(embedded, "-c", chaos.ONLINE, output=PIPE)
    with own_stack(tmp_path / "stack", Outside.named(WORLD, SYMBOLS, SESSIONS), print) as (place, variables, days):
        with watched(place) as seen:
            there = demo.stages_of(variables, tmp_path, warm_days=0)
            words = logs_of(place, days[-1])
        assert there["digests"] == here["digests"]
        assert shown(variables, "trino") == counted
        assert demo.asked(variables, "-c", chaos.ONLINE, output=PIPE) == features
        assert chaos.keys(place, "mlflow"), "the model's artifacts are on S3"
        assert any("CoarseGrainedExecutorBackend" in words for words in seen.commands), (
            "an executor was among what was looked at"
        )
        assert HOST in seen.addresses <= {HOST, f"::ffff:{HOST}"}, "the workers' executors and the run's process too"
        assert max(seen.memory_mb) < 9000, seen.memory_mb
    assert "gold_features_daily - STEP_SUCCESS" in words


@dataclass
class Seen:
    """What the stack's processes were while something ran on it: addresses that they listen at, their command lines, and how much memory they had."""

    addresses: set[str] = field(default_factory=set)
    commands: set[str] = field(default_factory=set)
    memory_mb: list[int] = field(default_factory=list)


@contextmanager
def watched(place: Place) -> Iterator[Seen]:
    """Every two seconds, until it is left."""
    seen, done = Seen(), threading.Event()

    def look() -> None:
        while not done.wait(2):
            marked = {process.pid: process for process in local.supervisor(place.settings).marked()}
            listening = [
                one for one in psutil.net_connections("inet") if one.status == psutil.CONN_LISTEN and one.pid in marked
            ]
            seen.addresses |= {one.laddr.ip for one in listening}
            total = 0
            for one in marked.values():
                with suppress(psutil.NoSuchProcess):
                    seen.commands.add(" ".join(one.cmdline()))
                    total += one.memory_full_info().pss
            seen.memory_mb.append(total // 1_000_000)

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        yield seen
    finally:
        done.set()
        watcher.join()


def shown(variables: dict[str, str], engine: str) -> Any:
    """What that SQL engine counts."""
    return json.loads(
        demo.asked(variables, "-m", "marketlake.cli", "sql", COUNTED, "--engine", engine, "--json", output=PIPE)
    )


def logs_of(place: Place, day: date) -> str:
    """What the UI shows of a run that the daemon took from the queue, its local copy gone."""
    client = DagsterGraphQLClient(HOST, port_number=place.settings.dagster_port)
    run_id = client.submit_job_execution(BUILD, tags=selected_sessions(f"{day}", f"{day}"))
    assert ended(client, run_id, monotonic() + 500) == DagsterRunStatus.SUCCESS
    shutil.rmtree(place.of("dagster") / "logs")
    events = client._execute(EVENTS % json.dumps(run_id))["pipelineRunOrError"]["eventConnection"]["events"]
    keys = [[run_id, "compute_logs", event["fileKey"]] for event in events if "fileKey" in event]
    told = [client._execute(LOGS % json.dumps(key))["capturedLogs"] for key in keys]
    return "".join(f"{one['stdout'] or ''}{one['stderr'] or ''}" for one in told)
