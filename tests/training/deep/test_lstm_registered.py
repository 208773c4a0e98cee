"""An LSTM goes through training, the registry and the export like any model; nothing of it is a pickle."""

import json
from dataclasses import replace
from pathlib import Path

import mlflow.pyfunc
import numpy as np
import pytest
from mlflow.tracking import MlflowClient

from tests.support.planted import planted
from training import export, replay, scoring
from training.lstm import Lstm
from training.train import train

PARAMETERS = {"window": 4, "hidden": 8, "n_epochs": 3, "batch": 64, "learning_rate": 0.01}


@pytest.fixture(scope="module")
def model(small_model):
    rules = replace(small_model.validation, n_folds=2, min_train=80)
    return replace(small_model, name="small_sequences", algorithm=Lstm(), parameters=PARAMETERS, validation=rules)


@pytest.fixture(scope="module")
def panel():
    return planted(seed=1, strength=1.0, n_sessions=130, n_securities=15)


@pytest.fixture(scope="module")
def lock(model, panel, new_lock):
    return new_lock(model, panel)


@pytest.fixture(scope="module")
def trained(model, panel, lock, tracking_uri):
    return train(model, panel, lock, tracking_uri, "sequences")


@pytest.fixture(scope="module")
def exported(tracking_uri, trained):
    return export.of_version(tracking_uri, "small_sequences", trained.version)


def test_it_is_judged_and_no_leak_is_found(trained):
    assert trained.metrics["leaks"] == 0 and trained.metrics["replay_differs"] == 0
    assert trained.metrics["rank_ic_mean"] > 0.1


def test_the_curve_of_each_fold_and_of_the_whole_is_in_the_run(trained, tracking_uri):
    client = MlflowClient(tracking_uri)
    curves = [name for name in client.get_run(trained.run_id).data.metrics if name.startswith("curve/")]
    assert "curve/fit 01/train_loss" in curves and len(curves) >= 3
    steps = client.get_metric_history(trained.run_id, "curve/fit 01/train_loss")
    assert [one.step for one in steps] == [1, 2, 3]


def test_what_is_exported_scores_the_rows_asked_from_their_windows(model, panel, trained, exported):
    assert set(exported) == {"network.safetensors", "signature.json"}
    signature = json.loads(exported["signature.json"])
    assert signature["window_sessions"] == 4
    whole = scoring.score(exported["network.safetensors"], signature, panel)
    since = panel["session_date"].max().date()
    last = scoring.score(exported["network.safetensors"], signature, panel, since)
    assert len(last) == panel["security_id"].nunique()
    np.testing.assert_array_equal(last["score"], whole["score"].tail(len(last)))
    expected = model.predict(trained.booster, panel.sort_values(["session_date", "security_id"]))
    np.testing.assert_array_equal(whole["score"], expected)


def test_mlflow_loads_the_registered_version_and_scores_alike(model, panel, trained, tracking_uri):
    source = MlflowClient(tracking_uri).get_model_version("small_sequences", str(trained.version)).source
    loaded = mlflow.pyfunc.load_model(source)
    np.testing.assert_array_equal(loaded.predict(panel), model.predict(trained.booster, panel))


def test_no_artifact_is_a_pickle(tracking_uri, trained):
    folder = Path(tracking_uri.removeprefix("sqlite:///")).parent / "artifacts"
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert any(path.suffix == ".safetensors" for path in files)
    # torch's own files are archives with a pickle in them
    assert not any(path.read_bytes().startswith((b"\x80", b"PK")) for path in files if path.suffix != ".zip")


def test_a_replay_has_its_bits_and_an_altered_row_or_seed_has_others(model, panel, lock, trained, tracking_uri):
    _, was = replay.recorded(tracking_uri, trained.run_id)
    assert replay.compare(was, replay.refit(model, panel, lock)) == []
    altered = panel.copy()
    altered.loc[700, "signal"] += 1e-6
    assert len(replay.compare(was, replay.refit(model, altered, lock))) == 2
    assert replay.compare(was, replay.refit(model, panel, replace(lock, seed=8)))


def test_what_each_feature_brought_adds_up_to_the_score_of_the_last_session(panel, exported):
    signature = json.loads(exported["signature.json"])
    own = panel[panel["security_id"] == panel["security_id"].iloc[-1]].tail(4)
    brought = scoring.contributions(exported["network.safetensors"], signature, own)
    (score,) = scoring.score(exported["network.safetensors"], signature, own)["score"].tail(1)
    assert sum(brought.values()) == pytest.approx(score, abs=1e-3)
    assert next(iter(brought)) == "signal"
