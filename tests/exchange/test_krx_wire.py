"""KRX Open API: keys, types and quirks of its answers, and when a day is answered."""

import gzip
import json
import re
import time
from datetime import datetime
from pathlib import Path

import httpx
import pytest

from exchange.keys import DEFAULT_KEYS
from exchange.server import serve

# The published sample row of stk_bydd_trd (openapi.krx.co.kr), names verbatim.
SAMPLE_TRADE = [
    "BAS_DD",
    "ISU_CD",
    "ISU_NM",
    "MKT_NM",
    "SECT_TP_NM",
    "TDD_CLSPRC",
    "CMPPREVDD_PRC",
    "FLUC_RT",
    "TDD_OPNPRC",
    "TDD_HGPRC",
    "TDD_LWPRC",
    "ACC_TRDVOL",
    "ACC_TRDVAL",
    "MKTCAP",
    "LIST_SHRS",
]
SAMPLE_INFO = [
    "ISU_CD",
    "ISU_SRT_CD",
    "ISU_NM",
    "ISU_ABBRV",
    "ISU_ENG_NM",
    "LIST_DD",
    "MKT_TP_NM",
    "SECUGRP_NM",
    "SECT_TP_NM",
    "KIND_STKCERT_TP_NM",
    "PARVAL",
    "LIST_SHRS",
]
WITH_COMMAS = re.compile(r"^-?\d{1,3}(,\d{3})*$")


def won(text: str) -> int:
    return int(text.replace(",", ""))


def test_a_trade_row_has_the_published_names_and_only_strings(client):
    row = client.krx_rows("stk_bydd_trd", "20240503")[0]
    assert list(row) == SAMPLE_TRADE
    assert all(isinstance(value, str) for value in row.values())
    assert (row["BAS_DD"], row["ISU_CD"], row["ISU_NM"], row["MKT_NM"]) == ("20240503", "005930", "삼성전자", "KOSPI")


def test_an_issue_row_has_the_published_names_and_only_strings(client):
    rows = client.krx_rows("stk_isu_base_info", "20240503")
    assert list(rows[0]) == SAMPLE_INFO
    assert all(isinstance(value, str) for row in rows for value in row.values())
    assert rows[0]["ISU_CD"] == "KR7005930003"


def test_each_market_answers_for_itself():
    headers = {"AUTH_KEY": DEFAULT_KEYS["KRX_API_KEY"]}
    with serve("synthetic:7", symbols=80, us_symbols=1, sessions=5) as wide:  # small worlds have no KONEX
        for service, name in (("stk", "KOSPI"), ("ksq", "KOSDAQ"), ("knx", "KONEX")):
            url = f"{wide.url}/krx/svc/apis/sto/{service}_bydd_trd?basDd=20240627"
            rows = httpx.get(url, headers=headers).json()["OutBlock_1"]
            assert {row["MKT_NM"] for row in rows} == {name}


def test_numbers_are_written_as_krx_writes_them(client, shared: Path):
    path = shared / "krx_http_cassettes/bodies/MDCSTAT01501_0c06f82ae999.json.gz"
    real = json.loads(gzip.decompress(path.read_bytes()))
    common = set(SAMPLE_TRADE) & set(real["OutBlock_1"][0]) - {"ISU_CD", "ISU_NM", "MKT_NM", "SECT_TP_NM", "FLUC_RT"}
    assert len(common) == 9
    for rows in (real["OutBlock_1"], client.krx_rows("stk_bydd_trd", "20240503")):
        assert all(WITH_COMMAS.match(row[name]) for row in rows for name in common)
        assert all(re.match(r"^-?\d+\.\d\d$", row["FLUC_RT"]) for row in rows)


def test_commas_can_be_left_out_as_in_the_published_sample():
    with serve("synthetic:7", symbols=5, sessions=5, krx_commas=False) as plain:
        answer = httpx.get(
            f"{plain.url}/krx/svc/apis/sto/stk_bydd_trd?basDd=20240627",
            headers={"AUTH_KEY": DEFAULT_KEYS["KRX_API_KEY"]},
        )
    assert "," not in answer.json()["OutBlock_1"][0]["MKTCAP"]


def test_the_change_is_measured_from_the_base_price_across_a_split(client, server):
    split = next(e for e in server.world.truth["krx"]["splits"] if e["code"] == "035720")
    row = _row(client, "stk_bydd_trd", split["date"], "035720")
    assert won(row["TDD_CLSPRC"]) - won(row["CMPPREVDD_PRC"]) == split["base_price"] == split["previous_close"] // 5
    before = _row(client, "stk_bydd_trd", _previous(server, split["date"]), "035720")
    assert won(before["TDD_CLSPRC"]) == split["previous_close"]
    assert won(row["LIST_SHRS"]) == 5 * won(before["LIST_SHRS"])


def test_a_halted_day_keeps_the_close_and_shows_zeros(client, server):
    split = next(e for e in server.world.truth["krx"]["splits"] if e["code"] == "035720")
    row = _row(client, "stk_bydd_trd", _previous(server, split["date"]), "035720")
    zeros = ("TDD_OPNPRC", "TDD_HGPRC", "TDD_LWPRC", "ACC_TRDVOL", "ACC_TRDVAL", "CMPPREVDD_PRC")
    assert {row[name] for name in zeros} == {"0"}
    assert row["FLUC_RT"] == "0.00"
    assert won(row["TDD_CLSPRC"]) > 0


def test_a_cash_dividend_does_not_move_the_base(client, server):
    paid = next(e for e in server.world.truth["krx"]["dividends"] if e["code"] == "005930")
    row = _row(client, "stk_bydd_trd", paid["date"], "005930")
    before = _row(client, "stk_bydd_trd", _previous(server, paid["date"]), "005930")
    assert won(row["TDD_CLSPRC"]) - won(row["CMPPREVDD_PRC"]) == won(before["TDD_CLSPRC"])


@pytest.mark.parametrize("bas_dd", ["20240504", "20240505", "20240506", "20300102", "19990104"])
def test_a_day_without_a_session_is_an_empty_list(client, bas_dd):
    answer = client.krx("stk_bydd_trd", bas_dd)
    assert (answer.status_code, answer.json()) == (200, {"OutBlock_1": []})


def test_a_session_is_answered_from_eight_the_next_morning(client, server):
    server.set_clock(datetime.fromisoformat("2024-05-04T07:59:59+09:00"))
    assert client.krx_rows("stk_bydd_trd", "20240503") == []
    assert client.krx_rows("stk_isu_base_info", "20240503") == []
    server.set_clock(datetime.fromisoformat("2024-05-04T08:00:00+09:00"))
    assert client.krx_rows("stk_bydd_trd", "20240503")


def test_a_wrong_key_is_refused_with_krx_own_body(client):
    client.krx_headers = {"AUTH_KEY": "wrong"}
    answer = client.krx("stk_bydd_trd", "20240503")
    assert answer.status_code == 401
    assert answer.json() == {"respMsg": "Unauthorized Key", "respCode": "401"}


def test_a_service_the_key_is_not_approved_for_says_so_with_http_200():
    with serve("synthetic:7", symbols=5, sessions=5, keys={"KRX_SERVICES": "stk_bydd_trd"}) as running:
        headers = {"AUTH_KEY": DEFAULT_KEYS["KRX_API_KEY"]}
        info = httpx.get(f"{running.url}/krx/svc/apis/sto/stk_isu_base_info?basDd=20240627", headers=headers)
        trades = httpx.get(f"{running.url}/krx/svc/apis/sto/stk_bydd_trd?basDd=20240627", headers=headers)
    assert (info.status_code, info.json()["respCode"]) == (200, "401")
    assert trades.json()["OutBlock_1"]


def test_an_unknown_path_is_forbidden_and_a_bad_date_is_a_bad_request(client):
    assert client.krx("no_such_service", "20240503").status_code == 403
    assert client.krx("stk_bydd_trd", "2024-05-03").status_code == 400


def test_a_rename_and_a_transfer_show_from_their_day_on(client, server):
    krx = server.world.truth["krx"]
    rename, transfer = krx["renames"][0], krx["transfers"][0]
    assert _row(client, "ksq_bydd_trd", rename["date"], rename["code"])["ISU_NM"] == rename["new_name"]
    before = _previous(server, rename["date"])
    assert _row(client, "ksq_bydd_trd", before, rename["code"])["ISU_NM"] == rename["old_name"]
    assert _row(client, "stk_bydd_trd", transfer["date"], transfer["code"])["MKT_NM"] == "KOSPI"
    assert _row(client, "ksq_bydd_trd", _previous(server, transfer["date"]), transfer["code"])["MKT_NM"] == "KOSDAQ"


def test_an_administrative_issue_is_told_by_its_section_as_long_as_it_is_one(client, server):
    spell = server.world.truth["krx"]["administrative"][0]
    days = [d.isoformat() for d in server.world.daily.sessions]
    first, last = days.index(spell["date"]), days.index(spell["last_date"])
    for service, key in (("ksq_bydd_trd", "ISU_CD"), ("ksq_isu_base_info", "ISU_SRT_CD")):
        told = [_row(client, service, days[at], spell["code"], key) for at in (first - 1, first, last, last + 1)]
        before, *within, after = [row["SECT_TP_NM"] for row in told]
        assert within == ["관리종목(소속부없음)"] * 2
        assert before == after == "벤처기업부"


def test_listed_and_delisted_names_come_and_go(client, server):
    krx = server.world.truth["krx"]
    listing = next(e for e in krx["listings"] if e["code"] == "0037T0")
    delisting = next(e for e in krx["delistings"] if e["code"] == "210340")
    assert _codes(client, listing["date"]) - _codes(client, _previous(server, listing["date"])) >= {"0037T0"}
    assert _codes(client, _previous(server, delisting["date"])) - _codes(client, delisting["date"]) >= {"210340"}
    info = _row(client, "ksq_isu_base_info", listing["date"], "0037T0", key="ISU_SRT_CD")
    assert info["LIST_DD"] == listing["date"].replace("-", "")


def test_a_market_day_is_answered_in_a_few_milliseconds(client):
    client.krx("ksq_bydd_trd", "20240503")
    begun = time.perf_counter()
    for _ in range(20):
        client.krx("ksq_bydd_trd", "20240503")
    # Measured 1.5 ms; Nagle's algorithm left on would make it 40 ms.
    assert (time.perf_counter() - begun) / 20 < 0.03


def _row(client, service: str, day: str, code: str, key: str = "ISU_CD") -> dict[str, str]:
    return next(row for row in client.krx_rows(service, day.replace("-", "")) if row[key] == code)


def _codes(client, day: str) -> set[str]:
    return {row["ISU_CD"] for row in client.krx_rows("ksq_bydd_trd", day.replace("-", ""))}


def _previous(server, day: str) -> str:
    days = [d.isoformat() for d in server.world.daily.sessions]
    return days[days.index(day) - 1]
