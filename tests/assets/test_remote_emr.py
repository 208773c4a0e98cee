"""Builds as jobs of EMR Serverless: moto's API, with a real driver behind it that spark-submit starts on this machine.

Messages, logs and staged rows are real objects on a real S3 server.
"""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import boto3
import dagster as dg
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from dagster_pipes import decode_param
from moto.server import ThreadedMotoServer

from assets import tables
from assets.building import build, window_of
from assets.remote import EmrServerless, LakeElsewhere
from exchange.keys import DEFAULT_KEYS
from exchange.server import Server, serve
from jobs.names import INGEST
from jobs.run import Runner
from lake import aws
from lake.lake import Lake
from lake.settings import Settings
from lake.staging import Request
from market import registry
from market.digest import digest
from market.errors import Permanent, Transient
from market.table import Window
from marketlake.stack.place import BUCKET, Place
from tests.support import emr_serverless, s3_server

TABLE = registry.table("silver.prices")


Emr, spark_submit = emr_serverless.Emr, emr_serverless.spark_submit
ROLE = f"arn:aws:iam::{emr_serverless.ACCOUNT}:role/marketlake-job"


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A SeaweedFS of its own, as the local stack runs it."""
    with s3_server.s3_server(tmp_path_factory.mktemp("s3")) as place:
        yield place


@pytest.fixture(scope="module")
def emr_url() -> Iterator[str]:
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


def s3_client(place: Place) -> Any:
    return aws.client(on_s3(place, ""), "s3")


def on_s3(place: Place, prefix: str, **given: Any) -> Settings:
    found: Settings = s3_server.place_settings(place, prefix, **given)
    return found


@pytest.fixture
def make_emr(emr_url, s3, tmp_path, monkeypatch) -> Iterator[Callable[[Any], Any]]:
    """Makes an application whose jobs run as told; what still runs at the end of the test is ended."""
    # Dagster waits 10 s for messages of a job that ended without a last one.
    monkeypatch.setattr("dagster._core.pipes.utils.WAIT_FOR_LOGS_AFTER_EXECUTION_INTERVAL", 1)
    made: list[Any] = []

    def make(driver: Any) -> Any:
        client = boto3.client(
            "emr-serverless", endpoint_url=emr_url, aws_access_key_id="one", aws_secret_access_key="two",
            region_name=emr_serverless.REGION,
        )  # fmt: skip
        made.append(Emr(client, s3_client(s3), s3.s3_environment, tmp_path / "emr", driver))
        return made[-1]

    yield make
    for emr in made:
        for job in emr.jobs.values():
            emr.end(job)


def settings_on_s3(place: Place, emr: Any, prefix: str, **given: Any) -> Settings:
    master = f"emr-serverless://{emr.application}"
    return on_s3(place, prefix, spark_master=master, emr_role_arn=ROLE, emr_poll_s=0.2, **given)


def run_in_step(work: Callable[[], Any], instance: dg.DagsterInstance | None = None) -> dg.ExecuteInProcessResult:
    """Whatever a step of Dagster does with jobs."""

    @dg.asset
    def step() -> dg.MaterializeResult:
        work()
        return dg.MaterializeResult()  # where Pipes was used, Dagster makes no result up

    return dg.materialize([step], instance=instance, raise_on_error=False)


def request() -> Request:
    window = Window(date(2024, 5, 2), date(2024, 5, 3), datetime(2024, 5, 6, tzinfo=UTC))
    return Request.new("silver.prices", window)


def sleeping(job: Any) -> list[str]:
    return ["sleep", "60"]


@pytest.fixture(scope="module")
def world() -> Iterator[Server]:
    with serve("synthetic:7", symbols=3, us_symbols=1, sessions=6) as running:
        yield running


@pytest.fixture(scope="module")
def ingested(world: Server, tmp_path_factory: pytest.TempPathFactory) -> tuple[Settings, list[date]]:
    """A lake in a folder that holds bronze alone, and its sessions."""
    folder = tmp_path_factory.mktemp("ingested")
    told = world.world.describe()["sessions"]
    days = sorted({date.fromisoformat(str(day)) for some in told.values() for day in some})
    settings = Settings(
        lake_url=str(folder / "lake"), state_dir=folder / "var", dagster_home=folder / "dagster", spark_master="local[1]",
        spark_driver_memory="1g", exchange_url=world.url, first_session=days[0], last_session=days[-1], _env_file=None,
        **{name.lower(): key for name, key in DEFAULT_KEYS.items() if name != "KRX_SERVICES"},
    )  # fmt: skip
    runner = Runner(settings)
    runner.move_clock(days[-1])
    for job in INGEST.values():
        runner.run(job, days[0], days[-1])
    return settings, days


@pytest.mark.slow
def test_the_same_asset_gives_the_same_rows_through_jobs(ingested, make_emr, s3, tmp_path) -> None:
    here, days = ingested
    emr, client = make_emr(spark_submit), s3_client(s3)
    away = settings_on_s3(
        s3, emr, "whole", state_dir=tmp_path / "var", exchange_url=here.exchange_url, first_session=days[0],
        last_session=days[-1],
    )  # fmt: skip
    root = Path(here.lake_url)
    for file in (path for path in root.rglob("*") if path.is_file()):
        client.put_object(Bucket=BUCKET, Key=f"lake/whole/{file.relative_to(root)}", Body=file.read_bytes())
    lake = LakeElsewhere(away, EmrServerless(away, emr, client))
    (asset,) = (a for a in tables.assets(days[0], days[-1]) if a.key == dg.AssetKey(["silver", "prices"]))
    with dg.DagsterInstance.ephemeral() as instance:
        made = dg.materialize(
            [asset], resources={"lake": lake}, instance=instance, raise_on_error=False,
            tags={"dagster/asset_partition_range_start": f"{days[0]}", "dagster/asset_partition_range_end": f"{days[-1]}"},
        )  # fmt: skip
        lines = [entry.user_message for entry in instance.all_logs(made.run_id)]
    assert made.success, [(job.folder / "stderr").read_text()[-3000:] for job in emr.jobs.values()]
    assert sum(line.startswith("answered") for line in lines) == len(emr.jobs) == 1

    local = Lake(here)
    build(local, TABLE, window_of(local, [str(day) for day in days]))
    ours, theirs = (one.delta.read(TABLE) for one in (local, lake))
    assert ours.num_rows > 0
    assert digest(ours, TABLE.key, TABLE.digested) == digest(theirs, TABLE.key, TABLE.digested)
    assert lake.store.list("staging/silver") == [], "what the jobs left is cleared"
    assert len(lake.store.list("staging/logs/")) == 2, "two streams of a driver"


def test_what_a_job_refuses_is_what_the_caller_is_told(make_emr, s3) -> None:
    emr = make_emr(lambda job: [sys.executable, "entry.py"])  # it refuses before it needs Spark
    settings = settings_on_s3(s3, emr, "refused")
    lake = LakeElsewhere(settings, EmrServerless(settings, emr))
    bronze, caught = registry.table("bronze.krx_daily"), []

    def work() -> None:
        with pytest.raises(Permanent, match="a build function") as error:
            lake.spark.candidate(bronze, request().window)
        caught.append(error.value)

    assert run_in_step(work).success
    assert caught[0].where == bronze.name


def test_a_job_that_ends_without_a_word_is_transient(make_emr, s3, capsys) -> None:
    emr = make_emr(lambda job: ["sh", "-c", "echo out of memory; exit 137"])
    settings = settings_on_s3(s3, emr, "wordless")

    def work() -> None:
        with pytest.raises(Transient, match="FAILED driver exited with 137"):
            EmrServerless(settings, emr)(request())

    assert run_in_step(work).success
    assert "out of memory" in capsys.readouterr().out, "EMR's log of the driver, read from S3"


def test_a_job_that_is_never_started_is_permanent(make_emr, s3) -> None:
    emr = make_emr(sleeping)
    settings = settings_on_s3(s3, emr, "unknown").model_copy(update={"spark_master": "emr-serverless://00none"})

    def work() -> None:
        with pytest.raises(Permanent, match=r"00none.*No job was started") as error:
            EmrServerless(settings, emr)(request())
        assert "log" not in error.value.do

    assert run_in_step(work).success
    assert not emr.jobs


def interrupt_once_there_is_a_job(emr: Any) -> None:
    def interrupt() -> None:
        while not emr.jobs:
            time.sleep(0.05)
        time.sleep(0.5)
        os.kill(os.getpid(), signal.SIGINT)  # as Dagster ends a run

    threading.Thread(target=interrupt).start()


def has_ended(emr: Any) -> bool:
    """True where the one job is cancelled and its driver is gone."""
    ((name, job),) = emr.jobs.items()
    state = emr._client.get_job_run(applicationId=emr.application, jobRunId=name)["jobRun"]["state"]
    return bool(state == "CANCELLED" and job.process.poll() == -signal.SIGKILL)


@pytest.mark.parametrize("refusals", [0, 1])
def test_ending_the_run_cancels_the_job_and_waits_for_its_end(make_emr, s3, monkeypatch, refusals: int) -> None:
    emr, tries, seen = make_emr(sleeping), [], []
    settings = settings_on_s3(s3, emr, "cancelled")

    def cancel(**params: Any) -> Any:
        tries.append(params)
        if len(tries) <= refusals:
            raise ClientError({"Error": {"Code": "ThrottlingException"}}, "CancelJobRun")
        return Emr.cancel_job_run(emr, **params)

    def work() -> None:
        try:
            EmrServerless(settings, emr)(request())
        except BaseException as error:
            seen.append(type(error))
            raise

    monkeypatch.setattr(emr, "cancel_job_run", cancel)
    interrupt_once_there_is_a_job(emr)
    with dg.DagsterInstance.ephemeral() as instance:
        made = run_in_step(work, instance)
        assert not made.success
        lines = [entry.user_message for entry in instance.all_logs(made.run_id)]
    assert seen == [dg.DagsterExecutionInterruptedError], "anything else is tried again"
    assert any("Will terminate external EMR Serverless workload" in line for line in lines)
    assert has_ended(emr)


def test_a_job_that_can_no_longer_be_watched_is_cancelled(make_emr, s3, monkeypatch) -> None:
    emr = make_emr(sleeping)
    settings, looked = settings_on_s3(s3, emr, "unwatched"), []

    def look(**params: Any) -> Any:
        looked.append(params)
        if len(looked) == 2:
            raise EndpointConnectionError(endpoint_url="https://emr-serverless")
        return Emr.get_job_run(emr, **params)

    monkeypatch.setattr(emr, "get_job_run", look)

    def work() -> None:
        with pytest.raises(Transient, match="CANCELLED"):
            EmrServerless(settings, emr)(request())

    assert run_in_step(work).success
    assert has_ended(emr)


def test_a_job_is_told_no_secret_and_stays_in_the_lakes_prefix(make_emr, s3) -> None:
    emr = make_emr(lambda job: ["true"])
    settings = settings_on_s3(s3, emr, "private", emr_submit_parameters="--conf spark.executor.memory=8g")
    assert run_in_step(lambda: EmrServerless(settings, emr)(request())).success
    (job,) = emr.jobs.values()
    for secret in (s3.credentials.s3_access_key_id, s3.credentials.s3_secret_access_key):
        assert secret and secret not in str(job.params)
    assert job.conf["spark.executor.memory"] == "8g"
    pipes = decode_param(job.conf["spark.emr-serverless.driverEnv.DAGSTER_PIPES_MESSAGES"])
    assert pipes["key_prefix"].startswith("lake/private/staging/silver.prices-")
    listed = s3_client(s3).list_objects_v2(Bucket=BUCKET)["Contents"]
    assert {item["Key"].partition("/")[0] for item in listed} <= {"lake", ".ready"}
