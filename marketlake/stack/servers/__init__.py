"""The servers of the stack, one file each: `services(place)` gives its processes, `values(place)` the settings that follow."""

from typing import Protocol

from marketlake.service import Service
from marketlake.stack.place import Place


class Server(Protocol):
    """A module of this folder."""

    def services(self, place: Place) -> list[Service]:
        """Its processes."""

    def values(self, place: Place) -> dict[str, str]:
        """Settings of whoever uses it, without the prefix; a module may leave this out."""
