"""What follows by itself: an ingested session is built, and a newly registered model version scores the newest one."""

from itertools import takewhile

import dagster as dg

from assets.resources import OpenLake
from jobs.due import due_sessions, is_ingested
from jobs.names import BUILD, DUE_TAG, READ, SCORE, AssetJob, selected_sessions


def build_what_is_ingested(watched: list[AssetJob], request: AssetJob) -> dg.SensorDefinition:
    """A build of the sessions that are due, in order, up to the first that is not in bronze yet."""

    @dg.run_status_sensor(
        name="build_what_is_ingested",
        run_status=dg.DagsterRunStatus.SUCCESS,
        monitored_jobs=watched,
        request_job=request,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Builds the due sessions, as one run, once all their exchanges are ingested",
    )
    def evaluate(context: dg.RunStatusSensorContext, lake: OpenLake) -> dg.RunRequest | dg.SkipReason:
        run = context.dagster_run
        if DUE_TAG not in run.tags:
            return dg.SkipReason("not a run of the schedule")
        due = due_sessions(lake, lake.world.clock()())
        ready = list(takewhile(lambda day: is_ingested(lake, day), due))
        if not ready:
            return dg.SkipReason(f"{due[0]}: another exchange is still to come" if due else "nothing is due")
        first, last = f"{ready[0]}", f"{ready[-1]}"
        # a key of the run that ended, not of the sessions: a build that failed is tried again after the next ingestion
        tags = {**selected_sessions(first, last), DUE_TAG: f"{first} to {last}"}
        return dg.RunRequest(run_key=f"{BUILD}-after-{run.run_id}", tags=tags)

    return evaluate


@dg.sensor(
    job_name=SCORE,
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="A new version in the model registry scores the newest session",
)
def react_to_new_model(context: dg.SensorEvaluationContext, lake: OpenLake) -> dg.RunRequest | dg.SkipReason:
    """A scoring run of the newest session when a version appeared since the last look; the first look only takes note."""
    from assets.learning import (
        tracking_uri,  # MLflow takes seconds to load, in each process that builds the definitions
    )
    from training.registry import list_models

    versions = sorted(f"{m['name']}@{m['version']}" for m in list_models(tracking_uri(lake)))
    seen = None if context.cursor is None else context.cursor.split(",")
    context.update_cursor(",".join(versions))
    fresh = [version for version in versions if seen is not None and version not in seen]
    release = lake.releases.current()
    if release is None or not fresh:
        return dg.SkipReason("no new model version" if release else "no release yet")
    return dg.RunRequest(run_key=fresh[-1], partition_key=release.last_session, tags={"marketlake/model": fresh[-1]})


@dg.sensor(
    job_name=READ,
    minimum_interval_seconds=60,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="A new champion among the models of headlines reads all of them",
)
def react_to_new_reader(context: dg.SensorEvaluationContext, lake: OpenLake) -> dg.RunRequest | dg.SkipReason:
    """A run over every session of the release, once for each champion, where silver.sentiment holds another's scores or none."""
    from assets import sentiment  # it brings torch's neighbours, which take seconds

    release, champion = lake.releases.current(), sentiment.waiting(lake)
    if release is None or champion is None:
        return dg.SkipReason(
            "no release yet" if release is None else "the champion has read everything, or there is none"
        )
    tags = selected_sessions(release.first_session, release.last_session)
    return dg.RunRequest(run_key=f"{champion}-{release.first_session}", tags={**tags, "marketlake/model": champion})
