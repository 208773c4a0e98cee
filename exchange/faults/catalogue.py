"""Every fault by name with what it does to an answer. A new fault is a function and an entry here."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from exchange.faults import delivery, rows
from exchange.faults.context import Context
from exchange.wires.answer import Answer

FAULTS: Mapping[str, Callable[[Answer, Context], Answer]] = {
    "rate-limit": delivery.rate_limit,
    "server-errors": delivery.server_errors,
    "slow": delivery.slow,
    "cut": delivery.cut,
    "truncated": delivery.truncated,
    "html": delivery.html,
    "error-body": delivery.error_body,
    "expired-key": delivery.expired_key,
    "quota": delivery.quota,
    "clock-skew": delivery.clock_skew,
    "schema-drift": rows.schema_drift,
    "bad-rows": rows.bad_rows,
    "duplicates": rows.duplicates,
    "late-revision": rows.late_revision,
    "empty-day": rows.empty_day,
    "holiday-rows": rows.holiday_rows,
    "stale-day": rows.stale_day,
}
