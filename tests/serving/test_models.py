"""The model-serving call: the champion's own numbers, by symbols or by rows, switched without a restart."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest
import xgboost
from starlette.testclient import TestClient

from market import exports
from market.features.catalogue import catalogue
from serving.app import create_app
from serving.champions import Champions
from serving.queries import scores
from tests.support.champion import keep_drift

MODEL, FEATURES = "return_rank_5d", ("return_1d", "rsi_14", "momentum_20")
URL = f"/api/v1/models/{MODEL}"


def rows_of(answer):
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


def predict(client, **body):
    return client.post(f"{URL}/predict", json=body)


def test_the_models_are_listed_with_what_they_were_made_from(client):
    (row,) = rows_of(client.get("/api/v1/models"))
    assert (row["name"], row["version"], row["alias"], row["metrics"]) == (
        MODEL, 1, "champion", {"rank_ic": 0.1, "rank_ic_se": None},
    )  # fmt: skip
    (detail,) = rows_of(client.get(URL))
    assert [feature["name"] for feature in detail["features"]] == list(FEATURES)
    assert detail["versions"] == [1]
    assert detail["lock"] == {"seed": 1}


def test_symbols_and_rows_give_the_boosters_own_numbers(client, built_tables):
    scores = rows_of(predict(client, symbols=["005930", "AAPL"]))
    features = built_tables[0]["gold.features_daily"].to_pandas()
    booster = xgboost.Booster()
    booster.load_model(bytearray(client.app.state.files.get(f"models/{MODEL}/1/booster.ubj")))
    for row in scores:
        last = features[features["security_id"] == row["security_id"]].sort_values("session_date").iloc[-1]
        matrix = last[list(FEATURES)].to_numpy(dtype=np.float64).reshape(1, -1)
        expected = float(booster.predict(xgboost.DMatrix(matrix, feature_names=list(FEATURES)))[0])
        assert (row["score"], row["session_date"]) == (expected, "2024-05-31")
        own = {name: float(last[name]) for name in FEATURES}
        (given,) = rows_of(predict(client, rows=[{**own, "security_id": "mine"}]))
        assert given == {"security_id": "mine", "session_date": None, "score": expected, "rank": None, "known_at": None}


def test_a_rank_is_within_the_whole_session_whichever_symbols_are_asked_for(client):
    every = rows_of(predict(client, symbols=["005930", "000660", "035720", "247540"], session_date="2024-05-03"))
    assert sorted(row["rank"] for row in every)[-1] <= 1.0
    by_score = sorted(every, key=lambda row: row["score"])
    assert [row["rank"] for row in by_score] == sorted(row["rank"] for row in every)
    (alone,) = rows_of(predict(client, symbols=["000660"], session_date="2024-05-03"))
    assert alone == every[1]


def test_a_session_is_scored_once_for_all_who_ask_and_anew_for_another_champion(
    client, lake, built_tables, export_champion, monkeypatch
):
    made = []
    score = scores._session_scores
    monkeypatch.setattr(scores, "_session_scores", lambda *asked: (made.append(asked[2:]), score(*asked))[1])
    asked = [
        {"symbols": ["005930"]},
        {"symbols": ["000660", "035720"]},
        {"symbols": ["000660"], "session_date": "2024-05-03"},
    ]
    first = [predict(client, **body).json() for body in (*asked, *asked)]
    assert made == [("XKRX", None), ("XKRX", date(2024, 5, 3))] and first[:3] == first[3:]
    export_champion(lake.settings, built_tables[0]["gold.features_daily"], version=2, rounds=40)
    client.app.state.champions.refresh()
    assert rows_of(predict(client, **asked[0])) != first[0]["data"] and len(made) == 3


def test_a_prediction_says_which_model_and_release_it_is_from(client):
    meta = predict(client, symbols=["005930"]).json()["meta"]
    assert (meta["release_id"], meta["known_at"]) == ("r00001", "2024-05-31T06:30:00Z")
    assert (meta["model"]["version"], meta["model"]["run_id"], len(meta["model"]["booster"])) == (1, "run1", 64)


def test_what_is_not_known_has_no_score(client):
    assert rows_of(predict(client, rows=[dict.fromkeys(FEATURES)]))[0]["score"] is None
    (holiday,) = rows_of(predict(client, symbols=["005930"], session_date="2024-05-05"))
    assert (holiday["score"], holiday["rank"]) == (None, None)
    (first,) = rows_of(predict(client, symbols=["005930"], session_date="2024-01-02"))
    assert (first["score"], first["rank"]) == (None, None)


def test_the_champion_is_switched_without_a_restart(client, lake, built_tables, export_champion):
    (before,) = rows_of(predict(client, symbols=["005930"]))
    export_champion(lake.settings, built_tables[0]["gold.features_daily"], version=2, rounds=40)
    assert predict(client, symbols=["005930"]).json()["meta"]["model"]["version"] == 1
    client.app.state.champions.refresh()
    answer = predict(client, symbols=["005930"])
    assert answer.json()["meta"]["model"]["version"] == 2
    assert rows_of(answer)[0]["score"] != before["score"]
    assert rows_of(client.get(URL))[0]["versions"] == [1, 2]


def test_drift_is_told_worst_first_of_the_champion_alone(client, lake):
    assert rows_of(client.get(f"{URL}/drift")) == [], "not measured yet"
    keep_drift(lake.settings, version=1)
    answer = client.get(f"{URL}/drift")
    worst, steady = rows_of(answer)
    assert (worst["quantity"], worst["verdict"], worst["value"], worst["session_date"]) == (
        "rsi_14",
        "drifted",
        0.4,
        "2024-05-03",
    )
    assert (steady["quantity"], steady["verdict"], steady["lower"]) == ("return_1d", "steady", None)
    meta = answer.json()["meta"]
    assert (meta["known_at"], meta["model"]["version"]) == ("2024-05-06T09:00:00Z", 1)
    keep_drift(lake.settings, version=2)
    assert rows_of(client.get(f"{URL}/drift")) == [], "of another version than the one that answers"
    assert client.get("/api/v1/models/nothing/drift").status_code == 404


@pytest.mark.parametrize("file", ["booster.ubj", "signature.json"])
def test_a_broken_export_leaves_the_champion_before(client, lake, built_tables, export_champion, store, file):
    export_champion(lake.settings, built_tables[0]["gold.features_daily"], version=2, rounds=3)
    store.put(f"models/{MODEL}/2/{file}", b"not one")
    client.app.state.champions.refresh()
    assert predict(client, symbols=["005930"]).json()["meta"]["model"]["version"] == 1


def test_bytes_of_another_digest_never_reach_the_library(
    client, lake, built_tables, export_champion, store, monkeypatch
):
    export_champion(lake.settings, built_tables[0]["gold.features_daily"], version=2, rounds=3)
    store.put(f"models/{MODEL}/2/booster.ubj", store.get(f"models/{MODEL}/1/booster.ubj"))
    loaded = []
    monkeypatch.setattr(xgboost.Booster, "load_model", lambda self, raw: loaded.append(raw))
    client.app.state.champions.refresh()
    assert loaded == []
    assert client.app.state.champions.get(MODEL).version == 1


@pytest.fixture
def redefined(monkeypatch):
    """The code after a deployment that measures rsi_14 as a fraction."""
    today = catalogue() | {"rsi_14": replace(catalogue()["rsi_14"], unit="fraction")}
    monkeypatch.setattr(exports, "catalogue", lambda: today)


def test_a_champion_whose_features_are_others_by_now_is_not_served_and_the_answer_says_why(lake, redefined):
    with TestClient(create_app(lake.settings), raise_server_exceptions=False) as client:
        for answer in (predict(client, symbols=["005930"]), client.get(URL)):
            assert answer.status_code == 409, answer.text
            assert answer.json()["type"] == "urn:marketlake:problem:model-not-served"
            assert "rsi_14 was in percent, and is in fraction" in answer.json()["detail"]
        assert rows_of(client.get("/api/v1/models")) == []
        assert client.get("/api/v1/models/nothing").status_code == 404


def test_a_promoted_version_on_other_features_leaves_the_champion_before(
    client, lake, built_tables, export_champion, redefined
):
    export_champion(lake.settings, built_tables[0]["gold.features_daily"], version=2, rounds=3)
    client.app.state.champions.refresh()
    answer = predict(client, symbols=["005930"])
    assert (answer.status_code, answer.json()["meta"]["model"]["version"]) == (200, 1)


def test_a_lake_without_models_has_none(store):
    for path in store.list("models/"):
        store.delete(path)
    champions = Champions(store)
    champions.refresh()
    assert champions.all() == []


def test_features_that_the_release_does_not_store_need_rows(client, lake, built_tables, export_champion):
    table = built_tables[0]["gold.features_daily"]
    odd = table.append_column("elsewhere", table.column("rsi_14"))
    export_champion(lake.settings, odd, version=2, rounds=3, names=("rsi_14", "elsewhere"))
    client.app.state.champions.refresh()
    assert predict(client, symbols=["005930"]).status_code == 409
    assert rows_of(predict(client, rows=[{"rsi_14": 1, "elsewhere": None}]))[0]["score"] is not None


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({}, "body"), ({"symbols": ["005930"], "rows": []}, "body"), ({"symbol": ["005930"]}, "body.symbol"),
        ({"symbols": "005930"}, "body.symbols"), ({"symbols": [1]}, "body.symbols.0"),
        ({"symbols": ["005930"] * 1001}, "body.symbols"),
        ({"symbols": [], "session_date": "3 May"}, "body.session_date"),
        ({"rows": [{}]}, "rows.0.return_1d"), ({"rows": [{**dict.fromkeys(FEATURES), "rsi": 1}]}, "rows.0"),
        ({"rows": [{**dict.fromkeys(FEATURES), "rsi_14": "high"}]}, "rows.0.rsi_14"),
        ({"rows": [{**dict.fromkeys(FEATURES), "rsi_14": 1e39}]}, "rows.0.rsi_14"),
        ({"rows": [{**dict.fromkeys(FEATURES), "rsi_14": True}]}, "rows.0.rsi_14"),
        ({"rows": [{**dict.fromkeys(FEATURES), "session_date": 5}]}, "rows.0.session_date"),
    ],
)  # fmt: skip
def test_a_bad_body_is_named(client, body, where):
    answer = predict(client, **body)
    assert answer.status_code == 422, answer.text
    assert where in [fault["where"] for fault in answer.json()["errors"]]


@pytest.mark.parametrize(
    "text", [b"{", b"[" * 100_000, b'{"rows": [{"rsi_14": NaN}]}', b"\xff", b'{"symbols": ["\\ud800"]}']
)
def test_a_body_that_is_no_json_is_no_failure_of_ours(client, text):
    answer = client.post(f"{URL}/predict", content=text, headers={"content-type": "application/json"})
    assert 400 <= answer.status_code < 500, answer.text
    assert answer.headers["content-type"] == "application/problem+json"


def test_unknown_models_and_symbols_are_404(client):
    assert client.get("/api/v1/models/nothing").status_code == 404
    assert (
        client.post("/api/v1/models/nothing/predict", json={"symbols": []})
        .json()["detail"]
        .startswith("There is no model")
    )
    assert predict(client, symbols=["005930", "999999"]).status_code == 404
