"""Values that once stopped a client, or made a row vanish without a word: each is drift now, or goes on to the gate."""

import json
from collections.abc import Callable
from datetime import date
from typing import Any

import httpx
import pytest

from lake.clients import client
from lake.clients.daum import _instant as daum_instant
from lake.clients.daum import _is_news
from lake.clients.naver import _instant as naver_instant
from lake.delivery import ClientContext, Company, Delivery, SchemaDrift
from lake.settings import Settings
from lake.world import open_world
from market.sources import SOURCES

OPEN = 1598967000  # 2020-09-01 09:30 in New York
DAY = date(2020, 9, 1)
First = Callable[..., Delivery]


@pytest.fixture
def first(make: Callable[..., Settings]) -> First:
    """``first(source, text)``: the first delivery of a source of the real world that always answers that text."""

    def deliver(source: str, text: str, **values: Any) -> Delivery:
        live = {source.setting("base_url"): "live" for source in SOURCES.values()}
        settings = make(
            **{**live, "us_symbols": "AAPL", "sec_user_agent": "Jane jane@example.com", "http_attempts": 1, **values}
        )
        transport = httpx.MockTransport(lambda request: httpx.Response(200, content=text.encode()))
        context = ClientContext(
            settings, open_world(settings), companies=(Company("005930", "삼성전자"),), transport=transport
        )
        return next(iter(client(source).deliveries([DAY], context)))

    return deliver


def chart(*, meta: dict[str, Any] | None = None, times: Any = (OPEN,), events: Any = None, **changes: Any) -> str:
    """A chart of one bar, with changes."""
    quote = {name: changes.get(name, [130.0]) for name in ("open", "high", "low", "close", "volume")}
    told = {"currency": "USD", "exchangeTimezoneName": "America/New_York", "gmtoffset": -14400, **(meta or {})}
    result = {
        "meta": told,
        "timestamp": list(times) if isinstance(times, tuple) else times,
        "indicators": {"quote": [quote]},
    }
    return json.dumps({"chart": {"result": [result | ({"events": events} if events else {})], "error": None}})


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"close": None}, "none of close"),
        ({"close": -5}, "none of close"),
        ({"times": "many"}, "a list of timestamps"),
        ({"times": None}, "timestamps of the bars"),
        ({"times": (10**18,)}, "a bar at 1000000000000000000"),
        ({"times": (True,)}, "a bar at True"),
        ({"times": (0,)}, "a bar at 0"),
        ({"low": [10**400]}, "a number in low"),
        ({"events": {"dividends": {"1": {"date": 1, "amount": 0.2}}}}, "a dividend at 1"),
    ],
)
def test_a_chart_whose_bars_would_vanish_is_drift(first: First, changes: dict[str, Any], words: str) -> None:
    delivery = first("yahoo", chart(**changes))
    assert isinstance(delivery.problem, SchemaDrift) and words in str(delivery.problem)


def test_a_number_that_no_float_holds_is_drift(first: First) -> None:
    assert "a number in low" in str(first("yahoo", chart(low=["HERE"]).replace('"HERE"', "1e400")).problem)


@pytest.mark.parametrize(
    "meta",
    [{"exchangeTimezoneName": "America"}, {"exchangeTimezoneName": "x" * 5000}, {"exchangeTimezoneName": None, "gmtoffset": "far"},
     {"exchangeTimezoneName": "..", "gmtoffset": 10**9}, {"regularMarketTime": 10**20, "firstTradeDate": 0}],
)  # fmt: skip
def test_a_chart_with_a_strange_zone_or_clock_still_has_its_bar(first: First, meta: dict[str, Any]) -> None:
    delivery = first("yahoo", chart(meta=meta))
    assert delivery.problem is None
    assert delivery.rows["session_date"].to_pylist() == [DAY]


@pytest.mark.parametrize("cik", [None, "320193", 2**63, -1, True, 1.5])
def test_a_ticker_without_a_number_is_drift(first: First, cik: Any) -> None:
    delivery = first("sec", json.dumps({"0": {"cik_str": cik, "ticker": "AAPL", "title": "Apple Inc."}}))
    assert isinstance(delivery.problem, SchemaDrift) and "cik_str" in str(delivery.problem)


@pytest.mark.parametrize("ticker", ["", " ", "aapl", "AAPL\x00", "-", "천이백", "A" * 40, "<b>", None, 5])
def test_a_text_that_is_no_ticker_is_drift(first: First, ticker: Any) -> None:
    delivery = first("sec", json.dumps({"0": {"cik_str": 320193, "ticker": ticker, "title": "Apple Inc."}}))
    assert isinstance(delivery.problem, SchemaDrift) and "a ticker" in str(delivery.problem)


@pytest.mark.parametrize("source", ["krx", "dart", "naver", "daum"])
def test_an_object_without_keys_is_said_to_be_one(first: First, source: str) -> None:
    assert "an object without keys" in str(first(source, "{}").problem)


@pytest.mark.parametrize(
    "text", ["0001-01-01T00:00:00+09:00", "9999-12-31T23:59:59-09:00", "2024-05-03T10:00:00", "soon", None]
)
def test_a_publication_at_no_instant_goes_to_the_gate(text: str | None) -> None:
    assert daum_instant(text) is None


@pytest.mark.parametrize("text", ["Fri, 31 Dec 9999 23:59:59 -0900", "Wed, 99 Foo", None])
def test_a_publication_day_at_no_instant_goes_to_the_gate(text: str | None) -> None:
    assert naver_instant(text) is None


@pytest.mark.parametrize(
    ("url", "is_news"),
    [
        ("https://v.daum.net/v/1", True),
        ("https://blog.example.com/1", False),
        (None, True),
        ("약 1원", True),
        ("http://[", True),
    ],
)
def test_a_page_without_a_host_is_not_taken_for_a_blog(url: str | None, is_news: bool) -> None:
    assert _is_news({"url": url}) is is_news
