"""Labels look ahead exactly as far as they say, within one security, and ranks stay within their group."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.labels import forward_return, group_codes, rank_within

CLOSES = st.lists(st.floats(1.0, 1e6), min_size=1, max_size=40)


def test_a_worked_case_of_two_securities():
    close = [100.0, 110.0, 121.0, 50.0, 40.0]
    result = forward_return(close, [0, 3, 5], 1)
    np.testing.assert_allclose(result, [0.10, 0.10, np.nan, -0.20, np.nan])


@given(st.lists(CLOSES, min_size=1, max_size=5), st.integers(1, 7))
def test_never_reads_another_security(series, horizon):
    offsets = np.cumsum([0, *map(len, series)])
    together = forward_return(np.concatenate(series), offsets, horizon)
    alone = np.concatenate([forward_return(s, [0, len(s)], horizon) for s in series])
    np.testing.assert_array_equal(together, alone)


@given(CLOSES, st.integers(1, 7), st.data())
def test_a_label_is_known_only_at_the_close_of_its_horizon(close, horizon, data):
    seen = data.draw(st.integers(1, len(close)))
    cut = forward_return(close[:seen], [0, seen], horizon)
    whole = forward_return(close, [0, len(close)], horizon)
    known = max(seen - horizon, 0)
    np.testing.assert_array_equal(cut[:known], whole[:known])
    assert np.isnan(cut[known:]).all()


@given(CLOSES, st.integers(1, 7))
def test_session_numbers_without_holes_change_nothing(close, horizon):
    n = len(close)
    by_number = forward_return(close, [0, n], horizon, session_numbers=np.arange(n) + 100)
    np.testing.assert_array_equal(by_number, forward_return(close, [0, n], horizon))


def test_a_hole_in_the_sessions_is_counted_and_its_label_unknown():
    close, numbers = [100.0, 110.0, 120.0, 90.0], [1, 2, 4, 5]
    result = forward_return(close, [0, 4], 2, session_numbers=numbers)
    np.testing.assert_allclose(result, [np.nan, 120 / 110 - 1, np.nan, np.nan])


def test_session_numbers_match_a_loop_over_securities():
    rng = np.random.default_rng(0)
    lengths = [5, 0, 9, 1]
    numbers = np.concatenate([np.sort(rng.choice(12, n, replace=False)) for n in lengths])
    close, offsets = rng.uniform(1, 2, numbers.size), np.cumsum([0, *lengths])
    expected = np.full(numbers.size, np.nan)
    for start, end in pairwise(offsets):
        at = {numbers[i]: i for i in range(start, end)}
        for i in range(start, end):
            if numbers[i] + 3 in at:
                expected[i] = close[at[numbers[i] + 3]] / close[i] - 1
    np.testing.assert_array_equal(forward_return(close, offsets, 3, session_numbers=numbers), expected)


def test_nobody_enters_a_halt_but_a_later_halt_keeps_the_label():
    result = forward_return([100.0, 110.0, 110.0], [0, 3], 1, is_tradable=[True, False, False])
    np.testing.assert_allclose(result, [0.10, np.nan, np.nan])


def test_a_close_that_is_no_price_gives_no_label():
    assert np.isnan(forward_return([0.0, 1.0, np.nan, 1.0, np.inf], [0, 5], 1)).all()


@pytest.mark.parametrize(
    ("offsets", "horizon", "numbers", "says"),
    [
        ([0, 3], 0, None, "horizon"),
        ([0, 2], 1, None, "offsets"),
        ([1, 3], 1, None, "offsets"),
        ([0, 3, 1, 3], 1, None, "offsets"),
        ([0, 3], 1, [1, 1, 2], "rising"),
        ([0, 3], 1, [1, 2], "session numbers"),
    ],
)
def test_bad_arguments_are_named(offsets, horizon, numbers, says):
    with pytest.raises(ValueError, match=says):
        forward_return([1.0, 2.0, 3.0], offsets, horizon, session_numbers=numbers)


def test_ranks_are_percentiles_within_the_group_with_ties_shared():
    result = rank_within([3.0, 1.0, 3.0, 2.0, np.nan, 7.0], [0, 0, 0, 0, 0, 1])
    np.testing.assert_allclose(result, [3.5 / 4, 1 / 4, 3.5 / 4, 2 / 4, np.nan, 1.0])


@given(st.lists(st.tuples(st.floats(-1e6, 1e6) | st.just(np.nan), st.integers(-1, 3)), min_size=1, max_size=60))
def test_ranks_lie_above_zero_up_to_one_and_keep_unknowns(rows):
    values, groups = map(np.array, zip(*rows, strict=True))
    ranks = rank_within(values, groups)
    unknown = np.isnan(values) | (groups < 0)
    np.testing.assert_array_equal(np.isnan(ranks), unknown)
    assert ((ranks[~unknown] > 0) & (ranks[~unknown] <= 1)).all()
    for group in set(groups[~unknown]):
        rows_of = (groups == group) & ~unknown
        order = np.argsort(values[rows_of], kind="stable")
        assert (np.diff(ranks[rows_of][order]) >= 0).all()


def test_group_codes_number_combinations_in_sorted_order_and_mark_nulls():
    dates = np.array(["2024-01-03", "2024-01-02", "2024-01-02", "NaT"], dtype="datetime64[D]")
    np.testing.assert_array_equal(group_codes(dates, ["XKRX", "XNYS", "XKRX", "XKRX"]), [2, 1, 0, -1])
    np.testing.assert_array_equal(group_codes(np.array([], dtype="datetime64[D]")), [])
    with pytest.raises(ValueError, match="column"):
        group_codes()
