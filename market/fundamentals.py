"""Figures of reports untangled: three months from cumulative figures, the fourth quarter from the year, revisions by filing.

Reports tell a period again and again, quarters beside the year so far, and never a fourth quarter. Out of that come versions of
one figure per period: what the newest filing says, or what follows from it, known when its last part was. What does not belong
here: which concept of a source is which item (the bronze table's file), and any source's dates of knowledge.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

import pandas as pd

ITEMS = ("revenue", "operating_income", "net_income", "assets", "liabilities", "equity", "shares_outstanding")
BASES = ("consolidated", "separate")
SPANS = ("quarter", "year", "instant")
SERIES = ("security_id", "item", "basis", "currency")
NO_CURRENCY = "XXX"
"""ISO 4217's word for no currency: the `currency` of a count of shares."""

_DAYS = {1: (80, 100), 2: (170, 192), 3: (260, 285), 4: (350, 380)}  # quarters of 12 to 14 weeks, years of 52 or 53
_QUARTER_DAYS = 365.25 / 4
_JUST_OVER = timedelta(days=10)  # a year that ends in the first days of January is the old year's
_DAY = timedelta(days=1)

Period = tuple[str, date | None, date | None]  # span, first day where the span alone does not say it, last day


@dataclass(frozen=True)
class Told:
    """One figure as one filing tells it.

    Parameters
    ----------
    rank : of its concept among those of the item; the lowest one that is told for a period counts.
    start : first day; None for what is counted on a day.
    filed_at : when the filing could be known, by which the newest one is; known_at: when this figure of it could be.
    origin : number of the row it came in.
    """

    rank: int
    start: date | None
    end: date | None
    value: float
    filed_at: datetime
    known_at: datetime
    origin: int

    @property
    def n_quarters(self) -> int:
        """Quarters that the period covers; 0 where it is none of one to four."""
        return n_quarters(self.start, self.end)


@dataclass(frozen=True)
class Figure:
    """What is believed of a period, from `known_at` until `known_until` (None: still).

    Parameters
    ----------
    origin : number of the row that told it, or told the last part of a derived one.
    parts : of a derived one, the origins of all it was calculated from: the longer period's, then those taken off it.
    """

    span: str
    start: date | None
    end: date | None
    value: float
    is_derived: bool
    origin: int
    known_at: datetime
    known_until: datetime | None = None
    parts: tuple[int, ...] = ()


def n_quarters(start: date | None, end: date | None) -> int:
    """Quarters from the first to the last day; 0 where it is none of one to four."""
    days = (end - start).days + 1 if start and end else 0
    return next((n for n, (least, most) in _DAYS.items() if least <= days <= most), 0)


def figures(told: Iterable[Told]) -> list[Figure]:
    """Versions of every quarter, year and instant of one series, ordered by when they were known.

    A period that is neither one nor part of one (half a year, since inception) is told by no figure. One that ends before it begins
    comes as it is, span `other`: judging that is the checks' work. A value told again is no version.
    """
    beliefs = _Beliefs()
    ordered = sorted(told, key=lambda t: (t.known_at, t.filed_at, t.origin))
    for at, one in enumerate(ordered):
        beliefs.hear(one)
        if at + 1 == len(ordered) or ordered[at + 1].known_at != one.known_at:
            beliefs.conclude(one.known_at)
    return beliefs.versions


def untangled(rows: pd.DataFrame) -> pd.DataFrame:
    """Versions of the figures of every series, each with the other columns of the row that completed it.

    Parameters
    ----------
    rows : any order, with SERIES, `rank`, `period_start`, `period_end`, `value`, `filed_at`, `known_at`, `payload_digest` and `row_no`.

    Returns
    -------
    A new frame with `span`, `is_derived`, `parts`, `known_at` and `known_until`, ordered by series and when each was known. `parts`
    names the rows that a derived figure was calculated from, each as `payload_digest:row_no`, a space between; null of one that was told.
    """
    plain = rows.reset_index(drop=True)
    columns = ("rank", "period_start", "period_end", "value", "filed_at", "known_at")
    told = [
        Told(rank, start, end, value, filed_at, known_at, origin)
        for origin, (rank, start, end, value, filed_at, known_at) in enumerate(
            zip(*(plain[name] for name in columns), strict=True)
        )
    ]
    found: list[Figure] = []
    for _, at in sorted(plain.groupby(list(SERIES), sort=True).indices.items()):
        found += figures(told[i] for i in at.tolist())
    out = plain.iloc[[figure.origin for figure in found]].reset_index(drop=True)
    for name, own in (("period_start", "start"), ("period_end", "end"), ("span", "span")):
        out[name] = pd.Series([getattr(figure, own) for figure in found], dtype=object)
    out["value"] = pd.Series([figure.value for figure in found], dtype="float64")
    out["is_derived"] = pd.Series([figure.is_derived for figure in found], dtype=bool)
    rows_of = (plain["payload_digest"].astype("string") + ":" + plain["row_no"].astype("string")).tolist()
    named = [" ".join(dict.fromkeys(rows_of[part] for part in figure.parts)) or None for figure in found]
    out["parts"] = pd.Series(named, dtype="string")
    for name in ("known_at", "known_until"):
        out[name] = pd.Series([getattr(f, name) for f in found], dtype=rows["known_at"].dtype)
    return out


def fiscal_start(periods: Iterable[tuple[date, date]], *, is_annual: bool) -> tuple[date, date] | None:
    """First day of the fiscal year that a filing reports on, and the last day it reports on; None where no period tells.

    The longest of the periods with the latest end begins with the year. A report within the year may tell twelve months, too.
    """
    most = 4 if is_annual else 3
    usable = [(end, n, start) for start, end in periods if 0 < (n := n_quarters(start, end)) <= most]
    if not usable:
        return None
    end, _, start = max(usable, key=lambda one: one[:2])
    return start, end


def fiscal_period(span: str, end: date | None, year_start: date | None) -> str | None:
    """A name such as 2024Q1 or 2024FY, given the first day of some fiscal year; None where that is not known.

    A fiscal year is named by the calendar year in which it ends. Twelve months that are no fiscal year have no name.
    """
    if end is None or year_start is None or span not in SPANS:
        return None
    n = round(((end - year_start).days + 1) / _QUARTER_DAYS)
    years, quarter = divmod(n - 1, 4)
    year = (year_start + timedelta(days=364) - _JUST_OVER).year + years
    if span == "year":
        return f"{year}FY" if quarter == 3 else None
    return f"{year}Q{quarter + 1}"


class _Beliefs:
    """What is believed while filings come in, and the versions so far."""

    def __init__(self) -> None:
        self.versions: list[Figure] = []
        self._told: dict[int, dict[tuple[date | None, date | None], Told]] = {}
        self._current: dict[int, dict[Period, Figure]] = {}
        self._believed: dict[Period, int] = {}
        self._heard: set[int] = set()

    def hear(self, told: Told) -> None:
        """Take one figure in; that of an older filing does not displace a newer one's."""
        mine = self._told.setdefault(told.rank, {})
        before = mine.get((told.start, told.end))
        if before is None or told.filed_at >= before.filed_at:
            mine[told.start, told.end] = told
            self._heard.add(told.rank)

    def conclude(self, now: datetime) -> None:
        """What follows from all that was heard by now; where that is another value than before, a version begins."""
        for rank in self._heard:
            self._current[rank] = _following(list(self._told[rank].values()), now)
        self._heard.clear()
        said: dict[Period, Figure] = {}
        for rank in sorted(self._current, reverse=True):
            said |= self._current[rank]
        for period, figure in said.items():
            at = self._believed.get(period)
            if at is not None and self.versions[at].value == figure.value:
                continue
            if at is not None:
                self.versions[at] = replace(self.versions[at], known_until=now)
            self._believed[period] = len(self.versions)
            self.versions.append(replace(figure, known_at=now))


def _following(told: Sequence[Told], now: datetime) -> dict[Period, Figure]:
    """Figures of one concept: those told, and the quarters that follow from cumulative ones."""
    found: dict[Period, Figure] = {}
    for one in sorted(told, key=lambda t: (t.filed_at, t.origin)):
        span = _span(one)
        if span:
            start = one.start if span == "other" else None
            found[span, start, one.end] = Figure(span, one.start, one.end, one.value, False, one.origin, now)
    quarters = {one.start: one for one in told if one.n_quarters == 1}
    for derived in _derived(told, quarters, now):
        found.setdefault(("quarter", None, derived.end), derived)
    return found


def _span(told: Told) -> str:
    """The span by which a figure is kept; empty where it is only a part of others."""
    if told.end is None or (told.start is not None and told.start > told.end):
        return "other"
    if told.start is None:
        return "instant"
    return {1: "quarter", 4: "year"}.get(told.n_quarters, "")


def _derived(told: Sequence[Told], quarters: Mapping[date | None, Told], now: datetime) -> Iterable[Figure]:
    """The quarters between a cumulative figure and the one before it, told or summed up from its quarters."""
    chains: dict[date, dict[int, Told]] = {}
    for one in sorted(told, key=lambda t: (t.filed_at, t.origin)):
        if one.start is not None and one.n_quarters:
            chains.setdefault(one.start, {})[one.n_quarters] = one
    for chain in chains.values():
        before: tuple[date, float, tuple[Told, ...]] | None = None
        for n in (1, 2, 3, 4):
            whole = chain.get(n)
            if whole is not None and whole.end is not None:
                if before is not None and n_quarters(before[0] + _DAY, whole.end) == 1:
                    parts = (whole, *before[2])
                    last = max(parts, key=lambda t: (t.known_at, t.filed_at, t.origin))
                    yield Figure(
                        "quarter", before[0] + _DAY, whole.end, whole.value - before[1], True, last.origin, now,
                        parts=tuple(part.origin for part in parts),
                    )  # fmt: skip
                before = (whole.end, whole.value, (whole,))
            elif before is not None:
                more = quarters.get(before[0] + _DAY)
                before = (more.end, before[1] + more.value, (*before[2], more)) if more and more.end else None
