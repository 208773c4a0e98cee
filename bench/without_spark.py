"""Silver of all of bronze in one process: each contract's build called with all rows, each candidate through its gate.

For proofs over whole worlds, where starting Spark and building day by day would take hours. What does not belong here: windows, state,
and whatever else only an incremental build has (`lake.spark`).
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from expectations.judge import judge
from lake.delta import DeltaLake
from market import bitemporal, registry
from market.table import Table, Window


def silver_of(delta: DeltaLake, names: Sequence[str], days: Sequence[date]) -> dict[str, pd.DataFrame]:
    """Those silver tables of all that bronze holds of the days, by name, with every version."""
    window = Window(days[0], days[-1], datetime.now(UTC))
    frames: dict[str, pa.Table] = {}
    for table in _with_all_read(names):
        if table.layer == "bronze":
            frames[table.name] = delta.read(table)
            continue
        read = {r.table: _seen(frames[r.table], r.versions) for r in table.reads if r.table != table.name}
        sides = {r.table: read[r.table] for r in table.reads if r.role == "side"}
        mains = [r.table for r in table.reads if r.role == "main" and read[r.table].num_rows]
        calls = (
            [{**sides, main: read[main]} for main in mains] if any(r.role == "main" for r in table.reads) else [sides]
        )
        parts = [_built(table, call, window) for call in calls]
        frames[table.name] = _good(table, pa.concat_tables(parts)) if parts else delta.read(table)
    return {name: frames[name].to_pandas(timestamp_as_object=False) for name in names}


def _with_all_read(names: Iterable[str]) -> list[Table]:
    """Those tables and all that they are made from, each after what it reads."""
    wanted, tables = set(names), registry.tables().values()
    for table in reversed(tables):
        if table.name in wanted:
            wanted |= {read.table for read in table.reads}
    return [table for table in tables if table.name in wanted]


def _seen(rows: pa.Table, versions: bool) -> pa.Table:
    """What a build sees of a table: every version, or what is true now."""
    return rows if versions or "known_until" not in rows.column_names else rows.filter(pc.is_null(rows["known_until"]))


def _built(table: Table, frames: Mapping[str, pa.Table], window: Window) -> pa.Table:
    assert table.build is not None
    return table.conform(table.build(frames, window))


def _good(table: Table, candidate: pa.Table) -> pa.Table:
    """What the gate keeps, a refused version closing nothing."""
    good = pa.array(judge(table, candidate, limit=1.0).good)
    fact = [name for name in table.key if name != "known_at"]
    return bitemporal.reopened(candidate.filter(good), candidate.filter(pc.invert(good)), fact)
