"""A failed run is told, whatever else is broken."""

import dagster as dg
import pytest

from jobs.alerts import alert_on_failure


@dg.op
def breaking() -> None:
    raise ValueError("no such column")


@dg.job
def broken() -> None:
    breaking()


def test_an_alert_is_sent_although_the_lake_cannot_be_opened(httpserver_url, monkeypatch: pytest.MonkeyPatch) -> None:
    url, received = httpserver_url
    monkeypatch.setenv("MARKETLAKE_ALERT_WEBHOOK_URL", url)
    monkeypatch.setenv("MARKETLAKE_SPARK_MASTER", "mesos://one:5050")  # refused when the lake is opened
    with dg.DagsterInstance.ephemeral() as instance:
        result = broken.execute_in_process(instance=instance, raise_on_error=False)
        context = dg.build_run_status_sensor_context(
            "alert_on_failure", result.get_run_failure_event(), instance, result.dagster_run
        ).for_run_failure()
        alert_on_failure(context)
    assert [(alert["job"], alert["run_id"]) for alert in received] == [("broken", result.run_id)]
