"""One release as SQL. Delta is read when it is opened and never by a query."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, TypeVar

import duckdb
import pyarrow as pa

from lake.delta import DeltaLake
from lake.objects import lake_store
from lake.releases import Release, Releases
from lake.settings import Settings
from lake.sql.cursors import Cursors, TimedOut, first_of, refuse_writes
from lake.sql.stored import datasets
from lake.sql.views import PRICES_ADJUSTED, copied, flat, statements
from market import registry
from market.errors import Permanent, Transient
from market.table import LAYERS

TIME_LIMIT_S = 30.0
A = TypeVar("A")
_HOT = ("silver", "gold")
_UNREAD = "arrow_scan: get_next failed(): IOError"  # a file under a dataset: whatever the reason, no fault of the query
_HUGEINT = pa.decimal128(38, 0)
_RELEASES = pa.schema(
    [
        *(pa.field(name, pa.string()) for name in ("release_id", "kind", "code_sha", "rulebook")),
        *(pa.field(name, pa.string()) for name in ("first_session", "last_session", "parent")),
        *(pa.field(name, pa.timestamp("us", tz="UTC")) for name in ("created_at", "as_of")),
    ]
)


class ReleaseSql:
    """One release as SQL: `<layer>.<table>` with the public columns, `raw.<layer>_<table>` with all that is stored.

    A contract without a version in the release is an empty view, so that a query need not ask first. `ops` tables are
    those of the head at opening. Bitemporal tables have a macro: `silver.prices_as_of('2024-05-03 09:00:00+09')`.

    Parameters
    ----------
    releases : of the lake, where they were read before: those read once are not read again.
    time_limit_s : a query is interrupted after it.

    Raises
    ------
    Permanent
        The release names a table version that is not there.
    """

    def __init__(
        self,
        settings: Settings,
        release: Release,
        *,
        releases: Releases | None = None,
        time_limit_s: float = TIME_LIMIT_S,
    ) -> None:
        self._begin(release)
        self._sources, self._copied = datasets(DeltaLake(settings), release), set[str]()
        self._connection = duckdb.connect(":memory:", config={"python_enable_replacements": False})
        self._connection.execute("SET GLOBAL TimeZone = 'UTC'")
        self._connection.execute("ATTACH ':memory:' AS copies (COMPRESS)")
        for schema in (*LAYERS, "raw"):
            self._connection.execute(f"CREATE SCHEMA {schema}")
        self._make_views()
        self._make_releases(releases or Releases(lake_store(settings)))
        # From here on nothing reaches a file but through the datasets, and no statement can change that.
        self._connection.execute("SET enable_external_access = false")
        self._connection.execute("SET lock_configuration = true")
        self._cursors = Cursors(lambda: self._registered(self._connection.cursor()), time_limit_s)

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
        with self._cursors.one() as cursor:
            try:
                return _whole(cursor.execute(sql, list(params)).to_arrow_table())
            except duckdb.InterruptException as error:
                raise TimedOut(
                    "query", expected=f"an answer within {self._cursors.limit_s:g} s", found="none",
                    do="Ask for fewer rows, or filter by security_id or session_date",
                ) from error  # fmt: skip
            except duckdb.CatalogException as error:
                expected = f"tables among {', '.join(self.tables())}"
                raise Permanent(
                    "query", expected=expected, found=first_of(error), do="See `marketlake tables`"
                ) from error
            except duckdb.Error as error:
                if isinstance(error, duckdb.IOException) or _UNREAD in str(error):
                    raise Transient("query", expected="to read the lake's files", found=first_of(error)) from error
                raise Permanent("query", expected="SQL that DuckDB can run", found=first_of(error)) from error

    def once(self, make: Callable[["ReleaseSql"], A]) -> A:
        """What the function makes of this release, which never changes; kept once made. Of several who ask at first each makes it."""
        made: A = self._made[make] if make in self._made else self._made.setdefault(make, make(self))
        return made

    def has(self, make: Callable[["ReleaseSql"], Any]) -> bool:
        """True where that has been made, so that `once` does not block."""
        return make in self._made

    def warm(self, rows: int) -> None:
        """Copy each silver and gold table of at most so many rows into memory, sorted by key; queries go on meanwhile."""
        for name, source in self._sources.items():
            table = registry.tables().get(name)
            if table is None or table.layer not in _HOT or name in self._copied or source.count_rows() > rows:
                continue
            for statement in copied(table):
                self._connection.execute(statement)
            self._copied.add(name)

    def tables(self) -> list[str]:
        """Names of the tables with a version in the release, the `ops` tables, and the views made from them."""
        return sorted({*self._sources, "gold.prices_adjusted", "ops.releases"})

    def close(self) -> None:
        """Let go of the files and the memory; a query afterwards fails."""
        self._cursors.close()
        self._connection.close()

    def _begin(self, release: Release) -> None:
        self.release = release
        self._made: dict[Callable[[ReleaseSql], Any], Any] = {}

    def _make_views(self) -> None:
        contracts = registry.tables()
        self._registered(self._connection)
        for name in {**contracts, **self._sources}:
            table, source = contracts.get(name), self._sources.get(name)
            stored = source.schema.names if source is not None else None
            for statement in statements(name, table, stored):
                self._connection.execute(statement)
        self._connection.execute(PRICES_ADJUSTED)

    def _make_releases(self, releases: Releases) -> None:
        names = _RELEASES.names
        rows = [
            {name: r.meta.get(name) if name == "code_sha" else getattr(r, name) for name in names}
            for r in releases.list()
        ]
        self._connection.register("releases_source", pa.Table.from_pylist(rows, schema=_RELEASES))
        self._connection.execute("CREATE TABLE ops.releases AS SELECT * FROM releases_source ORDER BY release_id")

    def _registered(self, cursor: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
        # DuckDB keeps registered datasets per connection: each pooled cursor gets them once; views find them by name.
        for name, source in self._sources.items():
            cursor.register(f"{flat(name)}_source", source)
        return cursor


def _whole(rows: pa.Table) -> pa.Table:
    """The rows with sums of whole numbers as whole numbers: DuckDB adds BIGINT up to HUGEINT, which Arrow has as a decimal."""
    for place, field in enumerate(rows.schema):
        if field.type == _HUGEINT:
            with suppress(pa.ArrowInvalid):  # one that is larger stays exact
                rows = rows.set_column(place, field.name, rows[field.name].cast(pa.int64()))
    return rows
