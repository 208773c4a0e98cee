"""Few files a table: each commit adds some, and each read looks through the list of all of them, so that days would grow with history.

Files are gathered before a commit, never behind it: the newest version of a table stays one that its checks have judged, and no
second writer comes in between. Rows, earlier versions and what releases pin stay as they are. What does not belong here: removing the
files that no version needs any more (`lake.vacuum`).
"""

from collections import Counter

import pyarrow as pa
from deltalake import DeltaTable
from deltalake.exceptions import CommitFailedError
from loguru import logger

from lake import layout

OPEN, CLOSED = 32, 4
"""More files than that in the newest month, or in an earlier one, are gathered."""

_MONTH = "session_month"


def gather(target: DeltaTable, table: str) -> None:
    """Rewrite months of many files as one file each, in a commit of its own; the table is at the version behind it then.

    Another writer that is quicker is no error: the next commit finds the same months.
    """
    months = crowded(target)
    if not months:
        return
    try:
        encoding = layout.encoding(pa.schema(target.schema().to_arrow()))
        told = target.optimize.compact(partition_filters=[(_MONTH, "in", months)], writer_properties=encoding)
    except CommitFailedError as error:
        logger.info("files not gathered: another writer was first", table=table, reason=str(error))
        target.update_incremental()
        return
    logger.info(
        "files gathered", table=table, months=len(months), before=told["numFilesRemoved"], after=told["numFilesAdded"]
    )


def crowded(target: DeltaTable) -> list[str]:
    """Months with more files than they should have, in order; none of a table that is not divided by month."""
    if target.metadata().partition_columns != [_MONTH]:
        return []
    files = Counter(pa.table(target.get_add_actions(flatten=True))[f"partition.{_MONTH}"].to_pylist())
    newest = max(files, default="")
    return sorted(month for month, n in files.items() if n > (OPEN if month == newest else CLOSED))
