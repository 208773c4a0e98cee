"""Filings at OpenDART with figures of their own: which ones a list of receipts names, how to ask for them, and the rows of an answer.

OpenDART answers with the newest correction's figures alone, under its receipt number. Rows count only where that is a number that
was listed for this very report: so neither another quarter's figures nor a later correction's are taken for it. What does not
belong here: asking (`lake.clients.dart`), and which accounts mean what (silver).
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import pyarrow as pa

from lake.delivery import SchemaDrift, own_columns, said, text_rows
from lake.host import Answer
from market import registry

ACCOUNTS, COMPANIES = "bronze.dart_accounts", "bronze.dart_companies"
SHARES, DIVIDENDS, CHANGES = "bronze.dart_shares", "bronze.dart_dividends", "bronze.dart_capital_changes"
BONUS_ISSUES, REDUCTIONS = "bronze.dart_bonus_issues", "bronze.dart_capital_reductions"
ANNUAL = "11011"
_FIRST_YEAR = 2015
BASES = ("CFS", "OFS")
_QUARTER = {1: "11013", 2: "11012", 3: "11014", 4: ANNUAL}
_TITLE = {1: "분기", 2: "반기", 3: "분기", 4: "사업"}
_RECEIPT = re.compile(r"\d{14}")
_REPORT = re.compile(r"(?:\[[^\]]+\])*((분기|반기|사업)보고서) \((\d{4})\.(\d{2})\)")
_DECISIONS = {BONUS_ISSUES: re.compile("(?<!유)무상증자결정"), REDUCTIONS: re.compile("감자결정")}
_OURS = {  # of the request and the list; the answer's rows have none of them
    ACCOUNTS: ("fs_div", "stock_code", "report_nm"), SHARES: ("reprt_code", "stock_code", "report_nm"),
    **dict.fromkeys((DIVIDENDS, CHANGES, BONUS_ISSUES, REDUCTIONS), ("stock_code", "report_nm")),
}  # fmt: skip
_MAY_LACK = {
    ACCOUNTS: (
        "account_detail", "thstrm_nm", "thstrm_add_amount", "frmtrm_nm", "frmtrm_amount", "frmtrm_q_nm", "frmtrm_q_amount",
        "frmtrm_add_amount", "bfefrmtrm_nm", "bfefrmtrm_amount", "ord", "currency",
    ),
    DIVIDENDS: ("stock_knd",),
}  # fmt: skip
_OF_MAJOR = (
    "stock_code",
    "fs_nm",
    "thstrm_dt",
    "frmtrm_dt",
    "bfefrmtrm_dt",
)  # told by the list of receipts, or by fs_div and the report
_ENVELOPE = ("status", "message")  # beside the fields of the company
_CHANGED = "The source changed its format: compare the kept payload with the contract"


@dataclass(frozen=True)
class Decision:
    """One company's decisions of a kind among listed receipts, corrections included.

    Parameters
    ----------
    table : the bronze table of their figures.
    receipts : by receipt number the session and the name under which it was listed.
    """

    corp_code: str
    stock_code: str
    table: str
    receipts: Mapping[str, tuple[date, str]]

    @property
    def session(self) -> date:
        """The session of the newest receipt."""
        return max(session for session, _ in self.receipts.values())

    @property
    def days(self) -> tuple[str, str]:
        """First and last day of the receipts, which their numbers begin with: YYYYMMDD."""
        return min(self.receipts)[:8], max(self.receipts)[:8]


@dataclass(frozen=True)
class Report:
    """One periodic report of a company with a listed share, corrections included.

    Parameters
    ----------
    title : 분기, 반기 or 사업.
    year, month : of the last month that it reports on.
    receipts : by receipt number the session and the name under which it was listed.
    """

    corp_code: str
    stock_code: str
    title: str
    year: int
    month: int
    receipts: Mapping[str, tuple[date, str]]

    @property
    def session(self) -> date:
        """The session of the newest receipt."""
        return max(session for session, _ in self.receipts.values())

    def asked_as(self, last_month: int) -> list[tuple[str, str]]:
        """Business year and report code to ask with, given the month in which the company's year ends; most likely first.

        A business year that is no calendar year is named by its first one; the second is tried too, since that is
        unconfirmed. Empty where a report of that title does not end in such a month, and before 2015, where OpenDART begins.
        """
        n = (self.month - last_month) % 12 // 3 or 4
        if (self.month - last_month) % 3 or _TITLE[n] != self.title:
            return []
        ends = self.year + (self.month > last_month)
        years = [ends] if last_month == 12 else [ends - 1, ends]
        return [(str(year), _QUARTER[n]) for year in years if year >= _FIRST_YEAR]


def reports(listed: pa.Table) -> list[Report]:
    """The periodic reports of companies with a share's code among listed receipts, in the order of their first one."""
    found: dict[tuple[str, ...], dict[str, tuple[date, str]]] = {}
    codes: dict[str, str] = {}
    for corp, stock, name, number, session in _of_listed(listed):
        if told := _REPORT.fullmatch(name):
            key = (corp, told.group(2), told.group(3), told.group(4))
            found.setdefault(key, {})[number] = (session, name)
            codes[corp] = stock
    return [Report(key[0], codes[key[0]], key[1], int(key[2]), int(key[3]), held) for key, held in found.items()]


def decisions(listed: pa.Table) -> list[Decision]:
    """The decisions whose ratio OpenDART tells, of companies with a share's code, in the order of their first receipt."""
    found: dict[tuple[str, str], dict[str, tuple[date, str]]] = {}
    codes: dict[str, str] = {}
    for corp, stock, name, number, session in _of_listed(listed):
        for table, title in _DECISIONS.items():
            if title.search(name) and _RECEIPT.fullmatch(number):
                found.setdefault((corp, table), {})[number] = (session, name)
                codes[corp] = stock
    return [Decision(corp, codes[corp], table, held) for (corp, table), held in found.items()]


def rows(answer: Answer, table: str, report: Report | Decision, asked: Mapping[str, str]) -> pa.Table:
    """The rows of an answer that are of this report, each with its receipt's session and its place in the payload.

    Parameters
    ----------
    asked : parameters of the request. Accounts asked for without `fs_div` are the major ones, which tell it themselves, and no account's id.

    Raises
    ------
    SchemaDrift
        No list of rows, columns are missing or of another type, it tells of another company, or what should be a receipt number is none.
    """
    where = f"{answer.url_redacted} of dart"
    schema = own_columns(registry.table(table))
    told, ours, may_lack = _listed(answer.body, where), _OURS[table], _MAY_LACK.get(table, ())
    if table == ACCOUNTS and "fs_div" not in asked:
        told, ours, may_lack = _without(told, _OF_MAJOR), ("stock_code", "report_nm"), (*may_lack, "account_id")
    own = [name for name in schema.names if name not in ours]
    plain = text_rows(_filled(told, may_lack), pa.schema([schema.field(name) for name in own]), where)
    others = set(plain["corp_code"].to_pylist()) - {report.corp_code}
    if others:
        found = ", ".join(map(str, others))
        raise SchemaDrift(where, expected=f"rows of company {report.corp_code}", found=f"of {found}", do=_CHANGED)
    numbers = plain["rcept_no"].to_pylist()
    for place, number in enumerate(numbers):
        if not _RECEIPT.fullmatch(number or ""):  # else a row would be taken for another receipt's, and left out
            found = f"{number!r} in row {place}"
            raise SchemaDrift(where, expected="receipt numbers of 14 digits", found=found, do=_CHANGED)
    at = [place for place, number in enumerate(numbers) if number in report.receipts]
    kept = plain.take(pa.array(at, pa.int32()))
    receipts = [report.receipts[number] for number in kept["rcept_no"].to_pylist()]
    same = {**asked, "stock_code": report.stock_code}
    added = {name: pa.array([same.get(name)] * len(at), pa.string()) for name in ours}
    added["report_nm"] = pa.array([name for _, name in receipts], pa.string())
    made = pa.table([kept[name] if name in own else added[name] for name in schema.names], schema=schema)
    made = made.append_column("session_date", pa.array([session for session, _ in receipts], pa.date32()))
    return made.append_column("row_no", pa.array(at, pa.int32()))


def company(answer: Answer) -> pa.Table:
    """The one row that tells of a company.

    Raises
    ------
    SchemaDrift
        Fields are missing or of another type.
    """
    where = f"{answer.url_redacted} of dart"
    schema = own_columns(registry.table(COMPANIES))
    return text_rows(_without([answer.body], _ENVELOPE), schema, where)


def last_month(told: pa.Table) -> int:
    """The month in which the company's business year ends; 0 where it is not told."""
    text = str(told["acc_mt"][0].as_py() or "") if told.num_rows else ""
    return int(text) if text.isdecimal() and 1 <= int(text) <= 12 else 0


def _of_listed(listed: pa.Table) -> Iterator[tuple[str, str, str, str, date]]:
    """Company, code of its share, name, number and session of the receipts that have them all."""
    names = ("corp_code", "stock_code", "report_nm", "rcept_no", "session_date")
    for corp, stock, name, number, session in zip(*(listed[column].to_pylist() for column in names), strict=True):
        if corp and number and (stock or "").strip():
            yield corp, stock.strip(), (name or "").strip(), number, session


def _listed(body: Any, where: str) -> list[Any]:
    told = body.get("list") if isinstance(body, dict) else None
    if not isinstance(told, list):
        raise SchemaDrift(where, expected="list", found=said(body), do=_CHANGED)
    return told


def _without(told: Iterable[Any], names: Sequence[str]) -> list[Any]:
    """The rows without these keys."""
    return [{k: v for k, v in row.items() if k not in names} if isinstance(row, dict) else row for row in told]


def _filled(told: Iterable[Any], optional: Sequence[str]) -> list[Any]:
    """The rows with null for keys that OpenDART leaves out where it has nothing to say."""
    none = dict.fromkeys(optional)
    return [none | row if isinstance(row, dict) else row for row in told]
