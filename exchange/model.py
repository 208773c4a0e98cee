"""What a world is made of, the same for generated and recorded ones: daily rows, listings, charts, filings, headlines.

What does not belong here: wire formats (exchange.wires) and how a world comes to be (exchange.synthetic, exchange.recorded).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Int64 = npt.NDArray[np.int64]
Float64 = npt.NDArray[np.float64]

MISSING = int(np.iinfo(np.int64).min)
"""Stands for an unknown number in integer columns; KRX writes "-" there."""

MARKETS = ("KOSPI", "KOSDAQ", "KONEX")
ADMINISTRATIVE = "관리종목(소속부없음)"
"""How KRX writes it; of KOSPI its rows tell no section."""
INDEX_SERVICES = {"krx_dd_trd": "KRX", "kospi_dd_trd": "KOSPI", "kosdaq_dd_trd": "KOSDAQ"}
"""Services of indices, by the series that each tells."""
FUND_SERVICE = "etf_bydd_trd"
NUMBERS = ("open", "high", "low", "close", "volume", "value", "market_cap", "listed_shares", "change")


@dataclass(frozen=True)
class Daily:
    """KRX daily rows, long, sorted by session and then in listing order.

    Attributes
    ----------
    sessions : the dates that the world covers, oldest first.
    offsets : (n_sessions + 1,) row at which each session begins.
    codes, names : text dictionaries; ``code`` and ``name`` are (n,) positions in them, ``market`` in ``MARKETS``.
    numbers : (n,) int64 for each of ``NUMBERS``; prices, value and market_cap in KRW; ``MISSING`` where unknown.
    """

    sessions: tuple[date, ...]
    offsets: Int64
    codes: tuple[str, ...]
    names: tuple[str, ...]
    code: Int64
    name: Int64
    market: Int64
    numbers: Mapping[str, Int64]

    @cached_property
    def _position(self) -> dict[date, int]:
        return {day: i for i, day in enumerate(self.sessions)}

    def rows_on(self, day: date, market: str) -> Int64:
        """Row numbers of one market on one day; empty where the day is not covered."""
        i = self._position.get(day)
        if i is None:
            return np.empty(0, np.int64)
        begin, end = self.offsets[i], self.offsets[i + 1]
        rows: Int64 = begin + np.flatnonzero(self.market[begin:end] == MARKETS.index(market))
        return rows


class Listing(NamedTuple):
    """What the issue master knows of one security on one market; ``administrative``: first and last days of such spells."""

    isin: str
    full_name: str
    english_name: str
    list_date: date
    section: str
    share_kind: str
    par_value: str
    administrative: tuple[tuple[date, date], ...] = ()

    def section_on(self, day: date) -> str:
        """The section of KOSDAQ that it is in that day, empty where there is none; an administrative issue is in a section of its own."""
        return ADMINISTRATIVE if any(first <= day <= last for first, last in self.administrative) else self.section


@dataclass(frozen=True)
class Chart:
    """One security in raw prices of its exchange's currency, oldest first; events by the session on which they are ex."""

    symbol: str
    name: str
    exchange_name: str
    full_exchange_name: str
    first_trade: int
    sessions: tuple[date, ...]
    opens_at: Int64
    closes_at: Int64
    prices: Mapping[str, Float64]
    volume: Int64
    splits: tuple[tuple[date, int, int], ...] = ()
    dividends: tuple[tuple[date, float], ...] = ()
    exchange: str = "XNYS"


class IndexBar(NamedTuple):
    """One index on one session; None where KRX writes "-". ``series`` is whose service tells it: KRX, KOSPI or KOSDAQ."""

    series: str
    name: str
    open: float | None
    high: float | None
    low: float | None
    close: float | None
    change: float | None
    volume: int | None
    value: int | None
    market_cap: int | None


class FundBar(NamedTuple):
    """One exchange-traded fund on one session, prices in KRW; ``follows`` names its index, ``nav`` is per share, ``net_assets`` of the whole fund."""

    code: str
    name: str
    follows: str
    open: int
    high: int
    low: int
    close: int
    change: int
    volume: int
    value: int
    market_cap: int
    listed_shares: int
    nav: float
    net_assets: int
    index_close: float
    index_change: float


class Company(NamedTuple):
    """A company as OpenDART knows it; one company may have several securities."""

    corp_code: str
    corp_name: str
    english_name: str
    stock_code: str
    corp_cls: str
    induty_code: str


class Filing(NamedTuple):
    """One receipt at OpenDART. ``received_at`` is epoch seconds; the wire shows the day alone.

    ``amends`` is the receipt number of the first report that this one corrects, empty for originals.
    """

    corp_code: str
    corp_name: str
    stock_code: str
    corp_cls: str
    report_nm: str
    rcept_no: str
    flr_nm: str
    rm: str
    kind: str
    received_at: int
    amends: str = ""


class Told(NamedTuple):
    """One item of a statement in whole KRW: of its period, the year so far, the same a year before, and two years before.

    None where the report does not tell it: an annual report has no year so far, a balance no flow.
    """

    now: int
    so_far: int | None
    before: int | None
    before_so_far: int | None
    two_before: int | None


class Statement(NamedTuple):
    """The figures of a periodic report at OpenDART as one receipt tells them, by item.

    ``style`` says in which accounts and statements the company tells them.
    """

    rcept_no: str
    received_at: int
    style: int
    items: Mapping[str, Told]


class Capital(NamedTuple):
    """What a periodic report says beside its statements; dividends and changes (day, kind, shares) are those of the year so far.

    ``preferred_krw`` is what the company's preferred share was paid, 0 where it has none.
    """

    rcept_no: str
    received_at: int
    shares: int
    par_krw: int
    dividend_krw: int
    preferred_krw: int
    changes: tuple[tuple[date, str, int], ...]


class Decision(NamedTuple):
    """The figures of a decision to issue bonus shares or to reduce the capital.

    ``ratio`` is added shares, or those left, per share held; ``shares`` are those before it.
    """

    rcept_no: str
    received_at: int
    ratio: float
    shares: int
    decided: date
    record_date: date
    listed: date


class Submission(NamedTuple):
    """One filing at EDGAR. ``accepted_at`` is epoch seconds; ``filed`` is the day that counts as its filing's."""

    accession: str
    form: str
    accepted_at: int
    filed: date
    report_date: date
    items: str
    document: str


class Reported(NamedTuple):
    """One figure of a filing, in whole USD or shares. ``fiscal_year`` and ``period`` are the filing's, not the figure's.

    ``start`` is None for what is counted on a day.
    """

    concept: str
    start: date | None
    end: date
    value: int
    accession: str
    fiscal_year: int
    period: str
    form: str
    filed: date


class Registrant(NamedTuple):
    """A company as SEC knows it, its filings and figures in the order of their acceptance.

    ``year_end`` is MMDD; ``writes_new_york`` where its acceptances are New York's clock although they end in Z; ``years`` is truth.
    ``former`` is a name that it had before, and from and until which day; ``sic`` SEC's code of its industry and the words for it.
    """

    cik: int
    name: str
    symbol: str
    exchange: str
    year_end: str
    writes_new_york: bool
    filings: tuple[Submission, ...]
    reported: tuple[Reported, ...]
    years: tuple[Mapping[str, Any], ...]
    former: tuple[str, date, date] | None = None
    sic: tuple[str, str] = ("7372", "Services-Prepackaged Software")

    def called(self, day: date) -> str:
        """Its name on that day."""
        return self.former[0] if self.former and day <= self.former[2] else self.name


class Delisting(NamedTuple):
    """A row of the exchange's list of delistings. ``day`` is the first one on which the security is no longer on that market.

    ``liquidation`` is the first and the last day of its liquidation trading, ``to`` the code that it passes to or belongs to.
    """

    code: str
    name: str
    market: str
    share_kind: str
    list_date: date
    day: date
    reason: str
    liquidation: tuple[date, date] | None
    par_value: str
    shares: int
    to: tuple[str, str] = ("", "")


class Headline(NamedTuple):
    """One news item, or another page of the web; texts are plain (no marks, no entities). ``published_at`` is epoch seconds.

    ``naver_url`` is empty for what Naver's news does not show. ``story`` is what it tells, for the truth alone; 0: nothing known.
    """

    published_at: int
    code: str
    company: str
    title: str
    summary: str
    original_url: str
    naver_url: str = ""
    story: int = 0


@dataclass(frozen=True)
class News:
    """Headlines sorted by publication."""

    items: Sequence[Headline]

    @cached_property
    def _times(self) -> list[int]:
        return [item.published_at for item in self.items]

    @cached_property
    def _by_company(self) -> dict[str, list[int]]:
        groups: dict[str, list[int]] = {}
        for i, item in enumerate(self.items):
            for key in {item.company, item.code} - {""}:
                groups.setdefault(key, []).append(i)
        return groups

    def matching(self, query: str, until: int) -> list[Headline]:
        """Items that fit ``query`` (a company, its code, or words of the text) published by ``until``, newest first."""
        known = self._by_company.get(query)
        end = bisect_right(self._times, until)
        if known is not None:
            found = known[: bisect_right(known, end - 1)]
        else:
            words = query.split()
            found = [
                i for i in range(end) if all(w in self.items[i].title or w in self.items[i].summary for w in words)
            ]
        return [self.items[i] for i in reversed(found)]


@dataclass(frozen=True)
class World:
    """Everything that can be asked about, without any clock; what may be shown when is decided by the wires.

    ``filings``, ``news``, ``web`` (what Daum's web search shows) and ``delistings`` are None where the world does not cover that source,
    which is not the same as empty. ``indices`` and ``funds`` are by session; without any, their services are not covered.
    ``industries`` are KRX's by code: from which session on which.
    """

    name: str
    price_basis: str
    end: datetime
    daily: Daily
    listings: Mapping[tuple[str, str], Listing]
    charts: Mapping[str, Chart] = field(default_factory=dict)
    korean_splits: Mapping[str, tuple[tuple[date, int, int], ...]] = field(default_factory=dict)
    us_sessions: tuple[date, ...] = ()
    companies: Mapping[str, Company] = field(default_factory=dict)
    filings: Sequence[Filing] | None = None
    statements: Mapping[tuple[str, ...], Sequence[Statement]] = field(default_factory=dict)
    capital: Mapping[tuple[str, ...], Sequence[Capital]] = field(default_factory=dict)
    bonus_issues: Mapping[str, Sequence[Decision]] = field(default_factory=dict)
    capital_reductions: Mapping[str, Sequence[Decision]] = field(default_factory=dict)
    news: News | None = None
    registrants: Mapping[str, Registrant] = field(default_factory=dict)
    web: News | None = None
    indices: Mapping[date, Sequence[IndexBar]] = field(default_factory=dict)
    funds: Mapping[date, Sequence[FundBar]] = field(default_factory=dict)
    delistings: Sequence[Delisting] | None = None
    industries: Mapping[str, Sequence[tuple[date, str]]] = field(default_factory=dict)
    truth: Mapping[str, Any] = field(default_factory=dict)

    def describe(self) -> dict[str, Any]:
        """The body of ``/_exchange/world``."""
        present = np.unique(self.daily.market)
        return {
            "world": self.name,
            "price_basis": self.price_basis,
            "sources": {
                "krx": {
                    "exchange": "XKRX",
                    "covered": True,
                    "markets": [MARKETS[i] for i in present],
                    "services": [*(INDEX_SERVICES if self.indices else ()), *((FUND_SERVICE,) if self.funds else ())],
                },
                "yahoo": {"exchange": "XNYS", "covered": bool(self.charts), "symbols": list(self.charts)},
                "dart": {"exchange": "XKRX", "covered": self.filings is not None},
                "naver": {"exchange": "XKRX", "covered": self.news is not None},
                "sec": {
                    "exchange": "XNYS",
                    "covered": bool(self.registrants),
                    "symbols": [registrant.symbol for registrant in self.registrants.values()],
                },
                "daum": {"exchange": "XKRX", "covered": self.web is not None},
                "krx_market": {
                    "exchange": "XKRX",
                    "covered": self.delistings is not None,
                    "markets": [MARKETS[i] for i in present] if self.industries else [],
                },
            },
            "sessions": {
                "XKRX": [day.isoformat() for day in self.daily.sessions],
                "XNYS": [day.isoformat() for day in self.us_sessions],
            },
        }
