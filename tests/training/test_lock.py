"""The lock survives JSON unchanged and refuses what it does not describe."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from market.errors import Permanent
from training.lock import DataLock
from training.panel import prepare


def test_comes_back_from_json_unchanged(lock):
    assert DataLock.from_json(lock.to_json()) == lock


def test_its_tags_hold_the_release_and_every_scalar(lock):
    tags = lock.tags()
    assert tags["release_id"] == lock.release_id
    assert tags["lock.seed"] == "7"
    assert tags["lock.code_dirty"] == "False"
    assert "lock.tables" not in tags


@pytest.mark.parametrize(
    ("edit", "says"),
    [
        (lambda plain: plain.pop("seed"), r"missing \['seed'\]"),
        (lambda plain: plain.update(more=1), r"unknown \['more'\]"),
        (lambda plain: plain.update(train_to="soon"), "YYYY-MM-DD"),
    ],
)
def test_a_damaged_lock_is_refused(lock, edit, says):
    plain = json.loads(lock.to_json())
    edit(plain)
    with pytest.raises(Permanent, match=says):
        DataLock.from_dict(plain)


@pytest.mark.parametrize("text", ["{", "[1]"])
def test_text_that_is_no_lock_is_refused(text):
    with pytest.raises(Permanent, match="expected"):
        DataLock.from_json(text)


def test_another_model_other_parameters_or_other_days_are_refused(lock, small_model, panel):
    prepared = prepare("test", panel, small_model.features, small_model.label)
    lock.check(small_model, prepared)
    for changed, says in (
        (replace(lock, model="other"), "model other against small_world"),
        (replace(lock, features=("signal",)), "features"),
        (replace(lock, parameters={"max_depth": 3}), "not complete"),
        (replace(lock, train_to=lock.train_to - timedelta(days=1)), "sessions"),
    ):
        with pytest.raises(Permanent, match=says):
            changed.check(small_model, prepared)
