"""Trino's catalog as it is, brought to what it should be: schemas, registered tables, views, several statements at a time.

What does not belong here: which releases there should be (`lake.sql.trino`), the statements' text (`trino_views`).
"""

import queue
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import pyarrow as pa
from deltalake.exceptions import DeltaError

from lake.delta import DeltaLake
from lake.releases import Release
from lake.settings import Settings
from lake.sql import trino_views
from lake.sql.trino_client import Address, Connection, Refused
from lake.sql.trino_text import literal
from lake.sql.trino_views import View, hidden
from market import registry
from market.errors import Permanent
from market.table import LAYERS

N_AT_ONCE = 6
LIMIT_S = 60.0
_THERE = frozenset({"ALREADY_EXISTS", "TABLE_ALREADY_EXISTS", "SCHEMA_ALREADY_EXISTS"})
_GONE = frozenset({"NOT_FOUND", "SCHEMA_NOT_FOUND", "TABLE_NOT_FOUND"})
A = TypeVar("A")
B = TypeVar("B")


class Catalog:
    """The catalog of one lake; use as a context. Everything may be repeated and may happen twice at once."""

    def __init__(self, settings: Settings) -> None:
        self._delta = DeltaLake(settings)
        self.address = Address.of(settings.sql_url)
        self._free: queue.LifoQueue[Connection] = queue.LifoQueue()
        for _ in range(N_AT_ONCE):
            self._free.put(Connection(self.address, LIMIT_S))
        self._pool = ThreadPoolExecutor(N_AT_ONCE, thread_name_prefix="trino-catalog")
        self.n_made = 0

    def __enter__(self) -> "Catalog":
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown()
        while not self._free.empty():
            self._free.get_nowait().close()

    def run(self, statement: str) -> pa.Table:
        """The rows of one statement."""
        connection = self._free.get()
        try:
            return connection.run(statement)
        finally:
            self._free.put(connection)

    def make_one(self, statement: str) -> None:
        """Run a statement that makes something. OR REPLACE and IF NOT EXISTS lose a race of two: then it is there."""
        try:
            self.run(statement)
        except Refused as error:
            if error.name not in _THERE:
                raise
            self.run(statement)

    def each(self, work: Callable[[A], B], items: Iterable[A]) -> list[B]:
        """The work for every item, several at once; the first error ends it."""
        return list(self._pool.map(work, items))

    def schemas(self) -> set[str]:
        """The schemas that there are."""
        return set(self.run("SHOW SCHEMAS")["Schema"].to_pylist())

    def definitions(self, schemas: Sequence[str]) -> dict[tuple[str, str], str]:
        """What each view of the schemas selects."""
        named = ", ".join(literal(schema) for schema in schemas)
        rows = self.run(
            f"SELECT table_schema, table_name, view_definition FROM information_schema.views WHERE table_schema IN ({named})"
        )
        return {(row["table_schema"], row["table_name"]): row["view_definition"] for row in rows.to_pylist()}

    def make_schemas(self, wanted: Iterable[str], there: set[str]) -> None:
        """Make the schemas that there are not."""
        self.each(
            lambda name: self.make_one(f'CREATE SCHEMA IF NOT EXISTS "{name}"'), [n for n in wanted if n not in there]
        )

    def register(self, releases: Iterable[Release]) -> list[str]:
        """Register the tables of the releases, and the `ops` tables that there are; names of the latter."""
        known = self._registered()
        ops = [table.name for table in registry.layer("ops")]
        new = [name for name in ops if name not in known]
        there = [name for name, exists in zip(new, self.each(self._delta.exists, new), strict=True) if exists]
        named = {name for release in releases for name in release.tables}
        self.each(self._register, sorted({*there, *named} - known))
        return [name for name in ops if name in known or name in there]

    def make(self, views: Sequence[View], definitions: Mapping[tuple[str, str], str]) -> list[View]:
        """Make the views that are not as they should be; those made."""
        wrong = [view for view in views if not view.is_as(definitions.get((view.schema, view.name)))]
        self.each(lambda view: self.make_one(view.statement), wrong)
        self.n_made += len(wrong)
        return wrong

    def make_release(
        self, release: Release, ops: Sequence[str], definitions: Mapping[tuple[str, str], str], *, people: bool = False
    ) -> list[View]:
        """Make the release's views, or people's of it; those made.

        Raises
        ------
        Permanent
            The release pins a version that is not there.
        """
        whole = list(trino_views.views(release, ops, {}, people=people))
        wrong = [view for view in whole if not view.is_as(definitions.get((view.schema, view.name)))]
        if not wrong:
            return []
        # A table that stores all of its contract, as nearly all do, need not be opened to know it.
        lacking = {name for name in self.each(lambda v: self._try(v, release), wrong) if name}
        self.n_made += len(wrong) - len(lacking)
        if not lacking:
            return wrong
        if trino_views.ADJUSTED in lacking:
            lacking.add("gold.prices")
        stored = {name: self._stored(name, release.tables.get(name)) for name in lacking - {trino_views.ADJUSTED}}
        exact = [view for view in trino_views.views(release, ops, stored, people=people) if _name(view) in lacking]
        return [view for view in wrong if _name(view) not in lacking] + self.make(exact, definitions)

    def comment(self, views: Sequence[View]) -> None:
        """Let the views and their columns say what they mean, where they say something else or nothing."""
        said = self._said(sorted({view.schema for view in views}))
        wrong = [
            (view, [name for name, text in view.docs.items() if said.get((view.schema, view.name, name), "") != text])
            for view in views
        ]
        self.each(self._say, sorted(wrong, key=lambda one: -len(one[1])))

    def drop(self, schemas: Iterable[str]) -> None:
        """Drop schemas with the views in them."""
        self.each(self._drop, schemas)

    def _drop(self, name: str) -> None:
        try:
            self.run(f'DROP SCHEMA IF EXISTS "{name}" CASCADE')
        except Refused as error:
            if error.name not in _GONE:  # somebody else drops it too
                raise

    def _said(self, schemas: Sequence[str]) -> dict[tuple[str, str, str], str]:
        """What is said of views and, by a third name, of their columns."""
        catalog, named = literal(self.address.catalog), ", ".join(literal(schema) for schema in schemas)
        found = [
            self.run(
                "SELECT schema_name, table_name, '' AS column_name, comment FROM system.metadata.table_comments "
                f"WHERE catalog_name = {catalog} AND schema_name IN ({named})"
            ),
            # One schema each: Trino lists the columns of every schema where it is asked for several.
            *self.each(
                lambda schema: self.run(
                    "SELECT table_schem, table_name, column_name, remarks FROM system.jdbc.columns "
                    f"WHERE table_cat = {catalog} AND table_schem = {literal(schema)}"
                ),
                schemas,
            ),
        ]
        rows = (tuple(row.values()) for one in found for row in one.to_pylist())
        return {(schema, name, column): text or "" for schema, name, column, text in rows}

    def _say(self, wrong: tuple[View, Sequence[str]]) -> None:
        # One after another: each reads the view and writes it back, so that two at once lose one.
        view, names = wrong
        for name in names:
            self.run(view.comment(name))

    def _try(self, view: View, release: Release) -> str:
        """Make the view; its name where the table lacks columns of the contract, nothing otherwise."""
        try:
            self.make_one(view.statement)
        except Refused as error:
            if error.name == "COLUMN_NOT_FOUND":
                return _name(view)
            if "snapshot ID does not exist" in str(error):
                version = release.tables.get(_name(view), "")
                raise Permanent(
                    f"{_name(view)} version {version}", expected="a version that the release pins", found="none",
                    do="Roll back to a release whose files are there: `marketlake release list`",
                ) from error  # fmt: skip
            raise
        return ""

    def _registered(self) -> set[str]:
        named = ", ".join(literal(hidden(layer)) for layer in LAYERS)
        rows = self.run(
            f"SELECT table_schema, table_name FROM information_schema.tables WHERE table_schema IN ({named})"
        )
        return {f"{row['table_schema'].removeprefix(hidden(''))}.{row['table_name']}" for row in rows.to_pylist()}

    def _register(self, name: str) -> None:
        layer, short = name.split(".")
        location = self._delta.uri(name)
        location = location if "://" in location else f"local://{location}"
        try:
            self.run(
                f"CALL system.register_table(schema_name => {literal(hidden(layer))}, table_name => {literal(short)}, "
                f"table_location => {literal(location)})"
            )
        except Refused as error:
            if error.name not in _THERE:  # somebody else was first
                raise

    def _stored(self, name: str, version: int | None) -> list[str]:
        try:
            return [field.name for field in self._delta.open(name, version).schema().fields]
        except DeltaError as error:
            raise Permanent(f"{name} version {version}", expected="a version that the release pins", found=str(error),
                            do="Roll back to a release whose files are there: `marketlake release list`") from error  # fmt: skip


def _name(view: View) -> str:
    return f"{view.layer}.{view.name}"
