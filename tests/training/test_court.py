"""What looks ahead is found out by what it could not know; an honest model is not accused."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from tests.support.planted import planted
from training import court, evaluate
from training.gradient_boosting import GradientBoosting
from training.model import Model
from training.panel import prepare
from training.train import train

DEEP = {"n_rounds": 80, "max_depth": 10, "min_child_weight": 0.0, "learning_rate": 0.3, "nthread": 1}


def _tried(model: Model, frame: pd.DataFrame) -> dict[str, str]:
    panel = prepare("test", frame, model.features, model.label)
    evaluation = evaluate.walk_forward(model, panel, model.parameters, 7, lambda done, total, what: None)
    return {one.question: one.told for one in court.tried(model, panel, model.parameters, 7, evaluation)}


@pytest.mark.parametrize("strength", [0.0, 0.25])
def test_an_honest_model_is_not_accused(small_model, new_panel, strength):
    assert _tried(small_model, new_panel(3, strength)) == {}


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10, 30))
@pytest.mark.parametrize("strength", [0.0, 0.25])
def test_of_forty_honest_models_none_is_accused(small_model, new_panel, seed, strength):
    assert _tried(small_model, new_panel(seed, strength)) == {}


@pytest.mark.parametrize("seed", range(4))
def test_an_honest_model_of_few_names_and_sessions_is_not_accused(small_model, seed):
    """Thirty sessions judged, whose own standard error is far too small."""
    few = replace(small_model, validation=replace(small_model.validation, n_folds=2, min_train=40))
    assert _tried(few, planted(seed, 0.0, n_sessions=85, n_securities=12)) == {}


def test_lasting_traits_of_names_are_no_leak(small_model, panel):
    """A feature that never changes, and outcomes that last: real skill, and none on outcomes dealt anew."""
    codes = pd.factorize(panel["security_id"])[0]
    lasting = panel.assign(noise_a=codes.astype(float), forward_return_5d=panel["forward_return_5d"] + codes * 1e-3)
    assert _tried(small_model, lasting) == {}


def test_a_split_that_trains_on_what_it_tests_is_found(small_model, panel, monkeypatch):
    honest = evaluate._folds
    far = np.datetime64("2100-01-01")
    monkeypatch.setattr(
        evaluate,
        "_folds",
        lambda *asked: tuple(replace(f, train=np.union1d(f.train, f.test), label_cutoff=far) for f in honest(*asked)),
    )
    found = _tried(replace(small_model, parameters=DEEP), panel)
    assert {"order", "shuffled labels"} <= found.keys()


def test_a_split_reversed_in_time_is_found(small_model, panel, monkeypatch):
    honest = evaluate._folds
    far = np.datetime64("2100-01-01")

    def reversed_(model, dates):
        return tuple(replace(f, train=dates[dates > f.test[-1]], label_cutoff=far) for f in honest(model, dates)[:-1])

    monkeypatch.setattr(evaluate, "_folds", reversed_)
    assert {"order", "poisoned future"} <= _tried(small_model, panel).keys()


def test_a_gap_too_short_for_the_label_is_found(small_model, panel, monkeypatch):
    honest = evaluate._folds
    far = np.datetime64("2100-01-01")

    def unpurged(model, dates):
        return tuple(replace(f, train=dates[dates < f.test[0]], label_cutoff=far) for f in honest(model, dates))

    monkeypatch.setattr(evaluate, "_folds", unpurged)
    assert "order" in _tried(small_model, panel)


class ScaledByWhatIsScored(GradientBoosting):
    """Standardises the features over whatever rows it is given, so that a score depends on the others' rows."""

    def predict(self, raw, inputs, nthread=1):
        numbers = inputs.numbers
        scaled = (numbers - numbers.mean()) / numbers.std(ddof=0).replace(0.0, 1.0)
        return super().predict(raw, replace(inputs, numbers=scaled), nthread)


class Peeking(GradientBoosting):
    """Knows a whole sample of outcomes by the features, whatever it was fitted on."""

    known: pd.DataFrame

    def fit(self, inputs, target, parameters, seed):
        every = np.ones(len(self.known), dtype=bool)
        known = replace(inputs, keys=self.known, numbers=self.known[list(inputs.numbers.columns)], rows=every)
        return super().fit(known, self.known["label"].to_numpy(), parameters, seed)


def test_a_score_that_depends_on_the_other_rows_is_found(small_model, panel):
    assert "scored alone" in _tried(replace(small_model, algorithm=ScaledByWhatIsScored()), panel)


def test_a_fit_that_is_not_of_its_rows_alone_is_found(small_model, panel):
    peeking = replace(small_model, algorithm=Peeking(), target="value")

    def walk(model, frame, *how, **more):
        model.algorithm.known = frame[frame["label"].notna()]
        return honest(model, frame, *how, **more)

    honest = evaluate.walk_forward
    prepared = prepare("test", panel, peeking.features, peeking.label)
    evaluation = walk(peeking, prepared, peeking.parameters, 7, lambda done, total, what: None)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(court, "walk_forward", walk)
        found = {one.question for one in court.tried(peeking, prepared, peeking.parameters, 7, evaluation)}
    assert "poisoned future" in found


def test_what_is_found_is_counted_told_and_refused(small_model, panel, new_lock, tracking_uri):
    accused = replace(small_model, name="accused", algorithm=ScaledByWhatIsScored())
    trained = train(
        accused, panel, new_lock(accused, panel), tracking_uri, "court", accused=["universe: 3 of 60 names are missing"]
    )
    assert trained.metrics["leaks"] == 2


def test_outcomes_dealt_anew_stay_in_their_session_and_those_not_known_stay_unknown(panel, small_model):
    prepared = prepare("test", panel, small_model.features, small_model.label)
    dealt = court.shuffled(prepared, 1)
    was, now = (
        frame.groupby("session_date")["label"].apply(lambda own: sorted(own.dropna())) for frame in (prepared, dealt)
    )
    assert was.equals(now)
    np.testing.assert_array_equal(prepared["label"].isna(), dealt["label"].isna())
    assert (prepared["label"] != dealt["label"]).sum() > 0.9 * prepared["label"].notna().sum()
