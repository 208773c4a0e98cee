"""The API on Trino: the same bytes as on DuckDB, 503 while Trino is away, queries that end when their client leaves."""

import asyncio
import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import httpx
import pytest
import uvicorn
from fastapi import APIRouter
from fastapi.testclient import TestClient

from lake import online
from lake.objects import lake_store
from lake.releases import Releases
from lake.settings import Settings
from lake.sql import Asking, Cancelled, asking
from lake.sql.trino_release import TrinoSql
from market.errors import Transient
from marketlake.processes import free_port
from serving.app import create_app
from serving.deps import Sql

ENDLESS = (
    "SELECT count(*) AS n FROM gold.prices a, gold.prices b, gold.prices c, gold.prices d, gold.prices e, gold.prices f "
    "WHERE a.close + b.close + c.close + d.close + e.close + f.close = 7.5"
)
URLS = """
/api/v1/stocks
/api/v1/stocks?q=hynix
/api/v1/stocks?q=%EC%82%BC%EC%84%B1
/api/v1/stocks?exchange=XKRX&market=KOSPI&limit=2
/api/v1/stocks/005930
/api/v1/stocks/XNYS:AAPL
/api/v1/stocks/nothing
/api/v1/stocks/005930/prices
/api/v1/stocks/000660/prices?adjust=true
/api/v1/stocks/000660/prices?from=2024-02-01&to=2024-03-10&limit=9
/api/v1/stocks/035420/prices?as_of=2024-04-30T00:00Z
/api/v1/stocks/000660/prices?as_of=2024-04-30T00:00Z&limit=9
/api/v1/stocks/000660/indicators?names=rsi_14,momentum_20
/api/v1/stocks/000660/indicators
/api/v1/stocks/000660/indicators?names=rsi_14&as_of=2024-04-30T00:00Z
/api/v1/stocks/000660/filings?limit=3
/api/v1/stocks/000660/filings?as_of=2024-04-10T00:00Z
/api/v1/stocks/005930/news
/api/v1/stocks/000660/actions
/api/v1/stocks?as_of=2024-04-30T00:00Z&limit=2
/api/v1/stocks/005930?as_of=2024-03-05T00:00Z
/api/v1/stocks/0001A0/listings
/api/v1/stocks/0001A0/listings?as_of=2024-04-30T00:00Z&from=2024-02-01&to=2024-02-02
/api/v1/stocks/000660/adjustments
/api/v1/stocks/000660/adjustments?as_of=2024-04-30T00:00Z&unexplained=true
/api/v1/stocks/AAPL/fundamentals
/api/v1/stocks/AAPL/fundamentals?items=revenue,assets&as_of=2024-04-30T00:00Z
/api/v1/stocks/MSFT/ratios
/api/v1/stocks/MSFT/ratios?basis=consolidated&as_of=2024-04-30T00:00Z
/api/v1/stocks/MSFT/levels
/api/v1/stocks/MSFT/levels?on=2024-04-30&as_of=2024-05-02T00:00Z
/api/v1/stocks/MSFT/levels/events?limit=1
/api/v1/stocks/AAPL/patterns?limit=3
/api/v1/stocks/AAPL/patterns?pattern=common_gap&confidence=0.1&from=2024-02-01
/api/v1/stocks/000660/predictions?limit=5
/api/v1/stocks/000660/predictions?as_of=2024-04-30T00:00Z
/api/v1/market/summary?limit=5
/api/v1/market/summary?limit=5&as_of=2024-04-30T00:00Z
/api/v1/market/summary?exchange=XNYS&from=2024-04-01
/api/v1/features/005930
/api/v1/releases
/api/v1/releases/current
/api/v1/explain?table=gold.prices&key=XKRX:000660&key=2024-04-26&column=close
/api/v1/explain?table=gold.features_daily&key=XKRX:000660&key=2024-04-26&column=rsi_14
/api/v1/explain?table=silver.listings&key=XKRX:0001A0,halted,2024-02-01&column=last_session
/api/v1/explain?table=silver.symbols&key=XKRX:0001A0&column=isin
/api/v1/explain?table=silver.adjustments&key=XKRX:000660,2024-03-04&column=factor
/api/v1/models
/api/v1/models/return_rank_5d
/api/v1/models/return_rank_5d/card
/api/v1/models/return_rank_5d/drift
""".split()
WITHOUT_ROWS = {"/api/v1/stocks?q=hynix"}
NOT_THERE = {"/api/v1/stocks/nothing"}
PREDICT, ASKED = "/api/v1/models/return_rank_5d/predict", {"symbols": ["005930", "AAPL"], "session_date": "2024-04-26"}


def apart(settings: Settings, folder: Path) -> Settings:
    """The settings with a cache and an online store of the test's own."""
    return settings.model_copy(
        update={"cache_url": f"sqlite:///{folder}/cache.db", "online_url": f"sqlite:///{folder}/online.db"}
    )


@pytest.fixture(scope="module")
def clients(lake, redis_server, tmp_path_factory) -> Iterator[list[TestClient]]:
    """The API on DuckDB and SQLite, and on Trino and Redis; both online stores filled."""
    on_redis = {"cache_url": redis_server.url(1), "online_url": redis_server.url(0)}
    both = apart(lake.on_duckdb, tmp_path_factory.mktemp("api")), lake.settings.model_copy(update=on_redis)
    for settings in both:
        online.fill_current(settings, Releases(lake_store(settings)))
    apps = [create_app(settings) for settings in both]
    with (
        TestClient(apps[0], raise_server_exceptions=False) as one,
        TestClient(apps[1], raise_server_exceptions=False) as two,
    ):
        yield [one, two]


@pytest.mark.parametrize("url", URLS)
def test_a_route_answers_the_same_bytes_on_both(url, clients):
    expected, found = (client.get(url) for client in clients)
    assert (found.status_code, found.content) == (expected.status_code, expected.content)
    assert found.status_code == (404 if url in NOT_THERE else 200)
    assert bool(found.json().get("data", "a problem")) == (url not in WITHOUT_ROWS), "equal nothings show little"
    assert clients[1].get(url).content == expected.content  # from the cache, where it has one
    following = found.json().get("next")
    if following:
        expected, found = (client.get(url, params={**httpx.URL(url).params, "cursor": following}) for client in clients)
        assert (found.status_code, found.content) == (200, expected.content)


@pytest.mark.parametrize("page", ["/factors", "/", "/charts/MSFT"])
def test_a_page_is_the_same_on_both(page, clients):
    expected, found = (client.get(page) for client in clients)
    assert (found.status_code, found.content) == (expected.status_code, expected.content) and found.status_code == 200


def test_no_route_that_reads_is_left_out(clients):
    paths = clients[0].get("/openapi.json").json()["paths"]
    reading = {path for path, verbs in paths.items() if "get" in verbs and path.startswith("/api/")}
    patterns = {path: re.compile(re.sub(r"\{[^}]*\}", "[^/]+", path) + "$") for path in reading}
    asked = [httpx.URL(url).path for url in URLS]
    assert {path for path, pattern in patterns.items() if not any(map(pattern.match, asked))} == set()


def test_a_model_scores_the_same_on_both(clients):
    expected, found = (client.post(PREDICT, json=ASKED) for client in clients)
    assert (found.status_code, found.content) == (200, expected.content)
    assert [row["score"] is not None for row in found.json()["data"]] == [True, True]


def test_while_trino_is_away_a_query_is_503_and_comes_back(lake, tmp_path):
    with a_way_to(lake.settings) as (settings, way), TestClient(create_app(apart(settings, tmp_path)),
                                                                raise_server_exceptions=False) as client:  # fmt: skip
        url = "/api/v1/stocks?limit=1"
        assert client.get(url).status_code == 200
        way.cut()
        answer = client.get("/api/v1/stocks?limit=2")
        assert (answer.status_code, answer.json()["type"]) == (503, "urn:marketlake:problem:unavailable")
        assert int(answer.headers["Retry-After"]) > 0
        assert client.get("/healthz").status_code == 200
        way.mend()
        assert client.get("/api/v1/stocks?limit=2").status_code == 200


def test_without_trino_at_the_start_nothing_is_open(lake, tmp_path):
    gone = lake.settings.model_copy(update={"sql_url": f"trino://marketlake@127.0.0.1:{free_port()}/lake"})
    with TestClient(create_app(apart(gone, tmp_path)), raise_server_exceptions=False) as client:
        answer = client.get("/api/v1/stocks")
        assert (answer.status_code, "Retry-After" in answer.headers) == (503, True)
    with pytest.raises(Transient, match=r"Trino at 127\.0\.0\.1"):
        TrinoSql(gone, lake.third)


@pytest.mark.parametrize("engine", ["duckdb", "trino"])
def test_a_query_ends_when_its_client_leaves(engine, lake, tmp_path, server):
    app = create_app(apart(lake.settings if engine == "trino" else lake.on_duckdb, tmp_path))
    seen: list[BaseException] = []
    mark = f"{engine}-{time.monotonic_ns()}"
    router = APIRouter()

    @router.get("/endless")
    def endless(sql: Sql) -> dict[str, int]:
        try:
            sql.query(f"{ENDLESS} AND 'x' <> '{mark}'")
        except BaseException as error:
            seen.append(error)
            raise
        return {}

    app.include_router(router)
    with serving(app) as url:
        with pytest.raises(httpx.ReadTimeout):
            httpx.get(f"{url}/endless", timeout=3.0)
        left = time.monotonic()
        until(lambda: seen)
        assert time.monotonic() - left < 4.0
        assert isinstance(seen[0], Cancelled)
        assert httpx.get(f"{url}/api/v1/stocks?limit=1", timeout=20.0).status_code == 200
    if engine == "trino":
        with closing(TrinoSql(lake.settings, lake.third, is_own_dialect=True)) as watching:
            query = f"SELECT state, error_code FROM system.runtime.queries WHERE query LIKE '%{mark}%' AND query NOT LIKE '%runtime%'"
            until(lambda: watching.query(query)["state"].to_pylist() == ["FAILED"])
            assert watching.query(query)["error_code"].to_pylist() == ["USER_CANCELED"]


def test_who_has_left_gets_no_more_queries(sql):
    asker = Asking()
    known = asking.current.set(asker)
    try:
        assert sql.query("SELECT 1 AS one").num_rows == 1
        threading.Timer(0.5, asker.leave).start()
        began = time.monotonic()
        with pytest.raises(Cancelled):
            sql.query(ENDLESS)
        assert time.monotonic() - began < 5.0
        with pytest.raises(Cancelled):
            sql.query("SELECT 1")
    finally:
        asking.current.reset(known)
    assert sql.query("SELECT 1 AS one").num_rows == 1


def until(is_so, seconds: float = 15.0) -> None:
    """Wait for it."""
    give_up = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < give_up
        time.sleep(0.05)


@contextmanager
def serving(app) -> Iterator[str]:
    """The app on a port of its own."""
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_config=None))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        until(lambda: server.started, 60)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(30)


class Way:
    """Bytes to Trino and back, until it is cut."""

    def __init__(self, port: int) -> None:
        self.port, self._to = free_port(), port
        self._listening: socket.socket | None = None
        self._open: list[socket.socket] = []

    def mend(self) -> None:
        """Listen."""
        self._listening = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._accept, args=(self._listening,), daemon=True).start()

    def cut(self) -> None:
        """Close everything."""
        if self._listening is not None:
            self._listening.shutdown(socket.SHUT_RDWR)
            self._listening.close()
            self._listening = None
        for one in self._open:
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue  # it is closed
            finally:
                one.close()
        self._open.clear()

    def _accept(self, listening: socket.socket) -> None:
        while True:
            try:
                here, _ = listening.accept()
            except OSError:
                return
            there = socket.create_connection(("127.0.0.1", self._to))
            self._open += [here, there]
            for source, target in ((here, there), (there, here)):
                threading.Thread(target=_copy, args=(source, target), daemon=True).start()


def _copy(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(65_536):
            target.sendall(data)
    except OSError:
        return


@contextmanager
def a_way_to(settings: Settings) -> Iterator[tuple[Settings, Way]]:
    """Settings whose Trino can be cut off."""
    address = httpx.URL(settings.sql_url)
    way = Way(int(address.port or 0))
    way.mend()
    try:
        yield settings.model_copy(update={"sql_url": str(address.copy_with(port=way.port))}), way
    finally:
        way.cut()


def test_a_message_is_read_ahead_and_no_more(lake):
    from serving.leaving import watched

    async def ask() -> tuple[list[str], bool]:
        given = iter(
            [{"type": "http.request", "body": b"a", "more_body": True}, {"type": "http.request", "body": b"b"}]
        )

        async def receive():
            try:
                return next(given)
            except StopIteration:
                return {"type": "http.disconnect"}

        async with watched(receive) as (messages, asker):
            found = [await messages() for _ in range(3)]
            await asyncio.sleep(0)
            return [message["type"] for message in found], asker.has_left

    assert asyncio.run(ask()) == (["http.request", "http.request", "http.disconnect"], True)
