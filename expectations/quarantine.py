"""Refused rows as rows of ops.quarantine: nothing is lost, and the same refusal gives the same bytes.

What does not belong here: which rows are refused (`expectations.judge`), and writing them.
"""

import json
import math
from datetime import UTC, date, datetime

import pyarrow as pa

from expectations.outcomes import Verdict
from market.datasets.ops import quarantine
from market.table import Table

HELD = "held"


def to_quarantine(
    table: Table, frame: pa.Table, verdict: Verdict, now: datetime, *, window_end: date | None = None
) -> pa.Table:
    """Rows of ops.quarantine, one per refused row, in the order of the frame.

    Parameters
    ----------
    frame : the frame judged, with payload_digest and row_no where its rows came in payloads.
    now : instant of the judgement, UTC.
    window_end : session of rows that claim none; the day of `now` (UTC) unless given.

    Notes
    -----
    `row_key` holds the key in contract order; `row` all columns: the contract's in its order, then the others by name.
    """
    positions = pa.array([position for position, _ in verdict.reasons], pa.int64())
    names = [c.name for c in table.columns if c.name in frame.column_names]
    names += sorted(set(frame.column_names) - set(names))
    refused = frame.select(names).take(positions).to_pylist()
    fallback = window_end or now.astimezone(UTC).date()
    rows = [_row(table, row, reason, fallback, now) for row, (_, reason) in zip(refused, verdict.reasons, strict=True)]
    return quarantine.TABLE.conform(pa.Table.from_pylist(rows, schema=quarantine.TABLE.schema))


def _row(table: Table, row: dict[str, object], reason: str, fallback: date, now: datetime) -> dict[str, object]:
    claimed = row.get("session_date")
    session = claimed if isinstance(claimed, date) else fallback
    return {
        "session_date": session,
        "session_month": f"{session.year:04d}-{session.month:02d}",
        "table": table.name,
        "row_key": _as_json({name: row[name] for name in table.key}),
        "reason": reason,
        "row": _as_json(row),
        "payload_digest": row.get("payload_digest"),
        "row_no": row.get("row_no"),
        "state": HELD,
        "known_at": now,
    }


def _as_json(values: dict[str, object]) -> str:
    plain = {name: _plain(value) for name, value in values.items()}
    return json.dumps(plain, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def _plain(value: object) -> object:
    """The value as JSON can hold it: instants and dates in ISO 8601, what is no number by its name."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat() if value.tzinfo else value.isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value
