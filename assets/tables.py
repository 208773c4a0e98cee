"""Silver and gold assets, one per contract that has a build: the factory.

A table that stops fitting gets a file of its own and is left out here by name; never a flag.
"""

from collections.abc import Iterator
from datetime import date

import dagster as dg

from assets.building import Built, build, window_of
from assets.metadata import describe, table_spec
from assets.partitions import SAME_SESSION, sessions_of
from assets.resources import OpenLake
from assets.retries import retried_where_transient
from market import calendars, registry
from market.table import Table

GATE = "gate"
LIFTED = "marketlake/limit_lifted"
"""Run tag: the table whose limit on refused rows a person lifted for this run."""


def assets(first: date, last: date | None) -> list[dg.AssetsDefinition]:
    """Every silver and gold table that is built from others."""
    return [_table(table, first, last) for table in registry.tables().values() if _is_built(table)]


def _is_built(table: Table) -> bool:
    return table.layer in ("silver", "gold") and table.build is not None


def _table(table: Table, first: date, last: date | None) -> dg.AssetsDefinition:
    deps = [
        dg.AssetDep(read.table.split("."), partition_mapping=SAME_SESSION)
        for read in table.reads
        if read.table != table.name
    ]
    key = dg.AssetKey(table.name.split("."))

    @dg.multi_asset(  # type: ignore[untyped-decorator, unused-ignore]
        name=table.name.replace(".", "_"),
        specs=[table_spec(table, deps)],
        check_specs=[
            dg.AssetCheckSpec(GATE, asset=key, blocking=True, description="Great Expectations on the rows as they came")
        ],
        partitions_def=sessions_of(calendars.EXCHANGES, first, last),
        backfill_policy=dg.BackfillPolicy.single_run(),
    )
    def make(context: dg.AssetExecutionContext, lake: OpenLake) -> Iterator[dg.MaterializeResult | dg.AssetCheckResult]:
        with retried_where_transient(context):
            limit = 1.0 if context.run.tags.get(LIFTED) == table.name else None
            made = build(lake, table, window_of(lake, context.partition_keys), limit)
        yield dg.MaterializeResult(asset_key=key, metadata=describe.built(lake, made), check_results=[check(key, made)])

    return make


def check(key: dg.AssetKey, made: Built) -> dg.AssetCheckResult:
    """The gate's verdict on a build as Dagster's check."""
    return dg.AssetCheckResult(
        passed=not made.blocking,
        check_name=GATE,
        asset_key=key,
        severity=dg.AssetCheckSeverity.ERROR,
        metadata=describe.judged(made),
    )
