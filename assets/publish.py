"""Publishing: the pointer moves only to table versions of which every blocking check has said yes.

What does not belong here: the pointer itself (`lake.releases`).
"""

from datetime import UTC, datetime

import pyarrow.compute as pc
import pyarrow.dataset as ds

from lake.lake import Lake
from lake.releases import Release
from lake.windows import last_session
from market import registry, rulebook
from market.errors import Permanent

LAYERS = ("bronze", "silver", "gold")
PREDICTIONS = "gold.predictions"


def publish(lake: Lake, kind: str) -> tuple[Release, bool]:
    """The release of the tables as they stand now, made current; False where it already was.

    Parameters
    ----------
    kind : `data` keeps the predictions that people see now; `predictions` takes the newest ones along.

    Raises
    ------
    Permanent
        A table version has no outcome of its checks, or one that blocks; the last good release stays current.
    """
    current = lake.releases.current()
    tables = _versions(lake, current, kind)
    if current is not None and dict(current.tables) == tables and current.code_sha == lake.code.sha:
        return current, False
    counts = _audited(lake, tables)
    release = Release(
        release_id=lake.releases.next_id(),
        kind=kind,
        created_at=datetime.now(UTC),
        as_of=lake.world.clock()(),
        code_sha=lake.code.sha,
        code_dirty=lake.code.dirty,
        rulebook=rulebook.version(),
        tables=tables,
        first_session=_first_session(lake),
        last_session=str(last_session("gold.prices", lake.delta)),
        parent=current.release_id if current else "",
        checks=counts,
    )
    return lake.releases.publish(release), True


def _versions(lake: Lake, current: Release | None, kind: str) -> dict[str, int]:
    heads = {
        name: version
        for name, table in registry.tables().items()
        if table.layer in LAYERS and (version := lake.delta.version(table)) is not None
    }
    if kind == "data":
        heads.pop(PREDICTIONS, None)
        if current is not None and PREDICTIONS in current.tables:
            heads[PREDICTIONS] = current.tables[PREDICTIONS]
    return heads


def _audited(lake: Lake, tables: dict[str, int]) -> dict[str, int]:
    """Counts of the outcomes for exactly these versions; refuses a version that no check let through."""
    outcomes = lake.delta.read(registry.table("ops.checks"), where=ds.field("table").isin(list(tables)))
    counts = {"checks": 0, "warnings": 0}
    for name, version in tables.items():
        if registry.table(name).layer == "bronze":
            continue  # judged when it becomes silver
        mask = pc.and_(pc.equal(outcomes["table"], name), pc.equal(outcomes["version"], version))
        rows = outcomes.filter(mask).to_pylist()
        failed = [row for row in rows if not row["passed"]]
        blocking = [row for row in failed if row["severity"] == "error"]
        if not rows or blocking:
            found = "; ".join(f"{row['check']}: {row['found']}" for row in blocking) or "no outcome on record"
            raise Permanent(
                f"release blocked by {name} version {version}",
                expected="every blocking check to pass for exactly this version",
                found=found,
                do="The last good release stays current. See `marketlake quarantine list` and the checks in the Dagster UI",
            )
        counts["checks"] += len(rows)
        counts["warnings"] += len(failed)
    return counts


def _first_session(lake: Lake) -> str:
    table = registry.table("gold.prices")
    months = [value["session_month"] for value in lake.delta.open(table).partitions()]
    rows = lake.delta.read(table, where=ds.field("session_month") == min(months), columns=["session_date"])
    return str(pc.min(rows["session_date"]).as_py())
