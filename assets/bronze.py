"""Bronze assets: one group of tables per source, partitioned by the sessions of the source's exchange."""

from collections.abc import Callable, Iterator
from datetime import date

import dagster as dg

from assets.ingestion import ingest
from assets.metadata import describe, table_spec
from assets.partitions import SAME_SESSION, sessions_of
from assets.resources import OpenLake
from assets.retries import retried_where_transient
from market import registry
from market.sources import SOURCES
from market.table import Table

Make = Callable[..., Iterator[dg.MaterializeResult]]


def assets(first: date, last: date | None, *, takes_list: bool = False) -> list[dg.AssetsDefinition]:
    """One multi-asset per source that has a contract in bronze.

    Parameters
    ----------
    takes_list : the US symbols are those of SEC's list, which must be there first.
    """
    return [_source(name, first, last, _asked_by(name, takes_list)) for name in SOURCES if _tables(name)]


def delivered_for(exchange: str) -> list[Table]:
    """The bronze tables whose source follows that exchange's sessions."""
    return [table for table in registry.layer("bronze") if SOURCES[table.source].exchange == exchange]


def _tables(source: str) -> list[Table]:
    return [table for table in registry.layer("bronze") if table.source == source]


def _asked_by(source: str, takes_list: bool) -> list[dg.AssetDep]:
    """The table that says what the source is asked for, where it has one and the table is another's."""
    by_list = takes_list and SOURCES[source].by_symbol
    told_by = "krx_listing" if SOURCES[source].by_company else "sec_tickers" if by_list else ""
    if not told_by or registry.table(f"bronze.{told_by}").source == source:
        return []
    return [dg.AssetDep(["bronze", told_by], partition_mapping=SAME_SESSION)]


def _source(source: str, first: date, last: date | None, deps: list[dg.AssetDep]) -> dg.AssetsDefinition:
    tables = _tables(source)

    @dg.multi_asset(  # type: ignore[untyped-decorator, unused-ignore]
        name=f"fetch_{source}",
        specs=[table_spec(table, deps) for table in tables],
        partitions_def=sessions_of((SOURCES[source].exchange,), first, last),
        backfill_policy=dg.BackfillPolicy.single_run(),
        group_name="bronze",
    )
    def make(context: dg.AssetExecutionContext, lake: OpenLake) -> Iterator[dg.MaterializeResult]:
        sessions = [date.fromisoformat(key) for key in context.partition_keys]
        with retried_where_transient(context):
            taken = ingest(lake, source, sessions)
        for table in tables:
            yield dg.MaterializeResult(asset_key=table.name.split("."), metadata=describe.taken(lake, table, taken))

    return make
