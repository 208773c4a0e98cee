"""Models are found by their files, each under its own name, and ours use features and labels that exist."""

import importlib

import pytest

from feature_repo import services
from market.errors import Permanent
from market.features.catalogue import catalogue
from market.registry import table
from training.catalogue import discover, model, models

DECLARED = """
from training.model import Model
MODEL = Model("{name}", "price_model", ("rsi_14",), "forward_return_5d", 5, "A model.")
"""


@pytest.mark.parametrize("name", sorted(models()))
def test_the_service_of_a_model_exists_and_delivers_its_features(name):
    asked = model(name)
    found = {s.name: s for s in vars(services).values() if type(s).__name__ == "FeatureService"}
    assert asked.service in found, f"feature_repo/services.py has no service {asked.service}"
    views = found[asked.service].feature_view_projections
    assert set(asked.features) <= {field.name for view in views for field in view.features}


def test_our_models_use_features_and_labels_that_exist():
    assert "return_rank_5d" in models()
    labels = {column.name for column in table("gold.labels").columns}
    for declared in models().values():
        assert set(declared.features) <= catalogue().keys()
        assert declared.label in labels


def test_an_unknown_model_lists_those_there_are():
    with pytest.raises(Permanent, match="return_rank_5d"):
        model("crystal_ball")


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({"a": DECLARED.format(name="a"), "b": DECLARED.format(name="a")}, "one file per model"),
        ({"a": DECLARED.format(name="other")}, "a file named other.py"),
        ({"a": "x = 1"}, "MODEL = Model"),
    ],
)
def test_duplicates_and_strays_are_refused(tmp_path, monkeypatch, files, says):
    with pytest.raises(Permanent, match=says):
        discover(_package(tmp_path, monkeypatch, files))


def test_files_are_found_by_name_and_helpers_left_out(tmp_path, monkeypatch):
    files = {"b": DECLARED.format(name="b"), "a": DECLARED.format(name="a"), "_helper": "x = 1"}
    assert list(discover(_package(tmp_path, monkeypatch, files))) == ["a", "b"]


def _package(tmp_path, monkeypatch, files):
    name = f"some_models_{abs(hash(str(tmp_path)))}"
    folder = tmp_path / name
    folder.mkdir()
    for stem, text in (files | {"__init__": ""}).items():
        (folder / f"{stem}.py").write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    return importlib.import_module(name)
