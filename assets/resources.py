"""The one resource: the lake, opened from the settings when a run starts."""

from typing import TYPE_CHECKING

import dagster as dg

from lake import masters
from lake.lake import Lake
from lake.settings import Settings, read_settings

if TYPE_CHECKING:
    OpenLake = Lake
else:
    OpenLake = dg.ResourceParam[Lake]


def open_lake(settings: Settings) -> Lake:
    """The lake of these settings, with Spark where MARKETLAKE_SPARK_MASTER says.

    Raises
    ------
    Permanent
        The master has none of the forms that there are.
    """
    if not masters.is_elsewhere(settings.spark_master):
        return Lake(settings)
    from assets.remote import elsewhere  # dagster-aws takes seconds to load

    return elsewhere(settings)


@dg.resource(description="The lake of the environment's settings")
def lake_from_settings(context: dg.InitResourceContext) -> Lake:
    """The lake; its parts are made when first used. A run in this process may be handed a Lake instead."""
    return open_lake(read_settings())
