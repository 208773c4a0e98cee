"""Walk-forward folds: ordered, expanding, and no training label reaches the test or its embargo."""

from itertools import pairwise
from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.splits import combinatorial_purged, label_ends, purged_walk_forward

START = np.datetime64("2023-01-02", "D")


@st.composite
def walks(draw):
    """(dates, rules) that fit: enough dates for the rules, with gaps between them as a calendar has."""
    rules = {
        "n_folds": draw(st.integers(1, 6)),
        "horizon": draw(st.integers(1, 10)),
        "embargo": draw(st.integers(0, 10)),
        "min_train": draw(st.integers(1, 30)),
    }
    least = rules["min_train"] + rules["horizon"] + rules["embargo"] + rules["n_folds"]
    n = least + draw(st.integers(0, 60))
    gaps = np.array(draw(st.lists(st.integers(1, 5), min_size=n, max_size=n)))
    return START + gaps.cumsum(), rules


@given(walks())
def test_no_training_label_reaches_the_test_or_its_embargo(walk):
    dates, rules = walk
    position = {date: i for i, date in enumerate(dates)}
    for fold in purged_walk_forward(dates, **rules):
        last_label_end = position[fold.train[-1]] + rules["horizon"]
        assert last_label_end < position[fold.test[0]] - rules["embargo"]
        assert dates[last_label_end] < fold.label_cutoff


@given(walks())
def test_training_expands_and_uses_every_date_it_may(walk):
    dates, rules = walk
    folds = purged_walk_forward(dates, **rules)
    position = {date: i for i, date in enumerate(dates)}
    for earlier, later in pairwise(folds):
        assert len(earlier.train) < len(later.train)
        np.testing.assert_array_equal(earlier.train, later.train[: len(earlier.train)])
    for fold in folds:
        assert len(fold.train) >= rules["min_train"]
        assert position[fold.train[-1]] + rules["horizon"] + rules["embargo"] + 1 == position[fold.test[0]]


@given(walks())
def test_tests_are_adjacent_equally_long_and_reach_the_last_date(walk):
    dates, rules = walk
    folds = purged_walk_forward(dates, **rules)
    tested = np.concatenate([fold.test for fold in folds])
    np.testing.assert_array_equal(tested, dates[-len(tested) :])
    assert len(folds) == rules["n_folds"]
    lengths = [len(fold.test) for fold in folds]
    assert max(lengths) - min(lengths) <= 1


def test_one_exchanges_holidays_stretch_its_labels_and_purge_its_rows():
    dates = START + np.arange(20)
    folds = purged_walk_forward(dates, n_folds=1, horizon=2, embargo=0, min_train=5)
    traded = {"XNYS": dates, "XKRX": np.delete(dates, [6, 7, 8, 9])}  # four holidays just before the test at 7
    session_dates = np.concatenate(list(traded.values()))
    exchanges = np.repeat(list(traded), [len(days) for days in traded.values()])
    ends = label_ends(session_dates, exchanges, 2)
    rows = folds[0].train_rows(session_dates, ends)
    assert folds[0].test[0] == dates[7]
    np.testing.assert_array_equal(session_dates[rows & (exchanges == "XNYS")], dates[:5])
    np.testing.assert_array_equal(session_dates[rows & (exchanges == "XKRX")], dates[:4])  # dates[4] ends at dates[10]
    assert (ends[rows] < folds[0].label_cutoff).all()


def test_label_ends_count_sessions_of_the_rows_own_exchange_in_any_order():
    days = START + np.array([3, 0, 1, 0, 3])
    ends = label_ends(days, ["XKRX", "XKRX", "XKRX", "XNYS", "XNYS"], 1)
    expected = np.array(["NaT", START + 1, START + 3, START + 3, "NaT"], dtype="datetime64[D]")
    np.testing.assert_array_equal(ends, expected)
    assert np.isnat(label_ends(days, ["XKRX"] * 5, 9)).all()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"n_folds": 0}, "n_folds"),
        ({"horizon": 0}, "horizon"),
        ({"embargo": -1}, "embargo"),
        ({"min_train": 0}, "min_train"),
        ({"min_train": 90}, "at least 102 session dates"),
    ],
)
def test_bad_rules_and_too_little_history_are_named(change, says):
    rules = {"n_folds": 2, "horizon": 5, "embargo": 5, "min_train": 20} | change
    with pytest.raises(ValueError, match=says):
        purged_walk_forward(START + np.arange(100), **rules)


def test_dates_that_are_not_sorted_and_unique_are_refused():
    with pytest.raises(ValueError, match="sorted unique"):
        purged_walk_forward(START + np.array([0, 0, 1]), n_folds=1, horizon=1, embargo=0, min_train=1)


@st.composite
def histories(draw):
    """(dates, rules) for combinations of blocks."""
    n_blocks = draw(st.integers(3, 7))
    rules = {
        "n_blocks": n_blocks,
        "n_test": draw(st.integers(1, n_blocks - 2)),
        "horizon": draw(st.integers(1, 6)),
        "embargo": draw(st.integers(0, 5)),
    }
    n = n_blocks * (rules["horizon"] + rules["embargo"] + 1) + draw(st.integers(0, 40))
    gaps = np.array(draw(st.lists(st.integers(1, 5), min_size=n, max_size=n)))
    return START + gaps.cumsum(), rules


@given(histories())
def test_no_training_row_of_a_combination_shares_a_session_with_a_tests_labels(history):
    dates, rules = history
    position = {date: i for i, date in enumerate(dates)}
    ends = label_ends(dates, np.full(dates.size, "XKRX"), rules["horizon"])
    gap = rules["horizon"] + rules["embargo"]
    for combination in combinatorial_purged(dates, **rules):
        train = {position[date] for date in dates[combination.train_rows(dates, ends)]}
        expected = set(range(dates.size - rules["horizon"]))
        for test in combination.tests:
            first, last = position[test[0]], position[test[-1]]
            expected -= set(range(first - gap, last + gap + 1))
        assert train == expected


@given(histories())
def test_every_date_is_tested_equally_often(history):
    dates, rules = history
    tested = np.zeros(dates.size, dtype=int)
    found = combinatorial_purged(dates, **rules)
    for combination in found:
        for number in range(len(combination.tests)):
            tested += combination.test_rows(dates, number)
    assert (tested == comb(rules["n_blocks"] - 1, rules["n_test"] - 1)).all()
    assert len(found) == comb(rules["n_blocks"], rules["n_test"])


def test_a_holiday_of_one_exchange_stretches_the_purge():
    """XNYS has no session in the days 9 to 12: what it labelled before ends later, and nothing of it is trained on beside the test."""
    dates = START + np.arange(40)
    exchanges = np.repeat(["XKRX", "XNYS"], 40)
    days = np.tile(dates, 2)
    is_open = ~((exchanges == "XNYS") & (np.tile(np.arange(40), 2) >= 9) & (np.tile(np.arange(40), 2) <= 12))
    days, exchanges = days[is_open], exchanges[is_open]
    ends = label_ends(days, exchanges, 2)
    (combination, *_) = combinatorial_purged(dates, n_blocks=4, n_test=1, horizon=2, embargo=0)
    train = days[combination.train_rows(days, ends)]
    # the first block is days 0 to 9; XNYS's label of day 8 ends on day 14, so training begins on day 15, not 12
    assert train.min() == START + 15


def test_an_exchange_that_ended_bars_nothing_of_the_other():
    dates = START + np.arange(40)
    days, exchanges = np.concatenate([dates, dates[:13]]), np.repeat(["XKRX", "XNYS"], [40, 13])
    ends = label_ends(days, exchanges, 2)
    combination = combinatorial_purged(dates, n_blocks=4, n_test=1, horizon=2, embargo=1)[1]  # days 10 to 19
    train = days[combination.train_rows(days, ends)]
    assert set(train) == set(dates[:7]) | set(dates[23:38])


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ({"n_blocks": 2, "n_test": 1}, "n_blocks >= 3"),
        ({"n_blocks": 4, "n_test": 3}, "n_test < n_blocks - 1"),
        ({"n_blocks": 9, "n_test": 2}, "at least 63 session dates"),
        ({"n_blocks": 4, "n_test": 2, "horizon": 0}, "horizon of at least 1"),
    ],
)
def test_a_combination_that_cannot_be_says_why(rules, message):
    with pytest.raises(ValueError, match=message):
        combinatorial_purged(START + np.arange(40), **({"horizon": 5, "embargo": 1} | rules))
