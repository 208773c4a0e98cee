"""Publishing: the pointer moves only to table versions of which every blocking check has said yes, on every session.

What does not belong here: the pointer itself (`lake.releases`), what was said of which version and session (`assets.audit`).
"""

from datetime import UTC, datetime
from functools import partial

import pyarrow.compute as pc
import pyarrow.dataset as ds

from assets.audit import BACKBONE, audited
from lake import shown
from lake.lake import Lake
from lake.releases import Release
from lake.windows import last_session
from market import registry, rulebook

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
        A table version has no outcome of its checks, or one that blocks a session; the last good release stays current.
    Transient
        Somebody moved the pointer meanwhile, forwards or back.
    """
    moved, current = lake.releases.head()
    tables = _versions(lake, current, kind)
    if current is not None and dict(current.tables) == tables:
        return current, False
    first, last = _first_session(lake), last_session(BACKBONE, lake.delta)
    counts = audited(lake, tables)
    release = Release(
        release_id=lake.releases.next_id(),
        kind=kind,
        created_at=datetime.now(UTC),
        as_of=lake.world.clock()(),
        code_sha=lake.code.sha,
        code_dirty=lake.code.dirty,
        rulebook=rulebook.version(),
        tables=tables,
        first_session=first,
        last_session=str(last),
        parent=current.release_id if current else "",
        checks=counts,
    )
    return lake.releases.publish(release, after=moved, ready=partial(shown.prepare, lake.settings)), True


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


def _first_session(lake: Lake) -> str:
    table = registry.table(BACKBONE)
    months = [value["session_month"] for value in lake.delta.open(table).partitions()]
    rows = lake.delta.read(table, where=ds.field("session_month") == min(months), columns=["session_date"])
    return str(pc.min(rows["session_date"]).as_py())
