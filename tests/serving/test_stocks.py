"""Securities and their series over HTTP: found by any name, paged without loss, as believed at an instant."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from deltalake import CommitProperties, DeltaTable, write_deltalake

from market import registry

API = "/api/v1/stocks"


def rows_of(answer):
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


def walk(client, url, **params):
    """Every row, page by page."""
    rows, cursor = [], None
    for _ in range(200):
        body = client.get(url, params={**params, **({"cursor": cursor} if cursor else {})}).json()
        rows += body["data"]
        cursor = body["next"]
        if cursor is None:
            return rows
    raise AssertionError("the pages do not end")


def close_of(client, day, **params):
    (row,) = rows_of(client.get(f"{API}/005930/prices", params={"from": day, "to": day, **params}))
    return row["close"]


@pytest.mark.parametrize("symbol", ["005930", "XKRX:005930", "xkrx:005930"])
def test_a_symbol_may_be_a_code_or_an_id(client, symbol):
    (row,) = rows_of(client.get(f"{API}/{symbol}"))
    assert (row["security_id"], row["name_en"]) == ("XKRX:005930", "Samsung Electronics")
    assert (row["first_session"], row["last_session"], row["n_sessions"]) == ("2024-01-02", "2024-05-31", 102)


def test_the_list_is_filtered_by_exchange_board_and_text(client):
    assert [r["symbol"] for r in rows_of(client.get(API, params={"exchange": "XNYS"}))] == ["AAPL"]
    assert [r["symbol"] for r in rows_of(client.get(API, params={"market": "KOSDAQ"}))] == ["247540"]
    assert [r["symbol"] for r in rows_of(client.get(API, params={"q": "SAMSUNG"}))] == ["005930"]
    assert [r["symbol"] for r in rows_of(client.get(API, params={"q": "카카"}))] == ["035720"]
    assert rows_of(client.get(API, params={"q": "%"})) == []


@pytest.mark.parametrize("limit", [1, 7, 101, 102, 103, 1000])
def test_pages_hold_every_row_once_and_in_order(client, limit):
    days = [row["session_date"] for row in walk(client, f"{API}/005930/prices", limit=limit)]
    assert len(days) == 102
    assert days == sorted(set(days))


@pytest.mark.parametrize("what", ["filings", "news", "actions"])
def test_disclosures_are_paged_newest_first(client, what):
    whole = rows_of(client.get(f"{API}/005930/{what}"))
    assert whole == walk(client, f"{API}/005930/{what}", limit=2)
    days = [row["session_date"] for row in whole]
    assert days == sorted(days, reverse=True)
    assert days


def test_figures_are_held_to_items_and_told_as_they_were_known(client):
    url = f"{API}/005930/fundamentals"
    whole = rows_of(client.get(url))
    assert whole == walk(client, url, limit=1)
    assert {row["item"]: row["value"] for row in whole} == {"revenue": 90.0, "net_income": 30.0, "assets": 1000.0}
    (then,) = rows_of(client.get(url, params={"items": "revenue", "as_of": "2024-05-01T00:00Z"}))
    assert (then["value"], then["fiscal_period"], then["filing_no"]) == (100.0, "2023Q4", "1")
    assert rows_of(client.get(url, params={"from": "2024-01-01"})) == []
    assert rows_of(client.get(url, params={"span": "year", "basis": "consolidated"})) == []
    refused = client.get(url, params={"items": "revenue,income"})
    assert refused.status_code == 422
    assert "income" in refused.json()["detail"]


def test_ratios_say_their_parts_and_follow_a_restatement_from_its_filing_on(client):
    url = f"{API}/000660/ratios"
    answer = client.get(url)
    now = {row["ratio"]: row for row in rows_of(answer)}
    assert (now["net_margin"]["value"], now["revenue_growth"]["value"], now["debt_to_equity"]["value"]) == (
        0.175,
        0.0,
        0.5,
    )
    assert now["earnings_per_share"]["value"] == 35.0  # a million shares
    close = rows_of(client.get(f"{API}/000660/prices", params={"from": "2024-05-31"}))[0]["close"]
    assert now["price_to_earnings"]["value"] == pytest.approx(close / 35.0)
    assert (now["operating_margin"]["value"], now["operating_margin"]["reason"]) == (
        None,
        "no quarter of operating income told",
    )
    assert [part["filing_no"] for part in now["net_margin"]["parts"]] == ["2", *["1"] * 7]
    assert now["net_margin"]["known_at"] == "2024-05-02T07:00:00Z"
    assert answer.json()["meta"]["known_at"] == now["price_to_book"]["known_at"] == "2024-05-31T06:30:00Z"
    then = client.get(url, params={"as_of": "2024-05-02T06:59:59Z", "basis": "consolidated"})
    assert {row["ratio"]: row["value"] for row in rows_of(then)}["net_margin"] == 0.2
    assert then.json()["meta"]["as_of"] == "2024-05-02T06:59:59Z"
    assert rows_of(client.get(url, params={"as_of": "2024-02-01T06:59Z"})) == []
    assert rows_of(client.get(url, params={"basis": "separate"})) == []
    assert client.get(url, params={"basis": "group"}).status_code == 422
    assert client.get(f"{API}/nothing/ratios").status_code == 404


def passed_on(lake, built_tables, client) -> None:
    """Publish a release in which 000660 passed to another company in April."""
    second, until = "XKRX:000660~20240401", datetime(2024, 4, 1, 6, 30, tzinfo=UTC)
    versions = dict(lake.first.tables)
    for name in ("silver.symbols", "silver.securities"):
        rows = built_tables[0][name].to_pandas(timestamp_as_object=False)
        first = rows["security_id"] == "XKRX:000660"
        new = rows[first].assign(security_id=second, name="다른회사", known_at=pd.Timestamp(until))
        if name == "silver.symbols":
            rows.loc[first, "known_until"] = pd.Timestamp(until)
        contract = registry.table(name)
        told = contract.conform(pa.Table.from_pandas(pd.concat([rows, new]), preserve_index=False))
        uri = Path(lake.settings.lake_url, *name.split("."))
        write_deltalake(uri, told, mode="overwrite")
        versions[name] = DeltaTable(uri).version()
    lake.releases.publish(replace(lake.first, release_id="r00003", tables=versions, parent="r00001"))
    client.app.state.current.refresh()


def test_a_code_means_whoever_had_it_at_the_instant(client, lake, built_tables):
    passed_on(lake, built_tables, client)
    old = {"as_of": "2024-03-29T00:00Z"}
    (now,), (then,) = rows_of(client.get(f"{API}/000660")), rows_of(client.get(f"{API}/000660", params=old))
    assert (now["security_id"], now["name"]) == ("XKRX:000660~20240401", "다른회사")
    assert (then["security_id"], then["name"]) == ("XKRX:000660", "SK하이닉스")
    prices = rows_of(client.get(f"{API}/000660/prices", params=old))
    assert {row["security_id"] for row in prices} == {"XKRX:000660"}
    assert rows_of(client.get(f"{API}/000660/prices")) == [], "the new company has no bar yet"
    assert rows_of(client.get(f"{API}/XKRX:000660/prices")) != []
    assert [row["security_id"] for row in rows_of(client.get(API, params=old)) if row["symbol"] == "000660"] == [
        "XKRX:000660"
    ]
    early = client.get(f"{API}/000660", params={"as_of": "2023-01-01T00:00Z"})
    assert rows_of(early) == [], "nothing was known of it yet"


def test_a_security_is_told_with_the_sessions_known_at_the_instant(client):
    (row,) = rows_of(client.get(f"{API}/005930", params={"as_of": "2024-03-04T06:29Z"}))
    assert (row["first_session"], row["last_session"]) == ("2024-01-02", "2024-02-29")
    bars = rows_of(client.get(f"{API}/005930/prices", params={"to": "2024-02-29"}))
    assert (row["n_sessions"], row["last_close"]) == (len(bars), bars[-1]["close"])
    assert rows_of(client.get(API, params={"as_of": "2024-01-01T00:00Z"})) == []


def test_spells_of_a_listing_say_what_shows_them_and_end_only_when_that_was_known(client):
    url = f"{API}/035720/listings"
    whole = rows_of(client.get(url))
    assert whole == walk(client, url, limit=1)
    assert [(row["status"], row["first_session"], row["last_session"]) for row in whole] == [
        ("listed", "2024-01-02", "2024-05-10"), ("halted", "2024-04-01", "2024-04-05"),
    ]  # fmt: skip
    assert all(row["evidence"] for row in whole)
    (then,) = rows_of(client.get(url, params={"as_of": "2024-03-01T00:00Z"}))
    assert (then["last_session"], then["known_at"]) == (None, "2024-01-02T07:00:00Z")
    assert [row["status"] for row in rows_of(client.get(url, params={"from": "2024-04-06"}))] == ["listed"]
    assert [row["status"] for row in rows_of(client.get(url, params={"from": "2024-04-05", "to": "2024-04-05"}))] == [
        "listed",
        "halted",
    ]
    assert rows_of(client.get(f"{API}/AAPL/listings")) == []


def test_the_ledger_of_a_security_marks_what_nothing_explains(client):
    url = f"{API}/005930/adjustments"
    (factor,) = rows_of(client.get(url))
    assert (factor["session_date"], factor["factor"], factor["cause"]) == ("2024-03-04", 0.2, "split_or_bonus")
    assert (factor["is_unexplained"], factor["disclosed_by"], factor["confidence"]) == (True, None, "high")
    assert rows_of(client.get(url, params={"as_of": "2024-03-04T06:29Z"})) == []
    both = rows_of(client.get(f"{API}/035720/adjustments"))
    assert both == walk(client, f"{API}/035720/adjustments", limit=1)
    assert [(row["cause"], row["is_unexplained"]) for row in both] == [("rights_issue", False), ("consolidation", True)]
    for asked, n in (({"unexplained": "true"}, 1), ({"unexplained": "false"}, 1), ({"from": "2024-04-01"}, 1)):
        assert len(rows_of(client.get(f"{API}/035720/adjustments", params=asked))) == n


def test_a_filing_is_not_there_before_it_could_be_known(client):
    assert len(rows_of(client.get(f"{API}/005930/filings"))) == 9
    before = client.get(f"{API}/005930/filings", params={"as_of": "2024-04-05T00:00+09:00"})
    assert len(rows_of(before)) == 4
    assert before.json()["meta"]["as_of"] == "2024-04-04T15:00:00Z"


@pytest.mark.parametrize("what", ["filings", "actions", "news"])
def test_without_an_instant_nothing_is_answered_that_was_not_known_at_the_release(client, lake, what, built_tables):
    """A filing of the last day counts from the next session's open, which is after the release's instant."""
    url, table = f"{API}/005930/{what}", {"actions": "corporate_actions"}.get(what, what)
    known = len(rows_of(client.get(url)))
    rows = built_tables[0][f"silver.{table}"].to_pylist()
    future = lake.first.as_of + timedelta(minutes=60)
    new = {**rows[-1], "session_date": date(2024, 5, 31), "session_month": "2024-05", "known_at": future}
    new |= {"receipt_no": "new", "evidence": "new", "url": "new"}
    contract = registry.table(f"silver.{table}")
    told = contract.conform(pa.Table.from_pylist([*rows, {n: new[n] for n in contract.schema.names}], contract.schema))
    uri = Path(lake.settings.lake_url, "silver", table)
    write_deltalake(uri, told, mode="overwrite", partition_by=["session_month"])
    tables = {**lake.first.tables, f"silver.{table}": DeltaTable(uri).version()}
    lake.releases.publish(replace(lake.first, release_id="r00003", tables=tables, parent="r00001"))
    client.app.state.current.refresh()
    for params in ({}, {"as_of": "2030-01-01T00:00Z"}):
        answer = client.get(url, params=params)
        assert len(rows_of(answer)) == known
        assert answer.json()["meta"]["known_at"] <= answer.json()["meta"]["as_of"]


def test_a_page_of_a_list_names_the_instant_of_its_rows(client):
    meta = client.get(f"{API}/005930/prices", params={"from": "2024-05-02", "to": "2024-05-03"}).json()["meta"]
    assert meta == {
        "release_id": "r00001", "as_of": "2024-05-31T23:00:00Z", "known_at": "2024-05-03T06:30:00Z",
        "code_sha": "0" * 40,
        "rulebook": "krx-1", "hindsight": False,
    }  # fmt: skip


def test_an_as_of_before_a_revision_gives_the_old_price_and_after_it_the_new(client, lake):
    lake.releases.publish(lake.second)
    client.app.state.current.refresh()
    old = close_of(client, "2024-05-03", as_of="2024-05-19T00:00Z")
    assert old != 15_555.0
    assert close_of(client, "2024-05-03") == 15_555.0
    assert close_of(client, "2024-05-03", as_of="2024-05-20T09:00:00Z") == 15_555.0
    assert close_of(client, "2024-05-03", as_of="2024-05-20T08:59:59.999999Z") == old


@pytest.mark.parametrize("url", [f"{API}/005930/indicators", f"{API}/005930/predictions", "/api/v1/market/summary"])
def test_gold_at_an_earlier_instant_is_cut_and_says_hindsight(client, lake, url):
    lake.releases.publish(lake.second)
    client.app.state.current.refresh()
    now, then = (client.get(url, params={"limit": 1000, **at}) for at in ({}, {"as_of": "2024-05-20T08:59:59Z"}))
    told = rows_of(now)
    assert rows_of(then) == [row for row in told if row["known_at"] < "2024-05-20T09:00"] != []
    assert any(row["session_date"] < "2024-05-17" for row in told if row not in rows_of(then)), "revised since"
    assert then.json()["meta"]["as_of"] == "2024-05-20T08:59:59Z"
    assert (now.json()["meta"]["hindsight"], then.json()["meta"]["hindsight"]) == (False, True)
    after = client.get(url, params={"limit": 1000, "as_of": "2030-01-01T00:00Z"})
    assert after.json() == now.json()


@pytest.mark.parametrize("what", ["prices", "fundamentals", "listings", "adjustments", "filings", "ratios"])
def test_silver_at_an_earlier_instant_is_no_hindsight(client, what):
    answer = client.get(f"{API}/005930/{what}", params={"as_of": "2024-04-15T00:00Z"})
    assert answer.json()["meta"]["hindsight"] is False


def test_nothing_is_known_before_its_session_ended(client):
    rows = rows_of(client.get(f"{API}/005930/prices", params={"as_of": "2024-01-04T06:29Z"}))
    assert [row["session_date"] for row in rows] == ["2024-01-02", "2024-01-03"]


def test_an_as_of_before_a_split_does_not_know_its_factor(client):
    params = {"adjust": True, "limit": 1}
    (now,) = rows_of(client.get(f"{API}/005930/prices", params=params))
    (then,) = rows_of(client.get(f"{API}/005930/prices", params={**params, "as_of": "2024-03-03T00:00Z"}))
    assert then["close"] == pytest.approx(now["close"] * 5)
    assert then["volume"] == pytest.approx(now["volume"] / 5)


@pytest.mark.parametrize("adjust", [True, False])
def test_an_as_of_at_the_release_equals_the_release_bit_for_bit(client, adjust):
    params = {"adjust": adjust, "limit": 1000}
    now = client.get(f"{API}/005930/prices", params=params)
    then = client.get(f"{API}/005930/prices", params={**params, "as_of": "2030-01-01T00:00Z"})
    assert then.json() == now.json()


def test_adjusted_prices_do_not_jump_at_the_split_and_keep_their_scale_on_every_page(client):
    whole = walk(client, f"{API}/005930/prices", adjust=True, limit=10)
    assert whole == rows_of(client.get(f"{API}/005930/prices", params={"adjust": True}))
    moves = np.diff(np.log([row["close"] for row in whole]))
    assert np.abs(moves).max() < 0.2
    raw = [row["close"] for row in walk(client, f"{API}/005930/prices")]
    assert np.abs(np.diff(np.log(raw))).max() > 1.5
    assert raw[-1] == whole[-1]["close"]


def test_indicators_are_those_named_and_null_where_not_known(client):
    rows = rows_of(client.get(f"{API}/005930/indicators", params={"names": "rsi_14, macd", "limit": 2}))
    assert set(rows[0]) == {"session_date", "security_id", "exchange", "rsi_14", "macd", "known_at"}
    assert rows[0]["rsi_14"] is None
    assert isinstance(rows[1]["rsi_14"], float)
    repeated = client.get(f"{API}/005930/indicators", params={"names": ["rsi_14", "macd"], "limit": 2})
    assert rows_of(repeated) == rows


def test_an_unknown_feature_is_named_beside_those_there_are(client):
    answer = client.get(f"{API}/005930/indicators", params={"names": "rsi_14,rsi_15,nothing"})
    assert answer.status_code == 422
    assert [fault["found"] for fault in answer.json()["errors"]] == ["rsi_15", "nothing"]
    assert "rsi_14" in answer.json()["errors"][0]["expected"]


def test_predictions_appear_with_the_release_that_has_them(client, lake):
    assert rows_of(client.get(f"{API}/005930/predictions")) == []
    lake.releases.publish(lake.second)
    client.app.state.current.refresh()
    (row,) = rows_of(client.get(f"{API}/005930/predictions", params={"from": "2024-05-31", "model": "return_rank_5d"}))
    assert (row["model"], row["model_version"], row["score"]) == ("return_rank_5d", 1, 0.5)
    assert rows_of(client.get(f"{API}/005930/predictions", params={"model": "another"})) == []


def test_the_market_summary_is_paged_newest_first(client):
    rows = walk(client, "/api/v1/market/summary", limit=50)
    keys = [(row["session_date"], row["exchange"], row["market"]) for row in rows]
    assert keys == sorted(set(keys), reverse=True)
    (row,) = rows_of(client.get("/api/v1/market/summary", params={"from": "2024-05-31", "market": "KOSPI"}))
    assert row["n_securities"] == row["n_advanced"] + row["n_declined"] + row["n_unchanged"] == 3


def test_a_number_is_explained_down_to_its_silver_row(client):
    asked = {"table": "gold.prices", "key": ["005930", "2024-05-03"], "column": "close"}
    (chain,) = rows_of(client.get("/api/v1/explain", params=asked))
    assert chain["key"] == {"security_id": "XKRX:005930", "session_date": "2024-05-03"}
    assert chain["value"] == close_of(client, "2024-05-03")
    assert "a" * 64 in client.get("/api/v1/explain", params=asked).text
    assert rows_of(client.get("/api/v1/explain", params={**asked, "key": "005930,2024-05-03"})) == [chain]


def test_an_explanation_says_which_commit_wrote_the_row(client, lake, built_tables):
    rows = built_tables[0]["gold.prices"]
    uri = Path(lake.settings.lake_url, "gold", "prices")
    note = '{"code_sha": "abc", "from": "2024-01-02", "to": "2024-05-31"}'
    properties = CommitProperties(custom_metadata={"userMetadata": note})
    write_deltalake(uri, rows, mode="overwrite", partition_by=["session_month"], commit_properties=properties)
    tables = {**lake.first.tables, "gold.prices": DeltaTable(uri).version()}
    lake.releases.publish(replace(lake.first, release_id="r00003", tables=tables, parent="r00001"))
    client.app.state.current.refresh()
    asked = {"table": "gold.prices", "key": ["005930", "2024-05-03"], "column": "close"}
    (chain,) = rows_of(client.get("/api/v1/explain", params=asked))
    assert chain["meta"]["written_by"] == "abc"
    assert chain["chain"]["facts"]["written by"].startswith("commit abc (Delta version")


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"table": "gold.nothing"}, 422), ({"column": "nothing"}, 422), ({"key": ["005930", "yesterday"]}, 422),
        ({"key": ["005930", "2024-05-04"]}, 404), ({"key": ["999999", "2024-05-03"]}, 404),
        ({"key": list("abcdefgh")}, 422),
    ],
)  # fmt: skip
def test_what_cannot_be_explained_says_why(client, change, status):
    asked = {"table": "gold.prices", "key": ["005930", "2024-05-03"], "column": "close", **change}
    answer = client.get("/api/v1/explain", params=asked)
    assert answer.status_code == status, answer.text
    assert answer.json()["errors"]
