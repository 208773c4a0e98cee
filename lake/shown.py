"""What follows a move of the pointer: the online store is filled from the current release, the SQL catalog shows it.

What does not belong here: moving the pointer (`lake.releases`).
"""

from collections.abc import Mapping

from lake import online
from lake.releases import Release, Releases
from lake.settings import Settings
from market.errors import MarketlakeError, Permanent, Transient


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
