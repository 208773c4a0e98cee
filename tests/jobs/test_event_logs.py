"""Both event logs tell the same of a backfill as one run, however its plans were written."""

import logging
from concurrent.futures import ThreadPoolExecutor

import dagster as dg
import pytest
import yaml
from dagster import DagsterEvent, DagsterEventType, EventLogEntry
from dagster._core.events import AssetMaterializationPlannedData

from jobs.event_log_postgres import BATCH, BatchedPostgresEventLog
from marketlake.stack.servers.dagster import instance_text
from tests.support.postgres_server import postgres_server

N = BATCH + 40
KEYS = [f"p{n}" for n in range(N)]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    with postgres_server(tmp_path_factory.mktemp("postgres")) as running:
        yield running


@pytest.fixture(params=["sqlite", "postgres"])
def instance(request, tmp_path):
    if request.param == "postgres":
        told = yaml.safe_load(instance_text(request.getfixturevalue("place")))
        del told["compute_logs"]
    else:
        log = {"module": "jobs.event_log", "class": "KeptSqliteEventLog", "config": {"base_dir": str(tmp_path / "log")}}
        told = {"telemetry": {"enabled": False}, "event_log_storage": log}
    (tmp_path / "dagster.yaml").write_text(yaml.safe_dump(told))
    with dg.DagsterInstance.from_config(str(tmp_path)) as made:
        yield made


def test_a_backfill_s_plans_and_materialisations_are_all_there_once(instance):
    partitions, once = dg.StaticPartitionsDefinition(KEYS), dg.BackfillPolicy.single_run()

    @dg.asset(partitions_def=partitions, backfill_policy=once)
    def first() -> None: ...

    @dg.asset(partitions_def=partitions, backfill_policy=once, deps=[first])
    def second() -> None: ...

    tags = {"dagster/asset_partition_range_start": KEYS[0], "dagster/asset_partition_range_end": KEYS[-1]}
    job = dg.Definitions(
        [first, second], jobs=[dg.define_asset_job("both", [first, second], partitions_def=partitions)]
    )
    result = job.resolve_job_def("both").execute_in_process(instance=instance, tags=tags)
    assert result.success
    kinds = [entry.dagster_event_type for entry in instance.all_logs(result.run_id)]
    assert kinds.count(DagsterEventType.ASSET_MATERIALIZATION_PLANNED) == 2 * N
    assert kinds.count(DagsterEventType.ASSET_MATERIALIZATION) == 2 * N
    for asset in (first, second):
        assert instance.get_materialized_partitions(asset.key) == set(KEYS)
        assert instance.get_latest_materialization_event(asset.key).run_id == result.run_id
    assert set(instance.get_asset_keys()) == {first.key, second.key}


def test_the_stack_s_instance_uses_it(place):
    told = yaml.safe_load(instance_text(place))["event_log_storage"]
    assert (told["module"], told["class"]) == (BatchedPostgresEventLog.__module__, BatchedPostgresEventLog.__name__)


@pytest.fixture
def log(place):
    """The log alone."""
    config = yaml.safe_load(instance_text(place))["event_log_storage"]["config"]
    made = BatchedPostgresEventLog.from_config_value(None, config)
    yield made
    made.dispose()


def plan(run_id: str, key: str) -> EventLogEntry:
    """The event that says that a run is about to make a partition."""
    data = AssetMaterializationPlannedData(dg.AssetKey("prices"), partition=key)
    event = DagsterEvent(DagsterEventType.ASSET_MATERIALIZATION_PLANNED.value, "job", event_specific_data=data)
    return EventLogEntry(None, logging.INFO, "planned", run_id, 1.0, job_name="job", dagster_event=event)


def planned(log: BatchedPostgresEventLog, run_id: str) -> list[str]:
    return sorted(entry.dagster_event.partition for entry in log.get_logs_for_run(run_id))


@pytest.mark.parametrize("step", ["prepare_insert_event_batch", "_store_asset_event"])
def test_plans_that_could_not_be_stored_are_stored_once_when_somebody_reads_next(log, monkeypatch, step):
    run_id = f"failed-{step}"

    def fails(*_):
        raise ConnectionError("the server is away")

    for key in ("a", "b"):
        log.store_event(plan(run_id, key))
    with monkeypatch.context() as broken:
        broken.setattr(log, step, fails)
        with pytest.raises(ConnectionError):
            log.get_logs_for_run(run_id)
    log.store_event(plan(run_id, "c"))
    assert planned(log, run_id) == ["a", "b", "c"]


def test_plans_of_several_threads_are_all_there_once(log):
    keys = [f"{n:04}" for n in range(4 * BATCH)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda key: log.store_event(plan("threads", key)), keys))
    assert planned(log, "threads") == keys
