"""The release that is current, as SQL: replaced when the pointer moves, closed when its last reader has gone."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import duckdb
import pyarrow as pa
from deltalake.exceptions import DeltaError
from loguru import logger

from lake.objects import lake_store
from lake.releases import POINTER, Release, Releases
from lake.settings import Settings
from lake.sql.engine import open_release
from lake.sql.release import ReleaseSql
from market.errors import MarketlakeError, Transient

# Measured on two cores, four tables: 115,000 rows each are copied in 1 s into 0.1 GB, a page takes 1.7 ms instead of
# 32; 1.4 million rows each in 7 s into 1.7 GB, and a page takes 8 ms instead of 68.
HOT_ROWS = 2_000_000

# What opening may meet: storage, Delta, DuckDB, and a release object of another version (its fields are not ours).
_FAILURES = (
    MarketlakeError, DeltaError, duckdb.Error, pa.ArrowException, OSError, ValueError, TypeError, KeyError,
)  # fmt: skip


class Current:
    """The SQL of the release that is current, replaced when the pointer moves; a reader keeps the one it began with.

    Nothing here runs by itself: call `refresh` every few seconds, outside any request.

    Parameters
    ----------
    first : what is made of every release once it is current (`ReleaseSql.once`), so that no reader waits for it.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        first: Sequence[Callable[[ReleaseSql], Any]] = (),
        hot_rows: int = HOT_ROWS,
        time_limit_s: float = 10.0,
    ) -> None:
        self._settings, self._first, self._hot_rows, self._time_limit_s = settings, first, hot_rows, time_limit_s
        self._store = lake_store(settings)
        self._releases = Releases(self._store)
        self._left: list[ReleaseSql] = []
        self._lock, self._looking = threading.Lock(), threading.Lock()
        self._is_closed = self._is_cold = False
        self._held: Held | None = None
        self._pointer = ""
        self.releases: tuple[Release, ...] = ()
        self.failure = ""

    @property
    def release(self) -> Release | None:
        """The release that a new reader gets; None before the first."""
        held = self._held
        return held.sql.release if held else None

    def refresh(self) -> bool:
        """Look at the pointer, and switch where it moved; True where it did.

        A release that cannot be opened changes nothing: the one before stays, `failure` says why, the next call tries.
        """
        with self._looking:
            self._close_left()
            try:
                return not self._is_closed and self._look()
            except _FAILURES as error:
                if self.failure != str(error):
                    logger.error("release not opened", failure=str(error))
                self.failure = str(error)
                return False

    def acquire(self) -> "Held | None":
        """The current release for one reader, who must give it back; None before the first."""
        with self._lock:
            if self._held:
                self._held.n_readers += 1
            return self._held

    def give_back(self, held: "Held") -> None:
        """End of the reader; a replaced release without one is closed at the next look: letting go of gigabytes takes its time."""
        with self._lock:
            held.n_readers -= 1
            if held is not self._held and held.n_readers == 0:
                self._left.append(held.sql)
        if self._is_closed:
            self._close_left()

    @contextmanager
    def reading(self) -> Iterator[ReleaseSql]:
        """The SQL of one release throughout.

        Raises
        ------
        Transient
            No release has been published yet.
        """
        held = self.acquire()
        if held is None:
            raise Transient(
                "release", expected="a published one", found=self.failure or "none", do="Run `marketlake day`"
            )
        try:
            yield held.sql
        finally:
            self.give_back(held)

    def close(self) -> None:
        """Give up the release; the last reader closes it, and no other is opened."""
        with self._looking:
            self._is_closed = True
            self._switch(None)

    def _look(self) -> bool:
        # One listing where nothing moved: reading the pointer itself takes a read for each of its generations.
        pointer = max((path for path in self._store.list(POINTER) if path.endswith(".json")), default="")
        if pointer == self._pointer:
            if self._held and self._is_cold:
                self._warm(self._held.sql)
            return False
        release = self._releases.current()
        if release is not None and release != self.release:
            opened = open_release(self._settings, release, releases=self._releases, time_limit_s=self._time_limit_s)
            self._switch(Held(opened))
        self.releases = tuple(self._releases.list())
        self._pointer, self.failure = pointer, ""
        if self._held:
            self._warm(self._held.sql)  # after the switch: a larger release must not be late for it
        return True

    def _warm(self, sql: ReleaseSql) -> None:
        steps = [*(partial(sql.once, make) for make in self._first), partial(sql.warm, self._hot_rows)]
        self._is_cold = False
        for step in steps:
            try:
                step()
            except _FAILURES as error:
                logger.warning("release not read into memory, answers take longer", failure=str(error))
                self._is_cold |= not isinstance(error, duckdb.OutOfMemoryException)  # the next look tries again
            self._close_left()  # what was given back meanwhile: two releases in memory are one too many

    def _switch(self, new: "Held | None") -> None:
        with self._lock:
            old, self._held = self._held, new
            if old is not None and old.n_readers == 0:
                self._left.append(old.sql)
        if new:
            logger.info("release opened", release_id=new.sql.release.release_id)
        self._close_left()

    def _close_left(self) -> None:
        """Close what nobody reads any more."""
        with self._lock:
            left, self._left = self._left, []
        for sql in left:
            sql.close()


class Held:
    """An open release and how many read it."""

    def __init__(self, sql: ReleaseSql) -> None:
        self.sql = sql
        self.n_readers = 0
