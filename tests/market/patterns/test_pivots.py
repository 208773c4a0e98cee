"""Pivots, true ranges and means: worked by hand, and known no earlier than they say."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from market.patterns import pivots

NAN = float("nan")
PRICES = arrays(float, st.integers(0, 40), elements=st.integers(1, 30).map(float))


def starts(*lengths: int) -> np.ndarray:
    return np.concatenate(([0], np.cumsum(lengths, dtype=np.int64)))


def test_a_pivot_is_above_each_of_its_neighbours_on_both_sides() -> None:
    high = np.array([1.0, 2, 5, 2, 1, 1, 4, 4, 1, 0, 3, 1])
    assert np.flatnonzero(pivots.pivot_highs(high, starts(12), 2)).tolist() == [
        2
    ]  # 4 twice is no strict extreme, 3 has one row after it


def test_a_pivot_needs_its_neighbours_in_its_own_run() -> None:
    high = np.array([1.0, 2, 5, 2, 1])
    assert pivots.pivot_highs(high, starts(5), 2).any()
    assert not pivots.pivot_highs(high, starts(4, 1), 2).any()


@given(high=PRICES, k=st.integers(1, 4))
def test_pivots_are_what_a_plain_search_finds(high: np.ndarray, k: int) -> None:
    expected = [
        row for row in range(k, len(high) - k) if all(high[row] > high[row + away] for away in range(-k, k + 1) if away)
    ]
    assert np.flatnonzero(pivots.pivot_highs(high, starts(len(high)), k)).tolist() == expected


@given(high=PRICES, cut=st.integers(0, 40))
def test_a_pivot_is_known_k_rows_later(high: np.ndarray, cut: int) -> None:
    whole = pivots.pivot_highs(high, starts(len(high)), 3)
    known = pivots.pivot_highs(high[:cut], starts(len(high[:cut])), 3)
    np.testing.assert_array_equal(known[: max(0, cut - 3)], whole[: max(0, cut - 3)][: len(known)])


def test_the_true_range_reaches_to_the_close_before() -> None:
    high, low, close = np.array([5.0, 9, 4]), np.array([3.0, 8, 2]), np.array([4.0, 8, 3])
    # 9 - 4, then 8 - 2; a run's first row has no close before it
    np.testing.assert_array_equal(pivots.true_range(high, low, close, starts(3)), [NAN, 5, 6])
    np.testing.assert_array_equal(pivots.true_range(high, low, close, starts(1, 2)), [NAN, NAN, 6])


def test_a_mean_waits_until_its_rows_are_there() -> None:
    x = np.array([1.0, 3, 8, NAN, 1, 5, 6])
    np.testing.assert_array_equal(pivots.trailing_mean(x, starts(7), 2), [NAN, 2, 5.5, NAN, NAN, 3, 5.5])
    np.testing.assert_array_equal(pivots.trailing_mean(x, starts(2, 5), 2), [NAN, 2, NAN, NAN, NAN, 3, 5.5])


@given(x=arrays(float, 30, elements=st.floats(0.01, 1e6)), cut=st.integers(0, 25))
def test_a_mean_over_a_cut_history_has_the_same_bits(x: np.ndarray, cut: int) -> None:
    whole, part = pivots.trailing_mean(x, starts(30), 5), pivots.trailing_mean(x[cut:].copy(), starts(30 - cut), 5)
    np.testing.assert_array_equal(part[4:], whole[cut + 4 :])


def test_upside_down_twice_is_upright() -> None:
    high, low, close = (np.array([4.0, 6, 5, 9, 7]) + more for more in (1, -1, 0))
    side = pivots.upright(high, low, close, starts(5))
    for twice, once in zip(pivots.upside_down(pivots.upside_down(side)), side, strict=True):
        np.testing.assert_array_equal(twice, once)
