"""Whether the current release holds every session that is due: a check that a calendar decides, not a number of hours.

Dagster's own freshness policies know clocks and cron, not holidays, and would call every Lunar New Year stale.
"""

import dagster as dg

from assets.models import DATA
from assets.resources import OpenLake
from jobs.due import due_sessions

NAME = "holds_what_is_due"


@dg.asset_check(
    asset=DATA, name=NAME, description="The current release holds every covered session that its sources owe by now"
)
def fresh(lake: OpenLake) -> dg.AssetCheckResult:
    """Fails, without blocking, naming the sessions that are due and missing."""
    late = [f"{day}" for day in due_sessions(lake, lake.world.clock()())]
    release = lake.releases.current()
    return dg.AssetCheckResult(
        passed=release is not None and not late,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"late": ", ".join(late) or "none", "last_session": release.last_session if release else "no release"},
    )


def selection() -> dg.AssetSelection:
    """The check alone."""
    return dg.AssetSelection.checks(dg.AssetCheckKey(DATA, NAME))


def look_at_evening(job: dg.JobDefinition) -> dg.ScheduleDefinition:
    """Weekdays at 20:00 in Seoul, two hours after what is due was asked for."""
    return dg.ScheduleDefinition(
        name="look_whether_it_is_fresh", job=job, cron_schedule="0 20 * * 1-5", execution_timezone="Asia/Seoul",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Weekdays 20:00 Asia/Seoul: does the current release hold every session that is due?",
    )  # fmt: skip
