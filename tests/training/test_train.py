"""A run is recorded whole, without a pickle, can be made again bit for bit, and its exports score on their own."""

import json
from dataclasses import replace
from pathlib import Path

import mlflow.xgboost
import numpy as np
import pytest
import xgboost
from mlflow.tracking import MlflowClient

from market.errors import Permanent
from training import export, registry, replay, scoring, tracking
from training.digests import Digests
from training.gradient_boosting import GradientBoosting
from training.lock import DataLock
from training.model import WalkForward
from training.train import train


@pytest.fixture(scope="module")
def steps():
    return []


@pytest.fixture(scope="module")
def trained(small_model, panel, lock, tracking_uri, steps):
    return train(small_model, panel, lock, tracking_uri, "demo", lambda *step: steps.append(step))


@pytest.fixture(scope="module")
def exported(tracking_uri, trained):
    return export.of_version(tracking_uri, "small_world", trained.version)


def test_the_same_frame_and_lock_give_the_same_digests(small_model, panel, tracking_uri, trained):
    lock, recorded = replay.recorded(tracking_uri, trained.run_id)
    again = replay.refit(small_model, panel.sample(frac=1.0, random_state=2), lock)
    assert recorded == Digests.from_dict(trained.digests)
    assert replay.compare(recorded, again) == []


def test_another_seed_or_one_other_value_gives_other_digests(small_model, panel, lock, trained):
    recorded = Digests.from_dict(trained.digests)
    reseeded = replay.refit(small_model, panel, replace(lock, seed=8))
    assert [line.split(":")[0] for line in replay.compare(recorded, reseeded)] == ["booster", "predictions"]
    revised = panel.copy()
    revised.loc[1000, "signal"] += 2.0
    assert replay.compare(recorded, replay.refit(small_model, revised, lock))


class Unsteady(GradientBoosting):
    """Draws what no seed says."""

    def fit(self, inputs, target, parameters, seed):
        return super().fit(inputs, target, parameters, int(np.random.default_rng().integers(2**31)))


def test_a_model_that_is_another_when_it_is_made_again_is_refused(small_model, panel, new_lock, trained, tracking_uri):
    assert trained.metrics["replay_differs"] == 0
    unsteady = replace(small_model, name="unsteady", algorithm=Unsteady())
    made = train(unsteady, panel, new_lock(unsteady, panel), tracking_uri, "unsteady")
    assert made.metrics["replay_differs"] == 2
    told = registry.promote(tracking_uri, "unsteady", made.version, now={"sessions_behind": 0.0})
    assert any(reason.startswith("replays refused: replay_differs 2") for reason in told.reasons) and not told.promoted


def test_the_run_holds_the_lock_metrics_per_fold_and_pictures(tracking_uri, lock, trained, steps):
    client = MlflowClient(tracking_uri)
    run = client.get_run(trained.run_id)
    assert run.info.status == "FINISHED"
    assert DataLock.from_json(tracking.artifact(client, trained.run_id, "data_lock.json").decode()) == lock
    assert run.data.tags["release_id"] == lock.release_id
    assert run.data.params["max_depth"] == "3"
    by_fold = client.get_metric_history(trained.run_id, "fold_rank_ic")
    assert sorted(metric.step for metric in by_fold) == [1, 2, 3]
    assert run.data.metrics["rank_ic_mean"] > 2 * run.data.metrics["rank_ic_se"]
    names = {item.path for item in client.list_artifacts(trained.run_id)}
    assert {"rank_ic_by_fold.png", "feature_importance.png", "folds.json", "rank_ic_daily.csv"} <= names
    assert [done for done, _, _ in steps] == [1, 2, 3, 4]


def test_no_artifact_is_a_pickle(tracking_uri, trained):
    folder = Path(tracking_uri.removeprefix("sqlite:///")).parent / "artifacts"
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert {path.suffix for path in files} <= {
        ".ubj", ".json", ".png", ".csv", ".md", ".txt", ".yaml", "", ".yml", ".safetensors", ".zip",
    }  # fmt: skip
    assert not any(path.read_bytes().startswith(b"\x80") for path in files)  # the first byte of a pickle
    assert all(path.name in {"MLmodel", "registered_model_meta"} for path in files if not path.suffix)


def test_mlflow_loads_the_registered_version(tracking_uri, trained):
    source = MlflowClient(tracking_uri).get_model_version("small_world", str(trained.version)).source
    assert bytes(mlflow.xgboost.load_model(source).save_raw("ubj")) == trained.booster


def test_the_export_of_a_version_is_what_training_exported(tracking_uri, trained, exported):
    assert exported.keys() == {"booster.ubj", "signature.json"}
    assert (exported["booster.ubj"], json.loads(exported["signature.json"])) == (trained.booster, trained.signature)


def test_the_signature_says_what_goes_in_and_where_it_is_from(lock, trained, exported):
    signature = json.loads(exported["signature.json"])
    assert [feature["name"] for feature in signature["features"]] == ["signal", "noise_a", "noise_b"]
    assert all(feature["type"] == "float64" for feature in signature["features"])
    assert (signature["model"], signature["version"], signature["run_id"]) == ("small_world", 1, trained.run_id)
    assert DataLock.from_dict(signature["lock"]) == lock


def test_a_catalogue_feature_carries_its_unit_and_formula():
    feature = export.feature("rsi_14")
    assert feature["unit"] == "percent"
    assert "wilder" in str(feature["formula"])


def test_scores_equal_plain_xgboost_on_the_exported_bytes(small_model, panel, exported):
    scored = scoring.score(exported["booster.ubj"], json.loads(exported["signature.json"]), panel)
    booster = xgboost.Booster()
    booster.load_model(bytearray(exported["booster.ubj"]))
    rows = panel.sort_values(["session_date", "security_id"])[list(small_model.features)]
    np.testing.assert_array_equal(scored["score"], booster.inplace_predict(rows).astype(np.float64))


def test_ranks_are_within_session_and_exchange(panel, exported):
    scored = scoring.score(exported["booster.ubj"], json.loads(exported["signature.json"]), panel)
    assert scored["rank"].between(0, 1, inclusive="right").all()
    day = scored[scored["session_date"] == scored["session_date"].max()]
    assert day.loc[day["score"].idxmax(), "rank"] > 0.95
    assert set(scored["exchange"]) == {"XKRX"}


def test_a_row_of_which_nothing_is_known_gets_no_score(panel, exported):
    day = panel[panel["session_date"] == panel["session_date"].max()].copy()
    day.loc[day.index[0], ["signal", "noise_a", "noise_b"]] = np.nan
    scored = scoring.score(exported["booster.ubj"], json.loads(exported["signature.json"]), day)
    assert scored["score"].isna().tolist() == [True] + [False] * (len(day) - 1)
    assert np.isnan(scored["rank"].iloc[0])


def test_a_frame_lacking_features_is_refused_by_name(panel, exported):
    with pytest.raises(Permanent, match="without signal, noise_b") as refused:
        scoring.score(
            exported["booster.ubj"],
            json.loads(exported["signature.json"]),
            panel[["security_id", "session_date", "noise_a"]],
        )
    assert refused.value.keys == ("signal", "noise_b")


def test_a_booster_that_is_not_the_signatures_is_refused(small_model, panel, exported):
    other = small_model.fit(panel, seed=8)
    with pytest.raises(Permanent, match="belong together"):
        scoring.score(other, json.loads(exported["signature.json"]), panel)


def test_a_run_that_fails_is_marked_failed(small_model, panel, lock, tracking_uri):
    long = replace(small_model, validation=WalkForward(min_train=400))
    with pytest.raises(Permanent, match="session dates"):
        train(long, panel, lock, tracking_uri, "failing")
    client = MlflowClient(tracking_uri)
    (run,) = client.search_runs([client.get_experiment_by_name("failing").experiment_id])
    assert run.info.status == "FAILED"
    with pytest.raises(Permanent, match="digests"):
        replay.recorded(tracking_uri, run.info.run_id)


def test_a_run_that_does_not_exist_is_named(tracking_uri):
    with pytest.raises(Permanent, match="run " + "a" * 32):
        replay.recorded(tracking_uri, "a" * 32)


@pytest.mark.parametrize("uri", ["file:///somewhere", "mlruns", ""])
def test_a_file_store_is_refused(uri):
    with pytest.raises(Permanent, match="MLflow tracking URI"):
        tracking.client(uri)
