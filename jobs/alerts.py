"""What an ended run tells people: its numbers; of a failed one also a log line, and a post to the webhook that the settings name."""

import dagster as dg
import httpx
from loguru import logger

from assets.resources import OpenLake, open_lake
from jobs import metrics
from lake.settings import read_settings
from market.errors import MarketlakeError


@dg.run_failure_sensor(name="alert_on_failure", default_status=dg.DefaultSensorStatus.RUNNING)
def alert_on_failure(context: dg.RunFailureSensorContext) -> None:
    """Log the failed run, and post it where MARKETLAKE_ALERT_WEBHOOK_URL says; then its numbers.

    The lake is no resource here: one that cannot be opened may be why the run failed, and would keep the alert back.
    """
    run, settings = context.dagster_run, read_settings()
    send(
        settings.alert_webhook_url,
        {
            "job": run.job_name,
            "run_id": run.run_id,
            "error": context.failure_event.message or "",
            "tags": dict(run.tags),
        },
    )
    try:
        lake = open_lake(settings)
    except MarketlakeError as error:
        logger.warning("metrics not written", reason=str(error))
        return
    metrics.keep(lake, context.instance)


@dg.run_status_sensor(
    name="measure_on_success",
    run_status=dg.DagsterRunStatus.SUCCESS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Writes what Prometheus reads of jobs and releases once a run has succeeded",
)
def measure_on_success(context: dg.RunStatusSensorContext, lake: OpenLake) -> None:
    """The numbers of jobs, sources and releases, as they are after the run."""
    metrics.keep(lake, context.instance)


def send(webhook_url: str, alert: dict[str, object]) -> bool:
    """Log an alert and post it; True where it was delivered. A webhook that fails is logged, never raised."""
    logger.error("run failed", **alert)
    if not webhook_url:
        return False
    try:
        httpx.post(webhook_url, json=alert, timeout=10).raise_for_status()
    except httpx.HTTPError as error:
        logger.error("alert not delivered", webhook_error=str(error))
        return False
    return True
