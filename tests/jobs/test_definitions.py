"""The code location: what discovery found is what was reviewed, and sessions are the partitions."""

from datetime import date
from pathlib import Path

import dagster as dg
import pytest

from assets import retries
from assets.partitions import sessions_of
from assets.retries import RETRIES, retried_where_transient
from jobs.alerts import send
from jobs.build import build
from jobs.golden import FIRST, LAST, asset_graph
from jobs.run import parts, spans
from lake.settings import Settings
from market.errors import Permanent, Transient

GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "asset_graph.txt"


def test_the_asset_graph_is_the_reviewed_one():
    assert asset_graph() == GOLDEN.read_text(), "run `make golden` and review the diff"


def test_the_definitions_load_and_every_job_resolves():
    definitions = build(Settings(first_session=FIRST, last_session=LAST))
    dg.Definitions.validate_loadable(definitions)
    for job in ("ingest_krx", "ingest_us", "build", "train", "score"):
        assert definitions.resolve_job_def(job)


def test_a_holiday_in_seoul_is_a_partition_for_new_york_alone():
    holiday = "2024-05-01"
    korean, american, either = (
        sessions_of(exchanges, FIRST, LAST) for exchanges in (("XKRX",), ("XNYS",), ("XKRX", "XNYS"))
    )
    assert not korean.has_partition_key(holiday)
    assert american.has_partition_key(holiday)
    assert either.has_partition_key(holiday)
    assert not either.has_partition_key("2024-05-04")


def test_todays_session_has_its_key_on_the_day_itself():
    open_ended = sessions_of(("XKRX",), date(2024, 1, 2), None)
    assert open_ended.end_offset == 1


@pytest.mark.parametrize(
    ("error", "attempts"),
    [
        (Transient("krx", found="503"), 1 + RETRIES),
        (Permanent("krx", expected="a key", found="none", do="Set it"), 1),
        (KeyError("a mistake of ours"), 1),
    ],
)
def test_only_a_transient_failure_is_tried_again(error, attempts, monkeypatch):
    monkeypatch.setattr(retries, "FIRST_PAUSE_S", 0.0)
    made = []

    @dg.asset
    def failing(context: dg.AssetExecutionContext) -> None:
        made.append(context.retry_number)
        with retried_where_transient(context):
            raise error

    result = dg.materialize([failing], raise_on_error=False)
    assert not result.success
    assert len(made) == attempts


def test_a_permanent_failure_tells_what_to_do_in_the_ui():
    with pytest.raises(dg.Failure) as refused, retried_where_transient(dg.build_asset_context()):
        raise Permanent("krx", expected="a key", found="none", do="Set it")
    assert refused.value.allow_retries is False
    assert refused.value.metadata["do"].value == "Set it"


def test_missing_sessions_become_as_few_runs_as_possible():
    days = [date(2024, 5, n) for n in (2, 3, 7, 8, 9)]
    assert spans([days[0], days[1], days[3]], days) == [(days[0], days[1]), (days[3], days[3])]
    assert spans([], days) == []


def test_a_long_backfill_is_built_in_parts_of_whole_months_with_a_limit() -> None:
    days = [date(2024, month, day) for month in (1, 2, 3, 4) for day in (2, 15, 28)]
    rows = {"2024-01": 40, "2024-02": 50, "2024-03": 120, "2024-04": 10}
    january, february, march, april = (days[at : at + 3] for at in (0, 3, 6, 9))
    assert parts(days, rows, 100) == [(january[0], february[2]), (march[0], march[2]), (april[0], april[2])]
    assert parts(days, rows, 1_000) == [(days[0], days[-1])]
    assert parts(days, {}, 1) == [(days[0], days[-1])], "what bronze does not have costs nothing"
    assert parts([*january, *april], rows, 100) == [(january[0], january[2]), (april[0], april[2])], (
        "not what lies between"
    )
    assert parts(days[:1], rows, 1) == [(days[0], days[0])]
    assert parts([], rows, 100) == []


def test_an_alert_reaches_the_webhook_and_a_dead_webhook_is_no_second_failure(httpserver_url):
    url, received = httpserver_url
    assert send(url, {"job": "build", "run_id": "1"})
    assert received == [{"job": "build", "run_id": "1"}]
    assert not send("http://127.0.0.1:9/", {"job": "build"})
    assert not send("", {"job": "build"})
