"""SEC EDGAR (www.sec.gov and data.sec.gov): company_tickers.json, submissions and companyfacts.

No key, but whoever asks names himself in the User-Agent. Nothing accepted after the clock's now is shown, and of the filings of
one period the newest carries the ``frame``. What does not belong here: frames and companyconcept.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from typing import Any

from exchange.clock import NEW_YORK, Clock
from exchange.model import Registrant, Reported, Submission, World
from exchange.wires.answer import Answer, Ask

_AGENT = re.compile(r"^\S.*\s\S+@\S+\.\S+$")  # "Name email@host"
_SUBMISSIONS = re.compile(r"^/submissions/CIK(\d{10})(-submissions-001)?\.json$")
_FACTS = re.compile(r"^/api/xbrl/companyfacts/CIK(\d{10})\.json$")
_RECENT = 40  # the real host shows about 1,000; with fewer a small world has an older page too
_TYPE = "application/json"
_HTML = "text/html"
_UNDECLARED = (
    b"<!DOCTYPE html><html><head><title>SEC.gov | Your Request Originates from an Undeclared Automated Tool</title></head>"
    b"<body><p>Please declare your traffic by updating your user agent to include company specific information.</p></body></html>"
)
_TOO_FAST = (
    b"<!DOCTYPE html><html><head><title>SEC.gov | Request Rate Threshold Exceeded</title></head>"
    b"<body><h1>Request Rate Threshold Exceeded</h1></body></html>"
)
_NOT_FOUND = b'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>NoSuchKey</Code><Message>The specified key does not exist.</Message></Error>'
_STATES = {"Nasdaq": "CA", "NYSE": "DE"}


class Sec:
    """The hosts of SEC."""

    def __init__(self, _keys: Mapping[str, str]) -> None:
        """SEC asks for no key."""

    def answer(self, ask: Ask, world: World, clock: Clock) -> Answer:
        """Tickers with their CIKs, a company's filings (the newest, or the older page), or all figures that it reported."""
        if not _AGENT.match(ask.headers.get("user-agent", "")):
            return self.expired_key()
        if ask.path == "/files/company_tickers.json":
            return _tickers(world, clock)
        listed, facts = _SUBMISSIONS.match(ask.path), _FACTS.match(ask.path)
        found = listed or facts
        company = world.registrants.get(found.group(1)) if found else None
        if company is None:
            return Answer(_NOT_FOUND, 404, "application/xml")
        known = [filing for filing in company.filings if filing.accepted_at <= clock.seconds][::-1]
        if facts:
            return _facts(company, {filing.accession for filing in known})
        return _older(company, known) if listed and listed.group(2) else _submissions(company, known, clock)

    def expired_key(self) -> Answer:
        """SEC's nearest: it does not take who asks."""
        return Answer(_UNDECLARED, 403, _HTML)

    def quota_spent(self) -> Answer:
        """SEC has no daily quota; who is too fast is shut out for some minutes."""
        return Answer(_TOO_FAST, 403, _HTML)

    def error_body(self) -> Answer:
        """What the gateway before the host says, here with HTTP 200."""
        return Answer({"message": "Internal server error"}, content_type=_TYPE)


def _tickers(world: World, clock: Clock) -> Answer:
    today = _day(clock)
    rows = {
        str(i): {"cik_str": company.cik, "ticker": company.symbol.replace(".", "-"), "title": company.called(today)}
        for i, company in enumerate(world.registrants.values())
    }
    return Answer(rows, content_type=_TYPE, rows=("",))


def _day(clock: Clock) -> date:
    return datetime.fromtimestamp(clock.seconds, NEW_YORK).date()


def _former(company: Registrant, day: date) -> list[dict[str, str]]:
    if company.former is None or day <= company.former[2]:
        return []
    name, *span = company.former
    return [{"name": name} | {word: f"{at}T00:00:00.000Z" for word, at in zip(("from", "to"), span, strict=True)}]


def _submissions(company: Registrant, known: list[Submission], clock: Clock) -> Answer:
    older, today = known[_RECENT:], _day(clock)
    pages = [
        {
            "name": f"CIK{company.cik:010d}-submissions-001.json",
            "filingCount": len(older),
            "filingFrom": min(filing.filed for filing in older).isoformat(),
            "filingTo": max(filing.filed for filing in older).isoformat(),
        }
    ] if older else []  # fmt: skip
    address = {
        "street1": "1 MAIN STREET", "street2": None, "city": "NEW YORK", "stateOrCountry": "NY", "zipCode": "10001",
        "stateOrCountryDescription": "NY",
    }  # fmt: skip
    body: dict[str, Any] = {"cik": str(company.cik), "entityType": "operating", "sic": company.sic[0]}
    body |= {"sicDescription": company.sic[1], "insiderTransactionForOwnerExists": 0}
    body |= {
        "insiderTransactionForIssuerExists": 1,
        "name": company.called(today),
        "tickers": [company.symbol.replace(".", "-")],
    }
    body |= {"exchanges": [company.exchange], "ein": f"{company.cik * 7 % 10**9:09d}", "description": "", "website": ""}
    body |= {"investorWebsite": "", "category": "Large accelerated filer", "fiscalYearEnd": company.year_end}
    state = _STATES[company.exchange]
    body |= {"stateOfIncorporation": state, "stateOfIncorporationDescription": state}
    body |= {"addresses": {"mailing": address, "business": address}, "phone": "212-555-0100", "flags": ""}
    body |= {
        "formerNames": _former(company, today),
        "filings": {"recent": _columns(company, known[:_RECENT]), "files": pages},
    }
    return Answer(body, content_type=_TYPE, rows=("filings", "recent"))


def _older(company: Registrant, known: list[Submission]) -> Answer:
    if not known[_RECENT:]:
        return Answer(_NOT_FOUND, 404, "application/xml")
    return Answer({**_columns(company, known[_RECENT:])}, content_type=_TYPE, rows=("",))


def _columns(company: Registrant, filings: Iterable[Submission]) -> dict[str, list[Any]]:
    rows = [_row(company, filing) for filing in filings]
    names = _row(company, Submission("", "", 0, date.min, date.min, "", ""))
    return {name: [row[name] for row in rows] for name in names}


def _row(company: Registrant, filing: Submission) -> dict[str, Any]:
    zone = NEW_YORK if company.writes_new_york else UTC
    accepted = datetime.fromtimestamp(filing.accepted_at, zone)
    is_ours = filing.form != "4"
    return {
        "accessionNumber": filing.accession,
        "filingDate": filing.filed.isoformat(),
        "reportDate": filing.report_date.isoformat(),
        "acceptanceDateTime": f"{accepted:%Y-%m-%dT%H:%M:%S}.000Z",
        "act": "34" if is_ours else "",
        "form": filing.form,
        "fileNumber": f"001-{company.cik % 100_000:05d}" if is_ours else "",
        "filmNumber": str(220_000_000 + filing.accepted_at % 10_000_000) if is_ours else "",
        "items": filing.items,
        "size": 5_000 + filing.accepted_at % 90_000,
        "isXBRL": int(is_ours),
        "isInlineXBRL": int(is_ours),
        "primaryDocument": filing.document,
        "primaryDocDescription": filing.form if is_ours else "PRIMARY DOCUMENT",
    }


def _facts(company: Registrant, known: set[str]) -> Answer:
    rows = [reported for reported in company.reported if reported.accession in known]
    if not rows:
        return Answer(_NOT_FOUND, 404, "application/xml")
    newest = {(r.concept, _frame(r)): (r.end, r.accession) for r in rows}
    facts: dict[str, dict[str, Any]] = {"dei": {}, "us-gaap": {}}
    ordered = sorted(enumerate(rows), key=lambda at: (at[1].concept, at[1].end, at[1].start or at[1].end, at[0]))
    for _, reported in ordered:
        is_cover = reported.concept.startswith("Entity")
        unit = "shares" if is_cover else "USD"
        concept = facts["dei" if is_cover else "us-gaap"].setdefault(
            reported.concept, {"label": reported.concept, "description": None, "units": {unit: []}}
        )
        frame = _frame(reported)
        is_newest = newest[reported.concept, frame] == (reported.end, reported.accession)
        concept["units"][unit].append(_fact(reported, frame if is_newest else ""))
    body = {"cik": company.cik, "entityName": company.name.upper(), "facts": facts}
    return Answer(body, content_type=_TYPE, rows=("facts",))


def _fact(reported: Reported, frame: str) -> dict[str, Any]:
    row: dict[str, Any] = {"start": reported.start.isoformat()} if reported.start else {}
    row |= {"end": reported.end.isoformat(), "val": reported.value, "accn": reported.accession}
    row |= {
        "fy": reported.fiscal_year,
        "fp": reported.period,
        "form": reported.form,
        "filed": reported.filed.isoformat(),
    }
    return row | ({"frame": frame} if frame else {})


def _frame(reported: Reported) -> str:
    """The calendar period that SEC puts the figure in: a quarter, a year, an instant; none for half and nine months."""
    end = reported.end
    if reported.start is None:
        return f"CY{end.year}Q{(end.month + 2) // 3}I"
    days = (end - reported.start).days
    middle = date.fromordinal((end.toordinal() + reported.start.toordinal()) // 2)
    if 80 <= days <= 100:
        return f"CY{middle.year}Q{(middle.month + 2) // 3}"
    return f"CY{middle.year}" if 350 <= days <= 380 else ""
