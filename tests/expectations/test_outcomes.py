"""What the checks said, as rows that a release can read."""

from datetime import UTC, date, datetime

from expectations.judge import judge
from expectations.outcomes import Outcome, to_checks
from market.datasets.ops import checks

NOW = datetime(2024, 5, 7, 9, tzinfo=UTC)


def test_outcomes_become_rows_of_the_checks_table() -> None:
    said = [
        Outcome("gold.prices", "key_unique", "error", True, "one row per key", "all 5 rows", 5, 0),
        Outcome("gold.prices", "base_price_follows_close", "warn", False, "equal", "2 of 5 rows differ", 5, 2),
    ]
    rows = to_checks(said, 7, (date(2024, 5, 2), date(2024, 5, 3)), NOW)
    assert judge(checks.TABLE, rows).passed
    assert rows.to_pylist()[1] == {
        "session_date": date(2024, 5, 3),
        "session_month": "2024-05",
        "window_start": date(2024, 5, 2),
        "table": "gold.prices",
        "version": 7,
        "check": "base_price_follows_close",
        "severity": "warn",
        "passed": False,
        "expected": "equal",
        "found": "2 of 5 rows differ",
        "n_rows": 5,
        "n_failed": 2,
        "known_at": NOW,
    }


def test_no_outcomes_are_no_rows() -> None:
    assert to_checks([], 0, (date(2024, 5, 3), date(2024, 5, 3)), NOW).num_rows == 0
