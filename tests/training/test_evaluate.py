"""A planted signal is found out of sample; where there is none, nothing is."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from market.errors import Permanent
from training.evaluate import combinations, walk_forward
from training.evidence import shown, stability, tranches_of
from training.gates import GATES, judge
from training.model import Combinations, WalkForward
from training.panel import prepare


def _judged(model, frame):
    panel = prepare("test", frame, model.features, model.label)
    return walk_forward(model, panel, model.parameters, 7, lambda done, total, what: None)


def test_a_planted_signal_is_found(small_model, panel):
    found = _judged(small_model, panel)
    metrics = found.metrics()
    assert metrics["rank_ic_t"] > 5
    assert all(fold.rank_ic > 2 * fold.standard_error for fold in found.folds)
    assert metrics["decile_spread_mean"] > 0
    assert all(
        outcome.passed
        for outcome in judge(
            GATES,
            {"leaks": 0.0, "deflated_rank_ic": 1.0, "sessions_behind": 0.0, "replay_differs": 0.0}
            | shown(found, tranches_of(found)),
            None,
        )
    )


@pytest.mark.parametrize("seed", [11, 12, 13])
@pytest.mark.parametrize("kind", ["within each session", "whole series between securities"])
def test_with_shuffled_labels_nothing_is_found(small_model, new_panel, seed, kind):
    frame = new_panel(seed)
    rng = np.random.default_rng(seed)
    label = frame["forward_return_5d"].to_numpy().reshape(-1, frame["security_id"].nunique())
    if kind == "within each session":
        shuffled = rng.permuted(label, axis=1)
    else:  # keeps each series' overlap, which a naive standard error mistakes for evidence
        shuffled = label[:, rng.permutation(label.shape[1])]
    metrics = _judged(small_model, frame.assign(forward_return_5d=shuffled.ravel())).metrics()
    assert abs(metrics["rank_ic_t"]) < 3
    assert abs(metrics["rank_ic_mean"]) < 0.03


def test_every_fold_trains_before_it_tests_and_daily_values_cover_the_tests(small_model, panel):
    found = _judged(small_model, panel)
    dates = np.unique(panel["session_date"].to_numpy().astype("datetime64[D]"))
    for fold in found.folds:
        gap = np.searchsorted(dates, fold.test_from) - np.searchsorted(dates, fold.train_to)
        assert gap > small_model.horizon + small_model.validation.embargo
    assert found.daily.index.is_monotonic_increasing
    assert found.daily.index[-1] == np.datetime64(found.folds[-1].test_to)


def test_what_the_test_holds_does_not_change_what_was_fitted(small_model, panel):
    """Poisoning everything from the last test on leaves the earlier folds bit for bit as they were."""
    before = _judged(small_model, panel)
    later = panel["session_date"] >= pd.Timestamp(before.folds[-1].test_from)
    poisoned = panel.assign(signal=panel["signal"].where(~later, -99.0))
    after = _judged(small_model, poisoned)
    for was, now in zip(before.folds[:-1], after.folds[:-1], strict=True):
        pd.testing.assert_series_equal(was.daily, now.daily, check_exact=True)


def _two_exchanges(panel):
    """``signal`` says which exchange, the label is far higher on one of them and otherwise noise."""
    abroad = panel["security_id"].str[-1].isin(list("02468"))
    names = panel["security_id"].where(~abroad, panel["security_id"].str.replace("XKRX", "XNYS"))
    label = panel["noise_a"] + 3.0 * abroad
    return panel.assign(security_id=names, signal=abroad.astype(float), forward_return_5d=label, noise_a=0.0)


def test_the_target_says_nothing_of_which_exchange_rose(small_model, panel):
    frame = _two_exchanges(panel)
    scores = small_model.predict(small_model.fit(frame, seed=7), frame)
    assert abs(scores[frame["signal"] == 1].mean() - scores[frame["signal"] == 0].mean()) < 0.01


def test_telling_the_exchanges_apart_is_no_skill(small_model, panel):
    frame, by_value = _two_exchanges(panel), replace(small_model, target="value")
    scores = by_value.predict(by_value.fit(frame, seed=7), frame)
    assert scores[frame["signal"] == 1].mean() - scores[frame["signal"] == 0].mean() > 2
    assert abs(_judged(by_value, frame).metrics()["rank_ic_t"]) < 3


def test_too_little_history_says_how_much_is_needed(small_model, panel):
    long = replace(small_model, validation=WalkForward(n_folds=3, embargo=5, min_train=400))
    with pytest.raises(Permanent, match="at least 413 session dates"):
        _judged(long, panel)


def test_too_few_names_to_rank_are_refused(small_model, panel):
    few = panel[panel["security_id"].isin(panel["security_id"].unique()[:4])]
    with pytest.raises(Permanent, match="five labelled names"):
        _judged(small_model, few)


def _paths(model, frame):
    return combinations(model, prepare("test", frame, model.features, model.label), model.parameters, 7)


def test_every_path_finds_a_planted_signal_and_none_finds_noise(small_model, panel, new_panel):
    small_model = replace(small_model, combinations=Combinations())
    paths = _paths(small_model, panel)
    assert paths.index.tolist() == [1, 2, 3, 4]  # of 5 blocks each is in 4 of the 10 pairs
    assert paths.min() > 0.2
    assert _paths(small_model, new_panel(21, strength=0.0)).abs().max() < 0.05


def test_a_model_may_do_without_paths_and_too_few_sessions_say_how_many(small_model, panel):
    assert stability(_paths(small_model, panel)) == {}
    many = replace(small_model, combinations=Combinations(n_blocks=60, n_test=2))
    with pytest.raises(Permanent, match="at least 660 session dates"):
        _paths(many, panel)


def test_a_path_judges_with_fits_that_saw_nothing_near_the_block(small_model, panel):
    """A feature that holds the label itself, on the judged block alone, cannot be learned there: purged rows stay out."""
    dates = np.sort(panel["session_date"].unique())
    inside = panel["session_date"].isin(dates[100:110])
    leaking = panel.assign(signal=panel["forward_return_5d"].where(inside, 0.0).fillna(0.0))
    fitted_on_all = small_model.predict(small_model.fit(leaking, seed=7), leaking[inside])
    assert np.corrcoef(fitted_on_all, leaking["forward_return_5d"][inside])[0, 1] > 0.5
    paths = _paths(replace(small_model, combinations=Combinations()), leaking)
    assert paths.abs().max() < 0.05
