"""The statements that make a release's schemas in Trino's catalog, from the contracts.

Delta tables are registered under `tables_<layer>`; a release sees them through `<release id>_<layer>`, whose views are pinned
to its versions. People see the current release through `<layer>`, whose views never change, so that what they say of their
columns is said once: they read `current_<layer>`, which moves. What does not belong here: running the statements.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from lake.releases import Release
from lake.sql.trino_text import literal
from market import registry
from market.table import LAYERS, Column, Table

TYPES = {
    "string": "varchar", "int32": "integer", "int64": "bigint", "float64": "double", "float32": "real", "bool": "boolean", "date": "date",
    "timestamp": "timestamp(3) with time zone", "list<float64>": "array(double)",
}  # fmt: skip
MARK = "lake"  # tables_ops.lake says which lake the catalog shows
RELEASES = "releases"
ADJUSTED = "gold.prices_adjusted"
RELEASE_SCHEMA = re.compile(rf"(r\d+)_({'|'.join(LAYERS)})\Z")
_ABOUT = {
    ADJUSTED: "gold.prices on the scale of the release's last session, volume the other way round.",
    "ops.releases": "Every release: what it holds, when it was made, by which code and rulebook.",
}
_RELEASE_COLUMNS = {
    "release_id": "varchar", "kind": "varchar", "code_sha": "varchar", "rulebook": "varchar", "first_session": "varchar",
    "last_session": "varchar", "parent": "varchar", "created_at": "timestamp(6) with time zone",
    "as_of": "timestamp(6) with time zone",
}  # fmt: skip


@dataclass(frozen=True)
class View:
    """One view: its schema and name, what it selects, and the contract that it shows, if there is one."""

    schema: str
    name: str
    select: str
    table: Table | None
    layer: str

    @property
    def statement(self) -> str:
        """What makes it, in place of one that there is; one that people read says what it is when all its columns do."""
        says = "" if self.schema == self.layer else f"COMMENT {literal(self.about)} "
        return f"CREATE OR REPLACE VIEW {self.quoted} {says}SECURITY INVOKER AS {self.select}"

    @property
    def about(self) -> str:
        """What it is."""
        return self.table.doc if self.table else _ABOUT.get(f"{self.layer}.{self.name}", "")

    @property
    def quoted(self) -> str:
        """Its name in a statement."""
        return f'"{self.schema}"."{self.name}"'

    @property
    def docs(self) -> dict[str, str]:
        """What its columns mean, by name, and under no name what it is itself; the latter comes last."""
        is_prices = f"{self.layer}.{self.name}" == ADJUSTED
        columns = self.table.public if self.table else registry.table("gold.prices").public if is_prices else ()
        return {c.name: c.doc + (f" [{c.unit}]" if c.unit else "") for c in columns} | {"": self.about}

    def comment(self, column: str) -> str:
        """What says what the column means; without a name, the view."""
        what = f'COLUMN {self.quoted}."{column}"' if column else f"VIEW {self.quoted}"
        return f"COMMENT ON {what} IS {literal(self.docs[column])}"

    def is_as(self, definition: str | None) -> bool:
        """True where the view's definition, as Trino tells it, selects the same."""
        return definition is not None and _words(definition) == _words(self.select)


def hidden(layer: str) -> str:
    """The schema of the layer's Delta tables."""
    return f"tables_{layer}"


def schema_of(release_id: str, layer: str) -> str:
    """The schema of a release's layer."""
    return f"{release_id}_{layer}"


def moving(layer: str) -> str:
    """The schema that people's views read: the current release's versions."""
    return f"current_{layer}"


def pinned(name: str, version: int | None) -> str:
    """The table at that version, at its newest without one."""
    layer, short = name.split(".")
    return f'"{hidden(layer)}"."{short}"' + ("" if version is None else f" FOR VERSION AS OF {version}")


def selected(name: str, source: str | None, stored: Sequence[str] | None, *, whole: bool = False) -> str:
    """What a view of the table selects: the columns that people see; null where the release does not store one.

    Parameters
    ----------
    source : from `pinned`; None: the release has no version of the table.
    stored : columns that it stores; None: all of the contract's.
    whole : every stored column, as `raw` shows it.
    """
    contract = registry.tables().get(name)
    if source is not None and (whole or contract is None):
        return f"SELECT * FROM {source}"
    assert contract is not None, name
    wanted = contract.columns if whole else contract.public
    there = () if source is None else [column.name for column in wanted] if stored is None else stored
    end = "WHERE false" if source is None else f"FROM {source}"
    return f"SELECT {', '.join(_column(column, there) for column in wanted)} {end}"


def adjusted(prices: str) -> str:
    """What `gold.prices_adjusted` selects; the order of the operations is `market.adjust.adjusted_as_of`'s: equal bits."""
    changed = dict.fromkeys(("open", "high", "low", "close"), "{0} / cumulative_factor * last_factor")
    changed["volume"] = "{0} * cumulative_factor / last_factor"
    columns = [
        f'{changed[c.name].format(c.name)} AS "{c.name}"' if c.name in changed else f'"{c.name}"'
        for c in registry.table("gold.prices").public
    ]
    last = "max_by(cumulative_factor, session_date) OVER (PARTITION BY security_id) AS last_factor"
    return f"SELECT {', '.join(columns)} FROM (SELECT *, {last} FROM ({prices}))"


def views(
    release: Release, ops: Sequence[str], stored: Mapping[str, Sequence[str]], *, people: bool = False
) -> Iterator[View]:
    """The views of a release's schemas, or of those behind people's.

    Parameters
    ----------
    ops : the `ops` tables that there are; they are read at their newest version.
    stored : what tables store that lack columns of their contract, by name.
    """
    selects = {}
    for name in {**registry.tables(), **release.tables}:
        version = release.tables.get(name)
        source = pinned(name, version) if version is not None or name in ops else None
        selects[name] = selected(name, source, stored.get(name))
    selects[ADJUSTED] = adjusted(selects["gold.prices"])
    selects["ops.releases"] = f'SELECT * FROM "{hidden("ops")}"."{RELEASES}"'
    for name, select in selects.items():
        layer, short = name.split(".")
        schema = moving(layer) if people else schema_of(release.release_id, layer)
        yield View(schema, short, select, registry.tables().get(name), layer)


def names_of_people(release: Release) -> list[View]:
    """The views that people read, the same whatever the release, as long as the contracts are."""
    found = []
    for name in [*{**registry.tables(), **release.tables}, ADJUSTED, "ops.releases"]:
        layer, short = name.split(".")
        table = registry.tables().get("gold.prices" if name == ADJUSTED else name)
        columns = ", ".join(f'"{column.name}"' for column in table.public) if table else "*"
        select = f'SELECT {columns} FROM "{moving(layer)}"."{short}"'
        found.append(View(layer, short, select, registry.tables().get(name), layer))
    return found


def raws(release: Release, ops: Sequence[str]) -> dict[str, str]:
    """A query for all that is stored of each table, by `<layer>_<table>`."""
    found = {}
    for name in {**registry.tables(), **release.tables}:
        version = release.tables.get(name)
        source = pinned(name, version) if version is not None or name in ops else None
        found[name.replace(".", "_")] = selected(name, source, None, whole=True)
    return found


def mark(url: str) -> View:
    """Says which lake the catalog shows."""
    return View(hidden("ops"), MARK, f"SELECT {literal(url)} AS url", None, "ops")


def releases_view(releases: Sequence[Release]) -> View:
    """The releases as a table."""
    columns = ", ".join(f'CAST("{name}" AS {kind}) AS "{name}"' for name, kind in _RELEASE_COLUMNS.items())
    names = ", ".join(f'"{name}"' for name in _RELEASE_COLUMNS)
    if not releases:
        nothing = ", ".join(f'CAST(NULL AS {kind}) AS "{name}"' for name, kind in _RELEASE_COLUMNS.items())
        return View(hidden("ops"), RELEASES, f"SELECT {nothing} WHERE false", None, "ops")
    rows = ", ".join(
        f"ROW({', '.join(_value(release, name) for name in _RELEASE_COLUMNS)})"
        for release in sorted(releases, key=lambda r: r.release_id)
    )
    return View(hidden("ops"), RELEASES, f"SELECT {columns} FROM (VALUES {rows}) AS t ({names})", None, "ops")


def _value(release: Release, name: str) -> str:
    return literal(release.meta["code_sha"] if name == "code_sha" else getattr(release, name))


def _column(column: Column, stored: Sequence[str]) -> str:
    if column.name in stored:
        return f'"{column.name}"'
    return f'CAST(NULL AS {TYPES[column.type]}) AS "{column.name}"'


def _words(text: str) -> list[str]:
    """The text without what Trino changes when it keeps a view: case, quotes, brackets, white space, AS."""
    return [word for word in re.findall(r"'(?:[^']|'')*'|\w+|[^\s\w\"()]", text.lower()) if word != "as"]
