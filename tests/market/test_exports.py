"""Models that were exported before there were other kinds go on scoring; one whose features are others by now does not."""

import json
from dataclasses import replace

import pytest

from market import exports
from market.errors import Permanent
from market.exports import BEFORE, changed, refuse_changed, signature_of
from market.features.catalogue import catalogue
from market.features.parse import parse


def test_an_old_signature_is_of_trees_that_look_at_one_session():
    assert signature_of(json.dumps({"model": "m", "version": 1})) == {"model": "m", "version": 1, **BEFORE}


def test_what_a_signature_says_is_kept():
    told = {"flavour": "lstm", "file": "network.safetensors", "window_sessions": 20, "reach_days": 54}
    assert signature_of(json.dumps(told).encode()) == told


@pytest.fixture
def fitted():
    """A signature of two features as the catalogue has them, and of one that is in none."""
    features = [
        {"name": name, "unit": catalogue()[name].unit, "formula": catalogue()[name].formula}
        for name in ("rsi_14", "return_5d")
    ]
    return {"model": "m", "version": 3, "features": [*features, {"name": "elsewhere", "unit": "", "formula": ""}]}


def test_features_that_are_as_they_were_are_served(fitted):
    assert changed(fitted) == ()
    refuse_changed(fitted)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda today: today.pop("rsi_14"), "rsi_14 is no feature any more"),
        (lambda today: today.update(rsi_14=replace(today["rsi_14"], unit="fraction")), "rsi_14 was in percent, and is in fraction"),
        (lambda today: today.update(return_5d=replace(today["return_5d"], expr=parse("close / ref(close, 6) - 1"))),
         "return_5d was close / ref(close, 5) - 1, and is close / ref(close, 6) - 1"),
    ],
)  # fmt: skip
def test_a_feature_that_is_gone_or_redefined_is_named_and_refused(fitted, monkeypatch, change, told):
    today = catalogue()
    change(today)
    monkeypatch.setattr(exports, "catalogue", lambda: today)
    assert changed(fitted) == (told,)
    with pytest.raises(Permanent, match="model m version 3: expected the features that it was fitted on"):
        refuse_changed(fitted)
