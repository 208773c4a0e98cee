"""A model is a whole declaration, and fitting it depends on the rows and the seed, on nothing else."""

from dataclasses import replace

import numpy as np
import pytest

from market.errors import Permanent
from training.gradient_boosting import load
from training.model import Model, Stopping
from training.panel import prepare


def test_equal_rows_and_seed_give_equal_bits_in_any_row_order(small_model, panel):
    shuffled = panel.sample(frac=1.0, random_state=3)
    assert small_model.fit(panel, seed=7) == small_model.fit(shuffled, seed=7)


def test_one_thread_and_two_give_equal_bits(small_model, panel):
    one, two = (small_model.fit(panel, {"nthread": n}, seed=7) for n in (1, 2))
    assert one == two


def test_another_seed_gives_other_bits(small_model, panel):
    assert small_model.fit(panel, seed=7) != small_model.fit(panel, seed=8)


def test_predictions_are_finite_and_in_the_frames_own_order(small_model, panel):
    booster = small_model.fit(panel, seed=7)
    scores = small_model.predict(booster, panel)
    assert scores.dtype == np.float64
    assert np.isfinite(scores).all()
    np.testing.assert_array_equal(small_model.predict(booster, panel[::-1]), scores[::-1])


def test_the_target_is_the_rank_so_the_scale_of_returns_does_not_matter(small_model, panel):
    scaled = panel.assign(forward_return_5d=panel["forward_return_5d"] * 3 + 1)
    assert small_model.fit(panel, seed=7) == small_model.fit(scaled, seed=7)
    by_value = replace(small_model, target="value")
    assert by_value.fit(panel, seed=7) != by_value.fit(scaled, seed=7)


def test_rows_whose_label_is_not_known_are_not_fitted(small_model, panel):
    known = panel[panel["forward_return_5d"].notna()]
    assert len(known) < len(panel)
    assert small_model.fit(panel, seed=7) == small_model.fit(known, seed=7)


def test_a_feature_that_is_null_or_constant_everywhere_is_never_split_on(small_model, panel):
    flat = panel.assign(noise_a=np.nan, noise_b=1.0)
    booster = small_model.fit(flat, seed=7)
    shares = small_model.algorithm.importance(booster, small_model.features)
    assert shares == {"signal": 1.0, "noise_a": 0.0, "noise_b": 0.0}


def test_missing_features_are_all_named(small_model, panel):
    with pytest.raises(Permanent, match="without signal, noise_b"):
        small_model.fit(panel.drop(columns=["signal", "noise_b"]))
    with pytest.raises(Permanent, match="without noise_a"):
        small_model.predict(small_model.fit(panel), panel.drop(columns="noise_a"))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"signal": np.inf}, "infinite value.*"),
        ({"signal": "high"}, "expected numbers in column signal"),
        ({"forward_return_5d": np.nan}, "0 in 0 labelled row"),
        ({"forward_return_5d": 0.5}, "at least two different values"),
        ({"session_date": "2024-01-02"}, "each security once per session"),
    ],
)
def test_a_frame_that_cannot_be_fitted_says_why(small_model, panel, change, says):
    with pytest.raises(Permanent, match=says):
        small_model.fit(panel.assign(**change))


def test_a_booster_of_other_features_is_refused(small_model, panel):
    fewer = replace(small_model, features=("signal", "noise_a"))
    with pytest.raises(Permanent, match="fitted on"):
        fewer.predict(small_model.fit(panel), panel)


def test_bytes_that_are_no_booster_are_refused(small_model, panel):
    with pytest.raises(Permanent, match="ubj bytes"):
        small_model.predict(small_model.fit(panel)[:200], panel)


@pytest.mark.parametrize(
    ("parameters", "says"),
    [
        ({"depth": 3}, "depth is unknown"),
        ({"max_depth": 0}, "max_depth 0 is no int in"),
        ({"max_depth": 2.5}, "max_depth 2.5"),
        ({"subsample": 1.5}, "subsample 1.5"),
        ({"subsample": True}, "subsample True"),
        ({"n_rounds": "many"}, "n_rounds 'many'"),
        ({"objective": "rank:map"}, "objective 'rank:map'"),
    ],
)
def test_parameters_out_of_range_are_named(parameters, says):
    with pytest.raises(Permanent, match=says):
        Model("m", "s", ("a",), "y", 1, "doc", parameters=parameters)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"name": ""}, "name is empty"),
        ({"features": ()}, "features is empty"),
        ({"features": ("a", "a")}, "twice"),
        ({"features": ("y",)}, "label y is also a feature"),
        ({"horizon": 0}, "horizon is 0"),
        ({"target": "direction"}, "target 'direction'"),
    ],
)
def test_a_declaration_that_is_not_whole_is_refused(change, says):
    declared = {"name": "m", "service": "s", "features": ("a",), "label": "y", "horizon": 1, "doc": "doc"}
    with pytest.raises(Permanent, match=says):
        Model(**(declared | change))


UP = {"objective": "binary:logistic", "n_rounds": 400, "max_depth": 3, "nthread": 1}


def test_a_direction_is_a_probability_and_a_fit_that_is_watched_ends_early(small_model, panel):
    watched = replace(small_model, target="up", parameters=UP, stopping=Stopping(part=0.2, patience=10))
    raw = watched.fit(panel, seed=7)
    scores = watched.predict(raw, panel)
    assert 0 < scores.min() and scores.max() < 1
    n_rounds = load(raw).num_boosted_rounds()
    assert 5 < n_rounds < 400
    assert load(replace(watched, stopping=None).fit(panel, seed=7)).num_boosted_rounds() == 400
    assert watched.fit(panel.sample(frac=1, random_state=1), seed=7) == raw


def test_what_is_watched_is_never_what_was_fitted(small_model, panel, monkeypatch):
    """No label of the rows that are fitted reaches into the sessions that are watched."""
    seen = {}

    def stopped(self, train, watch, parameters, seed, patience):
        seen.update(train=train[0].matrix().index, watch=watch[0].matrix().index)
        return dict(parameters)

    watched = replace(small_model, stopping=Stopping(part=0.25))
    monkeypatch.setattr(type(watched.algorithm), "stopped", stopped)
    watched.fit(panel, seed=7)
    rows = prepare("test", panel, watched.features, watched.label)
    dates = np.sort(rows["session_date"].unique())
    last = np.searchsorted(dates, rows["session_date"][seen["train"]].to_numpy().max())
    first = np.searchsorted(dates, rows["session_date"][seen["watch"]].to_numpy().min())
    assert last + watched.horizon < first


def test_a_direction_whose_scores_are_no_probabilities_is_refused(small_model):
    with pytest.raises(Permanent, match="target 'up' are probabilities"):
        replace(small_model, target="up")


@pytest.mark.parametrize("rules", [{"part": 1.5}, {"part": 0.0}, {"patience": 0}])
def test_a_stopping_that_cannot_be_is_refused(rules):
    with pytest.raises(Permanent, match="a part between 0 and 1"):
        Stopping(**rules)


def test_too_little_to_watch_says_so(small_model, panel):
    dates = np.sort(panel["session_date"].unique())[:6]
    with pytest.raises(Permanent, match="two different labels before the last 20%"):
        replace(small_model, stopping=Stopping()).fit(panel[panel["session_date"].isin(dates)], seed=7)
