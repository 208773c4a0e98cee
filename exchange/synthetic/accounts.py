"""What the companies of the synthetic world report at OpenDART: the figures of every periodic report, and its capital.

A correction restates its quarter, and later reports compare with the restated books. What does not belong here: which receipts
there are (exchange.synthetic.filings) and OpenDART's shapes (exchange.wires.dart_reports).
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

import numpy as np

from exchange.model import Capital, Filing, Statement, Told
from exchange.synthetic.companies import Security
from exchange.synthetic.events import Event, Plan
from exchange.synthetic.figures import end_of, quarters

FLOWS = ("revenue", "operating_income", "profit", "net_income")
STOCKS = ("assets", "liabilities", "total_equity", "equity")
REPORTS = {"03": ("11013", 1), "06": ("11012", 2), "09": ("11014", 3), "12": ("11011", 4)}
"""Code and quarter of a report by the month of its end: every company's fiscal year is the calendar's."""

CONSOLIDATED, SEPARATE = "CFS", "OFS"
_REPORT = re.compile(r"(?:\[(기재정정|첨부정정)\])?(?:분기|반기|사업)보고서 \((\d{4})\.(\d{2})\)")
_YEARS_BEFORE = 3  # an annual report compares with two years before
_LONELY = 3  # every third company has no subsidiaries, so no consolidated statements
_MINORITY = 0.03
_ROUND = 1_000_000
_CHANGES = {
    "bonus_issue": "무상증자",
    "rights_issue": "유상증자(주주배정)",
    "split": "주식분할",
    "consolidation": "주식병합",
    "capital_reduction": "무상감자",
    "stock_dividend": "주식배당",
    "spin_off": "회사분할",
}

Books = dict[tuple[int, int], dict[str, int]]  # by year and quarter: flows of three months, stocks at its end
Key = tuple[str, ...]
Shares = Callable[[int, int], int]


class Reported(NamedTuple):
    """A periodic report of a receipt."""

    year: int
    code: str
    quarter: int
    mark: str


class Accounts(NamedTuple):
    """Statements by company, year, report and basis; capital without the basis; and what is true, as JSON."""

    statements: dict[Key, list[Statement]]
    capital: dict[Key, list[Capital]]
    truth: dict[str, Any]


def report_of(name: str) -> Reported | None:
    """The periodic report that a receipt's name tells; None where it is another filing."""
    found = _REPORT.fullmatch(name)
    if found is None:
        return None
    code, quarter = REPORTS[found.group(3)]
    return Reported(int(found.group(2)), code, quarter, found.group(1) or "")


def accounts(
    securities: Sequence[Security], sessions: Sequence[date], plan: Plan, shares: Shares, receipts: Sequence[Filing],
    rng: np.random.Generator,
) -> Accounts:  # fmt: skip
    """Everything that these receipts tell, oldest first.

    Parameters
    ----------
    shares : listed shares by session position and position of the security.
    """
    heads = {s.corp_code: i for i, s in reversed(list(enumerate(securities)))}
    preferred = {s.corp_code: i for i, s in enumerate(securities) if heads[s.corp_code] != i}
    years = range(sessions[0].year - _YEARS_BEFORE, sessions[-1].year + 1)
    events: dict[int, list[Event]] = {}
    for event in plan.events:
        events.setdefault(event.security, []).append(event)
    clerks = {}
    for i, security in enumerate(securities):
        clerk = _Clerk(i, security, years, rng)  # drawn for each in turn: a small world shows the large one's numbers
        if heads[security.corp_code] == i:
            clerks[security.corp_code] = clerk
    made = Accounts({}, {}, {})
    for filing in receipts:
        report = report_of(filing.report_nm)
        if report is None or filing.corp_code not in clerks:
            continue
        clerk = clerks[filing.corp_code]
        clerk.file(filing, report, made)
        theirs = events.get(preferred.get(filing.corp_code, -1), ())
        said = _capital(clerk.position, report, filing, sessions, (events.get(clerk.position, ()), theirs), shares)
        made.capital.setdefault((filing.corp_code, str(report.year), report.code), []).append(said)
    made.truth.update({c.code: {"corp_code": corp, "reports": c.reports} for corp, c in clerks.items()})
    return made


class _Clerk:
    """Keeps one company's books and writes its statements."""

    def __init__(self, position: int, security: Security, years: range, rng: np.random.Generator) -> None:
        self.position, self.code = position, security.code
        self.reports: dict[str, list[dict[str, Any]]] = {}
        whole = quarters(12, float(security.level_krw) * security.shares, float(security.shares), years, rng)
        alone, minority = rng.uniform(0.5, 0.95), _MINORITY if position % 2 == 0 else 0.0
        self._slips = dict(
            zip(((q.fiscal_year, q.n) for q in whole), rng.uniform(0.005, 0.03, len(whole)), strict=True)
        )
        self._books: dict[str, Books] = {
            CONSOLIDATED: {(q.fiscal_year, q.n): _page({**q.flows, **q.stocks}, 1.0, minority) for q in whole},
            SEPARATE: {(q.fiscal_year, q.n): _page({**q.flows, **q.stocks}, alone, 0.0) for q in whole},
        }
        if position % _LONELY == 1:
            del self._books[CONSOLIDATED]

    def file(self, filing: Filing, report: Reported, made: Accounts) -> None:
        """Add what the receipt tells; a correction of attachments tells nothing new."""
        if report.mark == "첨부정정":
            return
        for basis, books in self._books.items():
            if report.mark:
                self._restate(books[report.year, report.quarter], self._slips[report.year, report.quarter])
            told = {item: _flow(books, report, item) for item in FLOWS} | {
                item: _stock(books, report, item) for item in STOCKS
            }
            key = (filing.corp_code, str(report.year), report.code, basis)
            statement = Statement(filing.rcept_no, filing.received_at, self.position, told)
            made.statements.setdefault(key, []).append(statement)
            name = f"{basis} {report.year}Q{report.quarter}"
            receipt = {"rcept_no": filing.rcept_no, "values": dict(books[report.year, report.quarter])}
            self.reports.setdefault(name, []).append(receipt)

    @staticmethod
    def _restate(page: dict[str, int], slip: float) -> None:
        """Revenue was told too high; all that hangs on it goes down by as much."""
        wrong = max(_rounded(page["revenue"] * slip), _ROUND)
        for item in (*FLOWS, "assets", "total_equity", "equity"):
            page[item] -= wrong


def _page(booked: Mapping[str, int], scale: float, minority: float) -> dict[str, int]:
    """One quarter's books of a basis; the part of others in profit and equity is taken out of the owners' own."""
    page = {item: _rounded(booked[item] * scale) for item in ("revenue", "operating_income", "assets", "liabilities")}
    page["profit"] = _rounded(booked["net_income"] * scale)
    page["total_equity"] = page["assets"] - page["liabilities"]
    page["net_income"] = page["profit"] - _rounded(page["profit"] * minority)
    page["equity"] = page["total_equity"] - _rounded(page["total_equity"] * minority)
    return page


def _flow(books: Books, report: Reported, item: str) -> Told:
    year, n = report.year, report.quarter
    so_far = {y: sum(books[y, q][item] for q in range(1, n + 1)) for y in (year, year - 1, year - 2) if (y, 1) in books}
    if n == 4:
        return Told(so_far[year], None, so_far.get(year - 1), None, so_far.get(year - 2))
    return Told(books[year, n][item], so_far[year], _booked(books, year - 1, n, item), so_far.get(year - 1), None)


def _stock(books: Books, report: Reported, item: str) -> Told:
    before, two_before = (_booked(books, report.year - back, 4, item) for back in (1, 2))
    now = books[report.year, report.quarter][item]
    return Told(now, None, before, None, two_before if report.quarter == 4 else None)


def _booked(books: Books, year: int, n: int, item: str) -> int | None:
    """What the books say; None before they begin."""
    page = books.get((year, n))
    return None if page is None else page[item]


def _capital(
    at: int, report: Reported, filing: Filing, sessions: Sequence[date], events: tuple[Sequence[Event], Sequence[Event]],
    shares: Shares,
) -> Capital:  # fmt: skip
    """Shares at the end of the period (or when the world begins), and what happened to them and was paid in the year so far.

    Parameters
    ----------
    events : of the common share, which is at that position, and of the preferred one.
    """
    first, last = date(report.year, 1, 1), end_of(12, report.year, report.quarter)
    end = max(bisect_right(sessions, last) - 1, 0)
    paid, preferred = (
        sum(e.amount_krw for e in each if e.kind == "cash_dividend" and first <= sessions[e.at] <= last)
        for each in events
    )
    changes = []
    for event in events[0]:
        day = sessions[event.shares_at] if event.kind in _CHANGES and event.shares_at < len(sessions) else None
        if day is not None and first <= day <= last and event.shares_at > 0:
            added = shares(event.shares_at, at) - shares(event.shares_at - 1, at)
            changes.append((day, _CHANGES[event.kind], added))
    par = 100 if filing.stock_code == "005930" else 500
    return Capital(filing.rcept_no, filing.received_at, shares(end, at), par, paid, preferred, tuple(sorted(changes)))


def _rounded(amount: float) -> int:
    return round(float(amount) / _ROUND) * _ROUND
