"""A model of texts reads what is posted to it, and says so where it is asked for rows."""

import hashlib
import json

import pytest

from training.sentiment import deep
from training.sentiment.fine_tuning import Tuning, fine_tune
from training.sentiment.labels import read_labelled, split
from training.sentiment.packed import pack
from training.sentiment.pretraining import Reading, Shape, own_encoder
from training.sentiment.scoring import Scorer

pytestmark = pytest.mark.skipif(
    bool(deep.absent()), reason="the deep models are not installed: `make .venv/bin/.deep` adds them"
)
MODEL = "tones"
URL = f"/api/v1/models/{MODEL}"


@pytest.fixture(scope="module")
def files():
    """Three classes, hardly taught: what is said matters less here than that it is passed on."""
    parts = split(read_labelled(), seed=1)
    begun = own_encoder(parts.train["text"].tolist(), 1, Shape(1, 16, 2, 500, 32), Reading(steps=2))
    return fine_tune(begun.files, parts.train.groupby("label").head(20), parts.validation, 1, Tuning(epochs=1)).files


@pytest.fixture
def exported(client, store, files):
    raw = pack(files)
    made = {"model": MODEL, "version": 1, "run_id": "run1", "release_id": "r00001", "doc": "Tones.", "flavour": "sentiment",
            "file": "encoder.zip", "features": [{"name": "text", "type": "string", "unit": "", "formula": "", "nullable": True}],
            "output": {"name": "level"}, "label": "label", "horizon_sessions": 0, "metrics": {"macro_f1": 0.5}, "lock": {},
            "digests": {"booster": hashlib.sha256(raw).hexdigest()}}  # fmt: skip
    store.put(f"models/{MODEL}/1/encoder.zip", raw)
    store.put(f"models/{MODEL}/1/signature.json", json.dumps(made).encode())
    store.put(
        f"models/{MODEL}/champion.json", json.dumps({"version": 1, "run_id": "run1", "release_id": "r00001"}).encode()
    )
    client.app.state.champions.refresh()


def test_texts_have_the_probabilities_that_the_scorer_gives_and_empty_ones_none(client, lake, exported, files):
    texts = ["외국인, 가온전자 순매수 지속...강세", "", None, "가온전자, 분기 영업손실 '어닝 쇼크'"]
    answer = client.post(f"{URL}/read", json={"texts": texts})
    assert answer.status_code == 200, answer.text
    said = Scorer(files).score(texts)
    for row, (_, expected) in zip(answer.json()["data"], said.iterrows(), strict=True):
        known = expected.notna()
        assert {name: row[name] for name in expected.index} == expected.astype(object).where(known, None).to_dict()
    assert [row["text"] for row in answer.json()["data"]] == texts
    assert answer.json()["meta"]["model"]["name"] == MODEL


def test_it_is_listed_among_the_models(client, lake, exported):
    assert MODEL in [row["name"] for row in client.get("/api/v1/models").json()["data"]]
    (detail,) = client.get(URL).json()["data"]
    assert detail["output"] == {"name": "level"} and detail["features"][0]["name"] == "text"


def test_each_kind_says_what_it_wants(client, lake, exported):
    rows = client.post(f"{URL}/predict", json={"symbols": ["005930"]})
    assert (rows.status_code, rows.json()["detail"].split(":")[0]) == (409, f"Model {MODEL} reads texts")
    texts = client.post("/api/v1/models/return_rank_5d/read", json={"texts": ["a"]})
    assert (texts.status_code, texts.json()["detail"].split(":")[0]) == (
        409,
        "Model return_rank_5d scores rows of features",
    )


@pytest.mark.parametrize(
    ("body", "where"),
    [({}, "body.texts"), ({"texts": "one"}, "body.texts"), ({"texts": [1]}, "body.texts.0"), ({"texts": ["a" * 10_001]}, "body.texts.0"),
     ({"texts": ["a"] * 1_001}, "body.texts"), ({"texts": ["a"], "rows": []}, "body.rows")],
)  # fmt: skip
def test_bad_input_is_named(client, lake, exported, body, where):
    answer = client.post(f"{URL}/read", json=body)
    assert answer.status_code == 422
    assert where in [fault["where"] for fault in answer.json()["errors"]]
