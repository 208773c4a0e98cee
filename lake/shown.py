"""What goes with a move of the pointer: SQL is made ready before it; the online store and the catalog's names follow it.

What does not belong here: moving the pointer (`lake.releases`).
"""

from collections.abc import Mapping

from loguru import logger

from lake import online
from lake.releases import Release, Releases
from lake.settings import Settings
from market.errors import MarketlakeError, Permanent, Transient


def prepare(settings: Settings, release: Release) -> None:
    """Make a release whose id is taken, but which is not published yet, readable in SQL: who switches to it does not wait for that.

    Where the engine is away, it is left to those who read the release.
    """
    from lake.sql import trino

    if trino.is_trino(settings):
        try:
            trino.ensure(settings, release)
        except MarketlakeError as error:
            logger.warning("release not made ready in SQL", release_id=release.release_id, failure=str(error))


def follow(settings: Settings, releases: Releases) -> tuple[Release, int]:
    """Make everything that people read beside the tables follow the pointer; the release, and how many securities are online.

    Each is tried whatever became of the other: while Redis is away, SQL follows a rollback all the same.

    Raises
    ------
    Permanent
        No release has been published.
    Transient
        The online store or the SQL engine is away, or the pointer moved throughout. The message names what has not followed.
    """
    from lake.sql import trino

    if releases.head()[1] is None:
        raise Permanent("release", expected="a published one", found="none", do="Run `marketlake day`")
    failed: dict[str, MarketlakeError] = {}
    try:
        filled = online.fill_current(settings, releases)
    except MarketlakeError as error:
        failed["the online store"] = error
    try:
        trino.sync(settings, releases)
    except MarketlakeError as error:
        failed["the SQL catalog"] = error
    if failed:
        raise _behind(failed) from next(iter(failed.values()))
    return filled


def _behind(failed: Mapping[str, MarketlakeError]) -> MarketlakeError:
    """The pointer has moved; that these have not followed: transient where trying again helps one of them."""
    kind = Transient if any(error.retryable for error in failed.values()) else Permanent
    return kind(
        "release pointer", expected="the online store and the SQL catalog to follow its move, which stands",
        found="; ".join(f"{what} behind ({error})" for what, error in failed.items()),
        do="`marketlake release rollback` to the current release makes them follow",
    )  # fmt: skip
