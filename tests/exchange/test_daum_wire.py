"""Daum's web search by Kakao: the shape of an answer, marks and entities, paging, errors of both shapes, and the truth of stories."""

from datetime import datetime, timedelta
from urllib.parse import urlsplit

import pytest

from bench.stories import against_truth
from exchange.worlds import open_world

NEWS = {"v.daum.net", "news.daum.net"}


def test_an_answer_has_the_shape_that_kakao_documents(client):
    body = client.daum(query="삼성전자", sort="recency", size=50).json()
    assert set(body) == {"meta", "documents"}
    assert {name: type(value) for name, value in body["meta"].items()} == {
        "total_count": int, "pageable_count": int, "is_end": bool
    }  # fmt: skip
    assert all(set(page) == {"title", "contents", "url", "datetime"} for page in body["documents"])
    assert all("<b>삼성전자</b>" in page["title"] for page in body["documents"])
    first = body["documents"][0]["datetime"]
    assert len(first) == len("2026-11-23T09:30:12.000+09:00")
    assert datetime.fromisoformat(first).utcoffset() == timedelta(hours=9)


def test_entities_are_escaped_and_words_marked(client):
    titles = " ".join(p["title"] for p in client.daum(query="KT&G", size=50, sort="recency").json()["documents"])
    assert "<b>KT&amp;G</b>" in titles
    assert "&quot;" in titles and "&#39;" in titles


def test_pages_come_newest_first_and_the_last_says_so(client):
    bodies = [client.daum(query="삼성전자", page=n, size=20, sort="recency").json() for n in range(1, 20)]
    last = next(i for i, body in enumerate(bodies) if body["meta"]["is_end"])
    pages = [page for body in bodies[: last + 1] for page in body["documents"]]
    assert len(pages) == bodies[0]["meta"]["total_count"] == len({page["url"] for page in pages})
    times = [datetime.fromisoformat(page["datetime"]) for page in pages]
    assert times == sorted(times, reverse=True)
    assert bodies[last + 1]["documents"] == []


def test_what_lies_beyond_the_fiftieth_page_cannot_be_had(client):
    meta = client.daum(query="전망", page=50, size=1).json()["meta"]
    assert meta["total_count"] > meta["pageable_count"] == 50
    assert meta["is_end"]


def test_other_hosts_than_daums_news_are_found_too(client):
    hosts = {urlsplit(p["url"]).hostname for p in client.daum(query="삼성전자", size=50).json()["documents"]}
    assert hosts & NEWS and hosts - NEWS


def test_an_address_begins_with_the_publication(client):
    for page in client.daum(query="삼성전자", size=50).json()["documents"]:
        if urlsplit(page["url"]).hostname in NEWS:
            assert page["url"].rpartition("/")[2][:14] == f"{datetime.fromisoformat(page['datetime']):%Y%m%d%H%M%S}"


@pytest.mark.parametrize(
    ("params", "kind"),
    [
        ({"query": ""}, "MissingParameter"),
        ({"query": "x", "page": 51}, "InvalidArgument"),
        ({"query": "x", "page": 0}, "InvalidArgument"),
        ({"query": "x", "size": 51}, "InvalidArgument"),
        ({"query": "x", "size": "many"}, "InvalidArgument"),
        ({"query": "x", "sort": "date"}, "InvalidArgument"),
    ],
)
def test_bad_parameters_are_http_400_with_a_kind(client, params, kind):
    answer = client.daum(**params)
    assert (answer.status_code, answer.json()["errorType"]) == (400, kind)


def test_a_key_that_is_missing_or_wrong_is_401(client):
    client.kakao_headers = {}
    missing = client.daum(query="삼성전자")
    assert (missing.status_code, missing.json()["errorType"]) == (401, "AccessDeniedError")
    client.kakao_headers = {"Authorization": "KakaoAK wrong"}
    wrong = client.daum(query="삼성전자")
    assert (wrong.status_code, wrong.json()["code"]) == (401, -401)


def test_the_truth_lists_what_is_shown_as_one_story_and_nothing_else():
    world = open_world("synthetic:7", symbols=20, sessions=40)
    told = [address for addresses in world.truth["news"]["stories"] for address in addresses]
    shown = {item.original_url: item for item in (*world.news.items, *world.web.items)}
    assert len(told) == len(set(told)) and set(told) <= set(shown)
    assert all(urlsplit(address).hostname not in ("shop.example", "blog.tistory.example") for address in told)
    across, varied = 0, 0
    for addresses in world.truth["news"]["stories"]:
        items = [shown[address] for address in addresses]
        assert len({item.code for item in items}) == 1
        assert max(i.published_at for i in items) - min(i.published_at for i in items) < 7 * 86_400
        across += any(i.naver_url for i in items) and any(not i.naver_url for i in items)
        varied += len({item.title for item in items}) > 1
    assert across > 100 and varied > 50


def test_stories_are_found_as_the_truth_has_them():
    """Counts over a whole small world, by security and session; `python -m bench.stories` prints them for the default one."""
    counts = against_truth(open_world("synthetic:7", symbols=40, sessions=120))
    assert counts["pairs_of_the_truth"] > 1_000
    assert counts["recall"] > 0.97
    assert counts["precision"] > 0.97
