"""The cache of answers in one SQLite file, which the processes of one machine share."""

import time
from collections.abc import Callable
from pathlib import Path

from lake.cache.backend import MAX_TOTAL, VARIANTS, Slot
from lake.sqlite_file import SqliteFile

BUSY_S = 0.2
SWEEP_EVERY = 64  # puts

_TABLE = """
CREATE TABLE IF NOT EXISTS answers (
    key TEXT NOT NULL, variant TEXT NOT NULL, value BLOB NOT NULL, expires_at REAL NOT NULL, PRIMARY KEY (key, variant)
)"""
# Those that end last stay, up to the limit; the window adds their sizes up in that order.
_SHRINK = """
DELETE FROM answers WHERE rowid IN (
    SELECT rowid FROM (
        SELECT rowid, sum(length(value)) OVER (ORDER BY expires_at DESC, rowid DESC) AS held FROM answers
    ) WHERE held > ?
)"""


class SqliteCache:
    """Values in the file; one connection, on which callers take turns (a turn takes some 20 µs).

    Parameters
    ----------
    clock : seconds since the epoch, since several processes compare them.
    """

    name = "sqlite"

    def __init__(self, file: Path, *, max_total: int = MAX_TOTAL, clock: Callable[[], float] = time.time) -> None:
        # Nothing is flushed to disk: what a power cut loses is made again.
        self._file = SqliteFile(file, "cache", _TABLE, busy_s=BUSY_S, synchronous="OFF")
        self._max_total, self._clock = max_total, clock
        self._n_puts = 0

    def get(self, slot: Slot, variant: str) -> bytes | None:
        """The value; None where there is none, or its time is over."""
        with self._file.opened() as connection:
            row = connection.execute(
                "SELECT value FROM answers WHERE key = ? AND variant = ? AND expires_at > ?",
                (slot.key, variant, self._clock()),
            ).fetchone()
        return bytes(row[0]) if row else None

    def put(self, slot: Slot, variant: str, value: bytes) -> None:
        """Keep the value for the slot's time, instead of the one before."""
        now = self._clock()
        with self._file.transaction() as connection:
            (others,) = connection.execute(
                "SELECT count(*) FROM answers WHERE key = ? AND variant != ?", (slot.key, variant)
            ).fetchone()
            if others >= VARIANTS:
                connection.execute("DELETE FROM answers WHERE key = ?", (slot.key,))
            connection.execute(
                "INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?)", (slot.key, variant, value, now + slot.ttl_s)
            )
            self._n_puts += 1
            if self._n_puts % SWEEP_EVERY == 0:
                connection.execute("DELETE FROM answers WHERE expires_at <= ?", (now,))
                connection.execute(_SHRINK, (self._max_total,))

    def close(self) -> None:
        """Close the file; the next call opens it again."""
        self._file.close()
