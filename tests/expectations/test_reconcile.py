"""Figures that different hands made must agree, by share of rows; what cannot be compared is left out."""

from collections.abc import Callable
from datetime import UTC, date, datetime

import pyarrow as pa
import pytest

from expectations import reconcile
from expectations.outcomes import Outcome
from market.table import Column, Table

DAYS = [date(2024, 5, 2), date(2024, 5, 3)]


def prices(n: int = 100, **changed: list[object]) -> pa.Table:
    """Two sessions of n / 2 securities whose figures agree."""
    columns: dict[str, list[object]] = {
        "security_id": [f"XKRX:{i // 2:06d}" for i in range(n)],
        "session_date": [DAYS[i % 2] for i in range(n)],
        "exchange": ["XKRX"] * n,
        "low": [90.0] * n,
        "high": [110.0] * n,
        "close": [100.0] * n,
        "volume": [10] * n,
        "value": [1000.0] * n,
        "market_cap": [5000.0] * n,
        "listed_shares": [50] * n,
        "base_price": [100.0] * n,
        "factor": [1.0] * n,
    }
    return pa.table(columns | changed)


def test_value_lies_within_the_range_times_the_volume() -> None:
    said = reconcile.value_within_range(prices(100, value=[899.0] + [900.0] * 50 + [1100.0] * 49))
    assert said.passed
    assert (said.n_rows, said.n_failed) == (100, 1)
    assert said.found.startswith("1 of 100 rows differ (1.00%): XKRX:000000, 2024-05-02, low 90.0")
    assert said.expected.endswith("in at least 0.99 of the rows")


def test_two_of_a_hundred_values_outside_the_range_block() -> None:
    said = reconcile.value_within_range(prices(100, value=[899.0, 1101.0] + [1000.0] * 98))
    assert not said.passed
    assert said.severity == "error"
    assert reconcile.value_within_range(prices(100, value=[899.0, 1101.0] + [1000.0] * 98), min_share=0.98).passed


def test_halts_and_unknown_values_are_left_out() -> None:
    said = reconcile.value_within_range(
        prices(4, low=[None, 90.0, 90.0, 90.0], volume=[0, 0, 10, 10], value=[0.0, 0.0, None, 1000.0])
    )
    assert said.passed
    assert said.n_rows == 1


@pytest.mark.parametrize(
    "check",
    [reconcile.value_within_range, reconcile.market_cap_is_close_times_shares, reconcile.base_price_follows_close],
)
def test_an_adjusted_recording_is_left_out_and_says_so(check: Callable[..., Outcome]) -> None:
    wrong = prices(4, value=[1.0] * 4, market_cap=[1.0] * 4, base_price=[1.0] * 4)
    said = check(wrong, price_basis="adjusted")
    assert said.passed
    assert (said.n_rows, said.found) == (0, "not judged: the prices are adjusted")
    assert not check(wrong).passed


def test_market_cap_is_close_times_shares_within_a_thousandth() -> None:
    said = reconcile.market_cap_is_close_times_shares(prices(4, market_cap=[5000.0, 5004.0, None, 5000.0]))
    assert said.passed
    assert said.n_rows == 3
    assert not reconcile.market_cap_is_close_times_shares(prices(4, market_cap=[5000.0, 5010.0, 5000.0, 5000.0])).passed


def test_the_base_price_is_the_previous_close_times_the_factor() -> None:
    split = prices(4, base_price=[7.0, 50.0, 7.0, 100.0], factor=[1.0, 0.5, 1.0, 1.0])
    said = reconcile.base_price_follows_close(split)
    assert said.passed
    assert said.n_rows == 2
    broken = reconcile.base_price_follows_close(prices(4, base_price=[100.0, 50.0, 100.0, 100.0]))
    assert (broken.passed, broken.severity) == (False, "warn")
    shuffled = split.take([3, 0, 2, 1])
    assert reconcile.base_price_follows_close(shuffled) == said


def test_a_hole_in_a_recording_is_no_broken_base_price() -> None:
    days = [
        date(2024, 4, 30),
        date(2024, 5, 3),
        date(2024, 5, 7),
        date(2024, 5, 8),
    ]  # 1 and 6 May: no session; 2 May: a hole
    said = reconcile.base_price_follows_close(
        prices(4, security_id=["XKRX:000001"] * 4, session_date=days, base_price=[7.0, 7.0, 100.0, 100.0])
    )
    assert (said.passed, said.n_rows) == (True, 2)


def test_figures_that_nobody_has_are_not_judged() -> None:
    said = reconcile.market_cap_is_close_times_shares(prices(2, market_cap=pa.nulls(2, pa.float64())))
    assert said.passed
    assert said.found == "not judged: no row has all the figures"


def test_gold_has_the_keys_of_silver_and_names_those_that_differ() -> None:
    silver = prices(6)
    assert reconcile.same_keys(silver.take([3, 1, 0, 2, 5, 4]), silver, "gold.prices", "silver.prices").passed
    said = reconcile.same_keys(silver.slice(1), silver.slice(0, 5), "gold.prices", "silver.prices")
    assert not said.passed
    assert said.check == "same_keys_as_silver_prices"
    assert said.n_failed == 2
    assert "XKRX:000000, 2024-05-02, row_is_in silver.prices alone" in said.found
    assert "XKRX:000002, 2024-05-03, row_is_in gold.prices alone" in said.found


def test_versions_of_silver_that_are_no_longer_true_need_no_gold_row() -> None:
    def contract(layer: str, *more: Column) -> Table:
        columns = (Column("security_id", "string", "s"), *more, Column("known_at", "timestamp", "k"))
        return Table(f"market.datasets.{layer}.x", "d", columns, ("security_id",), "always", "spark")

    until = Column("known_until", "timestamp", "u", nullable=True)
    replaced = datetime(2024, 5, 3, tzinfo=UTC)
    silver = pa.table(
        {"security_id": ["a", "a", "b"], "known_until": pa.array([replaced, None, None], pa.timestamp("us", "UTC"))}
    )
    gold = pa.table({"security_id": ["a", "b"]})
    said = reconcile.gold_as_silver(gold, silver, contract("gold"), contract("silver", until))
    assert (said.passed, said.n_rows) == (True, 2)
    closed = silver.slice(0, 1)
    assert not reconcile.gold_as_silver(gold, closed, contract("gold"), contract("silver", until)).passed


def test_a_reconciliation_brings_the_librarys_own_result() -> None:
    said = reconcile.value_within_range(prices(10))
    assert said.evidence.success
    assert said.evidence.expectation_config.kwargs["mostly"] == 0.99


def test_a_factor_that_nothing_disclosed_is_a_warning_and_named() -> None:
    ledger = pa.table({
        "security_id": ["XKRX:000001", "XKRX:000002", "XKRX:000003", "XNYS:AAPL"], "session_date": [DAYS[0]] * 4,
        "exchange": ["XKRX", "XKRX", "XKRX", "XNYS"], "factor": [0.5, 0.95, 2.0, 0.25],
        "cause": ["split", "rights_or_other", "consolidation", "split"],
        "disclosed_by": ["DART 1", None, None, None],
        "known_until": pa.array([None, None, datetime(2024, 5, 4, tzinfo=UTC), None], pa.timestamp("us", "UTC")),
    })  # fmt: skip
    said = reconcile.factors_are_disclosed(ledger)
    assert (said.passed, said.severity, said.n_rows, said.n_failed) == (False, "warn", 2, 1)
    assert "XKRX:000002, 2024-05-02, factor 0.95, cause rights_or_other" in said.found
    assert reconcile.factors_are_disclosed(ledger.slice(0, 1)).passed
    assert reconcile.factors_are_disclosed(ledger.slice(0, 0)).found.startswith("not judged")
