"""Shared by the gold tests: small frames with a contract's columns, from the few values that a test is about."""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest

from market import calendars, registry
from market.table import ARROW, Window

SECURITY, EXCHANGE = "XKRX:005930", "XKRX"
PLAIN: dict[str, Any] = {
    "security_id": SECURITY, "exchange": EXCHANGE, "symbol": "005930", "market": "KOSPI", "currency": "KRW",
    "open": 100.0, "high": 100.0, "low": 100.0, "close": 100.0, "volume": 10, "value": 1000.0, "market_cap": 1e6,
    "listed_shares": 10_000, "base_price": 100.0, "is_halted": False, "factor": 1.0, "cumulative_factor": 1.0,
    "source": "krx", "payload_digest": "a" * 64, "row_no": 0, "cause": "split_or_bonus", "evidence": "base",
    "confidence": "high",
}  # fmt: skip

Rows = Callable[..., pa.Table]


def closed(day: date) -> datetime:
    """When the session's row is known: its close."""
    return calendars.close_at(EXCHANGE, day)


@pytest.fixture(scope="session")
def days() -> list[date]:
    """The Korean sessions from 2024-04-01 on: 04-10 is a holiday, session numbers do not jump there."""
    return calendars.sessions(EXCHANGE, date(2024, 4, 1), date(2024, 12, 30))


@pytest.fixture(scope="session")
def rows_of() -> Rows:
    """``rows_of(table, [{...}, ...])``: rows of a table; what a row does not say is plain, known at its session's close."""

    def make(name: str, said: Sequence[dict[str, Any]], **joined: str) -> pa.Table:
        columns = {c.name: c.type for c in registry.table(name).columns} | joined
        made = [_filled(row, columns) for row in said]
        return pa.Table.from_pylist(made, schema=pa.schema([(n, ARROW[t]) for n, t in columns.items()]))

    return make


def _filled(row: dict[str, Any], columns: dict[str, str]) -> dict[str, Any]:
    day = row["session_date"]
    usual = PLAIN | {"session_month": f"{day:%Y-%m}", "known_at": closed(day)}
    return {name: (usual | row).get(name) for name in columns}


@pytest.fixture(scope="session")
def sessions() -> Callable[[Sequence[date]], pa.Table]:
    """silver.sessions of the days' whole range."""

    def make(days: Sequence[date]) -> pa.Table:
        table = registry.table("silver.sessions")
        assert table.build is not None
        return table.build({}, window_of(days))

    return make


def window_of(days: Sequence[date]) -> Window:
    """The window of those days."""
    return Window(min(days), max(days), datetime(2025, 1, 2, tzinfo=UTC) + timedelta(hours=9))


@pytest.fixture(scope="session")
def window() -> Callable[[Sequence[date]], Window]:
    """``window(days)``: from the first to the last of them."""
    return window_of
