"""Partitions: one per session. A KRX asset has KRX's sessions, a US asset New York's, silver and gold those of either.

All are labelled in one time zone: a mapping between definitions of two zones is refused by Dagster, and a session's key is its
date in its own exchange anyway. Holidays are excluded, so a holiday is never a missing partition.
"""

import warnings
from collections.abc import Iterable
from datetime import date, datetime, timedelta

import dagster as dg

from market import calendars

warnings.filterwarnings("ignore", category=dg.BetaWarning)  # the mapping's parameter below is one

ZONE = "Asia/Seoul"
SAME_SESSION = dg.TimeWindowPartitionMapping(allow_nonexistent_upstream_partitions=True)


def sessions_of(exchanges: Iterable[str], first: date, last: date | None) -> dg.TimeWindowPartitionsDefinition:
    """Sessions of any of the exchanges from the first one on; to the last, or to today where there is none."""
    until = last or calendars.LAST
    open_days = {day for exchange in exchanges for day in calendars.sessions(exchange, first, until)}
    closed = [day for n in range((until - first).days + 1) if (day := first + timedelta(days=n)) not in open_days]
    return dg.TimeWindowPartitionsDefinition(
        start=_midnight(first),
        end=_midnight(last + timedelta(days=1)) if last else None,
        fmt="%Y-%m-%d",
        cron_schedule="0 0 * * *",
        timezone=ZONE,
        end_offset=0 if last else 1,  # today's session has its key on the day itself
        exclusions=[_midnight(day) for day in closed],
    )


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day)  # noqa: DTZ001  the definition adds its own zone
