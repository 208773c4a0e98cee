"""The chain behind one number ends at the payload, every step is true, and a question without an answer says so."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import xgboost

from lake.explain import explain
from lake.explain_past import Past
from lake.objects import open_store
from lake.sql import ReleaseSql
from market import registry
from market.datasets.gold.features_daily import program
from market.errors import Permanent
from market.features.catalogue import catalogue
from tests.support.champion import FEATURES, MODEL, export_champion
from training.scoring import contributions


@pytest.fixture(scope="module")
def made(small_lake):
    return small_lake


@pytest.fixture(scope="module")
def sql(made):
    return ReleaseSql(made.settings, made.after)


def payloads(chain):
    return [link for link in chain.links() if link.what.startswith("bronze.")]


def test_a_feature_is_traced_to_its_expression_inputs_and_payload(made, sql):
    chain = explain(sql, "gold.features_daily", "005930", "2024-05-03", "rsi_14", store=made.store)
    assert chain.key["security_id"] == "XKRX:005930"
    assert chain.unit == "percent"
    assert {"release_id": "r00002", "code_sha": "0123abc", "delta_version": 1}.items() <= chain.meta.items()
    assert chain.meta["as_of"] and chain.meta["rulebook"]
    assert chain.link.facts["expression"] == catalogue()["rsi_14"].formula
    payload = payloads(chain)[0]
    assert payload.facts["request"] == "GET /sto/stk_bydd_trd?basDd=20240503"
    assert payload.facts["landing_path"].startswith("landing/krx/2024-05-03/")
    assert payload.facts["delivered"]["TDD_CLSPRC"] == "44,530"
    assert payload.facts["verified"] is True


def test_a_windowed_feature_counts_exactly_its_lookback(sql):
    chain = explain(sql, "gold.features_daily", "XKRX:005930", "2024-05-03", "momentum_20")
    assert len(chain.link.links) + chain.link.not_listed == catalogue()["momentum_20"].lookback + 1 == 21


def test_a_recursive_feature_counts_every_row_before(sql):
    chain = explain(sql, "gold.features_daily", "005930", "2024-05-03", "rsi_14")
    n = sql.query("SELECT count(*) AS n FROM gold.prices WHERE security_id = 'XKRX:005930'")["n"][0].as_py()
    assert len(chain.link.links) + chain.link.not_listed == n
    assert "state" in chain.link.facts["recursive"]


@pytest.mark.parametrize("name", program().names)
def test_every_feature_of_the_catalogue_can_be_explained(sql, name):
    chain = explain(sql, "gold.features_daily", "AAPL", "2024-05-03", name)
    json.dumps(chain.to_dict(), allow_nan=False)
    if "n_headlines" in catalogue()[name].inputs:
        assert any("did not cover" in str(link.facts.get("found")) for link in chain.links())
    else:
        assert payloads(chain)[0].what.startswith("bronze.yahoo_chart")


def test_every_input_of_a_feature_is_shown_with_its_value(sql):
    chain = explain(sql, "gold.features_daily", "005930", "2024-05-03", "atr_14")
    assert {"high", "low", "close"} <= set(chain.link.links[0].facts)
    silver = next(link for link in chain.links() if link.what.startswith("silver.prices"))
    assert {"high", "low", "close"} <= set(silver.facts)


def test_a_price_is_the_payload_s_own_number(made, sql):
    chain = explain(sql, "gold.prices", "035420", "2024-04-26", "close", store=made.store)
    delivered = payloads(chain)[0].facts
    assert float(delivered["delivered"]["TDD_CLSPRC"].replace(",", "")) == chain.value
    assert delivered["fetched_at"].isoformat() == "2024-05-02T01:00:00+00:00", "the revised payload, not the first"


def test_the_same_price_at_the_older_release_leads_to_the_first_payload(made, sql):
    older = explain(ReleaseSql(made.settings, made.before), "gold.prices", "035420", "2024-04-26", "close")
    newer = explain(sql, "gold.prices", "035420", "2024-04-26", "close")
    assert older.value + 1_000 == newer.value
    assert payloads(older)[0].facts["payload_digest"] != payloads(newer)[0].facts["payload_digest"]


def test_a_factor_names_its_ledger_row_and_evidence(sql):
    chain = explain(sql, "gold.prices", "000660", "2024-05-03", "cumulative_factor")
    ledger = next(link for link in chain.links() if link.what.startswith("silver.adjustments"))
    assert ledger.facts["cause"] == "split_or_bonus"
    assert "base price" in ledger.facts["evidence"]


def test_a_label_shows_both_closes(sql):
    chain = explain(sql, "gold.labels", "AAPL", "2024-04-03", "forward_return_5d")
    now, later = (link.facts["close"] for link in chain.link.links)
    assert later / now - 1 == chain.value
    assert [link.what.split()[-1] for link in chain.link.links] == ["2024-04-03", "2024-04-10"]


def test_a_prediction_names_model_run_release_and_the_features_scored(sql):
    chain = explain(sql, "gold.predictions", "005930", "2024-05-03", "score")
    assert chain.link.facts["champion"] == "return_rank_5d version 3"
    assert (chain.link.facts["run_id"], chain.link.facts["data_release"]) == ("f00d", "r00002")
    assert chain.link.links[0].facts["values"]["momentum_20"] == chain.value
    assert payloads(chain)


def test_a_prediction_tells_what_each_feature_brought_and_the_parts_add_up(made, sql, request):
    def told():
        chain = explain(
            sql, "gold.predictions", "005930", "2024-05-03", "score", past=Past(made.settings, contributions)
        )
        return chain.link.links[0].facts

    assert str(told()["contributions"]).startswith("not told: ")  # nothing was exported under that number
    features = sql.query("SELECT * FROM gold.features_daily")
    export_champion(made.settings, features, version=3, rounds=10)
    request.addfinalizer(
        lambda: [made.store.delete(path) for path in made.store.list("models/")]
    )  # others share the lake
    facts = told()
    booster = xgboost.Booster()
    booster.load_model(bytearray(made.store.get(f"models/{MODEL}/3/booster.ubj")))
    row = np.array([[facts["values"][name] for name in FEATURES]], dtype=float)
    (score,) = booster.predict(xgboost.DMatrix(row, feature_names=list(FEATURES)))
    assert sum(facts["contributions"].values()) == pytest.approx(score, abs=1e-6)
    sizes = [abs(share) for name, share in facts["contributions"].items() if name != "base"]
    assert sizes == sorted(sizes, reverse=True) and sizes[0] > 0 and len(sizes) == len(FEATURES)
    made.store.put(f"models/{MODEL}/3/booster.ubj", made.store.get(f"models/{MODEL}/3/booster.ubj")[:100])
    assert "SHA-256" in str(told()["contributions"])


def test_a_summary_lists_its_largest_names_and_counts_the_rest(sql):
    chain = explain(sql, "gold.market_summary", "XKRX", "KOSPI", "2024-05-03", "median_return")
    assert chain.link.facts["securities"] == len(chain.link.links) + chain.link.not_listed == 4


def test_coverage_of_news_leads_to_the_search(sql):
    chain = explain(sql, "gold.prices", "005930", "2024-05-03", "n_headlines")
    assert payloads(chain)[0].what.startswith("bronze.naver_coverage")
    counted = next(link for link in chain.links() if link.what.startswith("silver.news_coverage"))
    assert (counted.facts["n_headlines"], counted.facts["sources"]) == (3, "naver")


def test_a_count_of_news_lists_the_first_headline_of_each_story(sql):
    chain = explain(sql, "gold.prices", "005930", "2024-05-03", "n_headlines")
    told = [
        link for link in chain.links() if link.what.startswith("silver.news XKRX:005930 https://press.kr/2024-05-03")
    ]
    assert len(told) == chain.value == 3
    assert all(link.links[0].what.startswith("bronze.naver_news") for link in told)


@pytest.mark.parametrize(
    "question",
    [
        ("silver.prices", "035420", "2024-04-26", "2024-04-26T06:30:00+00:00", "close"),
        ("silver.securities", "AAPL", "name"),
        ("silver.sessions", "XKRX", "2024-05-03", "close_at"),
        ("silver.adjustments", "000660", "2024-03-04", "factor"),
    ],
)
def test_silver_rows_are_explained_too(sql, question):
    chain = explain(sql, *question)
    assert chain.render().startswith(question[0])


def test_a_payload_that_was_touched_or_lost_is_not_verified(made, sql, tmp_path):
    chain = explain(sql, "gold.prices", "005930", "2024-05-03", "close", store=made.store)
    path = payloads(chain)[0].facts["landing_path"]
    shutil.copytree(Path(made.settings.lake_url) / "landing", tmp_path / "landing")
    (tmp_path / path).write_bytes(b"[]")
    touched = explain(sql, "gold.prices", "005930", "2024-05-03", "close", store=open_store(str(tmp_path)))
    assert payloads(touched)[0].facts["verified"] is False
    (tmp_path / path).unlink()
    lost = explain(sql, "gold.prices", "005930", "2024-05-03", "close", store=open_store(str(tmp_path)))
    assert payloads(lost)[0].facts["verified"] is False


def test_without_the_lake_s_files_nothing_is_claimed(sql):
    chain = explain(sql, "gold.prices", "005930", "2024-05-03", "close")
    assert "verified" not in payloads(chain)[0].facts


def test_the_tree_is_text_that_names_every_step(sql):
    text = explain(sql, "gold.features_daily", "005930", "2024-05-03", "rsi_14").render()
    for step in (
        "gold.features_daily",
        "gold.prices",
        "silver.prices",
        "bronze.krx_daily",
        "payload_digest",
        "and 79 more",
    ):
        assert step in text


@pytest.mark.parametrize(
    ("question", "named"),
    [
        (("gold.features", "005930", "2024-05-03", "rsi_14"), "gold.features_daily"),
        (("gold.prices_adjusted", "005930", "2024-05-03", "close"), "gold.prices"),
        (("gold.features_daily", "005930", "2024-05-03", "rsi_15"), "rsi_14"),
        (("gold.features_daily", "005930", "2024-05-03", "state"), "rsi_14"),
        (("gold.features_daily", "005931", "2024-05-03", "rsi_14"), "005930"),
        (("gold.features_daily", "XKRX:ZZZZZZ", "2024-05-03", "rsi_14"), "XKRX:0001A0"),
        (("gold.features_daily", "005930", "2031-05-03", "rsi_14"), "2024-01-02 to 2024-05-03"),
        (("gold.features_daily", "005930", "May 3", "rsi_14"), "2024-05-03"),
        (("gold.features_daily", "005930", "rsi_14"), "session_date"),
        (("gold.features_daily", "rsi_14"), "SECURITY_ID SESSION_DATE"),
        (("gold.features_daily", "005930", "2024-05-03", "x", "rsi_14"), "security_id, session_date"),
    ],
)
def test_a_question_without_an_answer_says_what_there_is(sql, question, named):
    with pytest.raises(Permanent) as refused:
        explain(sql, *question)
    assert named in str(refused.value)


def test_what_a_model_said_of_a_headline_is_told_by_its_words(made, sql, request):
    """Who tells it is asked with the text that was read; a feature of many headlines lists them without."""
    asked = []

    def teller(raw, signature, frame):
        asked.append((raw, signature["model"], frame["text"].tolist()))
        return {"흑자": 0.5, "가온전자": 0.0}

    def level():
        return explain(sql, "silver.sentiment", *key, "level", past=Past(made.settings, teller)).link.facts

    [row] = sql.query("SELECT * FROM silver.sentiment ORDER BY session_date DESC, url LIMIT 1").to_pylist()
    key = [str(row[name]) for name in registry.table("silver.sentiment").key]
    assert str(level()["words"]).startswith("not told: ")  # nothing was exported under that number
    folder = f"models/{row['model']}/{row['model_version']}"
    made.store.put(f"{folder}/signature.json", json.dumps({"model": row["model"], "file": "encoder.zip"}).encode())
    made.store.put(f"{folder}/encoder.zip", b"weights")
    request.addfinalizer(lambda: [made.store.delete(path) for path in made.store.list("models/")])
    assert level()["words"] == {"흑자": 0.5, "가온전자": 0.0}
    assert asked == [(b"weights", row["model"], [row["title"]])]
    whose = (row["security_id"], str(row["session_date"]), "sentiment_level")
    chain = explain(sql, "gold.sentiment", *whose, past=Past(made.settings, teller))
    assert len(asked) == 1 and "words" not in str(chain.to_dict())
