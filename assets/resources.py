"""The one resource: the lake, opened from the settings when a run starts."""

import dagster as dg
from pydantic import PrivateAttr

from lake.lake import Lake
from lake.settings import Settings, read_settings


class LakeResource(dg.ConfigurableResource):  # type: ignore[misc]  # dagster's class is untyped
    """The lake of the environment's settings, or of those handed in."""

    _lake: Lake | None = PrivateAttr(default=None)

    @classmethod
    def of(cls, settings: Settings) -> "LakeResource":
        """A resource over given settings; tests and the command line use it."""
        resource = cls()
        resource._lake = Lake(settings)
        return resource

    @property
    def lake(self) -> Lake:
        """The lake, opened when first used."""
        if self._lake is None:
            self._lake = Lake(read_settings())
        return self._lake
