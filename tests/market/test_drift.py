"""A shift is measured as by hand, unseen where there is none, and known no earlier than it was."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import ks_2samp

from market.drift import Reference, edges_of, ks_bound, ks_statistic, live_rank_ic, mean_interval, stability_index
from market.overfitting import block_interval

VALUES = st.floats(-1e6, 1e6, allow_subnormal=False)
SAMPLES = st.lists(VALUES | st.sampled_from([0.0, 1.0, np.nan]), min_size=1, max_size=120)
COUNTS = st.lists(st.integers(0, 50), min_size=2, max_size=12).filter(any)


def reference(values, n_sessions=1, stretch=1):
    return Reference.of(values, np.arange(len(values)) % n_sessions, stretch)


def shift(before, after):
    made = reference(before)
    counts = made.count(after)
    return made.psi(counts), made.ks(counts)


def test_the_index_by_hand():
    by_hand = (0.25 - 0.5) * np.log(0.25 / 0.5) + (0.75 - 0.5) * np.log(0.75 / 0.5)
    assert stability_index([50, 50, 0], [25, 75, 0]) == pytest.approx(by_hand)


def test_an_empty_bin_counts_as_half_a_row():
    by_hand = (0.5 / 10 - 0.5) * np.log(0.5 / 10 / 0.5) + (1.0 - 0.5) * np.log(1.0 / 0.5)
    assert stability_index([50, 50], [0, 10]) == pytest.approx(by_hand)


@given(COUNTS, st.integers(1, 9))
def test_the_index_is_zero_on_equal_shares_whatever_their_number(counts, times):
    assert stability_index(counts, np.array(counts) * times) == pytest.approx(0.0, abs=1e-12) or 0 in counts
    assert stability_index(counts, counts) == 0.0


@given(COUNTS, st.data())
def test_the_index_is_the_same_both_ways_and_never_negative(counts, data):
    other = data.draw(st.lists(st.integers(0, 50), min_size=len(counts), max_size=len(counts)).filter(any))
    assert stability_index(counts, other) == pytest.approx(float(stability_index(other, counts)))
    assert stability_index(counts, other) >= 0.0


def test_nothing_against_something_is_not_known():
    assert np.isnan(stability_index([1, 2], [0, 0])) and np.isnan(ks_statistic([0, 0], [1, 2]))


def test_the_statistic_by_hand():
    assert ks_statistic([1, 1, 1, 1], [0, 0, 2, 2]) == pytest.approx(0.5)


@given(st.integers(0, 2**31), st.floats(-2, 2), st.floats(0.3, 3))
def test_the_statistic_is_that_of_the_two_samples_to_within_a_hundredth(seed, moved, scale):
    rng = np.random.default_rng(seed)
    before, after = rng.standard_normal(2_000), moved + scale * rng.standard_normal(150)
    assert shift(before, after)[1] == pytest.approx(ks_2samp(before, after).statistic, abs=0.0101)


@given(SAMPLES, SAMPLES, st.randoms())
def test_the_order_of_the_rows_does_not_matter(before, after, random):
    mixed = [list(before), list(after)]
    for one in mixed:
        random.shuffle(one)
    assert np.array_equal(shift(before, after), shift(*mixed), equal_nan=True)


@given(st.lists(st.integers(-1000, 1000), min_size=1, max_size=200), st.lists(st.integers(-1000, 1000), min_size=1))
def test_both_see_order_alone(before, after):
    """Of whole numbers, whose images under these are exact or told apart."""
    x, y = np.array(before, dtype=float), np.array(after, dtype=float)
    expected = shift(x, y)
    for image in (lambda v: 8.0 * v - 3.0, lambda v: v**3, np.arctan):
        assert shift(image(x), image(y)) == pytest.approx(expected, abs=1e-12)


@given(SAMPLES)
def test_a_sample_has_not_moved_from_itself(values):
    psi, ks = shift(values, values)
    assert psi == 0.0
    assert ks == 0.0 or np.isnan(values).all()


@pytest.mark.parametrize("moved", [-1.0, 1.0])
@pytest.mark.parametrize("flat", [0.0, 5.0, -3.0])
def test_a_constant_that_becomes_another_is_noticed_both_ways(flat, moved):
    psi, ks = shift([flat] * 50, [flat + moved] * 50)
    assert psi > 1.0 and ks == 1.0


def test_a_flag_that_is_set_more_often_is_noticed_and_nothing_lies_between():
    psi, ks = shift([0.0] * 80 + [1.0] * 20, [0.0] * 50 + [1.0] * 50)
    assert psi == pytest.approx((0.5 - 0.8) * np.log(0.5 / 0.8) + (0.5 - 0.2) * np.log(0.5 / 0.2))
    assert ks == pytest.approx(0.3)
    assert shift([0.0] * 80 + [1.0] * 20, [0.5] * 100)[0] > 1.0


def test_nulls_are_a_bin_of_the_index_and_not_of_the_statistic():
    rng = np.random.default_rng(0)
    values = rng.standard_normal(1_000)
    holes = np.where(np.arange(1_000) % 2, values, np.nan)
    psi, ks = shift(values, holes)
    assert psi > 1.0 and ks < 0.06
    made = reference(np.full(10, np.nan))
    assert made.psi(made.count([np.nan])) == 0.0 and np.isnan(made.ks(made.count([1.0])))
    assert made.psi(made.count([1.0, 2.0])) > 1.0


def test_infinities_are_the_ends_of_the_line():
    made = reference(np.arange(100.0))
    assert made.count([-np.inf, np.inf]).tolist()[0] == 1 and made.count([np.inf])[-2] == 1


@given(SAMPLES)
def test_bins_are_bounded_by_ends_of_cells_and_every_row_is_in_one(values):
    edges, bins = edges_of(values)
    assert set(bins) <= set(edges) and (np.diff(edges) > 0).all()
    made = reference(values)
    assert sum(made.counts) == made.binned(made.counts).sum() == len(values)
    assert made.counts[-1] == np.isnan(values).sum()


@given(st.integers(0, 2**31))
def test_a_shift_of_half_a_deviation_is_noticed_and_a_quiet_sample_is_not(seed):
    rng = np.random.default_rng(seed)
    before = rng.standard_normal(20_000)
    quiet, moved = (shift(before, mean + rng.standard_normal(2_000)) for mean in (0.0, 0.6))
    assert quiet[0] < 0.05 < 0.25 < moved[0]
    assert quiet[1] < ks_bound(20_000, 2_000, level=1e-6) < moved[1]


def test_what_a_stretch_of_the_history_showed_is_usual():
    rng = np.random.default_rng(3)
    sessions = np.repeat(np.arange(200), 30)
    wave = np.sin(sessions / 15.0)
    made = Reference.of(wave + rng.standard_normal(sessions.size), sessions, 20)
    quiet = Reference.of(rng.standard_normal(sessions.size), sessions, 20)
    assert made.usual_psi > 0.25 > 0.1 > quiet.usual_psi > 0.0
    assert made.usual_ks > quiet.usual_ks > 0.0
    crest = np.abs(wave - 1.0) < 0.1
    counts = made.count(wave[crest] + rng.standard_normal(crest.sum()))
    assert 0.25 < made.psi(counts) < 1.5 * made.usual_psi


def test_one_bad_month_of_a_long_history_makes_nothing_usual():
    rng = np.random.default_rng(4)
    sessions, values = np.repeat(np.arange(1_000), 30), rng.standard_normal(30_000)
    gone = np.where((sessions >= 300) & (sessions < 320), np.nan, values)
    assert Reference.of(gone, sessions, 20).usual_psi < 0.1


def test_sessions_before_the_quantity_was_known_at_all_do_not_count():
    rng = np.random.default_rng(6)
    sessions, values = np.repeat(np.arange(100), 30), rng.standard_normal(3_000)
    late = np.where(sessions < 20, np.nan, values)
    assert Reference.of(late, sessions, 20) == Reference.of(values[600:], sessions[600:], 20)
    never = Reference.of(np.full(3_000, np.nan), sessions, 20)
    assert (never.n_sessions, never.counts[-1], never.usual_psi, never.usual_ks) == (100, 3_000, 0.0, 0.0)


def test_a_history_of_less_than_two_stretches_has_nothing_usual():
    made = Reference.of(np.arange(30.0), np.arange(30), 20)
    assert (made.usual_psi, made.usual_ks, made.n_sessions) == (0.0, 0.0, 30)


def test_the_usual_is_what_nineteen_of_twenty_stretches_counted_one_by_one_do_not_exceed():
    rng = np.random.default_rng(5)
    sessions, values = np.repeat(np.arange(12), 40), rng.standard_normal(480)
    made = Reference.of(values, sessions, 4)
    apart = []
    for first in range(9):
        own = (sessions >= first) & (sessions < first + 4)
        counts = [made.count(values[part]) for part in (~own, own)]
        apart.append((stability_index(*map(made.binned, counts)), ks_statistic(counts[0][:-1], counts[1][:-1])))
    most = np.maximum(np.quantile(apart, 0.95, axis=0), apart[-1])
    assert (made.usual_psi, made.usual_ks) == pytest.approx(tuple(most))


def test_a_break_at_the_end_of_the_history_is_usual_from_then_on():
    rng = np.random.default_rng(8)
    sessions = np.repeat(np.arange(200), 30)
    values = rng.standard_normal(6_000) + 3.0 * (sessions >= 180)
    made = Reference.of(values, sessions, 20)
    assert 0.25 < made.psi(made.count(3.0 + rng.standard_normal(600))) < made.usual_psi


def test_the_bound_by_its_formula_and_wider_for_more_quantities():
    assert ks_bound(100, 50) == pytest.approx(1.358 * np.sqrt(150 / 5_000), abs=1e-4)
    assert ks_bound(100, 50, 20) == pytest.approx(ks_bound(100, 50, level=0.05 / 20))
    with pytest.raises(ValueError, match="at least 1"):
        ks_bound(100, 0)


def test_twenty_quiet_quantities_pass_the_bound_together_as_often_as_it_says():
    rng = np.random.default_rng(11)
    n, m, quantities, worlds = 400, 100, 20, 200
    bound = ks_bound(n, m, quantities)
    before, after = rng.random((worlds, quantities, n)), rng.random((worlds, quantities, m))
    is_before = np.concatenate([before, after], axis=-1).argsort(axis=-1) < n  # each value a cell of its own
    passed = (ks_statistic(is_before, ~is_before) > bound).any(axis=-1).sum()
    assert passed / worlds <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / worlds)


def test_a_reference_needs_a_date_for_each_value():
    with pytest.raises(ValueError, match="a date for each value"):
        Reference.of([1.0, 2.0], [1], 1)


T0 = datetime(2024, 1, 1, tzinfo=UTC)


def live_rows(n_sessions=30, n_names=8, seed=0):
    rng = np.random.default_rng(seed)
    session = np.repeat(np.arange(n_sessions), n_names)
    dates = pd.Timestamp("2024-01-01") + pd.to_timedelta(session, unit="D")
    keys = {"security_id": [f"XKRX:{i}" for i in range(n_names)] * n_sessions, "session_date": dates}
    outcome = rng.standard_normal(session.size)
    known = pd.to_datetime(dates).tz_localize("UTC")
    scores = pd.DataFrame({**keys, "exchange": "XKRX", "score": outcome + rng.standard_normal(session.size),
                           "known_at": known + pd.Timedelta(hours=20)})  # fmt: skip
    return scores, pd.DataFrame({**keys, "outcome": outcome, "known_at": known + pd.Timedelta(days=5)})


@pytest.mark.parametrize("days", [0, 5, 12, 40])
def test_an_outcome_that_was_known_later_changes_nothing(days):
    scores, outcomes = live_rows()
    at = T0 + timedelta(days=days)
    later = outcomes["known_at"] > at
    poisoned = outcomes.copy()
    poisoned.loc[later, "outcome"] = np.random.default_rng(days).standard_normal(int(later.sum()))
    pd.testing.assert_series_equal(live_rank_ic(scores, outcomes, at), live_rank_ic(scores, poisoned, at))
    pd.testing.assert_series_equal(live_rank_ic(scores, outcomes, at), live_rank_ic(scores, outcomes[~later], at))
    assert len(live_rank_ic(scores, outcomes, at)) == max(0, min(days - 4, 30))


def test_a_score_that_was_made_when_its_outcome_was_known_is_no_forecast():
    scores, outcomes = live_rows()
    late = scores.assign(
        known_at=scores["known_at"].where(scores["session_date"] > "2024-01-10", T0 + timedelta(days=99))
    )
    found = live_rank_ic(late, outcomes, T0 + timedelta(days=99))
    assert found.index.min() == pd.Timestamp("2024-01-11") and len(found) == 20
    assert live_rank_ic(scores.head(0), outcomes, T0).empty


def test_the_interval_is_by_blocks_where_there_are_five_and_wider_than_none_before():
    rng = np.random.default_rng(1)
    daily = 0.05 + 0.1 * rng.standard_normal(120)
    assert mean_interval(daily, 5, 20) == block_interval(daily, block=20)
    short = mean_interval(daily[:40], 5, 20)
    assert short.lower < daily[:40].mean() < short.upper
    assert short.upper - short.lower > mean_interval(daily, 5, 20).upper - mean_interval(daily, 5, 20).lower
    assert np.isnan(mean_interval(daily[:19], 5, 20)).all()
