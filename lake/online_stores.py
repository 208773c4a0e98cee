"""Stores of packed online features: what both can do, the one in SQLite, and which one a setting names.

What does not belong here: what the bytes mean (`lake.online_rows`), which rows there are (`lake.online`).
"""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from lake.online_rows import Packed
from lake.redis_client import is_redis
from lake.sqlite_file import SqliteFile
from market.errors import Permanent

HEAD = ""
"""In place of a security's id: the view's head."""

SETTING = "MARKETLAKE_ONLINE_URL"
SQLITE = "sqlite:///"
ANSWER_S = 0.5
BUSY_S = 5.0

_TABLE = """
CREATE TABLE IF NOT EXISTS online_rows (
    view TEXT NOT NULL, security_id TEXT NOT NULL, packed BLOB NOT NULL, PRIMARY KEY (view, security_id)
) WITHOUT ROWID"""
_READ = """
SELECT view, security_id, packed FROM online_rows
WHERE view IN (SELECT value FROM json_each(?)) AND security_id IN (SELECT value FROM json_each(?))"""

Blobs = tuple[bytes | None, list[bytes | None]]
"""A view's head, None where it was never filled; and a row per id asked for, None where there is none."""


class OnlineRows(Protocol):
    """Packed rows by view and security. Safe to call from any thread; each method raises `Transient` where the store is away."""

    name: str

    def replace(self, views: Mapping[str, Packed]) -> None:
        """Put these rows in place of all that the views hold; a reader sees all of them or none."""

    def write(self, view: str, packed: Packed) -> None:
        """Put rows beside those that are there.

        Raises
        ------
        Permanent
            The view holds rows of another head.
        """

    def read(self, views: Sequence[str], security_ids: Sequence[str]) -> list[Blobs]:
        """Head and rows of each view, of one instant."""

    def forget(self, view: str) -> None:
        """Remove the view."""

    def close(self) -> None:
        """Let go of connections."""


class SqliteOnlineRows:
    """Rows in one SQLite file, written in one transaction; one connection, on which readers take turns."""

    name = "sqlite"

    def __init__(self, file: Path) -> None:
        self._file = SqliteFile(file, "online store", _TABLE, busy_s=BUSY_S, synchronous="NORMAL")

    def replace(self, views: Mapping[str, Packed]) -> None:
        """Put these rows in place of all that the views hold; a reader sees all of them or none."""
        with self._file.transaction() as connection:
            for view, packed in views.items():
                connection.execute("DELETE FROM online_rows WHERE view = ?", (view,))
                _insert(connection, view, packed)

    def write(self, view: str, packed: Packed) -> None:
        """Put rows beside those that are there."""
        with self._file.transaction() as connection:
            row = connection.execute(
                "SELECT packed FROM online_rows WHERE view = ? AND security_id = ?", (view, HEAD)
            ).fetchone()
            same_head(view, row[0] if row else None, packed)
            _insert(connection, view, packed)

    def read(self, views: Sequence[str], security_ids: Sequence[str]) -> list[Blobs]:
        """Head and rows of each view, of one instant."""
        asked = (json.dumps(list(views)), json.dumps([HEAD, *security_ids]))
        with self._file.opened() as connection:
            found = {(view, security): bytes(packed) for view, security, packed in connection.execute(_READ, asked)}
        return [(found.get((view, HEAD)), [found.get((view, one)) for one in security_ids]) for view in views]

    def forget(self, view: str) -> None:
        """Remove the view."""
        with self._file.transaction() as connection:
            connection.execute("DELETE FROM online_rows WHERE view = ?", (view,))

    def open(self) -> None:
        """Make the file where it is missing."""
        with self._file.opened():
            pass

    def close(self) -> None:
        """Close the file; the next call opens it again."""
        self._file.close()


def open_online(url: str, root: Path, *, answer_s: float = ANSWER_S) -> OnlineRows:
    """The store at the URL; nothing is connected or written yet.

    Parameters
    ----------
    root : where a relative file of `sqlite:///file` starts.
    answer_s : seconds to wait for an answer of Redis.

    Raises
    ------
    Permanent
        The URL names no store that we know.
    """
    if url.startswith(SQLITE):
        return SqliteOnlineRows((root / Path(url.removeprefix(SQLITE)).expanduser()).resolve())
    if is_redis(url):
        from lake.online_redis import RedisOnlineRows

        return RedisOnlineRows(url, answer_s=answer_s)
    expected = "sqlite:///file or redis://[:password@]host:port/db"
    raise Permanent(SETTING, expected=expected, found=url.split("://")[0] or "nothing")


def same_head(view: str, held: bytes | None, packed: Packed) -> None:
    """Nothing where the rows may stand beside those that the view holds.

    Raises
    ------
    Permanent
        Their heads differ.
    """
    if held is not None and held != packed.head:
        raise Permanent(f"online store, view {view}", expected=f"rows of {held.decode()}", found=packed.head.decode(),
                        do="Fill the view anew from a release")  # fmt: skip


def _insert(connection: sqlite3.Connection, view: str, packed: Packed) -> None:
    rows = [(view, HEAD, packed.head), *((view, security, row) for security, row in packed.rows.items())]
    connection.executemany("INSERT OR REPLACE INTO online_rows VALUES (?, ?, ?)", rows)
