"""A model of headlines goes through MLflow, its gates and the export like any other, and is made again bit for bit."""

import json
from dataclasses import replace
from datetime import date

import mlflow.pyfunc
import numpy as np
import pandas as pd
import pytest
from mlflow.tracking import MlflowClient

from market.errors import Permanent
from market.exports import CARD
from tests.training.sentiment.conftest import READ, SHORT, TINY
from training import export, replay, tracking
from training.gates import SENTIMENT_GATES
from training.lock import DataLock
from training.registry import promote
from training.sentiment.baselines import baselines
from training.sentiment.model import OWN, SentimentModel
from training.sentiment.packed import FILE, pack, unpack
from training.sentiment.scoring import Scorer
from training.sentiment.train import Texts, refit, train

MODEL = SentimentModel("tones", "Tones of a small world.", TINY, READ, SHORT, replace(SHORT, epochs=12), seeds=(1, 2))


def _lock(texts: Texts, model: SentimentModel = MODEL) -> DataLock:
    return DataLock(
        release_id="r00001", rulebook="krx-2024.1", code_sha="0" * 40, code_dirty=False, seed=7, dataset_digest=texts.digest(),
        model=model.name, parameters=model.parameters(texts.encoder, texts.labels), features=("text",),
        train_from=date(2024, 1, 2), train_to=date(2024, 5, 31), tables={"silver.news": 3},
    )  # fmt: skip


@pytest.fixture(scope="module")
def texts(needs_deep, planted, headlines):
    return Texts(headlines, planted, OWN, "a small world")


@pytest.fixture(scope="module")
def trained(texts, tracking_uri):
    steps: list[str] = []
    made = train(MODEL, texts, _lock(texts), tracking_uri, "tones", baselines(), lambda *step: steps.append(step[2]))
    assert len(steps) == 4
    return made


def test_the_tones_are_told_apart_and_the_gates_let_it_pass(trained, tracking_uri):
    assert trained.metrics["macro_f1"] > 0.95
    result = promote(tracking_uri, "tones", trained.version, gates=SENTIMENT_GATES)
    assert result.promoted and [outcome.gate for outcome in result.outcomes] == [gate.name for gate in SENTIMENT_GATES]


def test_labels_dealt_anew_are_refused(texts, planted, tracking_uri):
    dealt = planted.assign(label=planted["label"].sample(frac=1, random_state=1).to_numpy())
    once = replace(MODEL, name="dealt", seeds=(1,))
    other = replace(texts, sentences=dealt)
    made = train(once, other, _lock(other, once), tracking_uri, "dealt", baselines(), lambda *step: None)
    result = promote(tracking_uri, "dealt", made.version, gates=SENTIMENT_GATES)
    assert not result.promoted
    assert not next(outcome for outcome in result.outcomes if outcome.gate == "reads").passed


def test_the_run_has_curves_pictures_and_a_card_that_says_what_is_known_against_it(trained, tracking_uri):
    client = MlflowClient(tracking_uri)
    logged = client.get_run(trained.run_id).data.metrics
    assert {"curve/reading", "curve/seed 1", "curve/seed 2", "tfidf_macro_f1", "ece"} <= logged.keys()
    names = {item.path for item in client.list_artifacts(trained.run_id)}
    assert {"confusion.png", "reliability.png", "by_class.csv", "data_lock.json"} <= names
    text = tracking.artifact(client, trained.run_id, CARD).decode()
    assert "has read nothing but this lake's headlines" in text and "lead over tfidf" in text


def test_what_is_exported_says_what_mlflow_s_package_says(trained, tracking_uri):
    files = export.of_version(tracking_uri, "tones", trained.version)
    assert set(files) == {FILE, "signature.json"} and files[FILE] == trained.booster
    signature = json.loads(files["signature.json"])
    assert (signature["flavour"], signature["file"], signature["output"]["name"]) == ("sentiment", FILE, "level")
    asked = ["가온전자, 분기 영업손실 '어닝 쇼크'...목표가 하향", ""]
    said = Scorer(unpack(files[FILE])).score(asked)
    assert said["level"][0] < 0 and np.isnan(said["level"][1])
    source = MlflowClient(tracking_uri).get_model_version("tones", str(trained.version)).source
    assert mlflow.pyfunc.load_model(source).predict(pd.DataFrame({"text": asked})).equals(said)


def test_a_replay_has_its_bits_and_another_label_or_headline_has_others(texts, trained, tracking_uri):
    lock, was = replay.recorded(tracking_uri, trained.run_id)
    assert replay.compare(was, refit(MODEL, texts, lock)) == []
    fewer = replace(texts, headlines=texts.headlines[1:])
    assert fewer.digest() != texts.digest()
    assert len(replay.compare(was, refit(MODEL, fewer, lock))) == 2


def test_a_lock_of_other_texts_is_refused(texts, tracking_uri):
    other = replace(texts, headlines=texts.headlines[1:])
    with pytest.raises(Permanent, match="the texts at hand"):
        train(MODEL, other, _lock(texts), tracking_uri, "tones", baselines(), lambda *step: None)


def test_a_replay_with_another_encoder_or_declaration_names_what_differs(texts, trained, tracking_uri):
    lock, _ = replay.recorded(tracking_uri, trained.run_id)
    with pytest.raises(Permanent, match="encoder: own against another/model"):
        refit(MODEL, replace(texts, encoder="another/model"), lock)
    with pytest.raises(Permanent, match="layers: 1 against 3"):
        refit(replace(MODEL, shape=replace(TINY, layers=3)), texts, lock)


def test_files_are_packed_to_equal_bytes_in_any_order_and_a_cut_archive_is_refused():
    files = {"b.json": b"{}", "a.bin": bytes(100)}
    raw = pack(files)
    assert raw == pack(dict(sorted(files.items()))) and unpack(raw) == files
    with pytest.raises(Permanent, match="an archive, whole"):
        unpack(raw[:50])


def test_a_model_without_seeds_or_with_one_twice_is_refused():
    with pytest.raises(Permanent, match="different seeds"):
        replace(MODEL, seeds=(1, 1))
