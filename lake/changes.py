"""How far a build must go since what it reads has changed: of a past day restated, the sessions whose rows read it, and no more.

A commit of a table that follows says which version of what it reads it was made from (`explain_commits.commit_note`). Between that version and the newest one the rows
are compared, within the sessions that commits in between replaced; an unfinished build of before is so made up for too. What does not belong here: what a build
reads (`lake.windows`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date

import duckdb

from lake.delta import DeltaLake
from lake.explain_commits import newest_commit, written_since
from lake.windows import between, last_session
from market import calendars, registry
from market.errors import MarketlakeError
from market.table import Read, Table, Window

_SESSIONS = """
SELECT min(session_date), max(session_date), count(DISTINCT (security_id, session_date)) FROM (
  (SELECT * FROM was EXCEPT SELECT * FROM now) UNION ALL (SELECT * FROM now EXCEPT SELECT * FROM was))
"""


@dataclass(frozen=True)
class Changes:
    """What of a table's input is not the same as when it was built.

    Parameters
    ----------
    first, last : the sessions between which rows differ; None: not a row does.
    rows : how many differ.
    """

    first: date | None = None
    last: date | None = None
    rows: int = 0


def followed(table: Table, window: Window, delta: DeltaLake) -> Window:
    """The window with the sessions whose rows read what has changed; up to the last one there is, where nobody can tell what has."""
    main = followed_read(table)
    newest = last_session(main.table, delta)
    if newest is None or not delta.exists(table):
        return window
    told = changes(table, window, delta)
    if told is None:
        return replace(window, end=max(window.end, newest))
    if told.first is None or told.last is None:
        return window
    reached = min(newest, sessions_on(told.last, main.history or 0, newest))
    return replace(window, start=min(window.start, told.first), end=max(window.end, reached))


def changes(table: Table, window: Window, delta: DeltaLake) -> Changes | None:
    """What has changed in what the table follows, beyond what the window builds anyway; None: the logs do not tell."""
    main = registry.table(followed_read(table).table)
    newest, now = last_session(main.name, delta), delta.version(main)
    commit = newest_commit(delta, table)
    was = commit.read.get(main.name) if commit is not None else None
    if was is None or now is None or newest is None or was > now:
        return None
    entries = [entry for entry in delta.history(main, was) if was < int(entry["version"]) <= now]
    commits = written_since(delta, main, now, was)
    if len(entries) < now - was or any(one.start is None for one in commits):
        return None
    if not commits:
        return Changes()
    first = min(one.start for one in commits if one.start is not None)
    if first >= window.start and window.end >= newest:
        return Changes()  # all of it is built anyway
    try:
        before, after = (delta.read(main, version=version, where=between(first, newest)) for version in (was, now))
    except MarketlakeError:  # its files were cleared away
        return None
    columns = [name for name in after.column_names if name in before.column_names]
    if columns != after.column_names:
        return None
    with duckdb.connect() as connection:
        connection.register("was", before.select(columns))
        connection.register("now", after)
        found = connection.execute(_SESSIONS).fetchone()
    assert found is not None
    return Changes(*found)


def followed_read(table: Table) -> Read:
    """The one main read of a table that follows."""
    return next(read for read in table.reads if read.role == "main")


def versions_read(table: Table, delta: DeltaLake) -> Mapping[str, int]:
    """The version of what the table follows, to be told by its commit; asked before it is read, so that a commit in between counts as a change."""
    if not table.follows:
        return {}
    name = followed_read(table).table
    version = delta.version(name)
    return {} if version is None else {name: version}


def sessions_on(day: date, n: int, last: date) -> date:
    """The session n after the day of the exchange that is the slowest to get there, or the last."""
    reached = []
    for exchange in calendars.EXCHANGES:
        days = [one for one in calendars.sessions(exchange, day, last) if one > day]
        reached.append(days[n - 1] if 0 < n <= len(days) else day if n == 0 else last)
    return max(reached)
