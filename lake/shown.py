"""What follows a move of the pointer: the online store is filled from the current release, the SQL catalog shows it.

What does not belong here: moving the pointer (`lake.releases`).
"""

from lake import online
from lake.releases import Release, Releases
from lake.settings import Settings


def follow(settings: Settings, releases: Releases) -> tuple[Release, int]:
    """Make everything that people read beside the tables follow the pointer; the release, and how many securities are online.

    Raises
    ------
    Permanent
        No release has been published.
    Transient
        The online store or the SQL engine is away, or the pointer moved throughout.
    """
    from lake.sql import trino

    release, filled = online.fill_current(settings, releases)
    trino.sync(settings, releases)
    return release, filled
