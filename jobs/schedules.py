"""When the day runs by itself: weekdays at 18:00 in Seoul, taking every session that is due and not yet there."""

from collections.abc import Iterator

import dagster as dg

from assets.resources import OpenLake
from jobs.due import exchanges_of, missing_sessions
from jobs.names import SESSION_TAG, AssetJob


def take_what_is_due(exchange: str, job: AssetJob) -> dg.ScheduleDefinition:
    """The schedule of one exchange's ingestion; `jobs.sensors` builds a session once all its exchanges are ingested."""

    @dg.schedule(
        name=f"take_what_is_due_{exchange.lower()}",
        cron_schedule="0 18 * * 1-5",
        execution_timezone="Asia/Seoul",
        target=job,
        description=f"Weekdays 18:00 Asia/Seoul: every session of {exchange} that is due and that the lake lacks",
    )
    def evaluate(context: dg.ScheduleEvaluationContext, lake: OpenLake) -> Iterator[dg.RunRequest | dg.SkipReason]:
        missing = missing_sessions(lake, lake.world.clock()())
        ours = [f"{day}" for day in missing if exchange in exchanges_of(lake, day)]
        if not ours:
            yield dg.SkipReason(f"every session of {exchange} that is due is in the current release")
        for day in ours:
            yield dg.RunRequest(run_key=f"{exchange}-{day}", partition_key=day, tags={SESSION_TAG: day})

    return evaluate
