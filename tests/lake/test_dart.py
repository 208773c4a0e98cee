"""OpenDART: by which ranges it is asked, that no page and no filing is missed, and its own ways to say no."""

import io
import zipfile
from collections.abc import Callable
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any

import httpx
import pytest

from exchange.server import Server
from lake.clients import client
from lake.delivery import Delivery, SchemaDrift
from lake.world import open_world
from market.errors import Permanent, Transient
from market.sources import SOURCES

LIVE = {source.setting("base_url"): "live" for source in SOURCES.values()}
FILINGS = "bronze.dart_filings"
Ask = Callable[..., list[Delivery]]
Handler = Callable[[httpx.Request], httpx.Response]


def codes() -> httpx.Response:
    """The zipped list of companies, with one listed and one other."""
    packed = io.BytesIO()
    fields = ("corp_code", "corp_name", "corp_eng_name", "stock_code", "modify_date")
    rows = (("00126380", "삼성전자", "SAMSUNG", "005930", "20230110"), ("00434003", "다코", "Daco", " ", "20170630"))
    text = "".join(
        f"<list>{''.join(f'<{n}>{v}</{n}>' for n, v in zip(fields, row, strict=True))}</list>" for row in rows
    )
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("CORPCODE.xml", f'<?xml version="1.0" encoding="UTF-8"?><result>{text}</result>')
    return httpx.Response(200, content=packed.getvalue())


def listing(handler: Handler) -> Handler:
    """The handler, and the list of companies."""
    return lambda request: codes() if request.url.path.endswith("corpCode.xml") else handler(request)


def filings(found: list[Delivery]) -> list[Delivery]:
    return [delivery for delivery in found if delivery.table == FILINGS]


def dart_host(n_filings: int, asked: list[tuple[str, str, int]], without: str = "") -> Handler:
    """So many filings, all received on a Saturday, by pages; one field of the answer may be left out."""
    told_by = {"corp_code": "00126380", "stock_code": "005930", "corp_cls": "Y", "report_nm": "주식분할결정"}
    plain = dict.fromkeys(("corp_name", "flr_nm", "rm"), "x") | told_by

    def handler(request: httpx.Request) -> httpx.Response:
        params = request.url.params
        page, size = int(params["page_no"]), int(params["page_count"])
        asked.append((params["bgn_de"], params["end_de"], page))
        rows = [
            plain | {"rcept_no": f"{20240504000000 + n}", "rcept_dt": "20240504"}
            for n in range((page - 1) * size, min(page * size, n_filings))
        ]
        if not rows:
            return httpx.Response(200, json={"status": "013", "message": "조회된 데이타가 없습니다."})
        told = {"status": "000", "total_count": n_filings, "total_page": -(-n_filings // size), "list": rows}
        return httpx.Response(200, json={name: value for name, value in told.items() if name != without})

    return listing(handler)


def test_every_page_of_filings_is_read_and_a_weekend_counts_for_the_next_session(ask: Ask) -> None:
    asked: list[tuple[str, str, int]] = []
    found = filings(ask("dart", [date(2024, 5, 3), date(2024, 5, 7)], dart_host(250, asked)))
    assert sorted(asked) == [("20240503", "20240507", page) for page in (1, 2, 3)]
    assert [d.rows.num_rows for d in found] == [100, 100, 50]
    assert {day for d in found for day in d.rows.column("session_date").to_pylist()} == {date(2024, 5, 7)}


def test_a_day_without_filings_is_no_error_in_a_small_simulated_world(intake: Any, exchange: Server) -> None:
    exchange.set_faults([f"empty-day:source=dart,date={intake.sessions('dart')[-1]}"])
    [delivery] = filings(list(client("dart").deliveries(intake.sessions("dart")[-1:], intake.context())))
    assert delivery.rows.num_rows == 0
    assert delivery.problem is None


def test_a_real_session_without_any_filing_is_blocked(ask: Ask) -> None:
    [delivery] = filings(ask("dart", [date(2024, 5, 7)], dart_host(0, [])))
    assert isinstance(delivery.problem, Permanent)
    assert "blocked: status 013: no filing since 2024-05-04" in str(delivery.problem)


@pytest.mark.parametrize("field", ["total_page", "total_count"])
def test_a_list_that_does_not_say_how_long_it_is_is_drift(ask: Ask, field: str) -> None:
    [delivery] = filings(ask("dart", [date(2024, 5, 7)], dart_host(250, [], without=field)))
    assert isinstance(delivery.problem, SchemaDrift)
    assert f"{field} None" in str(delivery.problem)


def test_fewer_filings_than_were_counted_are_a_problem_of_the_last_page(ask: Ask) -> None:
    whole = dart_host(250, [])

    def handler(request: httpx.Request) -> httpx.Response:
        body = whole(request).json()
        if request.url.params["page_no"] == "3":
            body["list"] = body["list"][:-1]
        return httpx.Response(200, json=body)

    found = filings(ask("dart", [date(2024, 5, 7)], listing(handler)))
    assert [d.problem is None for d in found] == [True, True, False]
    assert isinstance(found[-1].problem, Transient)
    assert "expected 250 filings" in str(found[-1].problem)
    assert "was 249 on 3 pages" in str(found[-1].problem)


def test_filings_received_between_two_pages_are_no_problem(ask: Ask) -> None:
    few, more = dart_host(240, []), dart_host(245, [])
    host = listing(lambda r: (few if r.url.params["page_no"] == "1" else more)(r))
    found = filings(ask("dart", [date(2024, 5, 7)], host))
    assert [d.problem for d in found] == [None] * 3
    assert sum(d.rows.num_rows for d in found) == 245


def test_a_backfill_asks_for_at_most_three_months_at_once_and_leaves_no_day_out(ask: Ask, make: Any) -> None:
    asked: list[tuple[str, str, int]] = []
    sessions = open_world(make(**LIVE)).sessions("XKRX", date(2023, 1, 2), date(2023, 12, 28))
    ask("dart", sessions, dart_host(0, asked))
    spans = sorted((datetime.strptime(b, "%Y%m%d"), datetime.strptime(e, "%Y%m%d")) for b, e, _ in asked)
    assert all(end - begin <= timedelta(days=89) for begin, end in spans)
    assert all(then[0] - before[1] == timedelta(days=1) for before, then in pairwise(spans))
    assert len(spans) <= 6


@pytest.mark.parametrize(
    ("status", "words"),
    [("100", "does not take"), ("010", "DART_API_KEY"), ("011", "DART_API_KEY"), ("012", "not allowed"), ("900", "does not take"),
     ("020", "DART_QUOTA_PER_DAY"), ("021", "DART_QUOTA_PER_DAY")],
)  # fmt: skip
def test_opendart_says_no_by_status(ask: Ask, status: str, words: str) -> None:
    with pytest.raises(Permanent, match=words):
        ask("dart", [date(2024, 5, 7)], lambda r: httpx.Response(200, json={"status": status, "message": "no"}))


def test_maintenance_passes(ask: Ask) -> None:
    with pytest.raises(Transient, match="status 800"):
        ask("dart", [date(2024, 5, 7)], lambda r: httpx.Response(200, json={"status": "800", "message": "점검"}))


@pytest.mark.parametrize(
    ("column", "value", "expected"),
    [
        *(
            ("report_nm", name, "a report_nm in Korean")
            for name in ("????", "", "?????? (2024.03)", "Annual report", None)
        ),
        *(("corp_code", code, "a corp_code of 8 digits") for code in ("", "126380", "001263800", "٠٠١٢٦٣٨٠", None)),
        *(("rcept_no", number, "a rcept_no of 14 digits") for number in ("", "20240507", "2024050700000x")),
        *(("stock_code", code, "a stock_code of 6 characters") for code in ("", " ", "5930", "005930\x00")),
    ],
)
def test_a_filing_that_nothing_could_be_asked_by_is_drift(
    ask: Ask, column: str, value: str | None, expected: str
) -> None:
    """No periodic report would be known by it, and none be asked for: another encoding makes question marks of Hangul."""

    def handler(request: httpx.Request) -> httpx.Response:
        answer = dart_host(3, [])(request).json()
        answer["list"][1][column] = value
        return httpx.Response(200, json=answer)

    (first, *_) = ask("dart", [date(2024, 5, 7)], listing(handler))
    assert isinstance(first.problem, SchemaDrift)
    assert expected in str(first.problem) and "1 filings" in str(first.problem)
    assert first.payload and not first.rows.num_rows
