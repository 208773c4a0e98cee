"""The clock and the control routes: nothing later than now is ever shown, whatever now is."""

from datetime import UTC, date, datetime, timedelta
from email.utils import parsedate_to_datetime

import httpx
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exchange.clock import Clock, krx_ready_at
from exchange.keys import DEFAULT_KEYS
from exchange.model import Chart
from exchange.pace import Pace
from exchange.server import serve
from exchange.wires import all_wires
from exchange.wires.answer import Ask
from exchange.worlds import open_world

WORLD = open_world("synthetic:7", symbols=40, us_symbols=5, sessions=60)
WIRES = all_wires(DEFAULT_KEYS)
instants = st.datetimes(datetime(2024, 3, 20), datetime(2024, 7, 10)).map(lambda at: at.replace(tzinfo=UTC))


def body(source: str, path: str, clock: Clock, **query: str) -> dict:
    headers = {
        "auth_key": DEFAULT_KEYS["KRX_API_KEY"],
        "authorization": f"KakaoAK {DEFAULT_KEYS['KAKAO_API_KEY']}",
        "x-naver-client-id": DEFAULT_KEYS["NAVER_CLIENT_ID"],
        "x-naver-client-secret": DEFAULT_KEYS["NAVER_CLIENT_SECRET"],
    }
    return WIRES[source].answer(Ask(path, query, headers), WORLD, clock).body


@settings(max_examples=60, deadline=None)
@given(now=instants, day=st.sampled_from(WORLD.daily.sessions))
def test_krx_shows_a_session_exactly_when_it_is_ready(now, day):
    rows = body("krx", "/svc/apis/sto/stk_bydd_trd", Clock(now), basDd=f"{day:%Y%m%d}")["OutBlock_1"]
    assert bool(rows) == (now >= krx_ready_at(day))


@settings(max_examples=60, deadline=None)
@given(now=instants, symbol=st.sampled_from(sorted(WORLD.charts)))
def test_yahoo_shows_no_bar_event_or_price_from_later(now, symbol):
    chart: Chart = WORLD.charts[symbol]
    result = body("yahoo", f"/v8/finance/chart/{symbol}", Clock(now), range="max", events="div,splits")["chart"][
        "result"
    ][0]
    seconds = int(now.timestamp())
    assert all(at <= seconds for at in result.get("timestamp", []))
    for events in result.get("events", {}).values():
        assert all(int(at) <= seconds for at in events)
    assert result["meta"].get("regularMarketTime", 0) <= seconds + 1
    closed = [price for price, at in zip(chart.prices["close"], chart.closes_at, strict=True) if at > seconds]
    shown = result["indicators"]["quote"][0].get("close", [])
    assert not shown or not closed or abs(shown[-1] / closed[0] - 1) > 1e-9


@settings(max_examples=60, deadline=None)
@given(now=instants)
def test_dart_naver_and_daum_show_nothing_from_later(now):
    clock = Clock(now)
    query = {"crtfc_key": DEFAULT_KEYS["DART_API_KEY"], "end_de": "20240628", "bgn_de": "20240401", "page_count": "100"}
    received = {f.rcept_no: f.received_at for f in WORLD.filings}
    rows = body("dart", "/api/list.json", clock, **query).get("list", [])
    assert all(received[row["rcept_no"]] <= clock.seconds for row in rows)
    items = body("naver", "/v1/search/news.json", clock, query="삼성전자", display="100", sort="date")["items"]
    assert all(parsedate_to_datetime(item["pubDate"]) <= now for item in items)
    pages = body("daum", "/v2/search/web", clock, query="삼성전자", size="50", sort="recency")["documents"]
    assert all(datetime.fromisoformat(page["datetime"]) <= now for page in pages)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(now=instants)
def test_the_date_header_is_the_exchanges_clock(client, server, now):
    server.set_clock(now)
    for path in (
        "/_exchange/health",
        "/krx/x",
        "/yahoo/v8/finance/chart/AAPL",
        "/dart/api/list.json",
        "/naver/x",
        "/kakao/x",
    ):
        assert parsedate_to_datetime(client.http.get(path).headers["date"]) == now.replace(microsecond=0)


def test_the_clock_starts_when_the_last_session_is_due_from_every_source_and_is_set_over_http(client, server):
    assert client.http.get("/_exchange/clock").json() == {"now": "2024-06-29T04:00:00+00:00"}
    moved = client.http.put("/_exchange/clock", json={"now": "2024-05-03T18:00:00+09:00"})
    assert moved.json() == {"now": "2024-05-03T09:00:00+00:00"}
    for bad in ({"now": "yesterday"}, {"now": "2024-05-03T18:00:00"}, {}, []):
        assert client.http.put("/_exchange/clock", json=bad).status_code == 422
    assert client.http.get("/_exchange/clock").json() == moved.json()


def test_the_world_says_what_it_covers(client, server):
    world = client.http.get("/_exchange/world").json()
    assert (world["world"], world["price_basis"]) == ("synthetic:7", "raw")
    assert world["sources"]["krx"] == {
        "exchange": "XKRX",
        "covered": True,
        "markets": ["KOSPI", "KOSDAQ"],
        "services": ["krx_dd_trd", "kospi_dd_trd", "kosdaq_dd_trd", "etf_bydd_trd"],
    }
    assert world["sources"]["yahoo"]["exchange"] == "XNYS"
    assert {"AAPL", "MSFT", "GOOGL", "AMZN", "NVDA", "TSLA", "META"} <= set(world["sources"]["yahoo"]["symbols"])
    assert all(world["sources"][name]["covered"] for name in ("dart", "naver", "daum"))
    assert len(world["sessions"]["XKRX"]) == 150
    assert world["sessions"]["XKRX"][-1] == world["sessions"]["XNYS"][-1] == "2024-06-28"
    assert "2024-05-03" in world["sessions"]["XKRX"]


def test_truth_is_not_served(client):
    for path in ("/_exchange/truth", "/truth"):
        assert client.http.get(path).status_code == 404


def test_a_days_quota_is_counted_by_the_exchanges_day():
    with serve("synthetic:7", symbols=5, sessions=5, pace=Pace(per_day={"krx": 2}, per_second={"yahoo": 1})) as running:
        headers = {"AUTH_KEY": DEFAULT_KEYS["KRX_API_KEY"]}
        url = f"{running.url}/krx/svc/apis/sto/stk_bydd_trd?basDd=20240627"
        assert [httpx.get(url, headers=headers).status_code for _ in range(3)] == [200, 200, 429]
        running.set_clock(running.exchange.clock.now + timedelta(days=1))
        assert httpx.get(url, headers=headers).status_code == 200
        statuses = [httpx.get(f"{running.url}/yahoo/v8/finance/chart/AAPL").status_code for _ in range(5)]
        assert 429 in statuses and 200 in statuses


def test_krx_is_ready_at_eight_in_seoul():
    assert krx_ready_at(date(2024, 5, 3)) == datetime.fromisoformat("2024-05-03T23:00:00+00:00")
