"""What a release is opened from: the lake's store of whole files, and datasets at pinned Delta versions."""

import pyarrow.dataset as ds
from deltalake.exceptions import DeltaError

from lake.delta import DeltaLake
from lake.releases import Release
from market import registry
from market.errors import Permanent


def datasets(lake: DeltaLake, release: Release) -> dict[str, ds.Dataset]:
    """Every table of the release at its version, and those `ops` tables that there are at their head.

    Raises
    ------
    Permanent
        The release names a version that is not there.
    """
    found = {name: _at_version(lake, name, version) for name, version in release.tables.items()}
    for table in registry.layer("ops"):
        if table.name not in found and lake.exists(table):
            found[table.name] = lake.dataset(table)
    return found


def _at_version(lake: DeltaLake, name: str, version: int) -> ds.Dataset:
    try:
        return lake.dataset(name, version)
    except DeltaError as error:
        raise Permanent(
            f"{name} version {version}", expected="a version that the release pins", found=str(error),
            do="Roll back to a release whose files are there: `marketlake release list`",
        ) from error  # fmt: skip
