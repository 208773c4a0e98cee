"""Which sessions are due and not in the lake yet, and the days in order that a run has to take."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from assets.bronze import delivered_for
from lake.lake import Lake
from market import calendars
from market.sources import session_due_at

LOOK_BACK = timedelta(days=10)


def missing_sessions(lake: Lake, now: datetime) -> list[date]:
    """Covered sessions of the last ten days that every source owes by now and the current release does not hold, ascending."""
    today = now.date()
    release = lake.releases.current()
    done = date.fromisoformat(release.last_session) if release else date.min
    first = max(lake.settings.first_session, today - LOOK_BACK)
    covered = {day for exchange in calendars.EXCHANGES for day in lake.world.sessions(exchange, first, today)}
    return [day for day in sorted(covered) if day > done and session_due_at(day) <= now]


def exchanges_of(lake: Lake, day: date) -> list[str]:
    """The exchanges that have a covered session that day."""
    return [exchange for exchange in calendars.EXCHANGES if lake.world.sessions(exchange, day, day)]


def ingested(lake: Lake, exchange: str, sessions: Sequence[date]) -> set[date]:
    """Of these sessions, those of which bronze has every source of the exchange that the world covers.

    A table that may be empty tells nothing: a session without filings looks like one that was not asked for.
    """
    tables = [table for table in delivered_for(exchange) if not table.may_be_empty]
    return lake.bronze.have([table.name for table in tables if lake.world.covers_source(table.source)], sessions)


def is_ingested(lake: Lake, day: date) -> bool:
    """True where bronze has the day of every exchange with a covered session."""
    return all(day in ingested(lake, exchange, [day]) for exchange in exchanges_of(lake, day))
