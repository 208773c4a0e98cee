"""When the day runs by itself: weekdays at 18:00 in Seoul, taking every session that is due and not yet there."""

import dagster as dg

from assets.resources import OpenLake
from jobs.due import due_sessions, exchanges_of
from jobs.names import DUE_TAG, AssetJob, selected_sessions


def take_what_is_due(exchange: str, job: AssetJob) -> dg.ScheduleDefinition:
    """The schedule of one exchange's ingestion; `jobs.sensors` builds the sessions once all their exchanges are ingested."""

    @dg.schedule(
        name=f"take_what_is_due_{exchange.lower()}",
        cron_schedule="0 18 * * 1-5",
        execution_timezone="Asia/Seoul",
        target=job,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description=f"Weekdays 18:00 Asia/Seoul: every session of {exchange} that is due and that the lake lacks, as one run",
    )
    def evaluate(context: dg.ScheduleEvaluationContext, lake: OpenLake) -> dg.RunRequest | dg.SkipReason:
        ours = [day for day in due_sessions(lake, lake.world.clock()()) if exchange in exchanges_of(lake, day)]
        if not ours:
            return dg.SkipReason(f"every session of {exchange} that is due is in the current release")
        first, last = f"{ours[0]}", f"{ours[-1]}"
        return dg.RunRequest(tags={**selected_sessions(first, last), DUE_TAG: f"{first} to {last}"})

    return evaluate
