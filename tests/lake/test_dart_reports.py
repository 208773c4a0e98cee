"""Periodic reports at OpenDART: asked once each and only when listed, by the company's own year, counted by their receipt."""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import Any

import httpx
import pytest

from lake import dart_rows
from lake.delivery import Delivery, SchemaDrift, deliver, own_columns
from lake.host import Answer
from market import registry
from tests.lake.test_dart import Ask, listing

FRIDAY, TUESDAY = date(2024, 5, 3), date(2024, 5, 7)
ACCOUNTS = "bronze.dart_accounts"
NONE = {"status": "013", "message": "조회된 데이타가 없습니다."}
LISTED = {
    "corp_code": "00126380",
    "corp_name": "삼성전자",
    "stock_code": "005930",
    "corp_cls": "Y",
    "flr_nm": "삼성전자",
    "rm": "",
}
ACCOUNT = {
    "rcept_no": "20240507000001", "reprt_code": "11013", "bsns_year": "2024", "corp_code": "00126380", "sj_div": "IS",
    "sj_nm": "손익계산서", "account_id": "ifrs-full_Revenue", "account_nm": "매출액", "thstrm_amount": "7",
}  # fmt: skip
FIRST = {"report_nm": "분기보고서 (2024.03)", "rcept_no": "20240507000001", "rcept_dt": "20240507"}


class Host:
    """OpenDART with these receipts, and accounts by (year, report, basis), the major ones without a basis; keeps what it was asked."""

    def __init__(
        self, receipts: list[Mapping[str, str]], accounts: Mapping[tuple[str, str, str], Any], last: str = "12"
    ):
        self.receipts, self.accounts, self.last = receipts, accounts, last
        self.asked: list[tuple[str, ...]] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        path, query = request.url.path.rsplit("/", 1)[1], request.url.params
        if path == "list.json":
            rows = [LISTED | row for row in self.receipts if query["bgn_de"] <= row["rcept_dt"] <= query["end_de"]]
            return httpx.Response(200, json={"status": "000", "total_count": len(rows), "total_page": 1, "list": rows})
        if path == "company.json":
            self.asked.append((path, query["corp_code"]))
            names = ("corp_name", "corp_name_eng", "stock_name", "stock_code", "ceo_nm", "corp_cls", "jurir_no", "bizr_no", "adres",
                     "hm_url", "ir_url", "phn_no", "fax_no", "induty_code", "est_dt")  # fmt: skip
            told = dict.fromkeys(names, "x") | {"corp_code": query["corp_code"], "acc_mt": self.last}
            return httpx.Response(200, json={"status": "000", "message": "정상", **told})
        key = (query["bsns_year"], query["reprt_code"], query.get("fs_div", ""))
        self.asked.append((path, *key))
        found = self.accounts.get(key) if path.startswith("fnlttSinglAcnt") else None
        return httpx.Response(200, json={"status": "000", "message": "정상", "list": found} if found else NONE)


def rows(found: list[Delivery], table: str = ACCOUNTS) -> list[dict[str, Any]]:
    return [row for delivery in found if delivery.table == table for row in delivery.rows.to_pylist()]


def reports(host: Host, kind: str = "fnlttSinglAcntAll.json") -> list[tuple[str, ...]]:
    return [asked[1:] for asked in host.asked if asked[0] == kind]


@pytest.fixture
def taken(ask: Ask) -> Callable[..., list[Delivery]]:
    return lambda host, *days: ask("dart", list(days or (FRIDAY, TUESDAY)), listing(host))


def test_a_listed_report_is_asked_for_group_and_company_alone_and_nothing_else_is(taken: Any) -> None:
    other = {"report_nm": "주식분할결정", "rcept_no": "20240507000002", "rcept_dt": "20240507"}
    unlisted = FIRST | {"stock_code": " ", "corp_cls": "E", "corp_code": "00434003", "rcept_no": "20240507000003"}
    host = Host([FIRST, other, unlisted], {("2024", "11013", "CFS"): [ACCOUNT]})
    (row,) = rows(taken(host))
    assert host.asked == [
        ("fnlttSinglAcntAll.json", "2024", "11013", "CFS"), ("fnlttSinglAcntAll.json", "2024", "11013", "OFS"),
        ("stockTotqySttus.json", "2024", "11013", ""),
    ]  # fmt: skip
    assert (row["fs_div"], row["stock_code"], row["report_nm"]) == ("CFS", "005930", "분기보고서 (2024.03)")
    assert (row["session_date"], row["row_no"], row["thstrm_add_amount"]) == (TUESDAY, 0, None)


def test_decisions_with_a_ratio_are_asked_for_once_a_company_and_kind_by_the_days_of_their_receipts(taken: Any) -> None:
    def receipt(name: str, number: str, code: str = "005930") -> dict[str, str]:
        return {
            "report_nm": name,
            "rcept_no": number,
            "rcept_dt": number[:8],
            "stock_code": code,
            "corp_cls": "E" if code == " " else "Y",
        }

    figures = dict.fromkeys(own_columns(registry.table(dart_rows.BONUS_ISSUES)).names, "-")
    figures |= {"corp_code": "00126380", "nstk_ascnt_ps_ostk": "0.5"}
    del figures["stock_code"], figures["report_nm"]
    others = [figures | {"rcept_no": number} for number in ("20240503000004", "20240507000005", "20240506000009")]

    class Deciding(Host):
        def __call__(self, request: httpx.Request) -> httpx.Response:
            path, query = request.url.path.rsplit("/", 1)[1], request.url.params
            if not path.endswith("Decsn.json"):
                return super().__call__(request)
            self.asked.append((path, query["corp_code"], query["bgn_de"], query["end_de"]))
            told = {"status": "000", "message": "정상", "list": others} if path == "fricDecsn.json" else NONE
            return httpx.Response(200, json=told)

    host = Deciding([
        receipt("주요사항보고서(무상증자결정)", "20240503000004"), receipt("[기재정정]주요사항보고서(무상증자결정)", "20240507000005"),
        receipt("주요사항보고서(감자결정)", "20240507000006"), receipt("주요사항보고서(유무상증자결정)", "20240507000007"),
        receipt("주요사항보고서(무상증자결정)", "20240507000008", " "),
    ], {})  # fmt: skip
    found = rows(taken(host), dart_rows.BONUS_ISSUES)
    assert sorted(host.asked) == [
        ("crDecsn.json", "00126380", "20240507", "20240507"), ("fricDecsn.json", "00126380", "20240503", "20240507"),
    ]  # fmt: skip
    assert [(row["rcept_no"], row["session_date"], row["report_nm"]) for row in found] == [
        ("20240503000004", FRIDAY, "주요사항보고서(무상증자결정)"), ("20240507000005", TUESDAY, "[기재정정]주요사항보고서(무상증자결정)"),
    ]  # fmt: skip


def test_a_day_without_a_report_asks_for_none(taken: Any) -> None:
    host = Host([{"report_nm": "주식분할결정", "rcept_no": "20240507000002", "rcept_dt": "20240507"}], {})
    taken(host)
    assert host.asked == []


def test_an_annual_report_is_asked_for_dividends_and_capital_changes_too(taken: Any) -> None:
    report = FIRST | {"report_nm": "사업보고서 (2023.12)"}
    host = Host([report], {("2023", "11011", "OFS"): [ACCOUNT | {"bsns_year": "2023", "reprt_code": "11011"}]})
    assert [row["fs_div"] for row in rows(taken(host))] == ["OFS"]
    assert {asked[0] for asked in host.asked} == {
        "fnlttSinglAcntAll.json", "stockTotqySttus.json", "alotMatter.json", "irdsSttus.json",
    }  # fmt: skip


def test_a_report_and_its_correction_are_one_question(taken: Any) -> None:
    corrected = FIRST | {"report_nm": "[기재정정]분기보고서 (2024.03)", "rcept_no": "20240507000009"}
    told = ACCOUNT | {"rcept_no": "20240507000009"}
    host = Host(
        [FIRST | {"rcept_no": "20240503000001", "rcept_dt": "20240503"}, corrected], {("2024", "11013", "CFS"): [told]}
    )
    (row,) = rows(taken(host))
    assert len(reports(host)) == 2
    assert (row["rcept_no"], row["report_nm"], row["session_date"]) == (
        "20240507000009", "[기재정정]분기보고서 (2024.03)", TUESDAY,
    )  # fmt: skip


def test_figures_of_a_receipt_that_was_not_listed_are_not_taken_for_the_report(taken: Any) -> None:
    """A backfill of early May, asked after a correction in June: what the original said is gone, and June's is not May's."""
    host = Host([FIRST], {("2024", "11013", "CFS"): [ACCOUNT | {"rcept_no": "20240617000001"}]})
    found = taken(host)
    assert rows(found) == []
    assert any(b"20240617000001" in delivery.payload for delivery in found)


def test_a_report_of_another_business_year_is_found_by_the_companys_own(taken: Any) -> None:
    """A year that ends in June: its report to March is the third quarter's, under the year in which it began."""
    host = Host([FIRST], {("2023", "11014", "OFS"): [ACCOUNT | {"reprt_code": "11014", "bsns_year": "2023"}],
                          ("2024", "11013", "OFS"): [ACCOUNT | {"rcept_no": "20241114000001"}]}, last="06")  # fmt: skip
    found = taken(host)
    assert [row["reprt_code"] for row in rows(found)] == ["11014"]
    assert [row["acc_mt"] for row in rows(found, "bronze.dart_companies")] == ["06"]
    assert reports(host, "company.json") == [("00126380",)]


@pytest.mark.parametrize(
    ("name", "last", "ways"),
    [
        ("사업보고서 (2024.03)", "03", [("2023", "11011"), ("2024", "11011")]),
        ("반기보고서 (2023.09)", "03", [("2023", "11012"), ("2024", "11012")]),
        ("분기보고서 (2023.12)", "03", [("2023", "11014"), ("2024", "11014")]),
        ("분기보고서 (2023.06)", "03", [("2023", "11013"), ("2024", "11013")]),
    ],
)
def test_a_report_is_asked_by_the_month_in_which_the_year_ends(
    taken: Any, name: str, last: str, ways: list[tuple[str, str]]
) -> None:
    host = Host([FIRST | {"report_nm": name}], {}, last)
    taken(host)
    assert reports(host) == [(*way, basis) for way in ways for basis in ("CFS", "OFS")]


def test_a_report_without_accounts_is_told_in_the_log_and_stops_nothing(taken: Any, logged: list[str]) -> None:
    host = Host([FIRST], {})
    assert all(delivery.problem is None for delivery in taken(host))
    assert any(
        "periodic reports without accounts under their own receipts" in line and "20240507000001" in line
        for line in logged
    )
    assert len(reports(host)) == 2


@pytest.mark.parametrize(
    "broken",
    [
        {"corp_code": "00000001"}, {"thstrm_amount": 7}, {"sj_div": None, "account_id": ["x"]}, {"rcept_no": {"no": 1}},
        {"rcept_no": "약 20240507000001원"}, {"rcept_no": None},
    ],
)  # fmt: skip
def test_another_format_is_drift(taken: Any, broken: dict[str, Any]) -> None:
    found = taken(Host([FIRST], {("2024", "11013", "CFS"): [ACCOUNT | broken]}))
    (problem,) = [delivery.problem for delivery in found if delivery.problem]
    assert isinstance(problem, SchemaDrift)
    assert "fnlttSinglAcntAll" in str(problem)


@pytest.mark.parametrize("gone", ["rcept_no", "account_id", "thstrm_amount", "sj_div"])
def test_a_column_that_is_gone_is_drift(taken: Any, gone: str) -> None:
    row = {name: value for name, value in ACCOUNT.items() if name != gone}
    found = taken(Host([FIRST], {("2024", "11013", "CFS"): [row]}))
    assert [type(delivery.problem) for delivery in found if delivery.problem] == [SchemaDrift]


def test_the_last_delivery_of_a_range_makes_its_sessions_whole_and_the_last_range_waits_for_the_companies(
    taken: Any,
) -> None:
    winter = FIRST | {"report_nm": "사업보고서 (2023.12)", "rcept_no": "20240104000001", "rcept_dt": "20240104"}
    told = ACCOUNT | {"rcept_no": "20240104000001"}
    host = Host([FIRST, winter], {("2024", "11013", "CFS"): [ACCOUNT], ("2023", "11011", "CFS"): [told]})
    found = taken(host, date(2024, 1, 4), TUESDAY)
    whole = [at for at, delivery in enumerate(found) if delivery.ends_unit]
    assert len(whole) == 1
    assert {delivery.session_date for delivery in found[: whole[0] + 1]} == {date(2024, 1, 4)}
    assert {delivery.session_date for delivery in found[whole[0] + 1 :]} == {TUESDAY}
    assert found[-1].table == "bronze.dart_corp_codes"


def test_major_accounts_are_asked_for_where_the_statements_have_nothing_and_only_there(taken: Any) -> None:
    told = {name: value for name, value in ACCOUNT.items() if name != "account_id"} | {"thstrm_amount": "1,234,567"}
    group = told | {
        "stock_code": "005930",
        "fs_div": "CFS",
        "fs_nm": "연결재무제표",
        "thstrm_dt": "2024.01.01 ~ 2024.03.31",
    }
    other = group | {"rcept_no": "20240617000001"}
    host = Host([FIRST], {("2024", "11013", ""): [group, group | {"fs_div": "OFS"}, other]})
    found = taken(host)
    assert [asked[0] for asked in host.asked] == ["fnlttSinglAcntAll.json"] * 2 + [
        "fnlttSinglAcnt.json",
        "stockTotqySttus.json",
    ]
    assert [(row["fs_div"], row["account_id"], row["thstrm_amount"], row["row_no"]) for row in rows(found)] == [
        ("CFS", None, "1,234,567", 0), ("OFS", None, "1,234,567", 1),
    ]  # fmt: skip
    assert all(delivery.unknown == () and delivery.problem is None for delivery in found)
    both = Host([FIRST], {("2024", "11013", "OFS"): [ACCOUNT], ("2024", "11013", ""): [group]})
    assert [row["account_id"] for row in rows(taken(both))] == ["ifrs-full_Revenue"]


def test_before_2015_opendart_has_no_accounts_and_is_not_asked(taken: Any) -> None:
    host = Host([FIRST | {"report_nm": "사업보고서 (2014.12)"}], {})
    taken(host)
    assert reports(host) == []


def test_the_envelope_of_a_company_is_no_column_of_it() -> None:
    fields = own_columns(registry.table(dart_rows.COMPANIES)).names
    body = dict.fromkeys(fields, "1") | {"status": "000", "message": "정상"}
    answer = Answer(b"", body, 200, "https://a/company.json", "GET /company.json", datetime(2024, 5, 3, tzinfo=UTC))
    assert deliver(answer, dart_rows.COMPANIES, date(2024, 5, 3), "company", dart_rows.company(answer)).unknown == ()
