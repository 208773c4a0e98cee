"""Every fault by name: what a client sees, that limits hold, and that the world is whole again afterwards."""

import time
from datetime import date, datetime, timedelta
from email.utils import parsedate_to_datetime

import httpx
import pytest

from exchange.faults.catalogue import FAULTS
from exchange.faults.fault import PARAMETERS, FaultBox, parse
from exchange.server import serve
from market.errors import Permanent

DAY = "20240503"


def won(text: str) -> int:
    return int(text.replace(",", ""))


@pytest.fixture
def trades(client):
    """The rows of one KRX day without any fault."""
    return client.krx_rows("stk_bydd_trd", DAY)


def test_every_fault_has_parameters_and_a_function():
    assert set(FAULTS) == set(PARAMETERS)


def test_a_rate_limit_says_when_to_come_back_and_ends_after_its_count(client, server, trades):
    server.set_faults(["rate-limit:first=2,retry_after=3"])
    refused = [client.krx("stk_bydd_trd", DAY) for _ in range(2)]
    assert {(r.status_code, r.headers["retry-after"]) for r in refused} == {(429, "3")}
    assert client.krx_rows("stk_bydd_trd", DAY) == trades


def test_a_server_error_has_no_useful_body(client, server):
    server.set_faults(["server-errors"])
    assert client.krx("stk_bydd_trd", DAY).status_code == 503
    assert client.yahoo("AAPL").status_code == 503


def test_a_slow_answer_is_right_and_late(client, server, trades):
    server.set_faults(["slow:delay=0.2"])
    begun = time.perf_counter()
    assert client.krx_rows("stk_bydd_trd", DAY) == trades
    assert time.perf_counter() - begun >= 0.2


def test_a_cut_connection_ends_in_the_middle_of_the_body(client, server):
    server.set_faults(["cut:source=krx,first=1"])
    with pytest.raises(httpx.RemoteProtocolError):
        client.krx("stk_bydd_trd", DAY)
    assert client.krx("stk_bydd_trd", DAY).status_code == 200


def test_a_truncated_body_is_http_200_and_not_json(client, server):
    server.set_faults(["truncated"])
    for answer in (
        client.krx("stk_bydd_trd", DAY),
        client.yahoo("AAPL"),
        client.naver(query="삼성전자"),
        client.daum(query="삼성전자"),
    ):
        assert answer.status_code == 200
        with pytest.raises(ValueError, match=r"char|Unterminated|Expecting|utf"):
            answer.json()


def test_html_comes_where_json_was_asked_for(client, server):
    server.set_faults(["html"])
    answer = client.krx("stk_bydd_trd", DAY)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.text.startswith("<!DOCTYPE html>")


def test_an_error_body_comes_with_http_200_in_each_sources_own_words(client, server):
    server.set_faults(["error-body"])
    krx, yahoo, naver = client.krx("stk_bydd_trd", DAY), client.yahoo("AAPL"), client.naver(query="x")
    assert {krx.status_code, yahoo.status_code, naver.status_code} == {200}
    assert krx.json()["respCode"] == "500"
    assert yahoo.json()["chart"]["error"]["code"] == "Not Found"
    assert naver.json()["errorCode"] == "SE99"
    assert client.daum(query="x").json()["code"] == -1
    assert client.dart(bgn_de=DAY, end_de=DAY)["status"] == "800"


def test_an_expired_key_is_refused_in_each_sources_own_words(client, server):
    server.set_faults(["expired-key"])
    krx = client.krx("stk_bydd_trd", DAY)
    assert (krx.status_code, krx.json()["respCode"]) == (200, "401")
    assert client.dart(bgn_de=DAY, end_de=DAY)["status"] == "011"
    assert client.naver(query="x").json()["errorCode"] == "024"
    assert client.daum(query="x").json()["code"] == -401
    assert client.yahoo("AAPL").status_code == 401


def test_a_spent_quota_is_refused_in_each_sources_own_words(client, server):
    server.set_faults(["quota"])
    assert client.krx("stk_bydd_trd", DAY).json()["respCode"] == "429"
    assert client.dart(bgn_de=DAY, end_de=DAY)["status"] == "020"
    assert client.naver(query="x").json()["errorCode"] == "010"
    assert client.daum(query="x").json()["code"] == -10
    assert client.yahoo("AAPL").status_code == 429


@pytest.mark.parametrize(("kind", "expected"), [("renamed", "TDD_CLSPRC_NEW"), ("gone", None), ("type", "TDD_CLSPRC")])
def test_a_drifted_schema_renames_drops_or_retypes_a_column(client, server, trades, kind, expected):
    server.set_faults([{"name": "schema-drift", "source": "krx", "kind": kind}])
    rows = client.krx_rows("stk_bydd_trd", DAY)
    assert len(rows) == len(trades)
    for row, before in zip(rows, trades, strict=True):
        changed = set(row) ^ set(before)
        assert changed == ({"TDD_CLSPRC", expected} - {None} if kind != "type" else set())
        assert not isinstance(row.get("TDD_CLSPRC"), str)


def test_a_drifted_schema_strikes_the_other_sources_too(client, server):
    server.set_faults([{"name": "schema-drift", "kind": "gone"}])
    assert "close" not in client.bars("AAPL")["indicators"]["quote"][0]
    assert "rcept_no" not in client.dart(bgn_de=DAY, end_de=DAY)["list"][0]
    assert "pubDate" not in client.naver(query="삼성전자").json()["items"][0]
    assert "datetime" not in client.daum(query="삼성전자").json()["documents"][0]


def test_bad_rows_show_each_defect_in_turn(client, server, trades):
    server.set_faults(["bad-rows:share=1"])
    rows = client.krx_rows("stk_bydd_trd", DAY)
    assert won(rows[0]["TDD_HGPRC"]) < won(rows[0]["TDD_LWPRC"])
    assert won(rows[1]["TDD_CLSPRC"]) < 0
    assert rows[2]["MKT_NM"] not in ("KOSPI", "KOSDAQ", "KONEX")
    assert (
        date.fromisoformat(f"{rows[3]['BAS_DD'][:4]}-{rows[3]['BAS_DD'][4:6]}-{rows[3]['BAS_DD'][6:]}").weekday() == 6
    )
    assert len(rows) == len(trades)


def test_bad_rows_strike_the_share_they_are_told(client, server, trades):
    server.set_faults(["bad-rows:share=0.1"])
    rows = client.krx_rows("stk_bydd_trd", DAY)
    changed = sum(row != before for row, before in zip(rows, trades, strict=True))
    assert changed == len(range(5, len(trades), 10)) > 0
    assert rows[0] == trades[0]


def test_duplicates_come_after_the_originals(client, server, trades):
    server.set_faults(["duplicates"])
    assert client.krx_rows("stk_bydd_trd", DAY) == trades + trades
    chart = client.bars("AAPL")
    assert len(chart["timestamp"]) == 2 * len(set(chart["timestamp"]))


def test_a_revision_shows_from_its_instant_on_and_hangs_together(client, server, trades):
    server.set_faults([{"name": "late-revision", "date": "2024-05-03", "at": "2024-05-08T00:00:00Z"}])
    server.set_clock(datetime.fromisoformat("2024-05-07T23:59:00+00:00"))
    assert client.krx_rows("stk_bydd_trd", DAY) == trades
    server.set_clock(datetime.fromisoformat("2024-05-08T00:00:00+00:00"))
    rows = client.krx_rows("stk_bydd_trd", DAY)
    assert rows[1:] == trades[1:]
    new, old = rows[0], trades[0]
    assert new["TDD_CLSPRC"] != old["TDD_CLSPRC"]
    assert won(new["TDD_LWPRC"]) <= won(new["TDD_CLSPRC"]) <= won(new["TDD_HGPRC"])
    assert won(new["MKTCAP"]) == won(new["TDD_CLSPRC"]) * won(new["LIST_SHRS"])
    bases = {won(row["TDD_CLSPRC"]) - won(row["CMPPREVDD_PRC"]) for row in (new, old)}
    assert len(bases) == 1
    assert client.krx_rows("stk_bydd_trd", "20240502")[0]["TDD_CLSPRC"]


def test_a_revision_strikes_one_bar_of_a_chart(client, server):
    before = client.bars("AAPL")["indicators"]["quote"][0]["close"]
    fault = {"name": "late-revision", "date": "2024-05-03", "at": "2024-05-08T00:00:00Z", "code": "AAPL"}
    server.set_faults([fault])
    after = client.bars("AAPL")["indicators"]["quote"][0]["close"]
    assert sum(a != b for a, b in zip(before, after, strict=True)) == 1


def test_a_skewed_clock_shows_in_the_date_header_only(client, server, trades):
    server.set_faults(["clock-skew:seconds=-7200"])
    answer = client.krx("stk_bydd_trd", DAY)
    assert parsedate_to_datetime(answer.headers["date"]) == server.exchange.clock.now - timedelta(hours=2)
    assert answer.json()["OutBlock_1"] == trades


def test_an_empty_day_strikes_its_date_only(client, server):
    server.set_faults(["empty-day:source=krx,date=2024-05-03"])
    assert client.krx_rows("stk_bydd_trd", DAY) == []
    assert client.krx_rows("stk_bydd_trd", "20240502")
    server.set_faults(["empty-day"])
    assert client.bars("AAPL")["indicators"] == {"quote": [{}]}
    assert client.dart(bgn_de=DAY, end_de=DAY)["status"] == "013"
    assert client.naver(query="삼성전자").json()["items"] == []
    assert client.daum(query="삼성전자").json() == {
        "documents": [], "meta": {"is_end": True, "pageable_count": 0, "total_count": 0}
    }  # fmt: skip


def test_a_holiday_gets_the_rows_of_the_session_before(client, server, trades):
    server.set_faults(["holiday-rows"])
    rows = client.krx_rows("stk_bydd_trd", "20240505")
    assert [row | {"BAS_DD": DAY} for row in rows] == trades
    assert client.krx_rows("stk_bydd_trd", DAY) == trades


def test_a_stale_day_is_the_answer_of_the_session_before_under_its_own_date(client, server, trades):
    before = client.krx_rows("stk_bydd_trd", "20240502")
    server.set_faults(["stale-day:date=2024-05-03"])
    assert client.krx_rows("stk_bydd_trd", DAY) == before
    assert {row["BAS_DD"] for row in before} == {"20240502"}
    assert client.krx_rows("stk_bydd_trd", "20240502") == before
    assert client.krx_rows("stk_bydd_trd", "20240504") == []
    server.set_faults([])
    assert client.krx_rows("stk_bydd_trd", DAY) == trades


def test_a_fault_strikes_the_source_it_names_only(client, server):
    server.set_faults(["server-errors:source=dart"])
    assert client.krx("stk_bydd_trd", DAY).status_code == 200
    assert client.http.get("/dart/api/list.json").status_code == 503


@pytest.mark.parametrize(
    "bad",
    ["no-such-fault", "slow:delay=x", "slow:speed=1", "cut:source=kakao", "late-revision", "empty-day:date=today", "html:status",
     "schema-drift:kind=odd"],
)  # fmt: skip
def test_a_fault_that_is_not_understood_says_what_is(bad):
    with pytest.raises(Permanent, match="expected"):
        parse(bad)


def test_faults_can_be_read_and_set_over_http(client, server):
    wanted = [{"name": "slow", "source": "krx", "first": 2, "date": "2024-05-03", "delay": "0.1"}]
    assert client.http.put("/_exchange/faults", json=wanted).json() == wanted
    assert client.http.get("/_exchange/faults").json() == wanted
    refused = client.http.put("/_exchange/faults", json=[{"name": "odd"}])
    assert refused.status_code == 422 and "rate-limit" in refused.json()["error"]
    assert client.http.get("/_exchange/faults").json() == wanted


def test_strikes_are_counted_per_fault():
    box = FaultBox(["slow:first=1", "cut:first=2"])
    struck = [[fault.name for fault in box.striking("krx", None)] for _ in range(3)]
    assert struck == [["slow", "cut"], ["cut"], []]


def test_faults_can_be_there_from_the_start():
    with serve("synthetic:7", symbols=5, sessions=5, faults=["quota:source=krx"]) as running:
        assert httpx.get(f"{running.url}/krx/svc/apis/sto/stk_bydd_trd").status_code == 429
