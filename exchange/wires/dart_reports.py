"""OpenDART's answers about one periodic report: all accounts of its statements, shares, dividends, changes of capital.

Always the newest receipt's figures: a corrected report answers with the correction's numbers and receipt number, and the
original's are gone. What does not belong here: keys, statuses and the list of receipts (exchange.wires.dart).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from exchange.clock import Clock
from exchange.model import Capital, Company, Statement, Told, World
from exchange.synthetic.figures import end_of

QUARTERS = {"11013": 1, "11012": 2, "11014": 3, "11011": 4}
_TITLES = {"11013": "1분기", "11012": "반기", "11014": "3분기", "11011": ""}
_NO_ID = "-표준계정코드 미사용-"
_REVENUES = ("매출액", "수익(매출액)", "영업수익", "매출")
_BALANCE = (
    ("assets", "ifrs-full_Assets", "자산총계"),
    ("liabilities", "ifrs-full_Liabilities", "부채총계"),
    ("equity", "ifrs-full_EquityAttributableToOwnersOfParent", "지배기업의 소유주에게 귀속되는 자본"),
    ("total_equity", "ifrs-full_Equity", "자본총계"),
)
_INCOME = (
    ("revenue", "ifrs-full_Revenue", "매출액"),
    ("operating_income", "dart_OperatingIncomeLoss", "영업이익(손실)"),
    ("profit", "ifrs-full_ProfitLoss", "당기순이익(손실)"),
    (
        "net_income",
        "ifrs-full_ProfitLossAttributableToOwnersOfParent",
        "지배기업의 소유주에게 귀속되는 당기순이익(손실)",
    ),
)
_MAJOR = (
    ("BS", "재무상태표", "assets", "자산총계"), ("BS", "재무상태표", "liabilities", "부채총계"),
    ("BS", "재무상태표", "total_equity", "자본총계"), ("IS", "손익계산서", "revenue", "매출액"),
    ("IS", "손익계산서", "operating_income", "영업이익"), ("IS", "손익계산서", "profit", "당기순이익(손실)"),
)  # fmt: skip
_TERMS = ("thstrm", "frmtrm", "bfefrmtrm")
_BASES = {"CFS": "연결재무제표", "OFS": "재무제표"}
_COMPONENT = "자본 [구성요소]|지배기업의 소유주에게 귀속되는 자본 [구성요소]|이익잉여금 [구성요소]"


def accounts(query: Mapping[str, str], world: World, clock: Clock) -> list[dict[str, str]] | None:
    """All rows of the report's statements; None for a field with a bad value, no rows where nothing was told."""
    if query.get("fs_div") not in ("CFS", "OFS") or not _is_report(query):
        return None
    key = (*_asked(query), query["fs_div"])
    told = _newest(world.statements.get(key, ()), clock)
    return [] if told is None else _Writer(query, told).rows()


def major_accounts(query: Mapping[str, str], world: World, clock: Clock) -> list[dict[str, str]] | None:
    """The main lines of the group's and the company's own statements (fnlttSinglAcnt), amounts with commas and no account's id."""
    if not _is_report(query):
        return None
    found: list[dict[str, str]] = []
    code = world.companies[query["corp_code"]].stock_code if query["corp_code"] in world.companies else ""
    for basis, title in _BASES.items():
        told = _newest(world.statements.get((*_asked(query), basis), ()), clock)
        found += [] if told is None else _Writer({**query, "fs_div": basis}, told).major(title, code)
    return found


def shares(query: Mapping[str, str], world: World, clock: Clock) -> list[dict[str, str]] | None:
    """How many shares there are (stockTotqySttus): common ones, and all."""
    return _of_capital(query, world, clock, _shares)


def dividends(query: Mapping[str, str], world: World, clock: Clock) -> list[dict[str, str]] | None:
    """What was paid (alotMatter)."""
    return _of_capital(query, world, clock, _dividends)


def changes(query: Mapping[str, str], world: World, clock: Clock) -> list[dict[str, str]] | None:
    """Shares issued and withdrawn (irdsSttus); a row of dashes where there were none, as the real host writes it."""
    return _of_capital(query, world, clock, _changes)


def _is_report(query: Mapping[str, str]) -> bool:
    year = query.get("bsns_year", "")
    is_year = year.isdecimal() and len(year) == 4 and int(year) >= 2015
    return is_year and query.get("reprt_code") in QUARTERS and len(query.get("corp_code", "")) == 8


def _asked(query: Mapping[str, str]) -> tuple[str, ...]:
    return query["corp_code"], query["bsns_year"], query["reprt_code"]


def _newest(told: Sequence[Any], clock: Clock) -> Any:
    known = [one for one in told if one.received_at <= clock.seconds]
    return known[-1] if known else None


class _Writer:
    """Writes the rows of one statement in the company's own style: names, ids, one income statement or two."""

    def __init__(self, query: Mapping[str, str], statement: Statement) -> None:
        self._query, self._statement, self._n = query, statement, QUARTERS[query["reprt_code"]]
        self._style, self._is_group = statement.style, query["fs_div"] == "CFS"
        self._rows: list[dict[str, str]] = []

    def rows(self) -> list[dict[str, str]]:
        """Balance, income, cash flow and equity."""
        for item, name, title in _BALANCE:
            if item != "equity" or self._has_others("total_equity", "equity"):
                self._add("BS", "재무상태표", name, title, item)
        has_two = self._style % 4 != 3
        sheet = ("IS", "손익계산서") if has_two else ("CIS", "포괄손익계산서")
        for item, name, title in _INCOME:
            if item == "revenue":
                title = _REVENUES[self._style % len(_REVENUES)]
                name = _NO_ID if self._style % 5 == 4 else name
            if item != "net_income" or self._has_others("profit", "net_income"):
                self._add(*sheet, name, title, item)
        if has_two:
            self._add("CIS", "포괄손익계산서", "ifrs-full_ProfitLoss", "당기순이익(손실)", "profit")
        self._add("CF", "현금흐름표", "ifrs-full_ProfitLoss", "당기순이익(손실)", "profit", is_so_far=True)
        self._add("SCE", "자본변동표", "ifrs-full_ProfitLoss", "당기순이익(손실)", "profit", is_so_far=True)
        self._rows[-1]["account_detail"] = _COMPONENT
        return self._rows

    def major(self, title: str, stock_code: str) -> list[dict[str, str]]:
        """Six lines, the same for every company; of a flow within the year three months beside the year so far."""
        told_of = {
            "rcept_no": self._statement.rcept_no, "reprt_code": self._query["reprt_code"], "bsns_year": self._query["bsns_year"],
            "corp_code": self._query["corp_code"], "stock_code": stock_code, "fs_div": self._query["fs_div"], "fs_nm": title,
        }  # fmt: skip
        for order, (div, sheet, item, name) in enumerate(_MAJOR, 1):
            row = told_of | {"sj_div": div, "sj_nm": sheet, "account_nm": name}
            for back, key in enumerate(_TERMS if self._n == 4 else _TERMS[:2]):
                row |= self._term(div, self._statement.items[item], back, key)
            self._rows.append(row | {"ord": str(order), "currency": "KRW"})
        return self._rows

    def _term(self, div: str, told: Told, back: int, key: str) -> dict[str, str]:
        """One of a major account's periods: this one, or as many years before."""
        n = 4 if div == "BS" and back else self._n  # a balance is compared with the last year's end
        ends = end_of(12, int(self._query["bsns_year"]) - back, n)
        amount, so_far = ((told.now, told.so_far), (told.before, told.before_so_far), (told.two_before, None))[back]
        term = {f"{key}_nm": self._name(back), f"{key}_dt": f"{ends:%Y.%m.%d}" + " 현재" * (div == "BS")}
        term[f"{key}_amount"] = _with_commas(amount)
        return term | ({f"{key}_add_amount": _with_commas(so_far)} if div == "IS" and self._n < 4 else {})

    def _has_others(self, whole: str, owners: str) -> bool:
        items = self._statement.items
        return self._is_group and items[whole].now != items[owners].now

    def _add(self, div: str, sheet: str, name: str, title: str, item: str, *, is_so_far: bool = False) -> None:
        told = self._statement.items[item]
        row = {
            "rcept_no": self._statement.rcept_no, "reprt_code": self._query["reprt_code"],
            "bsns_year": self._query["bsns_year"], "corp_code": self._query["corp_code"], "sj_div": div, "sj_nm": sheet,
            "account_id": name, "account_nm": title, "account_detail": "-",
        }  # fmt: skip
        is_interim_flow = div in ("IS", "CIS") and self._n < 4
        row |= self._interim(told) if is_interim_flow else self._plain(told, is_so_far=is_so_far and self._n < 4)
        self._rows.append(row | {"ord": str(len(self._rows) + 1), "currency": "KRW"})

    def _plain(self, told: Told, *, is_so_far: bool) -> dict[str, str]:
        now, before = (told.so_far, told.before_so_far) if is_so_far else (told.now, told.before)
        row = {"thstrm_nm": self._name(0), "thstrm_amount": _text(now)}
        row |= {"frmtrm_nm": self._name(1), "frmtrm_amount": _text(before)}
        if self._n == 4:
            row |= {"bfefrmtrm_nm": self._name(2), "bfefrmtrm_amount": _text(told.two_before)}
        return row

    def _interim(self, told: Told) -> dict[str, str]:
        """Three months beside the year so far; a first quarter's are the same, and some leave the second out."""
        row = {"thstrm_nm": self._name(0), "thstrm_amount": _text(told.now)}
        is_short = self._n == 1 and self._style % 3 == 0
        row |= {} if is_short else {"thstrm_add_amount": _text(told.so_far)}
        row |= {"frmtrm_q_nm": self._name(1), "frmtrm_q_amount": _text(told.before)}
        return row | ({} if is_short else {"frmtrm_add_amount": _text(told.before_so_far)})

    def _name(self, back: int) -> str:
        title = _TITLES[self._query["reprt_code"]]
        return f"제 {int(self._query['bsns_year']) - 1970 - back} 기 {title}".strip()


def _of_capital(query: Mapping[str, str], world: World, clock: Clock, rows: Any) -> list[dict[str, str]] | None:
    if not _is_report(query):
        return None
    told = _newest(world.capital.get(_asked(query), ()), clock)
    if told is None:
        return []
    company, last = (
        world.companies[query["corp_code"]],
        end_of(12, int(query["bsns_year"]), QUARTERS[query["reprt_code"]]),
    )
    found: list[dict[str, str]] = [
        {**_of_company(told, company), **row, "stlm_dt": last.isoformat()} for row in rows(told)
    ]
    return found


def _of_company(told: Capital, company: Company) -> dict[str, str]:
    return {
        "rcept_no": told.rcept_no, "corp_cls": company.corp_cls, "corp_code": company.corp_code,
        "corp_name": company.corp_name,
    }  # fmt: skip


def _shares(told: Capital) -> list[dict[str, str]]:
    count = f"{told.shares:,}"
    return [
        {
            "se": kind, "isu_stock_totqy": f"{told.shares * 4:,}", "now_to_isu_stock_totqy": count,
            "now_to_dcrs_stock_totqy": "-", "redc": "-", "profit_incnr": "-", "rdmstk_repy": "-", "etc": "-",
            "istc_totqy": count, "tesstk_co": "-", "distb_stock_co": count,
        }
        for kind in ("보통주", "합계")
    ]  # fmt: skip


def _dividends(told: Capital) -> list[dict[str, str]]:
    paid = [f"{each:,}" if each else "-" for each in (told.dividend_krw, told.preferred_krw)]
    per_share = [("주당 현금배당금(원)", kind, each) for kind, each in zip(("보통주", "우선주"), paid, strict=True)]
    lines = (("주당액면가액(원)", "-", f"{told.par_krw:,}"), *per_share)
    return [{"se": se, "stock_knd": kind, "thstrm": now, "frmtrm": "-", "lwfr": "-"} for se, kind, now in lines]


def _changes(told: Capital) -> list[dict[str, str]]:
    names = ("isu_dcrs_de", "isu_dcrs_stle", "isu_dcrs_stock_knd", "isu_dcrs_qy", "isu_dcrs_mstvdv_fval_amount",
             "isu_dcrs_mstvdv_amount")  # fmt: skip
    lines = [(f"{day:%Y.%m.%d}", kind, "보통주", f"{n:,}", f"{told.par_krw:,}", "-") for day, kind, n in told.changes]
    return [dict(zip(names, line, strict=True)) for line in lines or [("-", "-", "-", "-", "-", "-")]]


def _with_commas(amount: int | None) -> str:
    return "" if amount is None else f"{amount:,}"


def _text(amount: int | None) -> str:
    return "" if amount is None else str(amount)
