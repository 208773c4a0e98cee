"""Cursors for many threads: a pool, one reading statement at a time each, interrupted when it takes too long."""

import queue
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Generic, Protocol, TypeVar

import duckdb

from lake.sql import asking
from market.errors import Permanent, Transient

N_CURSORS = 8


class TimedOut(Transient):
    """A query ran longer than its limit, or none of the cursors became free within it."""


class Cursor(asking.Interruptible, Protocol):
    """What runs one statement at a time."""

    def close(self) -> None:
        """Let go of it."""


C = TypeVar("C", bound=Cursor)


class Cursors(Generic[C]):
    """A fixed number of cursors of one engine; one in use is interrupted after the limit, and when its asker leaves.

    Parameters
    ----------
    make : makes a cursor; called here, once for each.
    limit_s : a cursor in use for longer is interrupted.
    """

    def __init__(self, make: Callable[[], C], limit_s: float) -> None:
        self.limit_s = limit_s
        self._free: queue.LifoQueue[C] = queue.LifoQueue()
        for _ in range(N_CURSORS):
            self._free.put(make())
        self._watch = _Watch()
        self._is_closed = False

    @contextmanager
    def one(self) -> Iterator[C]:
        """A cursor for the block.

        Raises
        ------
        Permanent
            The release has been closed.
        TimedOut
            All are in use for too long.
        Cancelled
            The asker has left; also where the block ends by any error of an interrupted query.
        """
        if self._is_closed:
            raise Permanent("query", expected="an open release", found="a closed one", do="Open the release again")
        try:
            cursor = self._free.get(timeout=self.limit_s)
        except queue.Empty as error:
            raise TimedOut("query", expected=f"one of {N_CURSORS} cursors to be free", found="none",
                           do="Try again: too many long queries run at once") from error  # fmt: skip
        try:
            with self._watch.limit(cursor, self.limit_s), _asked(cursor):
                yield cursor
        finally:
            self._free.put(cursor)

    def close(self) -> None:
        """Close those that are free and end the watch."""
        self._is_closed = True
        self._watch.stop()
        while not self._free.empty():
            self._free.get_nowait().close()


@contextmanager
def _asked(cursor: asking.Interruptible) -> Iterator[None]:
    """The cursor belongs to whoever asks in this context, if anybody does."""
    asker = asking.current.get()
    if asker is None:
        yield
        return
    try:
        with asker.running(cursor):
            yield
    except (TimedOut, asking.Cancelled):
        asker.refuse()  # interrupted because nobody waits, not because it took long
        raise


@lru_cache(maxsize=512)
def refuse_writes(sql: str) -> None:
    """Nothing where the text is one reading statement.

    Raises
    ------
    Permanent
        It cannot be parsed, is not exactly one statement, or does something other than read.
    """
    expected = "one SELECT, WITH, DESCRIBE or SHOW statement"
    try:
        statements = duckdb.extract_statements(sql)
    except duckdb.Error as error:
        raise Permanent("query", expected=expected, found=first_of(error)) from error
    kinds = [str(statement.type).rsplit(".", 1)[-1] for statement in statements]
    if kinds != ["SELECT"]:
        do = "The release is read-only: write through the assets"
        raise Permanent("query", expected=expected, found=", ".join(kinds) or "nothing", do=do)


def first_of(error: Exception) -> str:
    """What DuckDB says, without the picture of the line."""
    return str(error).split("\n\nLINE ")[0].replace("\n", " ").strip()


class _Watch:
    """Interrupts cursors past their deadline; one thread for all: a timer a query costs a tenth of a small query."""

    def __init__(self, tick_s: float = 0.05) -> None:
        self._tick_s = tick_s
        self._deadlines: dict[int, tuple[float, asking.Interruptible]] = {}
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        threading.Thread(target=self._run, name="query-time-limit", daemon=True).start()

    @contextmanager
    def limit(self, cursor: asking.Interruptible, seconds: float) -> Iterator[None]:
        """Interrupt the cursor if the block has not ended by then; never after it has."""
        with self._lock:
            self._deadlines[id(cursor)] = (time.monotonic() + seconds, cursor)
        try:
            yield
        finally:
            with self._lock:
                del self._deadlines[id(cursor)]

    def stop(self) -> None:
        """End the thread."""
        self._stopped.set()

    def _run(self) -> None:
        while not self._stopped.wait(self._tick_s):
            with self._lock:
                now = time.monotonic()
                for deadline, cursor in self._deadlines.values():
                    if now > deadline:
                        cursor.interrupt()
