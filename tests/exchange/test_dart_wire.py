"""OpenDART: the shape of recorded answers, paging, the three-month rule, corrections, statuses with HTTP 200."""

import io
import json
import zipfile
from datetime import datetime
from pathlib import Path

import pytest

DAY = {"bgn_de": "20240503", "end_de": "20240503", "page_count": 100}
QUARTER = {"bgn_de": "20240401", "end_de": "20240628", "page_count": 100}


def test_a_list_has_the_keys_and_types_of_a_recorded_one(client, shared: Path):
    real = json.loads((shared / "opendart_json_samples/real_list_005930_20230912.json").read_text())
    ours = client.dart(**QUARTER)
    assert list(ours) == list(real)
    assert {k: type(v) for k, v in ours.items()} == {k: type(v) for k, v in real.items()}
    assert all(list(row) == list(real["list"][0]) for row in ours["list"])
    assert all(isinstance(value, str) for row in ours["list"] for value in row.values())
    assert all(len(row["rcept_no"]) == 14 and row["rcept_no"][:8] == row["rcept_dt"] for row in ours["list"])


def test_a_company_has_the_keys_of_a_recorded_one(client, shared: Path):
    real = json.loads((shared / "opendart_json_samples/disclosure/company_samsung.json").read_text())
    answer = client.http.get("/dart/api/company.json", params={"crtfc_key": client.dart_key, "corp_code": "00126380"})
    assert list(answer.json()) == list(real)
    assert answer.json()["stock_code"] == real["stock_code"]


def test_pages_hold_every_receipt_once_newest_first(client):
    whole, page, total = [], 1, 1
    while page <= total:
        body = client.dart(bgn_de="20240401", end_de="20240628", page_no=page)
        assert body["page_count"] == 10
        whole += body["list"]
        total, page = body["total_page"], page + 1
    assert len(whole) == body["total_count"] == len({row["rcept_no"] for row in whole})
    assert [row["rcept_dt"] for row in whole] == sorted((row["rcept_dt"] for row in whole), reverse=True)


@pytest.mark.parametrize(
    ("begin", "end", "status"),
    [
        ("20240329", "20240628", "000"),
        ("20240327", "20240628", "100"),
        ("20240229", "20240531", "000"),
        ("20240228", "20240531", "100"),
    ],
)
def test_without_a_company_a_search_spans_three_calendar_months_at_most(client, begin, end, status):
    assert client.dart(bgn_de=begin, end_de=end)["status"] == status


def test_with_a_company_a_search_may_be_long(client):
    body = client.dart(bgn_de="20231201", end_de="20240628", corp_code="00126380", page_count=100)
    assert body["status"] == "000"
    assert {row["corp_code"] for row in body["list"]} == {"00126380"}


@pytest.mark.parametrize(
    "bad", [{"page_count": 101}, {"page_no": 0}, {"bgn_de": "2024-05-03"}, {"corp_cls": "Z"}, {"bgn_de": "20240601"}]
)
def test_bad_fields_are_status_100_with_http_200(client, bad):
    assert client.dart(**(DAY | bad))["status"] == "100"


def test_a_wrong_key_is_status_010_with_http_200(client):
    answer = client.http.get("/dart/api/list.json", params={"crtfc_key": "x" * 40, **DAY})
    assert (answer.status_code, answer.json()["status"]) == (200, "010")
    answer = client.http.get("/dart/api/corpCode.xml", params={"crtfc_key": "x" * 40})
    assert answer.text.startswith("<?xml") and "<status>010</status>" in answer.text


def test_no_receipts_are_status_013(client):
    assert client.dart(bgn_de="20240505", end_de="20240505") == {
        "status": "013",
        "message": "조회된 데이타가 없습니다.",
    }


def test_a_correction_is_a_new_receipt_and_the_last_only_switch_hides_its_original(client, server):
    filings = server.world.filings
    correction = next(f for f in filings if f.amends and f.rcept_no[:6] == "202405" and f.amends[:6] == "202405")
    window = {"bgn_de": "20240501", "end_de": "20240531", "corp_code": correction.corp_code, "page_count": 100}
    both = {row["rcept_no"]: row for row in client.dart(**window)["list"]}
    assert {correction.rcept_no, correction.amends} <= set(both)
    assert both[correction.rcept_no]["report_nm"].startswith(("[기재정정]", "[첨부정정]"))
    assert both[correction.amends]["rm"].endswith("정")
    last = {row["rcept_no"] for row in client.dart(**window, last_reprt_at="Y")["list"]}
    assert correction.rcept_no in last and correction.amends not in last


def test_a_receipt_shows_from_its_own_time_on(client, server):
    server.set_clock(datetime.fromisoformat("2024-05-03T13:00:00+09:00"))
    by_noon = client.dart(**DAY)["total_count"]
    server.set_clock(datetime.fromisoformat("2024-05-03T20:00:00+09:00"))
    by_evening = client.dart(**DAY)["total_count"]
    assert 0 < by_noon < by_evening


def test_events_are_filed_under_names_that_fit(client, server):
    split = next(e for e in server.world.truth["krx"]["splits"] if e["code"] == "035720")
    day = split["announced"].replace("-", "")
    rows = client.dart(bgn_de=day, end_de=day, corp_code="00258801", page_count=100)["list"]
    assert "주식분할결정" in {row["report_nm"] for row in rows}


def test_the_list_of_companies_is_a_zip_with_listed_and_unlisted_ones(client):
    answer = client.http.get("/dart/api/corpCode.xml", params={"crtfc_key": client.dart_key})
    xml = zipfile.ZipFile(io.BytesIO(answer.content)).read("CORPCODE.xml").decode()
    assert "<corp_code>00126380</corp_code><corp_name>삼성전자</corp_name>" in xml
    assert "<stock_code> </stock_code>" in xml
