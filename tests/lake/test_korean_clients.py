"""KRX, OpenDART and Naver: what they are asked, how ranges and pages end, and what the news search really covered."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest

from exchange.server import Server
from lake.clients import client, names
from lake.delivery import ClientContext, Delivery
from lake.settings import Settings
from lake.world import open_world
from market import registry
from market.errors import Permanent
from market.sources import news_window

SEOUL = ZoneInfo("Asia/Seoul")
LIVE = {f"{source}_base_url": "live" for source in ("krx", "yahoo", "dart", "naver")}
Ask = Callable[..., list[Delivery]]


@pytest.fixture
def ask(make: Callable[..., Settings]) -> Ask:
    """Deliveries of a source's client from a scripted real host."""

    def deliveries(
        source: str, sessions: list[date], handler: Callable[[httpx.Request], httpx.Response], **values: Any
    ) -> list[Delivery]:
        settings = make(**{**LIVE, **values})
        ctx = ClientContext(
            settings, open_world(settings), companies=(("005930", "삼성전자"),), transport=httpx.MockTransport(handler)
        )
        return list(client(source).deliveries(sessions, ctx))

    return deliveries


def test_every_bronze_table_has_its_client_and_every_client_its_tables() -> None:
    named = {table for name in names() for table in client(name).TABLES}
    assert named == {table.name for table in registry.layer("bronze")}
    for name in names():
        assert client(name).SOURCE == name


def test_a_source_without_a_client_is_refused_with_the_list() -> None:
    with pytest.raises(Permanent, match="dart, krx, naver, yahoo"):
        client("bloomberg")


def krx_rows(request: httpx.Request) -> httpx.Response:
    """One row on a session, none on the holiday."""
    table = "bronze.krx_daily" if request.url.path.endswith("bydd_trd") else "bronze.krx_listing"
    columns = [c.name for c in registry.table(table).columns if c.name.isupper()]
    is_holiday = request.url.params["basDd"] == "20240506"
    return httpx.Response(200, json={"OutBlock_1": [] if is_holiday else [dict.fromkeys(columns, "1")]})


def test_krx_is_asked_for_each_market_and_for_the_closed_weekday_before(ask: Ask) -> None:
    asked: list[str] = []

    def handler(request: httpx.Request) -> httpx.Response:
        asked.append(f"{request.url.host}{request.url.path}?{request.url.query.decode()}")
        assert "AUTH_KEY" in request.headers
        return krx_rows(request)

    found = ask("krx", [date(2024, 5, 7)], handler)
    base = "data-dbg.krx.co.kr/svc/apis/sto"
    assert sorted(asked) == sorted(
        [
            f"{base}/stk_bydd_trd?basDd=20240506",
            *(
                f"{base}/{m}_{api}?basDd=20240507"
                for m in ("stk", "ksq", "knx")
                for api in ("bydd_trd", "isu_base_info")
            ),
        ]
    )
    assert [d.ends_unit for d in found] == [False] * 6 + [True]


def test_konex_is_not_asked_before_it_opened(ask: Ask) -> None:
    found = ask("krx", [date(2013, 6, 28)], krx_rows)
    assert {d.suffix[:3] for d in found} == {"stk", "ksq"}


def test_a_block_page_of_krx_says_to_slow_down(ask: Ask) -> None:
    page = "<html><title>에러페이지 - 한국거래소</title></html>"
    with pytest.raises(Permanent, match="MARKETLAKE_KRX_PACE_PER_S"):
        ask("krx", [date(2024, 5, 7)], lambda request: httpx.Response(200, text=page))


def test_holes_of_a_recorded_world_are_not_asked(intake: Any, exchange: Server) -> None:
    days = intake.sessions("krx")
    holed = replace(intake.world, days={"XKRX": (*days[:5], *days[8:])})
    ctx = replace(intake.context(), world=holed)
    found = list(client("krx").deliveries(days[4:10], ctx))
    assert {d.session_date for d in found} == {days[4], days[8], days[9]}
    asked = {d.request.rpartition("=")[2] for d in found}
    assert asked.isdisjoint(f"{day:%Y%m%d}" for day in days[5:8])


def dart_host(n_filings: int, asked: list[tuple[str, str, int]]) -> Callable[[httpx.Request], httpx.Response]:
    """So many filings, all received on a Saturday, by pages."""
    columns = ("corp_code", "corp_name", "stock_code", "corp_cls", "report_nm", "flr_nm", "rm")

    def handler(request: httpx.Request) -> httpx.Response:
        params = request.url.params
        page, size = int(params["page_no"]), int(params["page_count"])
        asked.append((params["bgn_de"], params["end_de"], page))
        rows = [
            {**dict.fromkeys(columns, "x"), "rcept_no": str(n), "rcept_dt": "20240504"}
            for n in range((page - 1) * size, min(page * size, n_filings))
        ]
        if not rows:
            return httpx.Response(200, json={"status": "013", "message": "조회된 데이타가 없습니다."})
        return httpx.Response(200, json={"status": "000", "total_page": -(-n_filings // size), "list": rows})

    return handler


def test_every_page_of_filings_is_read_and_a_weekend_counts_for_the_next_session(ask: Ask) -> None:
    asked: list[tuple[str, str, int]] = []
    found = ask("dart", [date(2024, 5, 3), date(2024, 5, 7)], dart_host(250, asked))
    assert sorted(asked) == [("20240503", "20240507", page) for page in (1, 2, 3)]
    assert [d.rows.num_rows for d in found] == [100, 100, 50]
    assert {day for d in found for day in d.rows.column("session_date").to_pylist()} == {date(2024, 5, 7)}


def test_a_day_without_filings_is_no_error(ask: Ask) -> None:
    [delivery] = ask("dart", [date(2024, 5, 7)], dart_host(0, []))
    assert delivery.rows.num_rows == 0
    assert delivery.problem is None


def test_a_backfill_asks_for_at_most_three_months_at_once_and_leaves_no_day_out(ask: Ask, make: Any) -> None:
    asked: list[tuple[str, str, int]] = []
    sessions = open_world(make(**LIVE)).sessions("XKRX", date(2023, 1, 2), date(2023, 12, 28))
    ask("dart", sessions, dart_host(0, asked))
    spans = sorted((datetime.strptime(b, "%Y%m%d"), datetime.strptime(e, "%Y%m%d")) for b, e, _ in asked)
    assert all(end - begin <= timedelta(days=89) for begin, end in spans)
    assert all(then[0] - before[1] == timedelta(days=1) for before, then in pairwise(spans))
    assert len(spans) <= 6


@pytest.mark.parametrize(
    ("status", "words"), [("100", "does not take"), ("012", "not allowed"), ("900", "does not take")]
)
def test_opendart_says_no_by_status(ask: Ask, status: str, words: str) -> None:
    with pytest.raises(Permanent, match=words):
        ask("dart", [date(2024, 5, 7)], lambda r: httpx.Response(200, json={"status": status, "message": "no"}))


def naver_host(n_items: int, newest: datetime, asked: list[int]) -> Callable[[httpx.Request], httpx.Response]:
    """So many headlines, one each hour back from the newest."""

    def handler(request: httpx.Request) -> httpx.Response:
        start, display = int(request.url.params["start"]), int(request.url.params["display"])
        if start > 1000:
            return httpx.Response(400, json={"errorMessage": "Invalid start value", "errorCode": "SE03"})
        asked.append(start)
        items = [
            {
                "title": f"{n}", "originallink": f"https://p/{n}", "link": f"https://p/{n}", "description": "",
                "pubDate": format_datetime((newest - timedelta(hours=n)).astimezone(SEOUL)),
            }
            for n in range(start - 1, min(start - 1 + display, n_items))
        ]  # fmt: skip
        return httpx.Response(200, json={"total": n_items, "start": start, "display": len(items), "items": items})

    return handler


NEWEST = datetime(2024, 5, 10, 7, 0, tzinfo=UTC)


def test_a_search_stops_at_the_page_that_reaches_before_the_first_window(ask: Ask) -> None:
    asked: list[int] = []
    found = ask("naver", [date(2024, 5, 9), date(2024, 5, 10)], naver_host(5000, NEWEST, asked))
    assert asked == [1]
    news = [row for d in found if d.table == "bronze.naver_news" for row in d.rows.to_pylist()]
    [coverage] = [d.rows.to_pylist() for d in found if d.table == "bronze.naver_coverage"]
    for row in coverage:
        after, up_to = news_window("XKRX", row["session_date"])
        hours = sum(after < NEWEST - timedelta(hours=n) <= up_to for n in range(100))
        assert (row["is_covered"], row["n_items"]) == (True, hours)
    assert len(news) == sum(row["n_items"] for row in coverage)


def test_a_session_before_the_oldest_item_shown_is_not_covered_rather_than_without_news(ask: Ask) -> None:
    asked: list[int] = []
    sessions = [date(2024, 3, day) for day in (4, 5)] + [date(2024, 4, 1)]
    found = ask("naver", sessions, naver_host(50_000, NEWEST, asked))
    assert asked == [*range(1, 1000, 100), 1000]
    [coverage] = [d.rows.to_pylist() for d in found if d.table == "bronze.naver_coverage"]
    assert [row["is_covered"] for row in coverage] == [False, False, True]
    titles = [t for d in found if d.table == "bronze.naver_news" for t in d.rows.column("title").to_pylist()]
    assert len(titles) == len(set(titles)), "the overlap of the last page is counted once"


def test_a_search_with_nothing_older_covers_every_session(ask: Ask) -> None:
    found = ask("naver", [date(2020, 1, 2), date(2024, 5, 10)], naver_host(3, NEWEST, []))
    coverage = found[-1].rows.to_pylist()
    assert [(row["is_covered"], row["n_items"]) for row in coverage] == [(True, 0), (True, 2)]


@pytest.mark.parametrize(
    ("flavour", "url", "header"),
    [
        ("legacy", "https://openapi.naver.com/v1/search/news.json", "X-Naver-Client-Id"),
        ("hub", "https://naverapihub.apigw.ntruss.com/search/v1/news", "X-NCP-APIGW-API-KEY-ID"),
    ],
)
def test_both_flavours_have_their_host_and_headers(ask: Ask, flavour: str, url: str, header: str) -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        assert str(request.url).partition("?")[0] == url
        assert request.headers[header] == "exchange-naver-client"
        return naver_host(1, NEWEST, [])(request)

    ask("naver", [date(2024, 5, 10)], handler, naver_flavour=flavour)


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (401, {"errorMessage": "Authentication failed", "errorCode": "024"}, "MARKETLAKE_NAVER_CLIENT_ID"),
        (401, {"error": {"errorCode": "200", "message": "Authentication Failed"}}, "MARKETLAKE_NAVER_CLIENT_ID"),
        (429, {"errorMessage": "Query limit exceeded", "errorCode": "010"}, "MARKETLAKE_NAVER_QUOTA_PER_DAY"),
        (429, {"error": {"errorCode": "400", "message": "Quota Exceeded"}}, "MARKETLAKE_NAVER_QUOTA_PER_DAY"),
        (400, {"errorMessage": "Invalid sort value", "errorCode": "SE04"}, "does not take"),
    ],
)
def test_naver_says_no_by_code(ask: Ask, status: int, body: dict[str, Any], words: str) -> None:
    with pytest.raises(Permanent, match=words):
        ask("naver", [date(2024, 5, 10)], lambda request: httpx.Response(status, json=body))


def test_the_hub_answers_for_the_same_world(intake: Any) -> None:
    sessions = intake.sessions("naver")[-2:]
    assert intake.with_settings(naver_flavour="hub").take("naver", sessions).new_rows > 0


def test_a_world_without_news_delivers_nothing_at_all(intake: Any) -> None:
    covered = {**intake.world.covered, "naver": {"covered": False}}
    ctx = replace(intake.context(), world=replace(intake.world, covered=covered))
    assert list(client("naver").deliveries(intake.sessions("naver")[-2:], ctx)) == []
