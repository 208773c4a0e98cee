"""Naver news search: the shape of a recorded answer, marks and entities, both hosts, and that it never runs ahead."""

import json
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path

import pytest

from exchange.keys import DEFAULT_KEYS


def test_an_answer_has_the_keys_types_and_escapes_of_a_recorded_one(client, shared: Path):
    text = (shared / "naver_news/real_news_search_20230308_excerpt.json").read_text()
    real, answer = json.loads(text), client.naver(query="삼성전자", sort="date")
    ours = answer.json()
    assert list(ours) == list(real)
    assert {k: type(v) for k, v in ours.items()} == {k: type(v) for k, v in real.items()}
    assert all(list(item) == list(real["items"][0]) for item in ours["items"])
    assert "https:\\/\\/" in answer.text and "https:\\/\\/" in text
    assert parsedate_to_datetime(ours["items"][0]["pubDate"]).utcoffset() == timedelta(hours=9)
    assert "<b>삼성전자</b>" in ours["items"][0]["title"]


def test_entities_are_sent_as_naver_sends_them(client):
    titles = " ".join(item["title"] for item in client.naver(query="KT&G", display=100, sort="date").json()["items"])
    assert "<b>KT&amp;G</b>" in titles
    assert "&quot;" in titles and "&apos;" in titles
    assert "#x27" not in titles


def test_items_come_newest_first_and_pages_do_not_overlap(client):
    first, second = (client.naver(query="삼성전자", display=10, start=s, sort="date").json()["items"] for s in (1, 11))
    times = [parsedate_to_datetime(item["pubDate"]) for item in first + second]
    assert times == sorted(times, reverse=True)
    assert not {item["originallink"] for item in first} & {item["originallink"] for item in second}


def test_some_items_link_to_the_press_itself_and_some_come_twice(client):
    items = client.naver(query="삼성", display=100, sort="date").json()["items"]
    assert 0 < sum(item["link"] == item["originallink"] for item in items) < len(items)
    assert len({item["title"] + item["description"] for item in items}) < len(items)


def test_nothing_later_than_the_clock_is_shown(client, server):
    now = datetime.fromisoformat("2024-05-03T12:00:00+09:00")
    server.set_clock(now)
    body = client.naver(query="삼성전자", display=100, sort="date").json()
    assert parsedate_to_datetime(body["lastBuildDate"]) == now
    assert all(parsedate_to_datetime(item["pubDate"]) <= now for item in body["items"])


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"query": ""}, "SE01"),
        ({"query": "x", "display": 101}, "SE02"),
        ({"query": "x", "start": 1001}, "SE03"),
        ({"query": "x", "sort": "new"}, "SE04"),
    ],
)
def test_bad_parameters_are_http_400_with_naver_codes(client, params, code):
    answer = client.naver(**params)
    assert (answer.status_code, answer.json()["errorCode"]) == (400, code)


def test_the_hub_answers_the_same_body_under_its_own_headers(client):
    headers = {
        "X-NCP-APIGW-API-KEY-ID": DEFAULT_KEYS["NAVER_CLIENT_ID"],
        "X-NCP-APIGW-API-KEY": DEFAULT_KEYS["NAVER_CLIENT_SECRET"],
    }
    params = {"query": "삼성전자", "sort": "date"}
    hub = client.http.get("/naver/search/v1/news", params=params, headers=headers)
    assert hub.headers["content-type"].startswith("text/plain")
    assert hub.json() == client.naver(**params).json()
    refused = client.http.get("/naver/search/v1/news", params=params)
    assert (refused.status_code, refused.json()["error"]["errorCode"]) == (401, "200")


def test_a_wrong_key_is_401_with_code_024(client):
    client.naver_headers = {"X-Naver-Client-Id": "x", "X-Naver-Client-Secret": "y"}
    answer = client.naver(query="삼성전자")
    assert (answer.status_code, answer.json()["errorCode"]) == (401, "024")
