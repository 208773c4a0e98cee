"""A contract with every kind of rule, and frames that keep it, for the tests of the gate."""

from collections.abc import Callable
from datetime import UTC, date, datetime

import pyarrow as pa
import pytest

from market.table import Between, Column, IsSession, Matches, OneOf, RowRule, Table

SESSION = date(2024, 5, 3)
NOW = datetime(2024, 5, 7, 9, tzinfo=UTC)

BARS = Table(
    "market.datasets.silver.bars",
    doc="Daily bars, for the tests.",
    columns=(
        Column("session_date", "date", "session", rules=(IsSession(),)),
        Column("exchange", "string", "exchange", rules=(OneOf(("XKRX", "XNYS")),)),
        Column("security_id", "string", "our id", rules=(Matches(r"(XKRX:[0-9A-Z]{6}|XNYS:[A-Z]+)$"),)),
        Column("low", "float64", "lowest price", "currency", True, (Between(0.01),)),
        Column("high", "float64", "highest price", "currency", True, (Between(0.01, 1e7),)),
        Column("volume", "int64", "shares traded", "shares", rules=(Between(0),)),
        Column("odd_lot", "int64", "shares traded in odd lots", "shares", True),
        Column("fetched_at", "timestamp", "when it was fetched", nullable=True, volatile=True),
        Column("known_at", "timestamp", "when it was known"),
    ),
    key=("security_id", "session_date"),
    known_at="the end of the session",
    commits="replace",
    row_rules=(
        RowRule("low", "<=", "high", "the low is not above the high"),
        RowRule("volume", ">=", "odd_lot", "odd lots are part of the volume"),
    ),
)


def bars(n: int = 4, **changed: list[object]) -> pa.Table:
    """n good rows with their payload, some columns replaced."""
    columns: dict[str, list[object]] = {
        "session_date": [SESSION] * n,
        "exchange": ["XKRX"] * n,
        "security_id": [f"XKRX:{i:06d}" for i in range(n)],
        "low": [100.0 + i for i in range(n)],
        "high": [110.0 + i for i in range(n)],
        "volume": [1000] * n,
        "odd_lot": [10] * n,
        "fetched_at": [NOW] * n,
        "known_at": [NOW] * n,
        "payload_digest": ["a" * 64] * n,
        "row_no": list(range(n)),
    } | changed
    extras = [pa.field("payload_digest", pa.string()), pa.field("row_no", pa.int32())]
    return pa.table(columns, schema=pa.schema([*BARS.schema, *extras]).remove_metadata())


@pytest.fixture
def contract() -> Table:
    """The contract with every kind of rule."""
    return BARS


@pytest.fixture
def make_bars() -> Callable[..., pa.Table]:
    """Maker of good frames: `make_bars(n, column=[...])`."""
    return bars


@pytest.fixture
def now() -> datetime:
    """The instant at which the tests judge."""
    return NOW
