"""Luck is told from skill: deflated Sharpe ratios, the probability of overfitting, intervals by blocks."""

from itertools import combinations
from math import comb
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.overfitting import (
    block_interval,
    deflated_sharpe,
    effective_size,
    expected_best_sharpe,
    probabilistic_sharpe,
    probability_of_overfitting,
    sharpe,
)


def test_sharpe_of_a_hand_worked_series():
    assert sharpe([1.0, 2.0, 3.0, np.nan]) == pytest.approx(2.0)
    assert np.isnan(sharpe([1.0])) and np.isnan(sharpe([0.1, 0.1, 0.1]))


def test_the_probabilistic_sharpe_by_its_formula():
    values = np.random.default_rng(3).gamma(4.0, size=134)
    values = (values - values.mean()) / values.std(ddof=1) + 0.1
    standard = (values - values.mean()) / values.std()
    spread = 1 - np.mean(standard**3) * 0.1 + (np.mean(standard**4) - 1) / 4 * 0.1**2
    expected = NormalDist().cdf(0.1 * np.sqrt((effective_size(values) - 1) / spread))
    assert probabilistic_sharpe(values) == pytest.approx(expected)
    assert probabilistic_sharpe(values, benchmark=0.1) == pytest.approx(0.5)


def test_the_expected_best_of_many_trials_without_skill():
    """Simulated: the greatest of N standard normal values, averaged."""
    rng = np.random.default_rng(0)
    for n in (2, 10, 100):
        simulated = rng.standard_normal((20_000, n)).max(axis=1).mean()
        ratios = rng.standard_normal(1_000)
        ratios = (ratios - ratios.mean()) / ratios.std(ddof=1)
        assert expected_best_sharpe(ratios, n) == pytest.approx(simulated, abs=0.06)
    assert expected_best_sharpe([0.3, 0.1], 1) == 0.0
    assert np.isnan(expected_best_sharpe([0.3, np.nan], 50))


def test_the_best_of_many_trials_without_skill_is_not_believed_and_skill_is():
    rng = np.random.default_rng(1)
    noise = rng.standard_normal((750, 100)) * 0.01
    ratios = [sharpe(column) for column in noise.T]
    best = noise[:, int(np.argmax(ratios))]
    naive, deflated = probabilistic_sharpe(best), deflated_sharpe(best, ratios, 100)
    assert naive > 0.95 and deflated.probability < 0.8
    skilled = noise[:, 0] + 0.003
    assert deflated_sharpe(skilled, ratios, 100).probability > 0.95


def test_where_no_other_ratio_is_known_the_estimates_own_error_is_what_they_vary_by():
    values = np.random.default_rng(2).standard_normal(400) + 0.1
    one, many = deflated_sharpe(values, [0.1], 1), deflated_sharpe(values, [0.1, *[np.nan] * 49], 50)
    assert one.benchmark == 0.0
    assert many.benchmark == pytest.approx(2.25 / np.sqrt(effective_size(values) - 1), rel=0.02)
    assert many.probability < one.probability


@given(st.integers(1, 500), st.integers(1, 500))
def test_more_trials_never_raise_the_probability(few, more):
    values = np.sin(np.arange(60)) + 0.2
    ratios = [0.1, -0.2, 0.3]
    low, high = sorted((few, more))
    assert deflated_sharpe(values, ratios, high).probability <= deflated_sharpe(values, ratios, low).probability + 1e-12


def test_overlap_makes_values_fewer():
    moves = np.random.default_rng(5).standard_normal(600)
    overlapping = np.convolve(moves, np.ones(5), mode="valid")
    assert effective_size(moves) == pytest.approx(600, rel=0.25)
    assert effective_size(overlapping, overlap=5) == pytest.approx(600 / 5, rel=0.4)


def test_choosing_among_noise_is_overfitting_in_half_of_the_cases():
    found = [probability_of_overfitting(np.random.default_rng(seed).standard_normal((400, 20))) for seed in range(40)]
    assert np.mean(found) == pytest.approx(0.5, abs=0.1)


def test_choosing_a_trial_that_is_truly_better_is_not():
    matrix = np.random.default_rng(7).standard_normal((400, 20))
    matrix[:, 4] += 0.5
    assert probability_of_overfitting(matrix) < 0.02


def test_overfitting_of_a_hand_worked_case():
    """Two blocks, two trials: each is best where it is chosen on and worst in the other half."""
    rising = np.array([1.0, 1.1, -1.0, -1.1])
    assert probability_of_overfitting(np.column_stack([rising, -rising]), n_blocks=2) == 1.0
    steady = np.array([1.0, 1.1, 1.0, 1.1])
    assert probability_of_overfitting(np.column_stack([steady, -steady]), n_blocks=2) == 0.0
    assert probability_of_overfitting(np.column_stack([steady, steady]), n_blocks=2) == 0.5
    idle = np.zeros(4)  # a trial that never traded: neither chosen nor an obstacle
    assert probability_of_overfitting(np.column_stack([steady, -steady, idle]), n_blocks=2) == 0.0


def test_overfitting_counts_every_half_of_the_blocks():
    """Equal to a loop over the definition."""
    matrix, n_blocks = np.random.default_rng(11).standard_normal((60, 5)), 6
    blocks = np.split(matrix, n_blocks)
    below = []
    for half in combinations(range(n_blocks), n_blocks // 2):
        inside = np.concatenate([blocks[i] for i in half])
        outside = np.concatenate([blocks[i] for i in range(n_blocks) if i not in half])
        best = int(np.argmax(inside.mean(axis=0) / inside.std(axis=0)))
        ratios = outside.mean(axis=0) / outside.std(axis=0)
        relative = (1 + (ratios < ratios[best]).sum()) / (matrix.shape[1] + 1)
        below.append((relative < 0.5) + 0.5 * (relative == 0.5))
    assert len(below) == comb(6, 3)
    assert probability_of_overfitting(matrix, n_blocks) == pytest.approx(np.mean(below))


def test_too_little_for_overfitting_is_not_known():
    assert np.isnan(probability_of_overfitting(np.zeros((100, 1))))
    assert np.isnan(probability_of_overfitting(np.zeros((12, 3)), n_blocks=10))
    with pytest.raises(ValueError, match="even number of blocks"):
        probability_of_overfitting(np.zeros((12, 3)), n_blocks=3)


def test_block_intervals_cover_the_truth_as_often_as_they_say():
    """An AR(1) series whose neighbours resemble one another; blocks of one session are far too sure of themselves."""

    def covered(block):
        hits = 0
        for seed in range(200):
            rng = np.random.default_rng(seed)
            series = np.zeros(400)
            for t in range(1, 400):
                series[t] = 0.6 * series[t - 1] + rng.standard_normal()
            lower, upper = block_interval(series, block=block, n_samples=400, seed=seed)
            hits += lower <= 0.0 <= upper
        return hits / 200

    assert covered(20) > 0.88
    assert covered(80) > 0.75  # five blocks, the fewest taken
    assert covered(1) < 0.75


@given(
    st.lists(st.floats(-1e3, 1e3), min_size=20, max_size=50),
    st.integers(1, 4),
    st.floats(-100, 100),
)
def test_an_interval_holds_between_the_extremes_and_moves_with_the_series(values, block, shift):
    lower, upper = block_interval(values, block=block, n_samples=50)
    assert min(values) - 1e-6 <= lower <= upper <= max(values) + 1e-6
    moved = block_interval(np.array(values) + shift, block=block, n_samples=50)
    np.testing.assert_allclose(moved, np.array([lower, upper]) + shift, atol=1e-6)


def test_an_interval_by_hand():
    """Blocks of two of a series that alternates: every resampled mean is the mean."""
    assert block_interval([1.0, 2.0] * 5, block=2) == pytest.approx((1.5, 1.5))
    lower, upper = block_interval([1.0, 2.0] * 5, block=1)
    assert lower < 1.5 < upper
    assert np.isnan(block_interval([1.0, 2.0] * 4, block=2)).all()  # four blocks say too little
    with pytest.raises(ValueError, match="block of at least 1"):
        block_interval([1.0, 2.0], block=0)
