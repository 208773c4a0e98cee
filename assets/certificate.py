"""The parity certificate in the graph: compared behind every build of features and every fill of the online store, and in full at night.

What does not belong here: the comparison (`lake.parity`).
"""

from collections.abc import Sequence
from datetime import datetime

import dagster as dg

from assets.building import certify
from assets.resources import OpenLake
from lake import parity
from lake.lake import Lake
from lake.online_views import feature_tables
from lake.releases import Release
from market.errors import Transient

ONLINE = dg.AssetKey(["online", "features"])
PARITY, IN_FULL = "parity", "parity_in_full"


def online(lake: Lake, release: Release) -> dg.AssetCheckResult:
    """The online store, every security, against the release that filled it; recorded.

    Raises
    ------
    Transient
        The pointer moved meanwhile, so that the store may hold another release by now.
    """
    made = [
        parity.of_online(lake.settings, lake.delta, table, release)
        for table in feature_tables()
        if table.name in release.tables
    ]
    _refuse_moved(lake, release)
    return _result(PARITY, made, _recorded(lake, made))


@dg.asset_check(
    asset=ONLINE, name=IN_FULL,
    description="Every security's features of the release, made again from their first rows, and the online store, have equal bits",
)  # fmt: skip
def in_full(lake: OpenLake) -> dg.AssetCheckResult:
    """Compares all securities of the current release, and records what was found.

    Raises
    ------
    Transient
        The pointer moved meanwhile, so that the store may hold another release by now.
    """
    release = lake.releases.current()
    if release is None:
        return dg.AssetCheckResult(passed=True, metadata={"note": "no release yet"})
    made = parity.of_release(lake.settings, lake.delta, release, lake.world.clock()(), every=True)
    _refuse_moved(lake, release)
    return _result(IN_FULL, made, _recorded(lake, made))


def selection() -> dg.AssetSelection:
    """The comparison in full alone."""
    return dg.AssetSelection.checks(dg.AssetCheckKey(ONLINE, IN_FULL))


def _refuse_moved(lake: Lake, release: Release) -> None:
    now = lake.releases.current()
    if now is None or now.release_id != release.release_id:
        found = now.release_id if now is not None else "none"
        raise Transient("parity of the online store", expected=f"{release.release_id} to stay current", found=found)


def _recorded(lake: Lake, made: Sequence[parity.Certificate]) -> datetime:
    now = lake.world.clock()()
    certify(lake, made, now)
    return now


def _result(name: str, made: Sequence[parity.Certificate], now: datetime) -> dg.AssetCheckResult:
    lines = ["| table | against | session | securities | values | different | found |", "|---|---|---|---|---|---|---|"]
    lines += [
        f"| {one.table} | {one.kind} | {one.session} | {one.n_securities} | {one.n_values} | {one.n_different} | {one.found} |"
        for one in made
    ]
    return dg.AssetCheckResult(
        passed=bool(made) and all(one.passed for one in made),
        check_name=name,
        asset_key=ONLINE,
        severity=dg.AssetCheckSeverity.ERROR,
        metadata={"compared": dg.MetadataValue.md("\n".join(lines)), "known_at": str(now)},
    )
