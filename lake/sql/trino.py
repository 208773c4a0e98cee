"""The releases in Trino: `sync` after every publication and rollback, `ensure` before a release is read.

What does not belong here: reading (`trino_release`), the statements (`trino_views`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from time import monotonic

from loguru import logger

from lake.objects import lake_store
from lake.releases import Release, Releases
from lake.settings import Settings
from lake.sql import trino_views
from lake.sql.trino_catalog import Catalog
from lake.sql.trino_views import MARK, RELEASE_SCHEMA, hidden, moving, schema_of
from market.errors import Permanent, Transient
from market.table import LAYERS

KEPT = 20
"""Newest releases that have schemas; another one gets its own when it is read, until the next sync."""

SYNCS = 5  # at most so many, where the pointer moves while the catalog is made

_HIDDEN = tuple(hidden(layer) for layer in LAYERS)
_MOVING = tuple(moving(layer) for layer in LAYERS)


@dataclass(frozen=True)
class Synced:
    """What was done: views made, releases that have schemas now, releases whose schemas were dropped, seconds."""

    n_made: int
    kept: tuple[str, ...]
    dropped: tuple[str, ...]
    seconds: float


def is_trino(settings: Settings) -> bool:
    """True where SQL goes to Trino."""
    return settings.sql_url.startswith(("trino://", "trinos://"))


def sync(settings: Settings, releases: Releases, kept: Sequence[str] | None = None) -> Synced | None:
    """Make the catalog show the releases, and people's schemas the current one; None where SQL does not go to Trino.

    The current release comes first, then what people see, the other releases, and what the columns mean. Repeating it
    does nothing; broken off, the next one goes on. Of two at once the one that ends last looks at the pointer after its own
    writes, so that people are left at the release that is current.

    Parameters
    ----------
    kept : ids of the releases that keep schemas; by default the current one and the newest twenty.

    Raises
    ------
    Transient
        Trino is away, or the pointer moved during each of the syncs.
    Permanent
        The catalog shows another lake, or a release pins a version that is not there.
    """
    if not is_trino(settings):
        return None
    began = monotonic()
    with Catalog(settings) as catalog:
        for _ in range(SYNCS):
            number, current = releases.head()
            wanted, dropped = _synced(catalog, settings, releases, current, kept)
            if releases.head()[0] == number:
                done = Synced(catalog.n_made, wanted, dropped, monotonic() - began)
                logger.info("releases in Trino", made=done.n_made, dropped=len(dropped), seconds=round(done.seconds, 2))
                return done
            logger.warning("the pointer moved during the sync", move=number)
    raise Transient(
        catalog.address.where, expected=f"the pointer to stay where it is during one of {SYNCS} syncs", found="it never did",
        do="`marketlake release rollback` to the current release tries again",
    )  # fmt: skip


def _synced(
    catalog: Catalog, settings: Settings, releases: Releases, current: Release | None, kept: Sequence[str] | None
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Show that release as the current one; ids of the releases that have schemas now, and of those that lost them."""
    published = releases.list()
    wanted = _wanted(current, published, kept)
    _begin(catalog, settings, [*LAYERS, *_MOVING, *_schemas(wanted)])
    ops = catalog.register(wanted)
    found = catalog.definitions([*LAYERS, *_MOVING, hidden("ops"), *_schemas(wanted)])
    catalog.make([trino_views.releases_view(published)], found)
    if current is not None:
        catalog.make_release(current, ops, found)
        catalog.make_release(current, ops, found, people=True)
    for release in wanted:
        if release is not current:
            catalog.make_release(release, ops, found)
    if current is not None:
        people = trino_views.names_of_people(current)
        catalog.make(people, found)
        catalog.comment(people)
    newest = published[0].release_id if published else ""
    over = _over(catalog.schemas(), _wanted(releases.current(), releases.list(), kept), newest)
    catalog.drop(over)
    return tuple(release.release_id for release in wanted), tuple(sorted({schema.split("_")[0] for schema in over}))


def ensure(settings: Settings, release: Release) -> list[str]:
    """Make the release readable through Trino where it is not yet; names of the `ops` tables that there are.

    Raises
    ------
    Transient
        Trino is away.
    Permanent
        The catalog shows another lake, or the release pins a version that is not there.
    """
    with Catalog(settings) as catalog:
        _begin(catalog, settings, _schemas([release]))
        ops = catalog.register([release])
        found = catalog.definitions([hidden("ops"), *_schemas([release])])
        if (hidden("ops"), trino_views.RELEASES) not in found:
            catalog.make([trino_views.releases_view(Releases(lake_store(settings)).list())], found)
        catalog.make_release(release, ops, found)
    return ops


def clear(settings: Settings) -> None:
    """Take everything of ours out of the catalog; the lake's files stay."""
    with Catalog(settings) as catalog:
        there = catalog.schemas()
        catalog.drop(name for name in there if RELEASE_SCHEMA.match(name) or name in (*LAYERS, *_MOVING))
        tables = [
            (schema, row["Table"])
            for schema in _HIDDEN if schema in there
            for row in catalog.run(f'SHOW TABLES FROM "{schema}"').to_pylist()
        ]  # fmt: skip
        ours = {trino_views.MARK, trino_views.RELEASES}
        catalog.each(
            lambda name: catalog.run(_forget(*name, is_view=name[0] == hidden("ops") and name[1] in ours)), tables
        )
        catalog.drop(schema for schema in _HIDDEN if schema in there)


def _begin(catalog: Catalog, settings: Settings, schemas: Sequence[str]) -> None:
    """Make schemas, and be sure that the catalog is this lake's."""
    there = catalog.schemas()
    catalog.make_schemas([*_HIDDEN, *schemas], there)
    url = lake_store(settings).url
    marks = catalog.run(f'SHOW TABLES FROM "{hidden("ops")}" LIKE {MARK!r}').num_rows if hidden("ops") in there else 0
    shown = catalog.run(f'SELECT url FROM "{hidden("ops")}"."{MARK}"')["url"][0].as_py() if marks else ""
    if shown and shown != url:
        raise Permanent(
            f"catalog {catalog.address.catalog} of {catalog.address.where}", expected=f"to show the lake {url}", found=shown,
            do="A catalog shows one lake: name another one in MARKETLAKE_SQL_URL",
        )  # fmt: skip
    if not shown:
        catalog.make([trino_views.mark(url)], {})


def _wanted(current: Release | None, published: Sequence[Release], kept: Sequence[str] | None) -> list[Release]:
    chosen = [r for r in published if r.release_id in kept] if kept is not None else list(published[:KEPT])
    others = [release for release in chosen if current is None or release.release_id != current.release_id]
    return [current, *others] if current is not None else others


def _schemas(releases: Sequence[Release]) -> list[str]:
    return [schema_of(release.release_id, layer) for release in releases for layer in LAYERS]


def _over(there: set[str], wanted: Sequence[Release], newest: str) -> list[str]:
    """Schemas of releases that are not wanted any more; one newer than `newest` was published meanwhile, and is another's."""
    ids = {release.release_id for release in wanted}
    found = ((name, RELEASE_SCHEMA.match(name)) for name in there)
    return sorted(name for name, its in found if its and its[1] not in ids and its[1] <= newest)


def _forget(schema: str, name: str, *, is_view: bool) -> str:
    if is_view:
        return f'DROP VIEW "{schema}"."{name}"'
    return f"CALL system.unregister_table(schema_name => '{schema}', table_name => '{name}')"
