"""What test rows show: numbers by hand and by scikit-learn, intervals that hold what they say, leads on the same rows."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.errors import Permanent
from training.sentiment import plots
from training.sentiment.agreement import macro_f1, per_class
from training.sentiment.baselines import baselines
from training.sentiment.judging import Interval, judge, weigh

CODES = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=60)


def sure(said):
    return 0.4 * np.eye(3)[said] + 0.2


def weighed(truth, *said, **others):
    found = [sure(one) for one in said]
    seeds = tuple(range(len(said)))
    return weigh(truth, found, found, seeds, dict.fromkeys(seeds, 1.0), others)


@pytest.fixture(scope="module")
def rows():
    """Classes, and two guesses at them, right nine and seven times in ten."""
    rng = np.random.default_rng(2)
    truth = rng.integers(0, 3, 300)
    return truth, *(np.where(rng.random(300) < share, truth, rng.integers(0, 3, 300)) for share in (0.85, 0.55))


@given(CODES)
def test_the_numbers_are_those_of_scikit_learn(pairs):
    from sklearn.metrics import f1_score, precision_recall_fscore_support

    truth, said = np.array(pairs).T
    options = {"labels": [0, 1, 2], "zero_division": 0.0}
    assert macro_f1(truth, said) == pytest.approx(f1_score(truth, said, average="macro", **options))
    theirs = precision_recall_fscore_support(truth, said, **options)[:3]
    np.testing.assert_allclose(per_class(truth, said), np.stack(theirs, axis=1))


def test_a_row_that_counts_twice_is_two_rows():
    truth, said = np.array([0, 1, 2, 2]), np.array([0, 1, 1, 2])
    weights = np.array([1.0, 2.0, 1.0, 0.0])
    assert macro_f1(truth, said, weights) == macro_f1(np.array([0, 1, 1, 2]), np.array([0, 1, 1, 1]))


def test_the_interval_holds_the_number_and_narrows_with_rows(rows):
    truth, said, _ = rows
    wide, narrow = (weighed(np.tile(truth, n), np.tile(said, n)).macro_f1 for n in (1, 9))
    assert wide.low < wide.value < wide.high and narrow.value == pytest.approx(wide.value)
    assert narrow.se == pytest.approx(wide.se / 3, rel=0.15)


@pytest.mark.slow
def test_nineteen_of_twenty_intervals_hold_the_truth():
    rng = np.random.default_rng(4)
    held = 0
    for _ in range(60):
        truth = rng.integers(0, 3, 200)
        said = np.where(rng.random(200) < 0.7, truth, (truth + rng.integers(1, 3, 200)) % 3)  # a macro F1 of 0.7
        held += (lambda found: found.low <= 0.7 <= found.high)(weighed(truth, said).macro_f1)
    assert 52 <= held <= 60


def test_seeds_that_differ_widen_the_interval(rows):
    truth, good, bad = rows
    alike, apart = weighed(truth, good, good).macro_f1, weighed(truth, good, bad).macro_f1
    assert apart.se > 1.5 * alike.se


def test_a_lead_is_taken_on_the_same_rows(rows):
    truth, good, bad = rows
    verdict = weighed(truth, good, same=good, worse=bad)
    assert verdict.over["same"] == Interval(0.0, 0.0, 0.0, 0.0)
    assert verdict.over["worse"].low > 0.1
    assert verdict.over["worse"].se < verdict.macro_f1.se + weighed(truth, bad).macro_f1.se


def test_every_number_has_a_name(rows):
    truth, good, bad = rows
    named = weighed(truth, good, good, tfidf=bad).metrics()
    assert {
        "macro_f1_low",
        "macro_f1_se",
        "ece",
        "macro_f1_over_tfidf_low",
        "tfidf_macro_f1",
        "recall_negative",
    } <= set(named)
    assert all(isinstance(value, float) and np.isfinite(value) for value in named.values())
    assert named["seeds"] == 2 and named["test_rows"] == 300 and named["macro_f1_seed_std"] == 0


def test_confusion_counts_every_row_of_every_seed(rows):
    truth, good, bad = rows
    verdict = weighed(truth, good, bad)
    assert verdict.confusion.sum() == 600
    assert verdict.confusion.sum(axis=1).tolist() == (2 * np.bincount(truth)).tolist()


def test_a_verdict_can_be_drawn(rows, tmp_path):
    truth, good, _ = rows
    verdict = weighed(truth, good)
    for name, draw in (("confusion", plots.confusion), ("reliability", plots.reliability)):
        draw(verdict).savefig(tmp_path / f"{name}.png")
        assert (tmp_path / f"{name}.png").stat().st_size > 5_000


def test_a_taught_encoder_is_held_against_tfidf_on_rows_that_neither_saw(parts, fitted, needs_deep):
    verdict = judge(parts, lambda train, validation, seed: fitted, (1,), baselines())
    assert verdict.truth.size == len(parts.test) and verdict.temperatures == {1: fitted.temperature}
    assert verdict.over["tfidf"].value == pytest.approx(verdict.macro_f1.value - verdict.baselines["tfidf"])


@pytest.mark.parametrize("seeds", [(), (1, 1)])
def test_seeds_that_tell_nothing_are_refused(parts, seeds):
    with pytest.raises(Permanent, match="different seeds"):
        judge(parts, lambda *_: None, seeds, {})
