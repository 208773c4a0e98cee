"""What follows by itself: an ingested session is built, and a newly registered model version scores the newest one."""

from collections.abc import Iterator
from datetime import date

import dagster as dg

from assets.learning import tracking_uri
from assets.resources import OpenLake
from jobs.due import is_ingested
from jobs.names import BUILD, SCORE, SESSION_TAG, AssetJob
from training.registry import list_models


def build_what_is_ingested(watched: list[AssetJob], request: AssetJob) -> dg.SensorDefinition:
    """A build of a scheduled session, once the last of its exchanges is in bronze."""

    @dg.run_status_sensor(
        name="build_what_is_ingested",
        run_status=dg.DagsterRunStatus.SUCCESS,
        monitored_jobs=watched,
        request_job=request,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Builds a scheduled session when all its exchanges are ingested",
    )
    def evaluate(context: dg.RunStatusSensorContext, lake: OpenLake) -> dg.RunRequest | dg.SkipReason:
        session = context.dagster_run.tags.get(SESSION_TAG)
        if session is None:
            return dg.SkipReason("not a scheduled session")
        if not is_ingested(lake, date.fromisoformat(session)):
            return dg.SkipReason(f"{session}: another exchange is still to come")
        return dg.RunRequest(run_key=f"{BUILD}-{session}", partition_key=session, tags={SESSION_TAG: session})

    return evaluate


@dg.sensor(
    job_name=SCORE,
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="A new version in the model registry scores the newest session",
)
def react_to_new_model(context: dg.SensorEvaluationContext, lake: OpenLake) -> Iterator[dg.RunRequest | dg.SkipReason]:
    """A scoring run of the newest session when a version appeared since the last look."""
    release = lake.releases.current()
    versions = sorted(f"{m['name']}@{m['version']}" for m in list_models(tracking_uri(lake)))
    seen = (context.cursor or "").split(",")
    fresh = [version for version in versions if version not in seen]
    if release is None or not fresh:
        yield dg.SkipReason("no new model version" if release else "no release yet")
        return
    context.update_cursor(",".join(versions))
    yield dg.RunRequest(run_key=fresh[-1], partition_key=release.last_session, tags={"marketlake/model": fresh[-1]})
