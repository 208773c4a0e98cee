"""Every recorded OpenDART answer: those of the parts that are asked become rows, the others are known by name and have the same form."""

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from lake import dart_rows
from lake.clients import dart
from lake.delivery import own_columns, text_rows
from lake.host import Answer, Reply
from market import registry

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "opendart_json_samples"
OF_A_REPORT = {
    "fnlttSinglAcntAll": dart_rows.ACCOUNTS, "real_fnlttSinglAcntAll_007810_2022Q1_excerpt": dart_rows.ACCOUNTS,
    "stockTotqySttus": dart_rows.SHARES, "alotMatter": dart_rows.DIVIDENDS, "irdsSttus": dart_rows.CHANGES,
}  # fmt: skip
LISTS = ("list_samsung", "real_list_005930_20230912")
NOT_ASKED = {
    "disclosure": set[str](),
    "material": {
        "astInhtrfEtcPtbkOpt", "bdwtIsDecsn", "bnkMngtPcbg", "bnkMngtPcsp", "bsnInhDecsn", "bsnSp", "bsnTrfDecsn", "cmpDvDecsn",
        "cmpDvmgDecsn", "cmpMgDecsn", "crDecsn", "ctrcvsBgrq", "cvbdIsDecsn", "dfOcr", "dsRsOcr", "exbdIsDecsn", "fricDecsn", "lwstLg",
        "otcprStkInvscrInhDecsn", "otcprStkInvscrTrfDecsn", "ovDlst", "ovDlstDecsn", "ovLst", "ovLstDecsn", "pifricDecsn", "piicDecsn",
        "stkExtrDecsn", "stkrtbdInhDecsn", "stkrtbdTrfDecsn", "tgastInhDecsn", "tgastTrfDecsn", "tsstkAqDecsn", "tsstkAqTrctrCcDecsn",
        "tsstkAqTrctrCnsDecsn", "tsstkDpDecsn", "wdCocobdIsDecsn",
    },
    "ownership": {"elestock", "majorstock"},
    "registration": {"bdRs", "dvRs", "estkRs", "extrRs", "mgRs", "stkdpRs"},
    "report": {
        "accnutAdtorNmNdAdtOpinion", "accnutAdtorNonAdtServcCnclsSttus", "adtServcCnclsSttus", "cndlCaplScritsNrdmpBlce",
        "cprndNrdmpBlce", "detScritsIsuAcmslt", "drctrAdtAllMendngSttusGmtsckConfmAmount",
        "drctrAdtAllMendngSttusMendngPymntamtTyCl", "empSttus", "entrprsBilScritsNrdmpBlce", "exctvSttus", "fnlttCmpnyIndx",
        "fnlttMultiAcnt", "fnlttSinglAcnt", "fnlttSinglIndx", "hmvAuditAllSttus", "hmvAuditIndvdlBySttus", "hyslrChgSttus",
        "hyslrSttus", "indvdlByPay", "mrhlSttus", "newCaplScritsNrdmpBlce", "otrCprInvstmntSttus", "outcmpnyDrctrNdChangeSttus",
        "prvsrpCptalUseDtls", "pssrpCptalUseDtls", "srtpdPsndbtNrdmpBlce", "tesstkAcqsDspsSttus", "unrstExctvMendngSttus",
        "xbrlTaxonomy_bs1",
    },
}  # fmt: skip
FILES = sorted(SHARED.rglob("*.json")) if SHARED.is_dir() else []


def body(path: Path) -> Any:
    return json.loads(path.read_text())


def answer(told: Any) -> Answer:
    return Answer(b"", told, 200, "https://opendart.fss.or.kr/api/x", "GET /api/x", datetime(2026, 6, 3, tzinfo=UTC))


def test_every_sample_is_asked_for_or_known_as_not_asked() -> None:
    if not FILES:
        pytest.skip(f"{SHARED} is not there")
    others = {path for path in FILES if path.stem not in {*OF_A_REPORT, *LISTS, "company_samsung"}}
    assert {path.stem for path in others} == set().union(*NOT_ASKED.values())
    assert all(path.stem in NOT_ASKED[path.parent.name] for path in others)
    assert len(FILES) - len(others) == len(OF_A_REPORT) + len(LISTS) + 1


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_no_sample_is_a_complaint_and_each_is_rows_of_text(path: Path) -> None:
    told = body(path)
    assert dart.complaint(Reply(200, path.read_bytes(), told, "x")) is None
    groups = told.get("group", [])
    listed = [row for group in groups for row in group["list"]] if groups else told.get("list", [told])
    assert listed
    assert all(isinstance(value, (str, int, float, type(None))) for row in listed for value in row.values())


@pytest.mark.parametrize("path", [p for p in FILES if p.stem in OF_A_REPORT], ids=lambda path: path.stem)
def test_what_is_asked_of_a_report_is_rows_with_every_value_as_it_came(path: Path) -> None:
    told, table = body(path), OF_A_REPORT[path.stem]
    row = told["list"][0]
    report = dart_rows.Report(
        row["corp_code"], "005930", "사업", 2023, 12, {row["rcept_no"]: (date(2024, 3, 12), "사업보고서 (2023.12)")}
    )
    found = dart_rows.rows(answer(told), table, report, {"fs_div": "CFS", "reprt_code": row.get("reprt_code", "11011")})
    assert found.num_rows == len(told["list"])
    for ours, theirs in zip(found.to_pylist(), told["list"], strict=True):
        assert {name: ours[name] for name in theirs} == theirs


@pytest.mark.parametrize("path", [p for p in FILES if p.stem in LISTS], ids=lambda path: path.stem)
def test_a_recorded_list_names_its_periodic_reports(path: Path) -> None:
    rows = text_rows(body(path)["list"], own_columns(registry.table(dart.FILINGS)), "x")
    listed = rows.append_column("session_date", pa.array([date(2023, 9, 12)] * rows.num_rows, pa.date32()))
    found = [
        (r.corp_code, r.title, r.year, r.month, list(r.receipts), r.asked_as(12)) for r in dart_rows.reports(listed)
    ]
    half = [("00126380", "반기", 2023, 6, ["20230814002534"], [("2023", "11012")])]
    assert found == (half if path.stem.startswith("real") else [])


def test_a_recorded_company_tells_the_month_in_which_its_year_ends() -> None:
    if not FILES:
        pytest.skip(f"{SHARED} is not there")
    row = dart_rows.company(answer(body(SHARED / "disclosure" / "company_samsung.json")))
    assert dart_rows.last_month(row) == 12
