"""SQL over one release: DuckDB views at exactly the Delta versions that the release names, for people and for serving.

Delta is read when a release is opened and never by a query. What does not belong here: queries of a screen or a route.
"""

import queue
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.dataset as ds
from deltalake.exceptions import DeltaError
from loguru import logger

from lake.delta import DeltaLake
from lake.objects import open_store
from lake.releases import POINTER, Release, Releases
from lake.settings import Settings
from market import registry
from market.errors import MarketlakeError, Permanent, Transient
from market.table import LAYERS, Column, Table

HOT_ROWS = 5_000_000  # gold of 2,800 securities over seven years; 1.4 M rows of features take 0.3 GB (bench of the tests' lake)
TIME_LIMIT_S = 30.0
N_CURSORS = 8
TYPES = {
    "string": "VARCHAR", "int32": "INTEGER", "int64": "BIGINT", "float64": "DOUBLE", "bool": "BOOLEAN", "date": "DATE",
    "timestamp": "TIMESTAMPTZ", "list<float64>": "DOUBLE[]",
}  # fmt: skip

# The order of the operations is `market.adjust.adjusted_as_of`'s, so that both give equal bits.
PRICES_ADJUSTED = """
CREATE VIEW gold.prices_adjusted AS SELECT * EXCLUDE (last_factor) REPLACE (
    open / cumulative_factor * last_factor AS open, high / cumulative_factor * last_factor AS high,
    low / cumulative_factor * last_factor AS low, close / cumulative_factor * last_factor AS close,
    volume * cumulative_factor / last_factor AS volume
) FROM (
    SELECT *, arg_max(cumulative_factor, session_date) OVER (PARTITION BY security_id) AS last_factor FROM gold.prices
)"""


class TimedOut(Transient):
    """A query ran longer than its limit."""


class ReleaseSql:
    """One release as SQL: `<layer>.<table>` with the public columns, `raw.<layer>_<table>` with all that is stored.

    A contract without a version in the release is an empty view, so that a query need not ask first. `ops` tables are those of
    the head at opening. Every bitemporal table has a macro: `silver.prices_as_of('2024-05-03T09:00+09:00')`.

    Parameters
    ----------
    hot_rows : gold tables and unpartitioned ones of at most so many rows are copied into DuckDB, sorted by key, at opening;
        0 copies nothing, which suits a single query.
    time_limit_s : a query is interrupted after it.

    Raises
    ------
    Permanent
        The release names a table version that is not there.
    """

    def __init__(
        self, settings: Settings, release: Release, *, hot_rows: int = 0, time_limit_s: float = TIME_LIMIT_S
    ) -> None:
        self.release = release
        self._time_limit_s = time_limit_s
        self._sources: dict[str, ds.Dataset] = {}
        self._connection = duckdb.connect(":memory:", config={"python_enable_replacements": False})
        self._connection.execute("SET GLOBAL TimeZone = 'UTC'")
        for schema in (*LAYERS, "raw", "copied"):
            self._connection.execute(f"CREATE SCHEMA {schema}")
        self._open(DeltaLake(settings), hot_rows)
        self._connection.execute(PRICES_ADJUSTED)
        self._add_releases(Releases(store_of(settings)))
        self._connection.execute("SET enable_external_access = false")
        self._connection.execute("SET lock_configuration = true")
        self._cursors: queue.LifoQueue[duckdb.DuckDBPyConnection] = queue.LifoQueue()
        for _ in range(N_CURSORS):
            self._cursors.put(self._registered(self._connection.cursor()))
        self._watch = _Watch()

    def query(self, sql: str, params: Sequence[Any] = ()) -> pa.Table:
        """The rows of one reading statement; safe to call from any thread.

        Parameters
        ----------
        sql : SELECT, WITH, FROM, VALUES, DESCRIBE, SUMMARIZE or SHOW, with `?` for each of the params.

        Raises
        ------
        Permanent
            Not one reading statement, an unknown table (the message names those there are), or SQL that DuckDB refuses.
        TimedOut
            It ran longer than the limit.
        """
        refuse_writes(sql)
        with self._cursor() as cursor, self._watch.limit(cursor, self._time_limit_s):
            try:
                return cursor.execute(sql, list(params)).to_arrow_table()
            except duckdb.InterruptException as error:
                raise TimedOut("query", expected=f"an answer within {self._time_limit_s:g} s", found="none",
                               do="Ask for fewer rows, or filter by security_id or session_date") from error  # fmt: skip
            except duckdb.CatalogException as error:
                raise Permanent("query", expected=f"tables among {', '.join(self.tables())}", found=_first(error),
                                do="See `marketlake tables`") from error  # fmt: skip
            except duckdb.IOException as error:
                raise Transient("query", expected="to read the lake's files", found=_first(error)) from error
            except duckdb.Error as error:
                raise Permanent("query", expected="SQL that DuckDB can run", found=_first(error)) from error

    def tables(self) -> list[str]:
        """Names of the tables with a version in the release, the `ops` tables, and the views made from them."""
        return sorted({*self.release.tables, *self._sources, "gold.prices_adjusted", "ops.releases"})

    def close(self) -> None:
        """Let go of the files and the memory; a query afterwards fails."""
        self._watch.stop()
        while not self._cursors.empty():
            self._cursors.get_nowait().close()
        self._connection.close()

    def _open(self, lake: DeltaLake, hot_rows: int) -> None:
        contracts = registry.tables()
        for name, version in self.release.tables.items():
            self._sources[name] = _dataset(lake, name, version)
        for table in registry.layer("ops"):
            if table.name not in self._sources and lake.exists(table):
                self._sources[table.name] = lake.open(table).to_pyarrow_dataset()
        self._registered(self._connection)
        for name in {**contracts, **self._sources}:
            self._add_table(name, contracts.get(name), hot_rows)

    def _add_table(self, name: str, table: Table | None, hot_rows: int) -> None:
        raw, source = f'raw."{_flat(name)}"', self._sources.get(name)
        stored = source.schema.names if source is not None else []
        if source is None:
            self._connection.execute(f"CREATE VIEW {raw} AS SELECT {_columns(table, [], every=True)} WHERE false")
        elif table is not None and _is_hot(table, source, hot_rows):
            copied = f'copied."{_flat(name)}"'
            order = ", ".join(f'"{key}"' for key in table.key)
            self._connection.execute(f'CREATE TABLE {copied} AS SELECT * FROM "{_flat(name)}_source" ORDER BY {order}')
            self._connection.execute(f"CREATE VIEW {raw} AS SELECT * FROM {copied}")
        else:
            self._connection.execute(f'CREATE VIEW {raw} AS SELECT * FROM "{_flat(name)}_source"')
        seen = _columns(table, stored) if table is not None and source is not None else "*"
        if table is not None and source is None:
            seen = ", ".join(f'"{column.name}"' for column in table.public)
        layer, short = name.split(".")
        self._connection.execute(f'CREATE VIEW {layer}."{short}" AS SELECT {seen} FROM {raw}')
        if table is not None and table.is_bitemporal:
            self._connection.execute(
                f"CREATE MACRO {layer}.{short}_as_of(instant) AS TABLE SELECT * FROM {layer}.{short} "
                "WHERE known_at <= instant AND (known_until IS NULL OR known_until > instant)"
            )

    def _add_releases(self, releases: Releases) -> None:
        rows = [
            {"release_id": r.release_id, "kind": r.kind, "created_at": r.created_at, "as_of": r.as_of,
             "code_sha": r.meta["code_sha"], "rulebook": r.rulebook, "first_session": r.first_session,
             "last_session": r.last_session, "parent": r.parent}
            for r in releases.list()
        ]  # fmt: skip
        if not rows:
            rows = [{name: None for name in self.release.meta}]
        self._connection.register("releases_source", pa.Table.from_pylist(rows))
        self._connection.execute(
            "CREATE TABLE ops.releases AS SELECT * FROM releases_source WHERE release_id IS NOT NULL ORDER BY release_id"
        )

    def _registered(self, cursor: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
        # DuckDB keeps registered datasets per connection, so each pooled cursor gets them once; a view finds them by name.
        for name, source in self._sources.items():
            cursor.register(f"{_flat(name)}_source", source)
        return cursor

    @contextmanager
    def _cursor(self) -> Iterator[duckdb.DuckDBPyConnection]:
        try:
            cursor = self._cursors.get(timeout=self._time_limit_s)
        except queue.Empty as error:
            raise TimedOut("query", expected=f"one of {N_CURSORS} cursors to be free", found="none",
                           do="Try again: too many long queries run at once") from error  # fmt: skip
        try:
            yield cursor
        finally:
            self._cursors.put(cursor)


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
        raise Permanent("query", expected=expected, found=_first(error)) from error
    kinds = [str(statement.type).rsplit(".", 1)[-1] for statement in statements]
    if kinds != ["SELECT"]:
        found = ", ".join(kinds) or "nothing"
        raise Permanent(
            "query", expected=expected, found=found, do="The release is read-only: write through the assets"
        )


class Current:
    """The SQL of the release that is current, replaced when the pointer moves; a reader keeps the one it began with.

    Nothing here runs by itself: call `refresh` every few seconds, outside any request.
    """

    def __init__(self, settings: Settings, *, hot_rows: int = HOT_ROWS, time_limit_s: float = 10.0) -> None:
        self._settings, self._hot_rows, self._time_limit_s = settings, hot_rows, time_limit_s
        self._store = store_of(settings)
        self._lock = threading.Lock()
        self._held: _Held | None = None
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

        A release that cannot be opened changes nothing: the one before stays, `failure` says why, and the next call tries again.
        """
        try:
            pointer = max((path for path in self._store.list(POINTER) if path.endswith(".json")), default="")
            if pointer == self._pointer:
                return False
            releases = Releases(self._store)
            release = releases.current()
            if release is None:
                return False
            if self.release != release:
                sql = ReleaseSql(self._settings, release, hot_rows=self._hot_rows, time_limit_s=self._time_limit_s)
                self._switch(_Held(sql))
            self.releases = tuple(releases.list())
        except (MarketlakeError, DeltaError, duckdb.Error, pa.ArrowException, OSError, ValueError) as error:
            self.failure = str(error)
            logger.error("release not opened", failure=self.failure)
            return False
        self._pointer, self.failure = pointer, ""
        return True

    def acquire(self) -> "_Held | None":
        """The current release for one reader, who must give it back; None before the first."""
        with self._lock:
            if self._held:
                self._held.n_readers += 1
            return self._held

    def give_back(self, held: "_Held") -> None:
        """End of the reader; the last reader of a replaced release closes it."""
        with self._lock:
            held.n_readers -= 1
            is_over = held is not self._held and held.n_readers == 0
        if is_over:
            held.sql.close()

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
        """Give up the release; the last reader closes it."""
        self._switch(None)

    def _switch(self, new: "_Held | None") -> None:
        with self._lock:
            old, self._held = self._held, new
            is_over = old is not None and old.n_readers == 0
        if new:
            logger.info("release opened", release_id=new.sql.release.release_id)
        if old and is_over:
            old.sql.close()


class _Held:
    """An open release and how many read it."""

    def __init__(self, sql: ReleaseSql) -> None:
        self.sql = sql
        self.n_readers = 0


class _Watch:
    """Interrupts cursors past their deadline: one thread for all, since a timer per query costs a tenth of a small query."""

    def __init__(self, tick_s: float = 0.05) -> None:
        self._tick_s = tick_s
        self._deadlines: dict[int, tuple[float, duckdb.DuckDBPyConnection]] = {}
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        threading.Thread(target=self._run, name="query-time-limit", daemon=True).start()

    @contextmanager
    def limit(self, cursor: duckdb.DuckDBPyConnection, seconds: float) -> Iterator[None]:
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


def store_of(settings: Settings) -> Any:
    """The lake's store of whole files."""
    return open_store(
        settings.lake_url, endpoint_url=settings.s3_endpoint_url, region=settings.s3_region,
        access_key_id=settings.s3_access_key_id.get_secret_value(),
        secret_access_key=settings.s3_secret_access_key.get_secret_value(),
    )  # fmt: skip


def _dataset(lake: DeltaLake, name: str, version: int) -> ds.Dataset:
    try:
        return lake.open(name, version).to_pyarrow_dataset()
    except DeltaError as error:
        raise Permanent(f"{name} version {version}", expected="a version that the release pins", found=str(error),
                        do="Roll back to a release whose files are there: `marketlake release list`") from error  # fmt: skip


def _is_hot(table: Table, source: ds.Dataset, hot_rows: int) -> bool:
    if not hot_rows or not (table.layer == "gold" or (table.layer == "silver" and not table.is_partitioned)):
        return False
    return source.count_rows() <= hot_rows


def _columns(table: Table | None, stored: Sequence[str], *, every: bool = False) -> str:
    chosen: Sequence[Column] = () if table is None else (table.columns if every else table.public)
    return ", ".join(
        f'"{c.name}"' if c.name in stored else f'CAST(NULL AS {TYPES[c.type]}) AS "{c.name}"' for c in chosen
    )


def _flat(name: str) -> str:
    return name.replace(".", "_")


def _first(error: Exception) -> str:
    return str(error).split("\n\nLINE ")[0].replace("\n", " ").strip()
