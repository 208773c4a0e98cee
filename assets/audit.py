"""What the checks said of the versions that a release would show: each table at that version, each session by its newest verdict.

A blocked session stays blocked until a later build of that session passes: the good day after it does not hide it. A session that
was never built is a hole that features and labels would reach across, so it blocks as well.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from lake.explain_commits import written_since
from lake.lake import Lake
from market import calendars, registry
from market.errors import Permanent
from market.table import Table

BACKBONE = "gold.prices"
"""The table whose sessions are those of the lake."""


@dataclass(frozen=True)
class Judged:
    """One version of a table as its checks judged it, or did not.

    Parameters
    ----------
    start, end : first and last session of the window that the version wrote.
    blocking : outcomes that keep it out of a release.
    """

    version: int
    start: date
    end: date
    n_checks: int
    n_warnings: int
    blocking: tuple[str, ...]


_JUDGEMENT = ("version", "begun", "session_date", "known_at")


def audited(lake: Lake, tables: Mapping[str, int]) -> dict[str, int]:
    """Counts of the outcomes for exactly these versions.

    Raises
    ------
    Permanent
        A version has no outcome, or a session that it shows was blocked or never judged and has not passed since, or was never
        built.
    """
    said = lake.delta.read(registry.table("ops.checks"), where=ds.field("table").isin(list(tables)))
    sessions = _sessions(lake, judged(said, BACKBONE, tables.get(BACKBONE, -1)))
    counts = {"checks": 0, "warnings": 0}
    for name, version in tables.items():
        table = registry.table(name)
        if table.layer == "bronze":
            continue  # judged when it becomes silver
        history = judged(said, name, version)
        if not history or history[0].version != version:
            raise _refused(name, version, "no outcome on record")
        counts["checks"] += history[0].n_checks
        counts["warnings"] += history[0].n_warnings
        history = history[:1] if not table.is_partitioned else _with_unjudged(lake, table, version, history)
        never = refuse_blocked(name, history, sessions)
        if never and table.is_partitioned and table.build is not None:
            found = f"{len(never)} covered sessions were never built, the first is {never[0]}"
            raise _refused(name, version, found, f"Run `marketlake backfill {never[0]} {never[-1]}`. ")
    return counts


def judged(said: pa.Table, name: str, version: int) -> list[Judged]:
    """Every judgement of the table's versions up to that one, newest version first and newest judgement of each first, from rows of ops.checks.

    A build that changes nothing judges the same version again, of its own window.
    """
    rows = said.filter(pc.and_(pc.equal(said["table"], name), pc.less_equal(said["version"], version)))
    rows = rows.append_column("begun", pc.coalesce(rows["window_start"], rows["session_date"]))
    rows = rows.append_column("failed", pc.invert(rows["passed"]))
    told = rows.group_by(list(_JUDGEMENT)).aggregate([("failed", "count"), ("failed", "sum")])
    errors: dict[tuple[object, ...], list[str]] = {}
    for row in rows.filter(pc.and_(rows["failed"], pc.equal(rows["severity"], "error"))).to_pylist():
        errors.setdefault(tuple(row[part] for part in _JUDGEMENT), []).append(f"{row['check']}: {row['found']}")
    newest = told.sort_by([("version", "descending"), ("known_at", "descending"), ("session_date", "descending")])
    return [
        Judged(row["version"], row["begun"], row["session_date"], row["failed_count"], row["failed_sum"],
               tuple(errors.get(tuple(row[part] for part in _JUDGEMENT), ())))
        for row in newest.to_pylist()
    ]  # fmt: skip


def _with_unjudged(lake: Lake, table: Table, version: int, history: Sequence[Judged]) -> list[Judged]:
    """The history with the versions since the current release that nobody judged: their writer was killed before it could record."""
    current = lake.releases.current()
    released = current.tables.get(table.name, -1) if current is not None else -1
    known = {one.version for one in history}
    if known >= set(range(max(released, 0) + 1, version + 1)):
        return list(history)
    unjudged = [
        Judged(commit.version, commit.start or date.min, commit.end or date.max, 0, 0, ("no outcome on record",))
        for commit in written_since(lake.delta, table, version, released)
        if commit.version not in known
    ]
    return sorted([*history, *unjudged], key=lambda one: one.version, reverse=True)


def _sessions(lake: Lake, backbone: Sequence[Judged]) -> list[date]:
    """Every covered session from the first one built to the last."""
    if not backbone:
        return []
    first, last = min(one.start for one in backbone), max(one.end for one in backbone)
    return sorted({day for name in calendars.EXCHANGES for day in lake.world.sessions(name, first, last)})


def refuse_blocked(name: str, history: Sequence[Judged], sessions: Sequence[date]) -> list[date]:
    """Refuses a session whose newest verdict blocks; the sessions without any, from the table's first one on."""
    first = min(one.start for one in history)
    left = {day for day in sessions if day >= first}
    for one in history:
        here = {day for day in left if one.start <= day <= one.end}
        if one.blocking and (here or one is history[0]):
            found = f"{one.start} to {one.end}: {'; '.join(one.blocking)}"
            again = f"`marketlake day {one.end}` asks the sources again. " if one.start == one.end else ""
            raise _refused(name, one.version, found, again)
        left -= here
    return sorted(left)


def _refused(name: str, version: int, found: str, first: str = "") -> Permanent:
    return Permanent(
        f"release blocked by {name} version {version}",
        expected="every blocking check to pass for exactly this version, on every session",
        found=found,
        do=f"{first}The last good release stays current. See `marketlake quarantine list` and the checks in the Dagster UI",
    )
