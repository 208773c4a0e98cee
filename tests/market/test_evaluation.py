"""Rank IC equals Spearman's, and its standard error is honest when labels overlap."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import spearmanr

from market.evaluation import (
    correlation,
    least_beyond_chance,
    mean_and_standard_error,
    quantile_spread,
    rank_ic,
    session_rank_ic,
)

SMALL = st.integers(-5, 5).map(float)  # few values, so that ties happen


def test_a_worked_case():
    result = rank_ic([1, 2, 3, 4, 5], [2, 1, 4, 3, 5], ["d"] * 5)
    assert result["d"] == pytest.approx(1 - 6 * 4 / (5 * 24))


@given(st.lists(st.tuples(SMALL, SMALL | st.just(np.nan), st.integers(0, 3)), min_size=1, max_size=80))
def test_equals_scipys_spearman_in_every_group_ties_included(rows):
    scores, outcomes, groups = map(np.array, zip(*rows, strict=True))
    result = rank_ic(scores, outcomes, groups)
    assert list(result.index) == sorted(set(groups))
    for group, ic in result.items():
        chosen = (groups == group) & np.isfinite(outcomes)
        x, y = scores[chosen], outcomes[chosen]
        if chosen.sum() < 5 or len(set(x)) < 2 or len(set(y)) < 2:
            assert np.isnan(ic)
        else:
            assert ic == pytest.approx(spearmanr(x, y).statistic, abs=1e-12)


@given(st.lists(st.floats(-1e3, 1e3), min_size=6, max_size=40, unique=True))
def test_sees_order_alone(outcomes):
    y = np.array(outcomes)
    scores = np.argsort(np.argsort(y)) ** 3.0
    assert rank_ic(scores, y, np.zeros(len(y)))[0] == pytest.approx(1.0)
    assert rank_ic(-scores, y, np.zeros(len(y)))[0] == pytest.approx(-1.0)


def test_lengths_that_differ_are_refused():
    with pytest.raises(ValueError, match="equal lengths"):
        rank_ic([1.0], [1.0, 2.0], [0, 0])


def test_the_error_of_independent_values_is_about_the_usual_one():
    values = np.random.default_rng(0).standard_normal(2000)
    result = mean_and_standard_error(values, overlap=1)
    assert result.mean == pytest.approx(values.mean())
    assert result.standard_error == pytest.approx(values.std(ddof=1) / np.sqrt(2000), rel=0.15)


@pytest.mark.parametrize("overlap", [5, 10])
def test_the_error_covers_what_overlapping_labels_do_to_the_mean(overlap):
    rng = np.random.default_rng(1)
    n, worlds = 300, 400
    shocks = rng.standard_normal((worlds, n + overlap - 1))
    overlapping = np.lib.stride_tricks.sliding_window_view(shocks, overlap, axis=1).mean(axis=2)
    true_error = overlapping.mean(axis=1).std()
    found = np.array([mean_and_standard_error(row, overlap=overlap).standard_error for row in overlapping])
    naive = overlapping.std(axis=1).mean() / np.sqrt(n)
    assert 0.8 < found.mean() / true_error < 1.1
    assert naive / true_error < 0.5


@given(st.lists(st.floats(-1, 1) | st.just(np.nan), max_size=60), st.integers(1, 12))
def test_the_error_is_never_negative_and_unknown_values_do_not_count(values, overlap):
    result = mean_and_standard_error(values, overlap)
    known = [v for v in values if not np.isnan(v)]
    np.testing.assert_array_equal(result, mean_and_standard_error(known, overlap))
    assert result.n == len(known)
    assert np.isnan(result.standard_error) if len(known) < 2 else result.standard_error >= 0


def test_an_overlap_below_one_is_refused():
    with pytest.raises(ValueError, match="overlap"):
        mean_and_standard_error([0.1, 0.2], overlap=0)


def test_the_spread_is_the_best_tenths_outcome_less_the_worst_tenths():
    scores = np.arange(20.0)
    outcomes = np.append(scores / 100, np.zeros(3))
    spread = quantile_spread(np.append(scores, scores[:3]), outcomes, np.append(np.zeros(20), np.ones(3)))
    assert spread[0.0] == pytest.approx((0.18 + 0.19) / 2 - (0.00 + 0.01) / 2)
    assert np.isnan(spread[1.0])  # three names have no lowest tenth
    with pytest.raises(ValueError, match="quantiles"):
        quantile_spread(scores, scores, scores, n_quantiles=1)


@given(st.lists(st.tuples(SMALL, SMALL | st.just(np.nan), st.integers(0, 3)), min_size=1, max_size=80))
def test_the_correlation_is_numpys_in_every_group_and_what_never_moves_has_none(rows):
    x, y, groups = map(np.array, zip(*rows, strict=True))
    result = correlation(x + 0.1, y / 3, groups, min_size=3)
    assert list(result.index) == sorted(set(groups))
    for group, found in result.items():
        chosen = (groups == group) & np.isfinite(y)
        a, b = x[chosen], y[chosen]
        if chosen.sum() < 3 or len(set(a)) < 2 or len(set(b)) < 2:
            assert np.isnan(found)
        else:
            assert found == pytest.approx(np.corrcoef(a, b)[0, 1], abs=1e-9)


def test_a_large_mean_costs_the_correlation_nothing_and_what_no_float_holds_has_none():
    x = np.array([1.0, 2.0, 3.0, 5.0])
    assert correlation(x + 1e9, x * x, np.zeros(4))[0] == pytest.approx(np.corrcoef(x, x * x)[0, 1], abs=1e-9)
    assert np.isnan(correlation(x * 1e200, x, np.zeros(4))[0])
    with pytest.raises(ValueError, match="equal lengths"):
        correlation(x, x[1:], np.zeros(4))


def test_a_session_s_rank_ic_weighs_its_exchanges_by_their_names_and_never_ranks_across_them():
    days = np.array(["2024-05-02"] * 15 + ["2024-05-03"] * 5, dtype="datetime64[D]")
    exchanges = ["XKRX"] * 10 + ["XNYS"] * 5 + ["XKRX"] * 5
    scores = [*range(10), *range(100, 105), *range(5)]
    outcomes = [*range(10), *range(0, -5, -1), 0, 1, 2, 3, np.nan]
    result = session_rank_ic(scores, outcomes, days, exchanges)
    assert result.to_dict() == {np.datetime64("2024-05-02"): pytest.approx((10 * 1 + 5 * -1) / 15)}, (
        "four names are few"
    )
    least = session_rank_ic(scores, outcomes, days, exchanges, min_size=4)
    assert least.iloc[1] == pytest.approx(1.0)
    assert session_rank_ic([], [], [], []).empty
    with pytest.raises(ValueError, match="equal lengths"):
        session_rank_ic([1.0], [1.0], [], ["XKRX"])


@pytest.mark.parametrize("n", [20, 60, 200])
def test_noise_is_beyond_chance_once_in_forty_however_short_the_series(n):
    """Sums of five, as labels of five sessions overlap: by two standard errors alone noise passes far more often."""
    beyond = naive = 0
    for seed in range(1_500):
        moves = np.random.default_rng(seed).standard_normal(n + 4)
        found = mean_and_standard_error(np.convolve(moves, np.ones(5), mode="valid"), overlap=5)
        beyond += found.mean > least_beyond_chance(n, 5) * found.standard_error
        naive += found.mean > 2 * found.standard_error
    assert beyond / 1_500 < (0.065 if n == 20 else 0.045)  # four spans of five are hardly a sample
    if n == 20:
        assert naive / 1_500 > 0.1


def test_a_long_series_needs_two_errors_and_one_value_none():
    assert least_beyond_chance(100_000, 5) == pytest.approx(1.96, abs=0.01)
    with pytest.raises(ValueError, match="at least 2 values"):
        least_beyond_chance(1)
