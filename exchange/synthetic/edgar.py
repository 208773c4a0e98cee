"""The registrants of the synthetic world: what US companies file at EDGAR, when it is accepted, and the figures in it.

What does not belong here: the figures themselves (exchange.synthetic.figures) and SEC's shapes (exchange.wires.sec).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any, NamedTuple

import numpy as np

from exchange.clock import NEW_YORK, epoch
from exchange.model import Registrant, Reported, Submission
from exchange.synthetic.figures import FLOWS, Quarter, quarters
from exchange.synthetic.sectors import SIC
from market import calendars

# symbol: CIK, and the month in which the fiscal year ends
_REGISTERED = {
    "AAPL": (320193, 9), "MSFT": (789019, 6), "GOOGL": (1652044, 12), "AMZN": (1018724, 12), "NVDA": (1045810, 1),
    "TSLA": (1318605, 12), "META": (1326801, 12), "AVGO": (1730168, 10), "JPM": (19617, 12), "V": (1403161, 9),
    "JNJ": (200406, 12), "WMT": (104169, 1), "PG": (80424, 6), "UNH": (731766, 12), "HD": (354950, 1),
    "MA": (1141391, 12), "XOM": (34088, 12), "CVX": (93410, 12), "KO": (21344, 12), "PEP": (77476, 12),
    "COST": (909832, 8), "ORCL": (1341439, 5), "AMD": (2488, 12), "NFLX": (1065280, 12), "INTC": (50863, 12),
    "CSCO": (858877, 7), "DIS": (1744489, 9), "BA": (12927, 12), "CAT": (18230, 12), "QCOM": (804328, 9),
}  # fmt: skip
_EXCHANGES = {"NMS": "Nasdaq", "NYQ": "NYSE"}
_REVENUES = ("RevenueFromContractWithCustomerExcludingAssessedTax", "Revenues")
_CONCEPTS = {
    "operating_income": "OperatingIncomeLoss",
    "net_income": "NetIncomeLoss",
    "assets": "Assets",
    "liabilities": "Liabilities",
    "equity": "StockholdersEquity",
}
_NEW_YORK_CLOCK = (
    3  # every third registrant: acceptances are New York's clock with a Z, as of a quarter of the real ones
)
_ONLY_CUMULATIVE = 4  # every fourth: a 10-Q tells net income from the year's beginning on alone
_RENAMED, _RENAMED_AGO = 3, timedelta(days=60)  # which registrant had another name, until how long before the end
_AMENDED_SHARE = 0.3
_EARLIEST_YEARS = 2  # of fiscal years before the world's first session
_OTHERS = (("4", "", 6.0), ("8-K", "5.02", 1.0), ("8-K", "8.01,9.01", 2.0))  # form, items, how many a year


class _Draft(NamedTuple):
    """A filing before it has an accession number; ``told`` are figures: (concept, start, end, value)."""

    accepted_at: datetime
    form: str
    report_date: date
    items: str = ""
    fiscal: tuple[int, str] = (0, "")
    told: tuple[tuple[str, date | None, date, int], ...] = ()


def registrants(
    known: Sequence[Sequence[str]], n_symbols: int, first: date, last: date, rng: np.random.Generator
) -> dict[str, Registrant]:
    """Registrants by CIK, ten digits, of the first ``n_symbols``; all are simulated.

    Parameters
    ----------
    known : symbol, name, board, price (USD) and shares outstanding (millions).
    first, last : first and last session of the world.
    """
    found = {}
    for i, (symbol, name, board, price, millions, *_) in enumerate(known):
        cik, month = _REGISTERED[symbol]
        shares = float(millions) * 1e6
        years = range(first.year - _EARLIEST_YEARS, last.year + 2)
        books = quarters(month, float(price) * shares, shares, years, rng)
        clerk = _Clerk(_REVENUES[i % 2], i % _ONLY_CUMULATIVE == 1, books, last, rng)
        filings, reported = _numbered(cik, symbol, clerk.drafts())
        found[f"{cik:010d}"] = Registrant(
            cik, name, symbol, _EXCHANGES[board], f"{books[3].end:%m%d}", i % _NEW_YORK_CLOCK == 2, filings, reported,
            tuple(clerk.years()), (f"First {name}", first - timedelta(days=3_000), last - _RENAMED_AGO) if i == _RENAMED else None,
            SIC[symbol],
        )  # fmt: skip
    return dict(list(found.items())[:n_symbols])


def truth(by_cik: Mapping[str, Registrant]) -> dict[str, Any]:
    """By symbol: CIK, industry, and by fiscal year the flows of its quarters, the year as first told and as restated, as JSON."""
    return {r.symbol: {"cik": r.cik, "sic": list(r.sic), "years": list(r.years)} for r in by_cik.values()}


class _Clerk:
    """Writes a company's filings: figures are told for the period, again as comparatives, and restated now and then."""

    def __init__(
        self, revenue: str, only_cumulative: bool, books: list[Quarter], last: date, rng: np.random.Generator
    ) -> None:
        self._concepts = {"revenue": revenue, **_CONCEPTS}
        self._only_cumulative = only_cumulative
        self._books = {(q.fiscal_year, q.n): q for q in books}
        self._last, self._rng = last, rng
        self._first_told: dict[int, dict[str, int]] = {}
        self._restated: dict[int, dict[str, int]] = {}

    def drafts(self) -> list[_Draft]:
        """All filings up to the world's last session, in the order of their acceptance."""
        found: list[_Draft] = []
        for quarter in self._books.values():
            told_at = self._instant(
                quarter.end + timedelta(days=int(self._rng.integers(24, 55 if quarter.n == 4 else 42)))
            )
            found.append(_Draft(told_at - timedelta(minutes=25), "8-K", told_at.date(), "2.02,9.01"))
            found += self._annual(quarter, told_at) if quarter.n == 4 else [self._quarterly(quarter, told_at)]
        found += self._others()
        kept = [draft for draft in found if draft.accepted_at.date() <= self._last]
        return sorted(kept, key=lambda draft: draft.accepted_at)

    def years(self) -> list[dict[str, Any]]:
        """The truth of every fiscal year whose annual report is told."""
        return [
            {
                "fiscal_year": year,
                "end": self._books[year, 4].end.isoformat(),
                "quarters": {item: [self._books[year, n].flows[item] for n in (1, 2, 3, 4)] for item in FLOWS},
                "year": told,
                "restated": self._restated.get(year),
            }
            for year, told in self._first_told.items()
        ]

    def _quarterly(self, quarter: Quarter, at: datetime) -> _Draft:
        """A 10-Q: three months and the year so far, each beside the year before; no 10-Q tells a fourth quarter."""
        told = []
        for year in (quarter.fiscal_year, quarter.fiscal_year - 1):
            now, begun = self._books.get((year, quarter.n)), self._books.get((year, 1))
            if now is None or begun is None:
                continue
            for item in FLOWS:
                if quarter.n == 1 or not (self._only_cumulative and item == "net_income"):
                    told.append((item, now.start, now.end, now.flows[item]))
                if quarter.n > 1:
                    so_far = sum(self._books[year, n].flows[item] for n in range(1, quarter.n + 1))
                    told.append((item, begun.start, now.end, so_far))
        return self._draft(at, "10-Q", quarter, f"Q{quarter.n}", told)

    def _annual(self, quarter: Quarter, at: datetime) -> list[_Draft]:
        """A 10-K with the two years before as comparatives, and now and then its 10-K/A with restated figures."""
        year = quarter.fiscal_year
        self._first_told |= {} if at.date() > self._last else {year: self._sum(year)}
        filed = [self._draft(at, "10-K", quarter, "FY", self._told_years((year, year - 1, year - 2)))]
        later = self._instant(at.date() + timedelta(days=int(self._rng.integers(20, 70))))
        if self._rng.random() < _AMENDED_SHARE and later.date() <= self._last:
            wrong = int(self._sum(year)["revenue"] * self._rng.uniform(0.005, 0.03) / 1e6) * 1_000_000
            self._restated[year] = {item: amount - wrong for item, amount in self._sum(year).items()}
            filed.append(self._draft(later, "10-K/A", quarter, "FY", self._told_years((year,))))
        return filed

    def _told_years(self, years: Sequence[int]) -> list[tuple[str, date, date, int]]:
        there = [year for year in years if (year, 1) in self._books]
        return [
            (item, self._books[year, 1].start, self._books[year, 4].end, amount)
            for year in there
            for item, amount in self._restated.get(year, self._sum(year)).items()
        ]

    def _sum(self, year: int) -> dict[str, int]:
        return {item: sum(self._books[year, n].flows[item] for n in (1, 2, 3, 4)) for item in FLOWS}

    def _draft(
        self, at: datetime, form: str, quarter: Quarter, period: str, flows: Sequence[tuple[str, date, date, int]]
    ) -> _Draft:
        """The filing with its flows, the balance at the quarter's and at the last year's end, and the cover's shares."""
        told: list[tuple[str, date | None, date, int]] = [
            (self._concepts[item], start, end, amount) for item, start, end, amount in flows
        ]
        for balance in (quarter, self._books.get((quarter.fiscal_year - 1, 4))):
            if balance is not None:
                told += [(self._concepts[item], None, balance.end, amount) for item, amount in balance.stocks.items()]
        told.append(("EntityCommonStockSharesOutstanding", None, at.date() - timedelta(days=9), quarter.shares))
        return _Draft(at, form, quarter.end, "", (quarter.fiscal_year, period), tuple(told))

    def _others(self) -> list[_Draft]:
        first = min(quarter.start for quarter in self._books.values())
        n_days = (self._last - first).days
        found = []
        for form, items, a_year in _OTHERS:
            days = np.sort(self._rng.integers(0, n_days, int(a_year * n_days / 365)))
            found += [
                _Draft(at := self._instant(first + timedelta(days=int(day))), form, at.date(), items) for day in days
            ]
        return found

    def _instant(self, day: date) -> datetime:
        """An instant at which EDGAR is open (6:00 to 22:00) on the first session from the day on, mostly after the close."""
        if not calendars.is_session("XNYS", day):
            day = calendars.next_session("XNYS", day)
        hours = self._rng.choice([self._rng.uniform(6.6, 9.4), self._rng.uniform(16.6, 21.9)], p=[0.25, 0.75])
        return datetime.combine(day, time(0), NEW_YORK) + timedelta(seconds=int(hours * 3600))


def _numbered(cik: int, symbol: str, drafts: Sequence[_Draft]) -> tuple[tuple[Submission, ...], tuple[Reported, ...]]:
    """Filings with accession numbers, counted by the year of their acceptance, and all figures in them."""
    filings, reported = [], []
    counts: dict[int, int] = {}
    for draft in drafts:
        year = draft.accepted_at.year
        counts[year] = counts.get(year, 0) + 1
        accession = f"{cik:010d}-{year % 100:02d}-{counts[year]:06d}"
        document = f"{symbol.lower()}-{draft.report_date:%Y%m%d}.htm" if draft.form != "4" else "xslF345X05/form4.xml"
        filed = _filing_date(draft)
        filings.append(
            Submission(accession, draft.form, epoch(draft.accepted_at), filed, draft.report_date, draft.items, document)
        )
        reported += [
            Reported(concept, start, end, amount, accession, *draft.fiscal, draft.form, filed)
            for concept, start, end, amount in draft.told
        ]
    return tuple(filings), tuple(reported)


def _filing_date(draft: _Draft) -> date:
    """The day of acceptance; from 17:30 on the next session's, but for reports of ownership."""
    day = draft.accepted_at.date()
    is_late = draft.accepted_at.time() >= time(17, 30) and draft.form != "4"
    return calendars.next_session("XNYS", day) if is_late else day
