"""Whether each source is as expected: a check per source that warns of drift, few calls left and a key that ends.

It never blocks: what must stop a day has stopped it when the answer came.
"""

import dagster as dg

from assets.resources import OpenLake
from jobs.metrics import watch_sources
from lake.clients import client, names

NAME = "source_as_expected"


def checks() -> list[dg.AssetChecksDefinition]:
    """One check per source, on the first of its tables."""
    return [_check(source) for source in names()]


def selection() -> dg.AssetSelection:
    """The checks alone."""
    return dg.AssetSelection.checks(*(dg.AssetCheckKey(_table(source), NAME) for source in names()))


def _table(source: str) -> dg.AssetKey:
    return dg.AssetKey(client(source).TABLES[0].split("."))


def _check(source: str) -> dg.AssetChecksDefinition:
    @dg.asset_check(
        asset=_table(source), name=NAME,
        description="The source sends what its contract expects, and lets itself be asked: columns, format, key, calls left",
    )  # fmt: skip
    def check(lake: OpenLake) -> dg.AssetCheckResult:
        watch = watch_sources(lake)
        one = next(one for one in watch.sources if one.source == source)
        warnings = one.warnings(watch.today)
        return dg.AssetCheckResult(
            passed=not warnings,
            severity=dg.AssetCheckSeverity.WARN,
            metadata={
                "warnings": "; ".join(warnings) or "none",
                "calls_made": one.calls_made,
                "calls_left": "no limit" if one.calls_left is None else one.calls_left,
                "key_ends": one.key_ends or "not told",
                "last_session": one.last_session or "none",
            },
        )

    return check
