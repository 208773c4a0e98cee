"""KRX's Data Marketplace: the industries of a session, which a member alone is told, from eight on the next morning."""

from datetime import date, timedelta
from typing import Any

import httpx
import pytest

from exchange.clock import krx_ready_at
from exchange.keys import DEFAULT_KEYS
from exchange.server import Server

BLD = "dbms/MDC/STAT/standard/MDCSTAT03901"
DATA, ROOT = "/krx_market/comm/bldAttendant/getJsonData.cmd", "/krx_market/contents/MDC/COMS/client"
HEADERS = {
    "Referer": "https://data.krx.co.kr/contents/MDC/MDI/outerLoader/index.cmd",
    "X-Requested-With": "XMLHttpRequest",
}
COLUMNS = ["ISU_SRT_CD", "ISU_ABBRV", "MKT_TP_NM", "IDX_IND_NM", "TDD_CLSPRC", "CMPPREVDD_PRC", "FLUC_RT", "MKTCAP"]


@pytest.fixture
def member(client: Any) -> Any:
    """``member("20240604", "STK")``: the answer to one who has just logged in."""

    def ask(day: str, board: str) -> httpx.Response:
        client.http.get(f"{ROOT}/MDCCOMS001.cmd")
        said = {"mbrId": DEFAULT_KEYS["KRX_ID"], "pw": DEFAULT_KEYS["KRX_PASSWORD"], "skipDup": "Y"}
        assert client.http.post(f"{ROOT}/MDCCOMS001D1.cmd", data=said).json()["_error_code"] == "CD001"
        fields = {"bld": BLD, "mktId": board, "trdDd": day, "money": "1"}
        return client.http.post(DATA, data=fields, headers=HEADERS)

    return ask


def rows(answer: httpx.Response) -> dict[str, dict[str, str]]:
    return {row["ISU_SRT_CD"]: row for row in answer.json()["block1"]}


def test_a_row_has_the_names_of_the_service_and_texts_alone(member: Any) -> None:
    found = rows(member("20240604", "STK"))
    assert all(list(row) == COLUMNS and all(isinstance(v, str) for v in row.values()) for row in found.values())
    samsung = found["005930"]
    assert (samsung["ISU_ABBRV"], samsung["MKT_TP_NM"], samsung["IDX_IND_NM"]) == ("삼성전자", "KOSPI", "전기전자")
    assert "," in samsung["TDD_CLSPRC"] and "," in samsung["MKTCAP"]
    assert found["005935"]["IDX_IND_NM"] == "전기전자", "preferred shares are listed by themselves"


def test_each_board_answers_for_itself_with_its_own_words(member: Any, client: Any) -> None:
    kospi, kosdaq = rows(member("20240604", "STK")), rows(member("20240604", "KSQ"))
    assert kospi.keys() == {row["ISU_CD"] for row in client.krx_rows("stk_bydd_trd", "20240604")}
    assert kosdaq.keys() == {row["ISU_CD"] for row in client.krx_rows("ksq_bydd_trd", "20240604")}
    assert kosdaq["118930"]["IDX_IND_NM"] == "제약" and kospi["207940"]["IDX_IND_NM"] == "의약품"
    assert rows(member("20240604", "KNX")) == {}


def test_a_company_that_changes_its_business_is_in_another_industry_from_its_day_on(
    member: Any, server: Server
) -> None:
    (change,) = server.world.truth["krx"]["sectors"]
    assert change == {"code": "263180", "date": "2024-06-04", "from": "소프트웨어", "to": "반도체"}
    told = [rows(member(day, "KSQ"))["263180"]["IDX_IND_NM"] for day in ("20240603", "20240604", "20240628")]
    assert told == ["소프트웨어", "반도체", "반도체"]


def test_a_transfer_keeps_the_industry_where_the_boards_call_it_the_same(member: Any, server: Server) -> None:
    (transfer,) = server.world.truth["krx"]["transfers"]
    day, before = (transfer["date"], _previous(server, transfer["date"]))
    assert rows(member(before.replace("-", ""), "KSQ"))[transfer["code"]]["IDX_IND_NM"] == "화학"
    assert rows(member(day.replace("-", ""), "STK"))[transfer["code"]]["IDX_IND_NM"] == "화학"


@pytest.mark.parametrize("day", ["20240606", "20240608", "20300102", "19990104", "today", ""])
def test_a_day_without_a_session_is_an_empty_list(member: Any, day: str) -> None:
    assert member(day, "STK").json()["block1"] == []


def test_a_session_is_answered_from_eight_the_next_morning(member: Any, server: Server) -> None:
    day = date(2024, 6, 4)
    server.set_clock(krx_ready_at(day) - timedelta(seconds=1))
    assert rows(member("20240604", "STK")) == {} and rows(member("20240603", "STK"))
    server.set_clock(krx_ready_at(day))
    assert rows(member("20240604", "STK"))


def test_who_is_not_logged_in_is_told_so(client: Any) -> None:
    client.http.cookies.clear()
    answer = client.http.post(DATA, data={"bld": BLD, "mktId": "STK", "trdDd": "20240604"}, headers=HEADERS)
    assert (answer.status_code, answer.text) == (400, "LOGOUT")


def _previous(server: Server, day: str) -> str:
    days = [d.isoformat() for d in server.world.daily.sessions]
    return days[days.index(day) - 1]
