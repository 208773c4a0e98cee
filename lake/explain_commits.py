"""What a Delta commit says of the rows that it wrote, and which commit wrote a row.

Rows of one table version come from many commits: each replaced a window of sessions, and carries a note (Delta's
`userMetadata`) with the code, the window and the expressions of the columns that have one. What does not belong here: the
chain behind a number (`lake.explain_links`).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from lake.delta import DeltaLake
from market.features.catalogue import of_table
from market.table import Table, Window

FEW = 64
"""Commits that are read first; all of them only where none of these wrote the row."""

_UPKEEP = frozenset(
    ("CREATE TABLE", "OPTIMIZE", "VACUUM START", "VACUUM END", "SET TBLPROPERTIES", "ADD COLUMNS", "UPGRADE PROTOCOL")
)  # operations that leave every row as it was; any other without a note may have written any row


@dataclass(frozen=True)
class Commit:
    """One commit that wrote rows.

    Parameters
    ----------
    code_sha : commit of the code; empty where the Delta commit does not say it.
    start, end : the sessions it replaced, both included; None: unknown, so that it may have written any row.
    expressions : of the columns that had one when the rows were made, by name.
    read : versions of the tables that the rows were made from, of a table that follows another.
    """

    version: int
    code_sha: str = ""
    start: date | None = None
    end: date | None = None
    expressions: Mapping[str, str] = field(default_factory=dict)
    read: Mapping[str, int] = field(default_factory=dict)

    def wrote(self, day: date | None) -> bool:
        """Whether its window holds the session; None: the row belongs to none, and every commit replaces all rows."""
        return day is None or self.start is None or self.end is None or self.start <= day <= self.end

    def __str__(self) -> str:
        said = f"commit {self.code_sha}" if self.code_sha else "a commit that does not say its code"
        window = f", sessions {self.start} to {self.end}" if self.start and self.end else ""
        return f"{said} (Delta version {self.version}{window})"


def expressions(table: Table) -> dict[str, str]:
    """The present expressions of the table's columns that are features, by name."""
    return {feature.name: feature.formula for feature in of_table(table.name).values()}


def commit_note(table: Table, code_sha: str, window: Window, read: Mapping[str, int] | None = None) -> str:
    """The note of a commit that replaces the window's rows, as JSON; ``read``: versions of what they were made from."""
    told: dict[str, Any] = {"code_sha": code_sha, "from": f"{window.start}", "to": f"{window.end}"}
    told |= {"read": dict(read)} if read else {}
    found = expressions(table)
    return json.dumps(told | {"expressions": found} if found else told, ensure_ascii=False)


def writer_of(delta: DeltaLake, table: Table, version: int, day: date | None) -> Commit | None:
    """The newest commit up to the version whose window holds the session; None where the log no longer has it.

    Parameters
    ----------
    day : the row's session; it does not matter for a table without sessions, whose every commit replaces all rows.
    """
    of_row = day if table.is_partitioned else None
    for n_read in (FEW, None):
        commits = _commits(delta, table, version, n_read)
        for commit in commits:
            if commit.wrote(of_row):
                return commit
    return None


def newest_commit(delta: DeltaLake, table: Table) -> Commit | None:
    """The newest commit that wrote rows, among the newest few; None where there is none."""
    version = delta.version(table)
    return None if version is None else next(iter(_commits(delta, table, version, FEW)), None)


def written_since(delta: DeltaLake, table: Table, version: int, since: int) -> list[Commit]:
    """Commits that wrote rows after the version `since`, up to `version`, newest first."""
    return [commit for commit in _commits(delta, table, version, version - since) if commit.version > since]


def _commits(delta: DeltaLake, table: Table, version: int, n_read: int | None) -> list[Commit]:
    """Commits that wrote rows, up to the version, newest first."""
    history = delta.history(table, None if n_read is None else version - n_read)
    return [
        _commit(entry) for entry in history if entry["version"] <= version and entry.get("operation") not in _UPKEEP
    ]


def _commit(entry: Mapping[str, Any]) -> Commit:
    version = int(entry["version"])
    try:
        note = json.loads(entry.get("userMetadata") or "{}")
        start, end = (date.fromisoformat(note[name]) for name in ("from", "to"))
        read = {str(name): int(n) for name, n in note.get("read", {}).items()}
        return Commit(version, str(note["code_sha"]), start, end, dict(note.get("expressions", {})), read)
    except (ValueError, KeyError, TypeError, AttributeError):
        return Commit(version)  # none of `DeltaLake.replace`: it does not say what it wrote
