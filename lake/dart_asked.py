"""What OpenDART is asked about one filing: the parts of a periodic report, the company where its business year is not known, a decision's figures.

Wires: `/api/fnlttSinglAcntAll`, and `fnlttSinglAcnt` where that has nothing; `stockTotqySttus`, `alotMatter`, `irdsSttus`; `company`;
`fricDecsn`, `crDecsn`. What does not belong here: which filings there are (`lake.clients.dart`), and what an answer's rows are (`lake.dart_rows`).
"""

from collections.abc import Sequence

from lake import dart_rows
from lake.dart_rows import (
    ACCOUNTS,
    ANNUAL,
    BASES,
    BONUS_ISSUES,
    CHANGES,
    COMPANIES,
    DIVIDENDS,
    REDUCTIONS,
    SHARES,
    Decision,
    Report,
)
from lake.delivery import Delivery, SchemaDrift, deliver, own_columns
from lake.host import Answer
from lake.http import Fetcher
from market import registry

NO_DATA = "013"
_CALENDAR = 12  # most companies' year ends in December
_PARTS = {
    ACCOUNTS: "fnlttSinglAcntAll", SHARES: "stockTotqySttus", DIVIDENDS: "alotMatter", CHANGES: "irdsSttus",
    BONUS_ISSUES: "fricDecsn", REDUCTIONS: "crDecsn",
}  # fmt: skip
_MAJOR = "fnlttSinglAcnt"


def of_report(fetcher: Fetcher, report: Report) -> list[Delivery]:
    """What one report tells. It is asked for as that of a calendar year; where that gives nothing of it, of the company's own year."""
    found: list[Delivery] = []
    tried = report.asked_as(_CALENDAR)
    if _asked(fetcher, report, tried, found):
        return found
    company = _company(fetcher, report)
    found.append(company)
    month = dart_rows.last_month(company.rows)
    others = [asked for asked in report.asked_as(month) if asked not in tried] if month else []
    _asked(fetcher, report, others, found)
    return found


def of_decision(fetcher: Fetcher, decision: Decision) -> Delivery:
    """The figures of a company's decisions of a kind, of the days of their receipts."""
    first, last = decision.days
    params = {"corp_code": decision.corp_code, "bgn_de": first, "end_de": last}
    return _answered(
        fetcher, decision, decision.table, _PARTS[decision.table], params, (decision.corp_code, first, last)
    )


def is_empty(answer: Answer) -> bool:
    """Whether OpenDART says that it has nothing."""
    return isinstance(answer.body, dict) and answer.body.get("status") == NO_DATA


def _asked(fetcher: Fetcher, report: Report, ways: Sequence[tuple[str, str]], found: list[Delivery]) -> bool:
    """Whether one of the ways to ask tells the report's accounts; the answers, and then the rest of the report, go to `found`."""
    for asked in ways:
        if _tells_accounts(fetcher, report, asked, found):
            if found[-1].problem:
                return True
            for table in (SHARES, DIVIDENDS, CHANGES) if asked[1] == ANNUAL else (SHARES,):
                found.append(_part(fetcher, report, asked, table))
                if found[-1].problem:
                    return True
            return True
    return False


def _tells_accounts(fetcher: Fetcher, report: Report, asked: tuple[str, str], found: list[Delivery]) -> bool:
    """Whether OpenDART tells accounts of the report, or what it tells is a problem; the answers go to `found`.

    The major accounts, which tell both bases at once, are asked where the statements have none: the company filed no XBRL (ADR 0020).
    """
    n_before = len(found)
    for basis in (*BASES, ""):
        if not basis and any(delivery.rows.num_rows for delivery in found[n_before:]):
            break
        found.append(_part(fetcher, report, asked, ACCOUNTS, basis))
        if found[-1].problem:  # what came is kept with it; another failure must not take its place
            return True
    return any(delivery.rows.num_rows for delivery in found[n_before:])


def _part(fetcher: Fetcher, report: Report, asked: tuple[str, str], table: str, basis: str = "") -> Delivery:
    """One answer about a report. Accounts of no basis: the major ones."""
    path = _MAJOR if table == ACCOUNTS and not basis else _PARTS[table]
    params = {"corp_code": report.corp_code, "bsns_year": asked[0], "reprt_code": asked[1]}
    params |= {"fs_div": basis} if basis else {}
    return _answered(fetcher, report, table, path, params, (report.corp_code, *asked, basis))


def _answered(
    fetcher: Fetcher, filed: Report | Decision, table: str, path: str, params: dict[str, str], words: Sequence[str]
) -> Delivery:
    """An answer about a filing; without a row where OpenDART has nothing, or tells of another receipt."""
    answer = fetcher.get(f"/api/{path}.json", params, filed.session)
    suffix = "-".join(filter(None, (path, *words)))
    rows = own_columns(registry.table(table)).empty_table()
    if is_empty(answer):
        return deliver(answer, table, filed.session, suffix, rows)
    try:
        return deliver(answer, table, filed.session, suffix, dart_rows.rows(answer, table, filed, params))
    except SchemaDrift as drift:
        return deliver(answer, table, filed.session, suffix, rows, problem=drift)


def _company(fetcher: Fetcher, report: Report) -> Delivery:
    answer = fetcher.get("/api/company.json", {"corp_code": report.corp_code}, report.session)
    suffix, rows = f"company-{report.corp_code}", own_columns(registry.table(COMPANIES)).empty_table()
    if is_empty(answer):
        return deliver(answer, COMPANIES, report.session, suffix, rows)
    try:
        return deliver(answer, COMPANIES, report.session, suffix, dart_rows.company(answer))
    except SchemaDrift as drift:
        return deliver(answer, COMPANIES, report.session, suffix, rows, problem=drift)
