"""KRX, OpenDART, Naver and Daum: what they are asked, how ranges and pages end, and what the news search really covered."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest

from exchange.keys import DEFAULT_KEYS
from exchange.server import Server
from lake.clients import client, keys, krx, names
from lake.delivery import Company, Delivery, SchemaDrift
from lake.delta import DeltaLake
from lake.settings import Settings
from market import registry
from market.errors import Permanent, Transient
from market.sources import SOURCES, news_window

SEOUL = ZoneInfo("Asia/Seoul")
LIVE = {source.setting("base_url"): "live" for source in SOURCES.values()}
Ask = Callable[..., list[Delivery]]


def test_every_bronze_table_has_its_client_and_every_client_its_tables() -> None:
    named = {table for name in names() for table in client(name).TABLES}
    assert named == {table.name for table in registry.layer("bronze")}
    for name in names():
        assert client(name).SOURCE == name


def test_every_key_that_a_source_asks_for_is_a_setting_and_says_where_it_comes_from() -> None:
    asked = keys()
    assert {name for names, _ in asked.values() for name in names} == {name.lower() for name in DEFAULT_KEYS}
    assert all(where for names, where in asked.values() if names)
    assert all(
        isinstance(Settings.model_fields[name].annotation, type) for names, _ in asked.values() for name in names
    )


def test_a_source_without_a_client_is_refused_with_the_list() -> None:
    with pytest.raises(Permanent, match="dart, daum, krx, krx_market, naver, sec, yahoo"):
        client("bloomberg")


def krx_rows(request: httpx.Request) -> httpx.Response:
    """One row on a session, none on the holiday."""
    _, category, api = request.url.path.removeprefix("/svc").split("/")[1:]
    stocks = "bronze.krx_daily" if api.endswith("bydd_trd") else "bronze.krx_listing"
    table = stocks if category == "sto" else krx.OPTIONAL[api][1]
    columns = [c.name for c in registry.table(table).columns if c.name.isupper()]
    day = request.url.params["basDd"]
    row = {**dict.fromkeys(columns, "1"), **({"BAS_DD": day} if "BAS_DD" in columns else {})}
    return httpx.Response(200, json={"OutBlock_1": [] if day == "20240506" else [row]})


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
            *(f"{base[:-4]}/idx/{series}_dd_trd?basDd=20240507" for series in ("krx", "kospi", "kosdaq")),
            f"{base[:-4]}/etp/etf_bydd_trd?basDd=20240507",
        ]
    )
    assert [d.ends_unit for d in found] == [False] * 20 + [
        True
    ]  # a holiday, and of ten services the rows and the state


def services_told(found: list[Delivery]) -> dict[str, tuple[str, str, str | None]]:
    told = [row for d in found if d.table == "bronze.krx_services" for row in d.rows.to_pylist()]
    return {row["service"]: (row["state"], row["n_rows"], row["told"]) for row in told}


@pytest.mark.parametrize("status", [200, 401, 403])
def test_a_service_that_is_not_approved_is_named_and_the_others_go_on(ask: Ask, status: int) -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("kospi_dd_trd"):
            return httpx.Response(status, json={"respMsg": "Unauthorized API Call", "respCode": "401"})
        return krx_rows(request)

    found = ask("krx", [date(2024, 5, 7)], handler)
    told = services_told(found)
    assert told.pop("kospi_dd_trd") == ("refused", "0", "respCode 401: Unauthorized API Call")
    assert set(told.values()) == {("open", "1", None)} and len(told) == 9
    assert sorted(d.suffix for d in found if d.table == "bronze.krx_indices") == ["kosdaq_dd_trd", "krx_dd_trd"]
    assert all(d.problem is None for d in found) and found[-1].ends_unit


def test_stocks_that_are_not_approved_stop_the_day_and_say_which(ask: Ask) -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("ksq_bydd_trd"):
            return httpx.Response(200, json={"respMsg": "Unauthorized API Call", "respCode": "401"})
        return krx_rows(request)

    with pytest.raises(Permanent, match="approved for the service ksq_bydd_trd"):
        ask("krx", [date(2024, 5, 7)], handler)


def test_services_to_ask_are_a_setting(ask: Ask) -> None:
    for setting, wanted in (("off", set()), (" etf_bydd_trd ", {"etf_bydd_trd"})):
        found = ask("krx", [date(2024, 5, 7)], krx_rows, krx_services=setting)
        assert set(services_told(found)) & set(krx.OPTIONAL) == wanted
    with pytest.raises(Permanent, match="MARKETLAKE_KRX_SERVICES: expected services among krx_dd_trd"):
        ask("krx", [date(2024, 5, 7)], krx_rows, krx_services="etn_bydd_trd")


def test_an_empty_answer_of_an_approved_service_on_a_session_blocks(ask: Ask) -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        empty = request.url.path.endswith("etf_bydd_trd")
        return httpx.Response(200, json={"OutBlock_1": []}) if empty else krx_rows(request)

    [blocked] = [d for d in ask("krx", [date(2024, 5, 7)], handler) if d.problem]
    assert "blocked: etf_bydd_trd answered with no rows" in str(blocked.problem)


def test_a_world_of_prices_alone_is_not_asked_for_indices_and_funds(intake: Any) -> None:
    covered = {**intake.world.covered, "krx": {**intake.world.covered["krx"], "services": []}}
    ctx = replace(intake.context(), world=replace(intake.world, covered=covered))
    found = list(client("krx").deliveries(intake.sessions("krx")[-1:], ctx))
    assert {d.table for d in found} == {"bronze.krx_daily", "bronze.krx_listing", "bronze.krx_services"}


def test_one_row_of_another_day_goes_on_to_the_gate(ask: Ask) -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        body = krx_rows(request).json()
        for row in body["OutBlock_1"][:1]:
            body["OutBlock_1"].append({**row, **({"BAS_DD": "20240503"} if "BAS_DD" in row else {})})
        return httpx.Response(200, json=body)

    found = [d for d in ask("krx", [date(2024, 5, 7)], handler) if d.table == "bronze.krx_daily" and d.rows.num_rows]
    assert [d.problem for d in found] == [None] * 3
    assert {text for d in found for text in d.rows.column("BAS_DD").to_pylist()} == {"20240503", "20240507"}


@pytest.mark.parametrize(
    ("said", "kind", "words"),
    [("20240503", Transient, "stale answer: 1 rows of 20240503"), ("7 May", SchemaDrift, "writes days in another way")],
)
def test_an_answer_without_any_row_of_the_day_is_a_problem(ask: Ask, said: str, kind: type, words: str) -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        body = krx_rows(request).json()
        for row in body["OutBlock_1"]:
            row.update({"BAS_DD": said} if "BAS_DD" in row else {})
        return httpx.Response(200, json=body)

    found = [d for d in ask("krx", [date(2024, 5, 7)], handler) if d.suffix == "stk_bydd_trd" and d.problem]
    assert [type(d.problem) for d in found] == [kind]
    assert words in str(found[0].problem)
    assert found[0].rows.num_rows == 0
    assert found[0].payload


def test_konex_is_not_asked_before_it_opened(ask: Ask) -> None:
    found = ask("krx", [date(2013, 6, 28)], krx_rows)
    assert {d.suffix[:3] for d in found if d.suffix not in krx.OPTIONAL} == {"stk", "ksq"}


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


def with_an_old_one(
    host: Callable[[httpx.Request], httpx.Response], at: int
) -> Callable[[httpx.Request], httpx.Response]:
    """The host, its headline number `at` dated years before those around it."""

    def handler(request: httpx.Request) -> httpx.Response:
        body = host(request).json()
        for item in body.get("items", ()):
            if item["title"] == f"{at}":
                item["pubDate"] = format_datetime(datetime(2020, 1, 2, 9, 0, tzinfo=SEOUL))
        return httpx.Response(200, json=body)

    return handler


def test_an_old_item_out_of_order_neither_ends_a_search_nor_covers_what_lies_behind_it(ask: Ask) -> None:
    asked: list[int] = []
    found = ask(
        "naver", [date(2024, 5, day) for day in (3, 7, 10)], with_an_old_one(naver_host(5_000, NEWEST, asked), 5)
    )
    assert asked == [1, 101]
    [coverage] = [d.rows.to_pylist() for d in found if d.table == "bronze.naver_coverage"]
    assert [row["is_covered"] for row in coverage] == [True, True, True]
    asked.clear()
    ask("naver", [date(2024, 5, day) for day in (3, 7, 10)], with_an_old_one(naver_host(5_000, NEWEST, asked), 99))
    assert asked == [1, 101], "the last one of a page"
    found = ask("naver", [date(2024, 3, 4), date(2024, 5, 10)], with_an_old_one(naver_host(50_000, NEWEST, []), 5))
    [coverage] = [d.rows.to_pylist() for d in found if d.table == "bronze.naver_coverage"]
    assert [row["is_covered"] for row in coverage] == [False, True]


def test_an_item_pushed_to_the_next_page_meanwhile_is_counted_once(ask: Ask) -> None:
    before, after = naver_host(150, NEWEST, []), naver_host(151, NEWEST + timedelta(hours=1), [])

    def handler(request: httpx.Request) -> httpx.Response:
        if request.url.params["start"] == "1":
            return before(request)
        body = after(request).json()  # one newer item: what was number 100 is now number 101
        for item in body["items"]:
            item |= {name: f"https://p/{int(item['title']) - 1}" for name in ("link", "originallink")}
        return httpx.Response(200, json=body)

    found = ask("naver", [date(2024, 5, day) for day in (7, 8, 9, 10)], handler)
    links = [t for d in found if d.table == "bronze.naver_news" for t in d.rows.column("link").to_pylist()]
    [coverage] = [d.rows.to_pylist() for d in found if d.table == "bronze.naver_coverage"]
    assert len(links) == len(set(links)) == sum(row["n_items"] for row in coverage)
    assert "https://p/99" in links


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


def test_without_a_company_to_search_for_no_session_of_news_is_taken(intake: Any) -> None:
    [day] = intake.sessions("naver")[-1:]
    intake.companies = ()
    with pytest.raises(Transient, match=r"none in bronze\.krx_listing"):
        intake.take("naver", [day])
    assert intake.bronze.have(["naver"], [day]) == set()


def test_each_name_of_a_company_covers_its_own_sessions(intake: Any) -> None:
    *old, last = intake.sessions("naver")[-3:]
    intake.companies = (Company("005930", "옛이름", old[0], old[-1]), Company("005930", "새이름", last, last))
    intake.take("naver", [*old, last])
    covered = DeltaLake(intake.settings).read(
        registry.table("bronze.naver_coverage"), columns=["session_date", "query", "code"]
    )
    told = sorted((row["session_date"], row["query"], row["code"]) for row in covered.to_pylist())
    assert told == [*((day, "옛이름", "005930") for day in old), (last, "새이름", "005930")]


def daum_host(
    n_pages: int, newest: datetime, asked: list[int], is_news: Callable[[int], bool] = lambda n: True
) -> Callable[[httpx.Request], httpx.Response]:
    """So many pages of the web, one each hour back from the newest; those that are no news are on another host."""

    def handler(request: httpx.Request) -> httpx.Response:
        page, size = int(request.url.params["page"]), int(request.url.params["size"])
        assert request.url.params["sort"] == "recency"
        assert page <= 50
        asked.append(page)
        shown = min(n_pages, 50 * size)
        documents = [
            {
                "title": f"{n}", "contents": "", "url": f"https://{'v.daum.net/v' if is_news(n) else 'blog.example'}/{n}",
                "datetime": (newest - timedelta(hours=n)).astimezone(SEOUL).isoformat(timespec="milliseconds"),
            }
            for n in range((page - 1) * size, min(page * size, shown))
        ]  # fmt: skip
        meta = {"total_count": n_pages, "pageable_count": shown, "is_end": page * size >= shown}
        return httpx.Response(200, json={"meta": meta, "documents": documents})

    return handler


def of_daum(found: list[Delivery]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Rows of news and of coverage."""
    told = (
        [row for d in found if d.table == f"bronze.daum_{kind}" for row in d.rows.to_pylist()]
        for kind in ("news", "coverage")
    )
    news, coverage = told
    return news, coverage


def test_daum_is_asked_as_kakao_wants_it_and_stops_before_the_first_window(ask: Ask) -> None:
    asked: list[int] = []

    def handler(request: httpx.Request) -> httpx.Response:
        assert str(request.url).partition("?")[0] == "https://dapi.kakao.com/v2/search/web"
        assert request.headers["Authorization"] == f"KakaoAK {DEFAULT_KEYS['KAKAO_API_KEY']}"
        return daum_host(5000, NEWEST, asked)(request)

    news, coverage = of_daum(ask("daum", [date(2024, 5, day) for day in (8, 9, 10)], handler))
    assert asked == [1, 2]
    for row in coverage:
        after, up_to = news_window("XKRX", row["session_date"])
        assert (row["is_covered"], row["n_items"]) == (
            True,
            sum(after < NEWEST - timedelta(hours=n) <= up_to for n in range(99)),
        )
    assert len(news) == sum(row["n_items"] for row in coverage)


def test_pages_of_other_hosts_are_left_out_and_not_counted_though_they_show_how_far_the_search_went(ask: Ask) -> None:
    handler = daum_host(5000, NEWEST, [], is_news=lambda n: n % 5 == 0)
    news, coverage = of_daum(ask("daum", [date(2024, 5, 10)], handler))
    after, up_to = news_window("XKRX", date(2024, 5, 10))
    inside = [n for n in range(99) if after < NEWEST - timedelta(hours=n) <= up_to and n % 5 == 0]
    assert [row["title"] for row in news] == [str(n) for n in inside]
    assert [row["row_no"] for row in news] == [n % 50 for n in inside], (
        "the place in the payload, whatever was left out"
    )
    assert [(row["is_covered"], row["n_items"]) for row in coverage] == [(True, len(inside))]


@pytest.mark.parametrize(
    "url", ["", "no address", "https://[v.daum.net", "https://v.daum.net.example/1", "https://xv.daum.net/1"]
)
def test_an_address_that_is_not_daums_own_is_no_news_of_it(ask: Ask, url: str) -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        body = daum_host(1, NEWEST, [])(request).json()
        body["documents"][0]["url"] = url
        return httpx.Response(200, json=body)

    news, coverage = of_daum(ask("daum", [date(2024, 5, 10)], handler))
    assert news == []
    assert [row["n_items"] for row in coverage] == [0]


def test_a_session_beyond_the_fiftieth_page_is_not_covered(ask: Ask) -> None:
    asked: list[int] = []
    _, coverage = of_daum(
        ask("daum", [date(2024, 1, 3), date(2024, 4, 1)], daum_host(50_000, NEWEST, asked), kakao_pace_per_s=0)
    )
    assert asked == [*range(1, 51)]
    assert [row["is_covered"] for row in coverage] == [False, True]


def test_a_search_that_ends_with_all_it_found_covers_every_session(ask: Ask) -> None:
    _, coverage = of_daum(ask("daum", [date(2020, 1, 2), date(2024, 5, 10)], daum_host(3, NEWEST, [])))
    assert [(row["is_covered"], row["n_items"]) for row in coverage] == [(True, 0), (True, 2)]


@pytest.mark.parametrize(
    "meta",
    [None, {}, {"is_end": "true", "pageable_count": 1, "total_count": 1}, {"pageable_count": 1, "total_count": 1}],
)
def test_an_answer_that_does_not_say_where_it_ends_is_a_problem_and_kept(ask: Ask, meta: Any) -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={**daum_host(1, NEWEST, [])(request).json(), "meta": meta})

    found = ask("daum", [date(2024, 5, 10)], handler)
    assert isinstance(found[0].problem, SchemaDrift)
    assert "is_end" in str(found[0].problem)
    assert found[0].payload and not found[0].rows.num_rows


def test_a_page_without_a_readable_instant_goes_on_to_the_gate(ask: Ask) -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        body = daum_host(2, NEWEST, [])(request).json()
        body["documents"][1]["datetime"] = "2024-05-10 10:00"  # no zone
        return httpx.Response(200, json=body)

    news, _ = of_daum(ask("daum", [date(2024, 5, 10)], handler))
    assert ("1", "2024-05-10 10:00") in [(row["title"], row["datetime"]) for row in news]


@pytest.mark.parametrize(
    ("status", "body", "kind", "words"),
    [
        (401, {"errorType": "AccessDeniedError", "message": "cannot find Authorization"}, Permanent, "MARKETLAKE_KAKAO_API_KEY"),
        (401, {"code": -401, "msg": "wrong appKey"}, Permanent, "MARKETLAKE_KAKAO_BASE_URL=off"),
        (403, {"code": -5, "msg": "not allowed"}, Permanent, "MARKETLAKE_KAKAO_API_KEY"),
        (429, {"code": -10, "msg": "API limit has been exceeded."}, Permanent, "MARKETLAKE_KAKAO_QUOTA_PER_DAY"),
        (400, {"code": -10, "msg": "API limit has been exceeded."}, Permanent, "MARKETLAKE_KAKAO_QUOTA_PER_DAY"),
        (400, {"errorType": "InvalidArgument", "message": "page is more than max"}, Permanent, "does not take"),
        (429, {"errorType": "RequestThrottled", "message": "slow down"}, Transient, "RequestThrottled"),
        (200, {"code": -9798, "msg": "maintenance"}, Transient, "code -9798"),
    ],
)  # fmt: skip
def test_kakao_says_no_in_two_shapes(ask: Ask, status: int, body: dict[str, Any], kind: type, words: str) -> None:
    with pytest.raises(kind, match=words):
        ask("daum", [date(2024, 5, 10)], lambda request: httpx.Response(status, json=body))


def test_a_world_without_daum_delivers_nothing_at_all(intake: Any) -> None:
    covered = {**intake.world.covered, "daum": {"covered": False}}
    ctx = replace(intake.context(), world=replace(intake.world, covered=covered))
    assert list(client("daum").deliveries(intake.sessions("daum")[-2:], ctx)) == []


def test_daum_can_be_left_out_without_a_key(ask: Ask) -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        raise AssertionError("nothing is asked")

    assert ask("daum", [date(2024, 5, 10)], handler, kakao_base_url="off", kakao_api_key="") == []


def test_what_the_exchange_shows_of_daum_is_its_news_alone(intake: Any, exchange: Server) -> None:
    sessions = intake.sessions("daum")[-5:]
    intake.take("daum", sessions)
    rows = intake.delta.read(registry.table("bronze.daum_news")).to_pylist()
    begin, end = news_window("XKRX", sessions[0])[0], news_window("XKRX", sessions[-1])[1]
    codes = {company.code for company in intake.companies}
    shown = {
        item.original_url for item in exchange.world.web.items  # type: ignore[union-attr]
        if item.code in codes and item.story and begin.timestamp() < item.published_at <= end.timestamp()
    }  # fmt: skip
    assert {row["url"] for row in rows} == shown
    assert shown
