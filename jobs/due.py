"""Which sessions the lake holds, which are due and missing, and which are in bronze already."""

from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime, timedelta

from assets.audit import BACKBONE
from assets.bronze import delivered_for
from lake import windows
from lake.lake import Lake
from market import calendars, registry
from market.sources import session_due_at

PRICES = ("bronze.krx_daily", "bronze.yahoo_chart")
LOOK_BACK = timedelta(days=10)


def held(lake: Lake) -> set[tuple[str, date]]:
    """Exchange and date of every session whose prices the current release holds."""
    release = lake.releases.current()
    if release is None or BACKBONE not in release.tables:
        return set()
    table, columns = registry.table(BACKBONE), ["exchange", "session_date"]
    rows = lake.delta.read(table, version=release.tables[BACKBONE], columns=columns).group_by(columns).aggregate([])
    return {(row["exchange"], row["session_date"]) for row in rows.to_pylist()}


def missing(lake: Lake, first: date, last: date) -> list[date]:
    """Days from first to last on which an exchange has a covered session that the current release does not hold, ascending."""
    have = held(lake)
    covered = {(name, day) for name in calendars.EXCHANGES for day in lake.world.sessions(name, first, last)}
    return sorted({day for _, day in covered - have})


def due_sessions(lake: Lake, now: datetime) -> list[date]:
    """Missing days of the last ten days that every source owes by now, ascending."""
    first = max(lake.settings.first_session, now.date() - LOOK_BACK)
    return [day for day in missing(lake, first, now.date()) if session_due_at(day) <= now]


def exchanges_of(lake: Lake, day: date) -> list[str]:
    """The exchanges that have a covered session that day."""
    return [exchange for exchange in calendars.EXCHANGES if lake.world.sessions(exchange, day, day)]


def ingested(lake: Lake, exchange: str, sessions: Sequence[date]) -> set[date]:
    """Of these sessions, those of which bronze has every source of the exchange that the world covers."""
    sources = {table.source for table in delivered_for(exchange) if lake.world.covers_source(table.source)}
    return lake.bronze.have(sorted(sources), sessions)


def rows_a_month(lake: Lake) -> dict[str, int]:
    """Rows of prices that bronze has of each month, `2024-05`; told twice they count twice."""
    found: Counter[str] = Counter()
    for name in PRICES:
        found.update(windows.rows_a_month(lake.delta, name))
    return dict(found)


def is_ingested(lake: Lake, day: date) -> bool:
    """True where bronze has the day of every exchange with a covered session."""
    return all(day in ingested(lake, exchange, [day]) for exchange in exchanges_of(lake, day))
