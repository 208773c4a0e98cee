"""What follows by itself: an ingested session is built, a newly registered model version scores the newest one, a decayed champion is trained anew."""

import json
from itertools import takewhile

import dagster as dg

from assets.models import FILES
from assets.resources import OpenLake
from jobs.due import due_sessions, is_ingested
from jobs.names import BUILD, DUE_TAG, READ, SCORE, TRAIN, AssetJob, selected_sessions


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
    """A run over every session, once for each champion and release, where silver.sentiment holds another's scores or none: a run that failed is asked for again."""
    from assets import sentiment  # it brings torch's neighbours, which take seconds

    release, champion = lake.releases.current(), sentiment.champion(lake.store)
    about = f"{champion}-{release.release_id}" if release is not None else ""
    if release is None or champion is None or about == context.cursor:
        return dg.SkipReason("no release yet" if release is None else "no new champion among the models of headlines")
    context.update_cursor(about)
    if not sentiment.is_waiting(lake):
        return dg.SkipReason(f"{champion} has read everything")
    tags = selected_sessions(release.first_session, release.last_session)
    return dg.RunRequest(run_key=about, tags={**tags, "marketlake/model": str(champion)})


@dg.sensor(
    job_name=TRAIN,
    minimum_interval_seconds=600,
    # Off until somebody switches it on: every fit counts as a trial against whatever is found, and takes the machine for minutes.
    default_status=dg.DefaultSensorStatus.STOPPED,
    description="A champion that has drifted is trained anew; the version is filed as challenger and waits for a person",
)
def retrain_what_drifted(context: dg.SensorEvaluationContext, lake: OpenLake) -> list[dg.RunRequest] | dg.SkipReason:
    """A training run for each champion that has drifted: once for the champion's version and the release's last session.

    None while a challenger waits for its decision: another one on the same drift would be one more trial, and tell nothing new.
    """
    release = lake.releases.current()
    if release is None:
        return dg.SkipReason("no release yet")
    from assets.drift import drifted
    from assets.learning import tracking_uri
    from training.registry import holder
    from training.versions import CHALLENGER, CHAMPION

    asked: dict[str, str] = json.loads(context.cursor or "{}")
    requests, uri = [], tracking_uri(lake)
    for name, reasons in drifted(lake).items():
        champion, waiting = holder(uri, name, CHAMPION), holder(uri, name, CHALLENGER)
        about = f"{champion and champion['version']}-{release.last_session}"
        if champion is None or waiting is not None or asked.get(name) == about:
            continue
        asked[name] = about
        tags = {FILES: f"version {champion['version']} has drifted: {'; '.join(reasons)}"}
        requests.append(
            dg.RunRequest(run_key=f"retrain-{name}-{about}", asset_selection=[dg.AssetKey(["models", name])], tags=tags)
        )
    context.update_cursor(json.dumps(asked, sort_keys=True))
    return requests or dg.SkipReason("no champion has drifted that is not being trained anew, or waits for a decision")
