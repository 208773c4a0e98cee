"""One SQLite file and one kept connection to it, on which the threads of a process take turns."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from market.errors import Transient


class SqliteFile:
    """Opened at the first use; the file, its folder and its table are made where missing.

    Parameters
    ----------
    what : whose file it is, for errors.
    table : the statement that makes the table where it is missing.
    busy_s : how long to wait for another process.
    synchronous : SQLite's word for what a power cut may take: OFF, NORMAL.
    """

    def __init__(self, file: Path, what: str, table: str, *, busy_s: float, synchronous: str) -> None:
        self._file, self._what, self._table, self._busy_s, self._synchronous = file, what, table, busy_s, synchronous
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None

    @contextmanager
    def opened(self) -> Iterator[sqlite3.Connection]:
        """The connection, for this thread alone; `Transient` where the file does not answer."""
        with self._lock:
            try:
                if self._connection is None:
                    self._connection = self._connect()
                yield self._connection
            except (sqlite3.Error, OSError) as error:
                raise Transient(self._what, expected=f"{self._file} to answer", found=str(error)) from error

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """The same; what is written inside is there whole or not at all."""
        with self.opened() as connection, connection:
            connection.execute("BEGIN IMMEDIATE")
            yield connection

    def close(self) -> None:
        """Close the file; the next call opens it again."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _connect(self) -> sqlite3.Connection:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(self._file, timeout=self._busy_s, check_same_thread=False, isolation_level=None)
        connection.execute(
            "PRAGMA journal_mode = WAL"
        )  # a reader goes on reading the old rows while new ones are written
        connection.execute(f"PRAGMA synchronous = {self._synchronous}")
        connection.execute(self._table)
        return connection
