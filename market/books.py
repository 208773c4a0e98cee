"""What was known of one company at an instant: its figures by quarter and by day, its newest close, and how many shares there were.

Amounts keep the figures that they were summed up from. What does not belong here: which amounts make a ratio (`market.ratios`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import pandas as pd

from market.fundamentals import NO_CURRENCY, n_quarters

QUARTERS = 4
REPORT_STALE_DAYS = 490
"""A report older than so many days is none: who reports once a year has three months for it, then a month of grace."""

STALE_DAYS = 14
"""A close older than so many days is none: more than the longest closure of an exchange; a halted share has a bar every session."""

SHARE_SPLITS = ("split", "consolidation")
"""Causes in silver.adjustments by which the number of a company's shares changes, and nothing else."""

FLOWS = ("revenue", "operating_income", "net_income")
BALANCES = ("assets", "liabilities", "equity")
_COUNT = "shares_outstanding"
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Part:
    """One figure that an amount is made of.

    Parameters
    ----------
    item : of silver.fundamentals; or `close` and `listed_shares` of a session, `split_factor` (old shares / new) of an ex-date.
    period_end : last day of the period, or the day.
    fiscal_period : such as 2024Q1; None where the filing does not tell it, and of what no filing tells.
    currency : of the value; XXX of a count or a factor.
    filing_no : of the filing that told it; None of what the exchange tells.
    concept : account or concept by which the filing tells it; None of what the exchange tells.
    """

    security_id: str
    item: str
    period_end: date
    fiscal_period: str | None
    value: float
    currency: str
    filing_no: str | None
    concept: str | None
    known_at: datetime


@dataclass(frozen=True)
class Amount:
    """A figure, or what was made of figures, by name and with them."""

    name: str
    value: float
    currency: str
    parts: tuple[Part, ...]


class Untold(Exception):
    """What cannot be told: why, and the figures that show it."""

    def __init__(self, reason: str, parts: Sequence[Part] = ()) -> None:
        super().__init__(reason)
        self.reason, self.parts = reason, tuple(parts)


@dataclass(frozen=True)
class Shares:
    """A company's shares: the newest close of the common one, the listed number of each class, and what a report counted."""

    close: Part | None
    listed: tuple[Part, ...]
    counted: Part | None
    splits: tuple[Part, ...]

    def price(self, currency: str) -> Amount:
        """The close, where it is in that currency."""
        if self.close is None:
            raise Untold(f"no close within {STALE_DAYS} days")
        if self.close.currency != currency:
            raise Untold(f"reported in {currency}, traded in {self.close.currency}", [self.close])
        return Amount("close", self.close.value, currency, (self.close,))

    def number(self) -> Amount:
        """All listed shares, preferred ones too; where no exchange tells them, those of the newest report on the scale of today."""
        if self.listed:
            return Amount("shares", sum(part.value for part in self.listed), NO_CURRENCY, self.listed)
        if self.counted is None:
            raise Untold("neither an exchange nor a report told the number of shares")
        # A split after the newest close is not in it yet, and must not be in the number that it is multiplied by.
        last = self.close.period_end if self.close else date.max
        since = [part for part in self.splits if self.counted.period_end < part.period_end <= last]
        value = self.counted.value
        for part in since:
            value /= part.value
        return Amount("shares", value, NO_CURRENCY, (self.counted, *since))


@dataclass(frozen=True)
class Books:
    """Figures of one basis in one currency.

    Parameters
    ----------
    end : last day of the newest period that was told.
    quarters : by item and last day, the first day and the figure.
    balances : by item and day.
    """

    basis: str
    currency: str
    end: date
    quarters: Mapping[str, Mapping[date, tuple[date, Part]]]
    balances: Mapping[str, Mapping[date, Part]]

    def trailing(self, item: str) -> Amount:
        """The sum of the four quarters up to the newest period, each of which begins where the one before it ends."""
        end, parts = self.end, []
        for _ in range(QUARTERS):
            start, part = self._quarter(item, end)
            parts.append(part)
            end = start - _DAY
        return Amount(f"trailing {_words(item)}", sum(part.value for part in parts), self.currency, tuple(parts))

    def balance(self, item: str) -> Amount:
        """What there was at the end of the newest period."""
        part = self.balances.get(item, {}).get(self.end)
        if part is None:
            raise Untold(f"no {_words(item)} told of {self.end}")
        return Amount(_words(item), part.value, self.currency, (part,))

    def quarter(self, item: str) -> Amount:
        """The newest quarter."""
        _, part = self._quarter(item, self.end)
        return Amount(_words(item), part.value, self.currency, (part,))

    def quarter_a_year_before(self, item: str) -> Amount:
        """The quarter that ended a year before the newest one."""
        ends = [end for end in self.quarters.get(item, {}) if n_quarters(end + _DAY, self.end) == QUARTERS]
        if not ends:
            raise Untold(f"no {_words(item)} told of the quarter a year before {self.end}")
        _, part = self._quarter(item, max(ends))
        return Amount(f"{_words(item)} a year before", part.value, self.currency, (part,))

    def _quarter(self, item: str, end: date) -> tuple[date, Part]:
        told = self.quarters.get(item, {})
        if not told:
            raise Untold(f"no quarter of {_words(item)} told")
        if end not in told:
            raise Untold(f"no {_words(item)} told of the quarter that ends {end}")
        return told[end]


def books(figures: pd.DataFrame) -> list[Books]:
    """The books of one company, group first: of each basis those in the currency of its newest period.

    Parameters
    ----------
    figures : rows of silver.fundamentals believed at one instant, any order.
    """
    found = []
    money = figures[figures["currency"] != NO_CURRENCY]
    for basis, told in money.groupby("basis", sort=True):
        flows = told[told["span"].isin(["quarter", "year"])]
        newest = (flows if len(flows) else told).sort_values(["period_end", "known_at", "currency"]).iloc[-1]
        found.append(_of(str(basis), newest, told[told["currency"] == newest["currency"]]))
    return found


def shares(figures: pd.DataFrame, bars: pd.DataFrame, factors: pd.DataFrame) -> Shares:
    """What was known of one company's shares.

    Parameters
    ----------
    figures, bars, factors : rows of silver.fundamentals, silver.prices and silver.adjustments believed at one instant, any order; bars
        of every class of share with the `company_id` that they share, factors of the common one.
    """
    newest = bars.sort_values("session_date").drop_duplicates("security_id", keep="last").sort_values("security_id")
    common = newest[newest["security_id"] == newest["company_id"]]
    # Without the common share's number that of the preferred ones would be taken for the whole; a class without a bar of its last
    # session is gone, converted most often, and its shares with it.
    counted = newest["listed_shares"].notna() & newest["session_date"].isin(common["session_date"])
    listed = newest[counted] if common["listed_shares"].notna().any() else newest[:0]
    counts = figures[figures["item"] == _COUNT].sort_values(["period_end", "known_at"])
    splits = factors[factors["cause"].isin(SHARE_SPLITS)].sort_values("session_date")
    return Shares(
        close=next((_bar(row, "close", row.close, row.currency) for row in common.itertuples()), None),
        listed=tuple(_bar(row, "listed_shares", row.listed_shares, NO_CURRENCY) for row in listed.itertuples()),
        counted=next((_figure(row) for row in counts.tail(1).itertuples()), None),
        splits=tuple(_bar(row, "split_factor", row.factor, NO_CURRENCY) for row in splits.itertuples()),
    )


def _of(basis: str, newest: pd.Series, told: pd.DataFrame) -> Books:
    quarters: dict[str, dict[date, tuple[date, Part]]] = {}
    balances: dict[str, dict[date, Part]] = {}
    for row in told.itertuples():
        if row.span == "quarter" and row.item in FLOWS:
            quarters.setdefault(row.item, {})[row.period_end] = row.period_start, _figure(row)
        elif row.span == "instant" and row.item in BALANCES:
            balances.setdefault(row.item, {})[row.period_end] = _figure(row)
    return Books(basis, newest["currency"], newest["period_end"], quarters, balances)


def _figure(row: Any) -> Part:
    """A row of silver.fundamentals."""
    fiscal = None if pd.isna(row.fiscal_period) else str(row.fiscal_period)
    return Part(
        row.security_id, row.item, row.period_end, fiscal, float(row.value), row.currency, str(row.filing_no), str(row.concept),
        row.known_at.to_pydatetime(),
    )  # fmt: skip


def _bar(row: Any, item: str, value: float, currency: str) -> Part:
    """A figure of a session."""
    known_at = row.known_at.to_pydatetime()
    return Part(row.security_id, item, row.session_date, None, float(value), currency, None, None, known_at)


def _words(item: str) -> str:
    return item.replace("_", " ")
