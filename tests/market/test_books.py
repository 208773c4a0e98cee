"""The number of a company's shares: counted by a report, on the scale of the close that it is multiplied by."""

from datetime import UTC, date, datetime

import pytest

from market.books import Part, Shares

CLOSED = date(2024, 3, 1)


def part(item: str, day: date, value: float) -> Part:
    return Part("XNYS:X", item, day, None, value, "USD", None, None, datetime(2024, 3, 5, tzinfo=UTC))


@pytest.mark.parametrize(
    ("split_on", "shares"), [(date(2024, 2, 1), 400.0), (CLOSED, 400.0), (date(2024, 3, 4), 100.0)]
)
def test_a_split_counts_from_the_first_close_that_has_it(split_on: date, shares: float) -> None:
    counted, split = part("shares_outstanding", date(2023, 12, 31), 100.0), part("split_factor", split_on, 0.25)
    assert Shares(part("close", CLOSED, 50.0), (), counted, (split,)).number().value == shares
