"""The cached routes over HTTP: the same bytes from every level and backend, at every release, whatever is away."""

import threading
import time
from typing import Any

import pytest
from fastapi.testclient import TestClient

from lake import online
from lake.settings import Settings
from lake.sql import ReleaseSql
from market.errors import Permanent, Transient
from serving.app import create_app

PRICES, SUMMARY = "/api/v1/stocks/005930/prices", "/api/v1/market/summary"
URLS = (
    PRICES, f"{PRICES}?limit=7", f"{PRICES}?adjust=true&from=2024-02-20&to=2024-03-20", f"{PRICES}?as_of=2024-05-10T00:00Z&adjust=1",
    "/api/v1/stocks/AAPL/prices?limit=3", "/api/v1/stocks/XKRX:005930/indicators",
    "/api/v1/stocks/005930/indicators?names=rsi_14,macd&limit=2", SUMMARY, f"{SUMMARY}?exchange=XKRX&market=KOSDAQ", f"{SUMMARY}?limit=1",
)  # fmt: skip


@pytest.fixture(params=["sqlite", "redis"])
def stack(request, lake, tmp_path) -> Settings:
    """The lake's settings with cache and online store on one of the two."""
    if request.param == "sqlite":
        urls = {"cache_url": f"sqlite:///{tmp_path}/cache.db"}
    else:
        server = request.getfixturevalue("redis_server")
        with server.client() as client:
            client.flushall()
        urls = {"cache_url": server.url(1), "online_url": server.url(0)}
    return lake.settings.model_copy(update=urls)


@pytest.fixture
def on_redis(redis_server, lake) -> Settings:
    with redis_server.client() as client:
        client.flushall()
    return lake.settings.model_copy(update={"cache_url": redis_server.url(1), "online_url": redis_server.url(0)})


def opened(settings: Settings) -> TestClient:
    return TestClient(create_app(settings), raise_server_exceptions=False)


def count(client: TestClient, level: str, outcome: str) -> float:
    return metric(client, f'marketlake_cache_requests_total{{level="{level}",outcome="{outcome}"}}')


def metric(client: TestClient, name: str) -> float:
    (line,) = [line for line in client.get("/metrics").text.splitlines() if line.startswith(f"{name} ")]
    return float(line.split()[-1])


def plain(answer: Any) -> tuple[int, bytes, dict[str, str]]:
    return answer.status_code, answer.content, {k: v for k, v in answer.headers.items() if k != "x-request-id"}


def test_every_level_gives_the_same_bytes_and_heads(stack, lake):
    """Made, from this process, from the shared cache, from the shared cache by another process; and made in the embedded stack."""
    with opened(stack) as first, opened(stack) as second:
        made = {url: plain(first.get(url)) for url in URLS}
        assert {status for status, *_ in made.values()} == {200}
        assert (count(first, "l2", "hit"), count(first, "l1", "hit")) == (0, 0)
        again = {url: plain(first.get(url)) for url in URLS}
        assert count(first, "l1", "hit") == len(URLS)
        first.app.state.answers.front.clear()
        shared = {url: plain(first.get(url)) for url in URLS}
        assert count(first, "l2", "hit") == len(URLS)
        elsewhere = {url: plain(second.get(url)) for url in URLS}
        assert (count(second, "l2", "hit"), count(second, "l2", "miss")) == (len(URLS), 0)
        assert made == again == shared == elsewhere
    with opened(
        lake.settings.model_copy(update={"cache_url": f"sqlite:///{lake.settings.lake_url}.fresh.db"})
    ) as fresh:
        assert {url: plain(fresh.get(url)) for url in URLS} == made


def test_online_features_have_the_same_bytes_from_every_store_and_from_the_lake(stack, lake):
    url = "/api/v1/features/005930"
    with opened(stack) as client:
        from_lake = plain(client.get(url))
        online.fill(stack, lake.first)
        from_store = plain(client.get(url))
        assert (metric(client, 'marketlake_online_reads_total{source="store"}'), from_store) == (1.0, from_lake)
        online.fill(stack, lake.second)
        lake.releases.publish(lake.second)
        client.app.state.current.refresh()
        second = plain(client.get(url))
        lake.releases.rollback("r00001")
        client.app.state.current.refresh()
        assert plain(client.get(url)) == from_lake, "the store is ahead"
        online.fill(stack, lake.first)
        assert plain(client.get(url)) == from_lake
        assert second[1] != from_lake[1]
        assert metric(client, 'marketlake_online_reads_total{source="store"}') == 3.0


def test_a_new_release_and_a_rollback_invalidate_at_once(stack, lake):
    with opened(stack) as client:
        first = {url: plain(client.get(url)) for url in URLS}
        lake.releases.publish(lake.second)
        client.app.state.current.refresh()
        second = {url: plain(client.get(url)) for url in URLS}
        assert {client.get(url).json()["meta"]["release_id"] for url in URLS} == {"r00002"}
        assert all(second[url] != first[url] for url in URLS)
        lake.releases.rollback("r00001")
        client.app.state.current.refresh()
        assert {url: plain(client.get(url)) for url in URLS} == first


def test_one_spelling_or_another_is_one_entry(stack):
    with opened(stack) as client:
        urls = (
            f"{PRICES}?limit=5",
            "/api/v1/stocks/XKRX:005930/prices?limit=5&adjust=false",
            f"{PRICES}?adjust=0&limit=05",
        )
        bodies = {client.get(url).content for url in urls}
        assert (len(bodies), count(client, "l2", "miss"), count(client, "l2", "hit")) == (1, 1, 2)


def test_an_unchanged_answer_is_a_304_from_the_first_level_too(stack):
    with opened(stack) as client:
        tag = client.get(PRICES).headers["ETag"]
        for _ in range(2):
            answer = client.get(PRICES, headers={"If-None-Match": f'"x", W/{tag}', "X-Request-Id": "mine"})
            assert (answer.status_code, answer.content, answer.headers["ETag"]) == (304, b"", tag)
            assert (answer.headers["X-Request-Id"], answer.headers["X-Release-Id"]) == ("mine", "r00001")
        assert count(client, "l1", "hit") == 2
        assert client.get(PRICES, headers={"If-None-Match": '"x"'}).status_code == 200


def test_bad_input_is_never_cached_and_never_answered_from_the_cache(stack):
    with opened(stack) as client:
        client.get(PRICES)
        for _ in range(2):
            assert client.get(f"{PRICES}?limt=3").status_code == 422
            assert client.get("/api/v1/stocks/005930/indicators?names=nothing").status_code == 422
            assert client.get("/api/v1/stocks/999999/prices").status_code == 404
            assert client.post(PRICES).status_code == 405
        assert count(client, "l1", "hit") == 0


def test_redis_holds_the_documented_keys_and_nothing_else(redis_server, on_redis):
    with opened(on_redis) as client, redis_server.client(1) as redis:
        for url in URLS:
            client.get(url)
        keys = sorted(key.decode() for key in redis.keys())
        assert keys == [
            "market:summary", "stock:indicators:XKRX:005930:all", "stock:indicators:XKRX:005930:macd,rsi_14",
            "stock:price:XKRX:005930", "stock:price:XNYS:AAPL",
        ]  # fmt: skip
        times = {key: redis.hpttl(key, *redis.hkeys(key)) for key in keys}
        for prefix, seconds in (("market", 60), ("stock:indicators", 300), ("stock:price", 30)):
            found = [left for key, lefts in times.items() if key.startswith(prefix) for left in lefts]
            assert all(seconds * 1000 - 15_000 < left <= seconds * 1000 for left in found), prefix
        assert redis.hget("market:summary", "limit=1").startswith(b"r00001 "), "the release is in the value"


class Watched(ReleaseSql):
    """The release's SQL, which counts, takes its time, and may be away; what is known of the release stays known."""

    def __init__(self, sql: ReleaseSql) -> None:
        self._begin(sql.release)
        self._sql, self._made = sql, sql._made
        self.asked: list[str] = []
        self.pause_s, self.is_away = 0.0, False

    def query(self, text: str, params: Any = ()) -> Any:
        self.asked.append(text)
        time.sleep(self.pause_s)
        if self.is_away:
            raise Transient("SQL engine at 127.0.0.1:1", expected="an answer", found="connection refused")
        return self._sql.query(text, params)

    def close(self) -> None:
        self._sql.close()


def watch(client: TestClient) -> Watched:
    held = client.app.state.current._held
    held.sql = Watched(held.sql)
    return held.sql


def test_equal_misses_at_once_cost_one_query(stack):
    with opened(stack) as client:
        sql = watch(client)
        client.get("/api/v1/stocks/005930")
        client.get(f"{PRICES}?limit=1")  # reads what codes mean
        sql.asked.clear()
        sql.pause_s = 0.3
        found: list[bytes] = []
        threads = [
            threading.Thread(target=lambda: found.append(client.get(f"{PRICES}?limit=9").content)) for _ in range(20)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert (len(sql.asked), len(found), len(set(found))) == (1, 20, 1)


def test_without_the_sql_engine_the_cached_is_answered_and_the_rest_is_503_with_retry_after(stack):
    with opened(stack) as client, opened(stack) as other:
        made = {url: plain(client.get(url)) for url in URLS}
        for one in (client, other):
            watch(one).is_away = True
        assert {url: plain(client.get(url)) for url in URLS} == made
        client.app.state.answers.front.clear()
        assert {url: plain(client.get(url)) for url in URLS} == made, "from the shared level"
        assert plain(other.get(PRICES)) == made[PRICES]
        for url in (f"{PRICES}?limit=99", "/api/v1/stocks/005930", "/api/v1/stocks/000660/prices"):
            answer = client.get(url)
            assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")
            assert answer.headers["content-type"] == "application/problem+json"


def test_online_features_need_no_sql_once_any_symbol_was_asked_for(stack, lake):
    online.fill(stack, lake.first)
    with opened(stack) as client:
        before = plain(client.get("/api/v1/features/005930"))
        watch(client).is_away = True
        assert plain(client.get("/api/v1/features/005930")) == before
        assert client.get("/api/v1/features/AAPL").status_code == 200
        assert client.get("/api/v1/features/999999").status_code == 404


def test_without_redis_answers_are_the_same_and_it_comes_back_by_itself(redis_server, on_redis, lake):
    online.fill(on_redis, lake.first)
    with opened(on_redis) as client:
        urls = (*URLS, "/api/v1/features/005930")
        before = {url: plain(client.get(url)) for url in urls}
        redis_server.stop()
        try:
            client.app.state.answers.front.clear()
            assert {url: plain(client.get(url)) for url in urls} == before
            assert count(client, "l2", "error") >= 1
            assert metric(client, 'marketlake_cache_up{backend="redis"}') == 0.0
        finally:
            redis_server.start()
        ends = time.monotonic() + 12
        while metric(client, 'marketlake_cache_up{backend="redis"}') == 0.0 and time.monotonic() < ends:
            client.app.state.answers.front.clear()
            client.get(SUMMARY)
            time.sleep(0.1)
        assert metric(client, 'marketlake_cache_up{backend="redis"}') == 1.0


def test_a_redis_that_hangs_costs_one_short_wait(redis_server, on_redis):
    with opened(on_redis) as client:
        before = plain(client.get(PRICES))
        redis_server.freeze()
        try:
            began = time.monotonic()
            for _ in range(10):
                client.app.state.answers.front.clear()
                assert plain(client.get(PRICES)) == before
            assert time.monotonic() - began < 1.5
        finally:
            redis_server.thaw()


def test_an_url_of_no_cache_is_refused_before_anything_is_served(lake):
    with pytest.raises(Permanent, match="MARKETLAKE_CACHE_URL"):
        create_app(lake.settings.model_copy(update={"cache_url": "memcached://host"}))


def test_the_metrics_say_what_is_cached_running_and_served(stack):
    with opened(stack) as client:
        client.get(PRICES)
        client.get(PRICES)
        text = client.get("/metrics").text
        for line in (
            'marketlake_cache_requests_total{level="l1",outcome="hit"} 1.0',
            'marketlake_cache_requests_total{level="l1",outcome="miss"} 1.0',
            'marketlake_cache_requests_total{level="l2",outcome="miss"} 1.0',
            'marketlake_cache_requests_total{level="l2",outcome="error"} 0.0',
            'marketlake_cache_requests_total{level="l2",outcome="skipped"} 0.0',
            "marketlake_cache_answers 1.0", "marketlake_queries_running 0.0", "marketlake_http_requests_running 1.0",
            'marketlake_http_request_seconds_count{method="GET",route="/api/v1/stocks/{symbol}/prices"} 2.0',
            "marketlake_release_switch_failed 0.0",
        ):  # fmt: skip
            assert line in text, line
        assert metric(client, "marketlake_release_age_seconds") > 0
        assert metric(client, "marketlake_cache_bytes") > len(client.get(PRICES).content)
