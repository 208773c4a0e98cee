"""Every recorded OpenDART answer: those of the parts that are asked become rows, the others stand on a page with the reason."""

import json
import re
import zipfile
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pandas as pd
import pyarrow as pa
import pytest

from lake import dart_rows
from lake.clients import dart
from lake.delivery import own_columns, text_rows
from lake.host import Answer, Reply
from lake.unpack import TooLarge, of_zip
from market import registry
from market.datasets.bronze._parse import number

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "opendart_json_samples"
PAGE = Path(__file__).resolve().parents[2] / "docs" / "opendart.md"
OF_A_REPORT = {
    "fnlttSinglAcntAll": dart_rows.ACCOUNTS, "real_fnlttSinglAcntAll_007810_2022Q1_excerpt": dart_rows.ACCOUNTS,
    "fnlttSinglAcnt": dart_rows.ACCOUNTS, "stockTotqySttus": dart_rows.SHARES, "alotMatter": dart_rows.DIVIDENDS,
    "irdsSttus": dart_rows.CHANGES, "fricDecsn": dart_rows.BONUS_ISSUES, "crDecsn": dart_rows.REDUCTIONS,
}  # fmt: skip
LISTS = ("list_samsung", "real_list_005930_20230912")
READ_BY_HAND = {  # how many rows, and of the first one what a person reads in the file
    "fnlttSinglAcntAll": (1, {"account_nm": "자산총계", "thstrm_amount": "296857289000000"}),
    "real_fnlttSinglAcntAll_007810_2022Q1_excerpt": (2, {"account_nm": "유동자산", "thstrm_amount": "596695845194"}),
    "fnlttSinglAcnt": (1, {"account_id": None, "fs_div": "CFS", "account_nm": "유동자산", "thstrm_amount": "195,936,557,000,000"}),
    "stockTotqySttus": (1, {"se": "보통주", "distb_stock_co": "5,969,782,550", "profit_incnr": "1,810,684,300"}),
    "alotMatter": (1, {"se": "주당액면가액(원)", "stock_knd": "-", "thstrm": "100"}),
    "fricDecsn": (1, {"corp_name": "TYM", "nstk_ascnt_ps_ostk": "0.5", "nstk_lstprd": "2023년 06월 16일"}),
    "crDecsn": (1, {"corp_name": "코다코", "bfcr_tisstk_ostk": "281,338,637", "atcr_tisstk_ostk": "14,066,749"}),
    "irdsSttus": (1, {"isu_dcrs_de": "-", "isu_dcrs_qy": "-", "stlm_dt": "2023-12-31"}),
}  # fmt: skip
FILES = sorted(SHARED.rglob("*.json")) if SHARED.is_dir() else []


def body(path: Path) -> Any:
    return json.loads(path.read_text())


def answer(told: Any) -> Answer:
    return Answer(b"", told, 200, "https://opendart.fss.or.kr/api/x", "GET /api/x", datetime(2026, 6, 3, tzinfo=UTC))


def test_every_sample_is_asked_for_or_on_the_page_with_the_reason_why_not() -> None:
    asked, others = PAGE.read_text().split("\n## Not asked\n")
    reasons = [line.split("|")[1:4] for line in others.splitlines() if line.startswith("| `")]
    named = [name for services, _, _ in reasons for name in re.findall(r"`(\w+)`", services)]
    assert len(named) == len(set(named))
    assert all(what.strip() and why.strip() for _, what, why in reasons)
    assert {"list", "company", *(name for name in OF_A_REPORT if "real" not in name)} <= set(
        re.findall(r"\| `(\w+)`", asked)
    )
    if not FILES:
        pytest.skip(f"{SHARED} is not there")
    assert {path.stem for path in FILES} - {*OF_A_REPORT, *LISTS, "company_samsung"} == set(named)


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
    asked = {"reprt_code": row.get("reprt_code", "11011")} | ({} if "fs_div" in row else {"fs_div": "CFS"})
    found = dart_rows.rows(answer(told), table, report, asked)
    n_rows, figures = READ_BY_HAND[path.stem]
    assert found.num_rows == len(told["list"]) == n_rows
    assert found.select(list(figures)).to_pylist()[0] == figures
    for ours, theirs in zip(found.to_pylist(), told["list"], strict=True):
        kept = theirs.keys() & set(found.schema.names)
        assert {name: ours[name] for name in kept} == {name: theirs[name] for name in kept}
        assert theirs.keys() - kept <= {"fs_nm", "thstrm_dt", "frmtrm_dt", "bfefrmtrm_dt"}


def test_a_recorded_major_account_is_three_years_of_a_balance() -> None:
    """Its amounts have commas: 195,936,557,000,000 at the end of 2023."""
    if not FILES:
        pytest.skip(f"{SHARED} is not there")
    (row,) = body(SHARED / "report" / "fnlttSinglAcnt.json")["list"]
    amounts = pd.Series([row[name] for name in ("thstrm_amount", "frmtrm_amount", "bfefrmtrm_amount")])
    assert number(amounts).tolist() == [195_936_557_000_000, 218_470_581_000_000, 218_163_185_000_000]


@pytest.mark.parametrize("path", [p for p in FILES if p.stem in LISTS], ids=lambda path: path.stem)
def test_a_recorded_list_names_its_periodic_reports(path: Path) -> None:
    rows = text_rows(body(path)["list"], own_columns(registry.table(dart.FILINGS)), "x")
    listed = rows.append_column("session_date", pa.array([date(2023, 9, 12)] * rows.num_rows, pa.date32()))
    found = [
        (r.corp_code, r.title, r.year, r.month, list(r.receipts), r.asked_as(12)) for r in dart_rows.reports(listed)
    ]
    half = [("00126380", "반기", 2023, 6, ["20230814002534"], [("2023", "11012")])]
    assert found == (half if path.stem.startswith("real") else [])


def test_a_recorded_list_is_the_receipts_that_it_was() -> None:
    if not FILES:
        pytest.skip(f"{SHARED} is not there")
    schema = own_columns(registry.table(dart.FILINGS))
    for stem, n_rows, first in (
        ("disclosure/list_samsung", 2, "20240131000326"),
        ("real_list_005930_20230912", 10, "20230912000215"),
    ):
        rows = text_rows(body(SHARED / f"{stem}.json")["list"], schema, "x")
        assert (rows.num_rows, rows["rcept_no"][0].as_py()) == (n_rows, first)


def test_the_recorded_xbrl_archive_opens_within_its_bound_and_not_beyond() -> None:
    """Nobody asks for it; what does ask for a ZIP (the list of companies) goes through the same bound."""
    found = list((SHARED / "real_dart_documents").glob("*XBRL*.zip")) if SHARED.is_dir() else []
    if not found:
        pytest.skip(f"{SHARED / 'real_dart_documents'} is not there")
    with zipfile.ZipFile(found[0]) as archive:
        (member,) = [one for one in archive.infolist() if one.filename.endswith(".xbrl")]
        instance = b"".join(of_zip(archive, member, member.file_size))
        with pytest.raises(TooLarge, match="more than 320480 bytes"):
            list(of_zip(archive, member, member.file_size - 1))
    assert len(archive.infolist()) == 8
    assert len(instance) == 320_481
    assert ElementTree.fromstring(instance).tag == "{http://www.xbrl.org/2003/instance}xbrl"


def test_a_recorded_company_tells_the_month_in_which_its_year_ends() -> None:
    if not FILES:
        pytest.skip(f"{SHARED} is not there")
    row = dart_rows.company(answer(body(SHARED / "disclosure" / "company_samsung.json")))
    assert dart_rows.last_month(row) == 12
