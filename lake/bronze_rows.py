"""Rows of bronze: what says which payload they came in, and which of them are news. Pure functions over Arrow tables.

What does not belong here: storing them (`lake.bronze`).
"""

import hashlib
import uuid
from collections.abc import Sequence
from datetime import date
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from lake.delivery import Delivery, SchemaDrift
from lake.pace import Requested, quota_day
from market import registry
from market.datasets.ops.drift import FORMAT, UNKNOWN
from market.table import ARROW

REQUESTS = "ops.requests"
DRIFT = "ops.drift"
_LONGEST = 300
ASKED = ("session_date", "request")
IDENTITY = (*ASKED, "payload_digest")
FOLLOWED = pa.schema(
    [
        (name, ARROW[kind])
        for name, kind in zip((*IDENTITY, "fetched_at"), ("date", "string", "string", "timestamp"), strict=True)
    ]
)


def of_sessions(sessions: Sequence[date]) -> ds.Expression:
    # Typed arrays: an empty list would be of type null, which matches no column.
    months = pa.array(sorted({f"{day:%Y-%m}" for day in sessions}), pa.string())
    days = pa.array(sorted(set(sessions)), pa.date32())
    return ds.field("session_month").isin(months) & ds.field("session_date").isin(days)


def with_identity(delivery: Delivery, digest: str, path: str) -> pa.Table:
    """The contract's rows: the source's columns and those that say which payload they came in."""
    n, rows = delivery.rows.num_rows, delivery.rows
    contract = registry.table(delivery.table)
    if "session_date" not in rows.column_names:
        rows = rows.append_column("session_date", pa.array([delivery.session_date] * n, pa.date32()))
    if "row_no" not in rows.column_names:
        rows = rows.append_column("row_no", pa.array(range(n), pa.int32()))
    constants = {
        "payload_digest": pa.scalar(digest, pa.string()),
        "request": pa.scalar(delivery.request, pa.string()),
        "landing_path": pa.scalar(path, pa.string()),
        "fetched_at": pa.scalar(delivery.fetched_at, pa.timestamp("us", tz="UTC")),
        "known_at": pa.scalar(delivery.fetched_at, pa.timestamp("us", tz="UTC")),
    }
    for name, value in constants.items():
        rows = rows.append_column(name, pa.repeat(value, n))
    return contract.conform(rows.append_column("session_month", pc.strftime(rows.column("session_date"), "%Y-%m")))


def newest(present: pa.Table) -> pa.Table:
    """The payload that each request of each session brought last; of two at one instant, as silver orders them."""
    ordered = present.group_by(FOLLOWED.names).aggregate([])
    ordered = ordered.sort_by([("fetched_at", "ascending"), ("payload_digest", "ascending")])
    last = ordered.group_by(list(ASKED), use_threads=False).aggregate(
        [("payload_digest", "last"), ("fetched_at", "last")]
    )
    return last.select([*ASKED, "payload_digest_last", "fetched_at_last"]).rename_columns(FOLLOWED.names)


def content_id(fresh: pa.Table, followed: pa.Table) -> str:
    """The same for the same payloads and sessions after the same ones, whenever they came."""
    lines: list[str] = []
    for rows, columns in ((fresh, IDENTITY), (followed, FOLLOWED.names)):
        distinct = rows.select(list(columns)).group_by(list(columns)).aggregate([])
        lines += sorted("|".join(map(str, row.values())) for row in distinct.to_pylist())
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:32]


def drift_of(delivery: Delivery) -> list[dict[str, Any]]:
    """What came otherwise than the contract expects, as rows of ops.drift."""
    told = {
        "source": delivery.source,
        "table": delivery.table,
        "request": delivery.request,
        "known_at": delivery.fetched_at,
    }
    told |= {"session_date": delivery.session_date, "session_month": f"{delivery.session_date:%Y-%m}"}
    rows = [
        {**told, "kind": UNKNOWN, "expected": "the columns of the contract", "found": name} for name in delivery.unknown
    ]
    if isinstance(delivery.problem, SchemaDrift):
        found = delivery.problem.found[:_LONGEST]
        rows.append({**told, "kind": FORMAT, "expected": delivery.problem.expected[:_LONGEST], "found": found})
    return rows


def request_rows(ended: Sequence[Requested]) -> pa.Table:
    table = registry.table(REQUESTS)
    records = [
        {
            "request_id": uuid.uuid4().hex,
            "source": r.source,
            "session_date": r.session_date,
            "session_month": f"{r.session_date:%Y-%m}",
            "request": r.request,
            "status": r.status,
            "outcome": r.outcome,
            "attempts": r.attempts,
            "size_bytes": r.size_bytes,
            "quota_date": quota_day(r.ended_at),
            "fetched_at": r.ended_at,
            "known_at": r.ended_at,
        }
        for r in ended
    ]
    return pa.Table.from_pylist(records, schema=table.schema)
