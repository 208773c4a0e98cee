"""The way in for people: command line, notebook facade, starting and stopping services. No logic belongs here."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from marketlake.facade import Lake

__all__ = ["open"]


def open(release: str | None = None, as_of: str | None = None, settings: Any = None) -> "Lake":
    """The lake at a release, for notebooks; see `marketlake.facade.open_lake`."""
    from marketlake.facade import open_lake  # here, so that the command line starts without pandas and DuckDB

    return open_lake(release, as_of, settings)
