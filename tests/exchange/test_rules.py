"""Tick sizes and price limits that generated prices obey, in both tick regimes."""

from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange import rules

OLD, NEW = date(2023, 1, 24), date(2023, 1, 25)
days = st.sampled_from([OLD, NEW])
prices = st.integers(1, 5_000_000)


@pytest.mark.parametrize(
    ("day", "is_kospi", "price", "tick"),
    [
        (NEW, True, 1_999, 1), (NEW, True, 2_000, 5), (NEW, False, 19_990, 10), (NEW, True, 500_000, 1_000),
        (OLD, True, 1_000, 5), (OLD, True, 50_000, 100), (OLD, True, 500_000, 1_000), (OLD, False, 500_000, 100),
    ],
)  # fmt: skip
def test_ticks_are_those_of_the_date_and_board(day, is_kospi, price, tick):
    assert rules.tick_size(np.array([price]), day, np.array([is_kospi]))[0] == tick


@given(day=days, price=prices, is_kospi=st.booleans())
def test_limits_lie_within_thirty_percent_and_hold_the_base(day, price, is_kospi):
    low, high = rules.price_limits(np.array([price]), day, np.array([is_kospi]))
    assert price * 0.7 - 1e-9 <= low[0] <= price
    assert price * 1.3 + 1e-9 >= high[0]


@given(day=days, price=st.floats(1, 5e6), is_kospi=st.booleans())
def test_a_price_put_on_the_grid_stays_there_and_near(day, price, is_kospi):
    board = np.array([is_kospi])
    on_grid = rules.to_tick(np.array([price]), day, board)
    tick = rules.tick_size(on_grid, day, board)[0]
    assert on_grid[0] % tick == 0
    assert abs(on_grid[0] - price) <= tick / 2 + 1
