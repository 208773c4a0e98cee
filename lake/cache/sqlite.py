"""The cache of answers in one SQLite file, which the processes of one machine share."""

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from lake.cache.backend import MAX_TOTAL, VARIANTS, Slot
from market.errors import Transient

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
        self._file, self._max_total, self._clock = file, max_total, clock
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._n_puts = 0

    def get(self, slot: Slot, variant: str) -> bytes | None:
        """The value; None where there is none, or its time is over."""
        with self._opened() as connection:
            row = connection.execute(
                "SELECT value FROM answers WHERE key = ? AND variant = ? AND expires_at > ?",
                (slot.key, variant, self._clock()),
            ).fetchone()
        return bytes(row[0]) if row else None

    def put(self, slot: Slot, variant: str, value: bytes) -> None:
        """Keep the value for the slot's time, instead of the one before."""
        now = self._clock()
        with self._opened() as connection, connection:
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
        """Close the file."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                if self._connection is None:
                    self._connection = _connect(self._file)
                yield self._connection
            except (sqlite3.Error, OSError) as error:
                raise Transient("cache", expected=f"{self._file} to answer", found=str(error)) from error


def _connect(file: Path) -> sqlite3.Connection:
    file.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(file, timeout=BUSY_S, check_same_thread=False)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = OFF")  # what a power cut loses is made again
    connection.execute(_TABLE)
    return connection
