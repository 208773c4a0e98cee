"""The lake as those who build it hold it: the store, the tables, the releases, the world and Spark, from one set of settings.

What does not belong here: readers for serving (`lake.sql`), which must start without Spark.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import pyarrow as pa

from lake.bronze import Bronze
from lake.code import Code, code
from lake.delta import DeltaLake
from lake.explain_commits import commit_note
from lake.objects import Store, lake_store
from lake.releases import Releases
from lake.settings import Settings
from lake.spark import Spark
from lake.world import World, open_world, refuse_another
from market.table import Table, Window


@dataclass(frozen=True)
class Lake:
    """Everything that a build needs; parts are made when first used."""

    settings: Settings

    @cached_property
    def store(self) -> Store:
        """Files of the lake: landing zone, releases, models."""
        return lake_store(self.settings)

    @cached_property
    def delta(self) -> DeltaLake:
        """The tables, read and committed to without a JVM."""
        return DeltaLake(self.settings)

    @cached_property
    def bronze(self) -> Bronze:
        """Takes deliveries."""
        return Bronze(self.delta, self.store)

    @cached_property
    def spark(self) -> Spark:
        """Makes the rows of silver and gold."""
        return Spark(self.settings, self.delta)

    @cached_property
    def releases(self) -> Releases:
        """What people see."""
        return Releases(self.store)

    @cached_property
    def world(self) -> World:
        """What the outside covers, and what time it is there; refused where the lake was filled from another."""
        world = open_world(self.settings)
        refuse_another(self.store, world)
        return world

    def replace(self, table: Table, rows: pa.Table, window: Window, read: Mapping[str, int] | None = None) -> int:
        """Replace the window's rows in one commit that says which code made them, and from which versions; the version that it made. Errors: `DeltaLake.replace`."""
        sha = self.code.sha + ("+dirty" if self.code.dirty else "")
        return self.delta.replace(table, rows, window, commit_note(table, sha, window, read))

    @property
    def code(self) -> Code:
        """The commit that works."""
        return code()
