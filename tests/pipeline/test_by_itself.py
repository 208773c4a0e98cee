"""What runs by itself: the schedules take what is due, a sensor builds what is ingested, another scores with a new model."""

from datetime import timedelta

import dagster as dg
import pytest

from assets.ingestion import ingest
from assets.learning import tracking_uri
from jobs.build import build
from jobs.due import is_ingested
from jobs.freshness import fresh
from jobs.names import DUE_TAG, INGEST, selected_sessions
from jobs.run import instance
from market.sources import SOURCES, session_due_at
from training import tracking


@pytest.fixture
def definitions(desk):
    return build(desk.settings, desk.lake)


@pytest.fixture
def held(desk):
    """Dagster's instance of the desk."""
    return instance(desk.settings)


def asked(definitions, desk, exchange):
    """First and last session that the exchange's schedule asks for now, or why it asks for none."""
    schedule = definitions.resolve_schedule_def(f"take_what_is_due_{exchange.lower()}")
    context = dg.build_schedule_context(
        repository_def=definitions.get_repository_def(), resources={"lake": desk.lake},
        scheduled_execution_time=desk.lake.world.clock()(),
    )  # fmt: skip
    told = schedule.evaluate_tick(context)
    return [request.tags[DUE_TAG] for request in told.run_requests] or told.skip_message


def test_the_schedules_run_on_weekdays_at_18_00_in_seoul(definitions):
    for exchange in INGEST:
        schedule = definitions.resolve_schedule_def(f"take_what_is_due_{exchange.lower()}")
        assert schedule.execution_timezone == "Asia/Seoul"
        assert schedule.cron_schedule == "0 18 * * 1-5"


def test_a_schedule_takes_every_session_that_is_due_and_no_other(desk, definitions, sessions):
    korean, american = (
        [day for day in sessions if desk.lake.world.sessions(exchange, day, day)] for exchange in INGEST
    )
    desk.server.set_clock(session_due_at(sessions[-2]) + timedelta(minutes=1))
    for exchange, days in zip(INGEST, (korean, american), strict=True):
        due = [day for day in sessions[-3:-1] if day in days]
        assert asked(definitions, desk, exchange) == [f"{due[0]} to {due[-1]}"]
    desk.server.set_clock(session_due_at(sessions[-4]) + timedelta(minutes=1))
    assert "is in the current release" in asked(definitions, desk, "XKRX")


def ended(definitions, desk, held, job, session):
    """What the sensor answers to that job's success: the partition to build, or why it waits."""
    sensor = definitions.resolve_sensor_def("build_what_is_ingested")
    result = definitions.resolve_job_def(job).execute_in_process(
        instance=held, tags={**selected_sessions(f"{session}", f"{session}"), DUE_TAG: f"{session}"}
    )
    assert result.success
    context = dg.build_run_status_sensor_context(
        "build_what_is_ingested", result.get_run_success_event(), held, result.dagster_run,
        resources={"lake": desk.lake},
    )  # fmt: skip
    return sensor(context)


def test_a_session_is_built_once_the_last_of_its_exchanges_is_in_bronze(desk, definitions, held, sessions):
    day = sessions[-3]
    assert all(desk.lake.world.sessions(exchange, day, day) for exchange in INGEST), "a day of both exchanges"
    desk.server.set_clock(session_due_at(day) + timedelta(minutes=1))
    first, last = INGEST.values()
    waits = ended(definitions, desk, held, first, day)
    assert isinstance(waits, dg.SkipReason)
    assert "another exchange" in waits.skip_message
    goes = ended(definitions, desk, held, last, day)
    assert goes.tags[DUE_TAG] == f"{day} to {day}"
    again = ended(definitions, desk, held, last, day)
    assert again.run_key != goes.run_key, "a build that failed is tried again after the next ingestion"


def test_a_session_is_not_ingested_while_one_source_of_its_exchange_is_missing(desk, sessions):
    day = sessions[-3]
    desk.runner.move_clock(day)
    for source in [name for name in SOURCES if name != "daum"]:
        ingest(desk.lake, source, [day])
    assert not is_ingested(desk.lake, day)
    ingest(desk.lake, "daum", [day])
    assert is_ingested(desk.lake, day)


def test_a_newly_registered_model_is_scored_once(desk, definitions, held):
    sensor = definitions.resolve_sensor_def("react_to_new_model")

    def look(cursor):
        context = dg.build_sensor_context(
            cursor=cursor, instance=held, resources={"lake": desk.lake}, repository_def=definitions.get_repository_def()
        )
        return sensor.evaluate_tick(context)

    noted = look(None)
    assert not noted.run_requests
    uri = tracking_uri(desk.lake)
    client = tracking.client(uri)
    run = client.create_run(client.create_experiment("tried"))
    client.create_registered_model("return_rank_5d")
    client.create_model_version("return_rank_5d", run.info.artifact_uri, run.info.run_id)
    told = look(noted.cursor)
    assert [request.partition_key for request in told.run_requests] == [desk.lake.releases.current().last_session]
    assert not look(told.cursor).run_requests


def test_the_release_is_fresh_until_another_session_is_due(desk, sessions):
    desk.server.set_clock(session_due_at(sessions[-4]) + timedelta(minutes=1))
    assert fresh(desk.lake).passed
    desk.server.set_clock(session_due_at(sessions[-3]) + timedelta(minutes=1))
    late = fresh(desk.lake)
    assert not late.passed
    assert late.metadata["late"].value == f"{sessions[-3]}"
