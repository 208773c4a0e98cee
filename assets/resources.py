"""The one resource: the lake, opened from the settings when a run starts."""

from typing import TYPE_CHECKING

import dagster as dg

from assets.remote import open_lake
from lake.lake import Lake
from lake.settings import read_settings

if TYPE_CHECKING:
    OpenLake = Lake
else:
    OpenLake = dg.ResourceParam[Lake]


@dg.resource(description="The lake of the environment's settings")
def lake_from_settings(context: dg.InitResourceContext) -> Lake:
    """The lake; its parts are made when first used. A run in this process may be handed a Lake instead."""
    return open_lake(read_settings())
