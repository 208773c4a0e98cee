"""Which gold tables have features, and what their views are called, without Feast, which takes seconds to import.

What does not belong here: Feast's objects (`lake.feast_repo`).
"""

from market import registry
from market.features.catalogue import KEPT, libraries
from market.table import Table

DAILY = "gold.features_daily"
"""The table whose features models and the API read."""

KEY = ("security_id", "session_date")
RELEASE_ID = "release_id"
ORIGIN = ("session_date", RELEASE_ID)
"""Fields of every view beside the features: the session of the row (ISO date) and the release it was read from."""


def feature_tables() -> tuple[Table, ...]:
    """Gold tables by security and session that hold at least one feature of the libraries that are kept."""
    names = {name for library in KEPT.values() for name in libraries()[library]}
    return tuple(
        table for table in registry.layer("gold") if table.key == KEY and names & {c.name for c in table.columns}
    )


def feature_names(table: Table) -> tuple[str, ...]:
    """The table's features, in contract order."""
    return tuple(column.name for column in table.public if column.is_real)


def view_name(table: Table) -> str:
    """The view of the table, named like it without its layer."""
    return table.name.split(".")[1]
