"""Which sessions a build reads and writes: the window widened by what the contract says.

What does not belong here: reading with Spark (`lake.spark`), and why a table needs what it needs (its contract).
"""

from collections import Counter
from collections.abc import Set
from dataclasses import dataclass, replace
from datetime import date

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from lake.delta import DeltaLake
from market import calendars, registry
from market.table import Read, Table, Window


def sessions_back(day: date, n: int) -> date:
    """The date from which every exchange has at least n sessions before the day."""
    for _ in range(n):
        day = min(calendars.previous_session(exchange, day) for exchange in calendars.EXCHANGES)
    return day


def bounds(read: Read, window: Window) -> tuple[date, date] | None:
    """First and last session that a read needs; None: everything."""
    return None if read.history is None else (sessions_back(window.start, read.history), window.end)


def rows_read(read: Read, window: Window) -> ds.Expression | None:
    """The filter of a side table."""
    contract = registry.table(read.table)
    parts = []
    if contract.is_bitemporal and not read.versions:
        parts.append(ds.field("known_until").is_null())
    limits = bounds(read, window)
    if limits is not None and contract.is_partitioned:
        parts.append(between(*limits))
    if not parts:
        return None
    return parts[0] if len(parts) == 1 else parts[0] & parts[1]


def between(first: date, last: date) -> ds.Expression:
    """Rows of the sessions from first to last, other partitions unopened."""
    months = (ds.field("session_month") >= f"{first:%Y-%m}") & (ds.field("session_month") <= f"{last:%Y-%m}")
    return months & (ds.field("session_date") >= first) & (ds.field("session_date") <= last)


def widened(table: Table, window: Window, delta: DeltaLake) -> Window:
    """The window that a build of the table must write.

    A label completes earlier sessions; in a table whose rows carry on (a cumulative factor, recursive features) a changed
    session changes every later one.
    """
    wider = replace(window, start=sessions_back(window.start, table.restates))
    if not table.carries:
        return wider
    last = max(
        (d for read in table.reads if read.role == "main" and (d := last_session(read.table, delta))), default=None
    )
    return replace(wider, end=max(window.end, last)) if last else wider


def rows_a_month(delta: DeltaLake, name: str) -> dict[str, int]:
    """Rows that the table holds of each month, `2024-05`, from its log alone; all of them under no month where it has none, and none of a table that is not there."""
    if not delta.exists(name):
        return {}
    told = pa.table(delta.open(name).get_add_actions(flatten=True)).to_pylist()
    found: Counter[str] = Counter()
    for one in told:
        found[str(one.get("partition.session_month") or "")] += one["num_records"] or 0
    return dict(found)


def last_session(name: str, delta: DeltaLake) -> date | None:
    """The newest session in a table; None where there is none."""
    contract = registry.table(name)
    if not contract.is_partitioned or not delta.exists(name):
        return None
    months = [value["session_month"] for value in delta.open(name).partitions()]
    if not months:
        return None
    rows = delta.read(contract, where=ds.field("session_month") == max(months), columns=["session_date"])
    return pc.max(rows["session_date"]).as_py()  # type: ignore[no-any-return]


@dataclass(frozen=True)
class Resumed:
    """The series of a stateful table that can go on from their stored rows.

    Parameters
    ----------
    rows : the stored rows, one per series that goes on.
    securities : the ids that need no row before the context: series that go on, and those whose unbroken run begins in the window.
    needs_whole_series : some series of the window can neither (its state is not stored, or by other formulas) and must be read
        from its first row.
    """

    rows: pa.Table
    securities: Set[str]
    needs_whole_series: bool

    @classmethod
    def of(cls, table: Table, window: Window, delta: DeltaLake) -> "Resumed | None":
        """What can resume in the window; None where the table keeps no state."""
        if not any(read.role == "state" for read in table.reads):
            return None
        main = next(read for read in table.reads if read.role == "main")
        stored = delta.read(table, where=between(sessions_back(window.start, 1), window.end))
        stored = _last_before(stored, window.start)
        ids = ["security_id", "exchange", "session_date"]
        rows = delta.read(
            registry.table(main.table), where=between(*(bounds(main, window) or (date.min, window.end))), columns=ids
        )
        is_context = pc.less(rows["session_date"], window.start)
        context = rows.filter(is_context)
        wanted = set(pc.unique(rows.filter(pc.invert(is_context))["security_id"]).to_pylist())
        able = wanted & (table.resumes(stored, _counts(context)) if table.resumes else set())
        # A hole ends a series: one that was not there the session before is new, or back, and its past is not read.
        begun = wanted - set(_last_before(context, window.start)["security_id"].to_pylist())
        kept = stored.filter(pc.is_in(stored["security_id"], pa.array(sorted(able - begun), pa.string())))
        return cls(kept, frozenset(able | begun), bool(wanted - able - begun))


def _last_before(rows: pa.Table, start: date) -> pa.Table:
    """Rows of exactly the exchange's session before the start: a series with a hole there does not resume."""
    keep = pa.array([False] * rows.num_rows, pa.bool_())
    for exchange in calendars.EXCHANGES:
        before = calendars.previous_session(exchange, start)
        keep = pc.or_(keep, pc.and_(pc.equal(rows["exchange"], exchange), pc.equal(rows["session_date"], before)))
    return rows.filter(keep)


def _counts(rows: pa.Table) -> dict[str, int]:
    counted = rows.group_by("security_id").aggregate([([], "count_all")])
    return dict(zip(counted["security_id"].to_pylist(), counted["count_all"].to_pylist(), strict=True))
