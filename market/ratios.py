"""Ratios of a company as of an instant, each with the figures it is made of: profitability, gearing, valuation, growth.

A ratio has figures of one basis, in one currency, up to the newest period that a report told, each with the concept by which its filing
tells it: a company may tell one quarter by another concept than the next. Where it cannot be told the value is null, with the reason. What does not belong here: finding and summing up figures (`market.books`).
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import NamedTuple

import pandas as pd

from market import bitemporal
from market.books import REPORT_STALE_DAYS, STALE_DAYS, Amount, Books, Part, Shares, Untold, books, shares

PURE = "1"


class Formula(NamedTuple):
    """What a ratio says, how it is made of a company's books and shares, and whether it is in their currency."""

    doc: str
    made: Callable[[Books, Shares], Amount]
    is_in_currency: bool = False


@dataclass(frozen=True)
class Ratio:
    """One ratio of one basis.

    Parameters
    ----------
    value : None where it cannot be told; `reason` says why.
    unit : 1, or the currency in which a share's part is told.
    period_end : last day of the newest period that a report told.
    known_at : the greatest of its parts'; None without parts.
    parts : the figures that it is made of; of one that cannot be told, those that show why.
    """

    security_id: str
    basis: str
    ratio: str
    value: float | None
    unit: str
    period_end: date
    reason: str | None
    known_at: datetime | None
    parts: tuple[Part, ...]


def ratios(figures: pd.DataFrame, bars: pd.DataFrame, factors: pd.DataFrame, at: datetime) -> list[Ratio]:
    """Every ratio of RATIOS by security and basis, as it could be known at the instant; none of a company that told no figures.

    Parameters
    ----------
    figures : versions of silver.fundamentals, any order; the columns of `Part`, `basis`, `span`, `period_start` and `known_until`.
    bars : versions of silver.prices with `company_id`, the security whose company the share is of: its own id, or the common share's.
    factors : versions of silver.adjustments.
    at : instant (UTC); what was known later is not used.
    """
    now = pd.Timestamp(at)
    told, known, ledger = (bitemporal.true_at(rows, now) for rows in (figures, bars, factors))
    known = known[known["session_date"] >= at.date() - timedelta(days=STALE_DAYS)]
    found: list[Ratio] = []
    for security, rows in told.groupby("security_id", sort=True):
        own = shares(rows, known[known["company_id"] == security], ledger[ledger["security_id"] == security])
        found += [one for told_books in books(rows) for one in _of(str(security), told_books, own, at)]
    return found


def _of(security: str, told: Books, own: Shares, at: datetime) -> Iterator[Ratio]:
    """The ratios of one basis, in the order of RATIOS."""
    is_old = told.end < at.date() - timedelta(days=REPORT_STALE_DAYS)
    for name, formula in RATIOS.items():
        try:
            if is_old:
                raise Untold(f"no report of a period after {told.end}")
            made = formula.made(told, own)
            value, unit, reason, parts = made.value, made.currency, None, made.parts
        except Untold as untold:
            unit = told.currency if formula.is_in_currency else PURE
            value, reason, parts = None, untold.reason, untold.parts
        known_at = max((part.known_at for part in parts), default=None)
        yield Ratio(security, told.basis, name, value, unit, told.end, reason, known_at, parts)


def _over(above: Amount, below: Amount) -> Amount:
    """The quotient as a pure number, of a positive denominator: a loss or a debt below says nothing that compares."""
    parts = (*above.parts, *below.parts)
    if not below.value > 0:
        raise Untold(f"{below.name} is not positive", parts)
    return Amount("", above.value / below.value, PURE, parts)


def _a_share(amount: Amount, own: Shares) -> Amount:
    """The part of one share, in the currency of the amount."""
    number = own.number()
    made = _over(amount, number)
    return replace(made, name=f"{amount.name} a share", currency=amount.currency)


def _growth(told: Books, item: str) -> Amount:
    made = _over(told.quarter(item), told.quarter_a_year_before(item))
    return replace(made, value=made.value - 1.0)


RATIOS: Mapping[str, Formula] = {
    "operating_margin": Formula(
        "operating income of the last four quarters over their revenue",
        lambda told, _: _over(told.trailing("operating_income"), told.trailing("revenue")),
    ),
    "net_margin": Formula(
        "net income of the last four quarters over their revenue",
        lambda told, _: _over(told.trailing("net_income"), told.trailing("revenue")),
    ),
    "return_on_equity": Formula(
        "net income of the last four quarters over the equity at their end",
        lambda told, _: _over(told.trailing("net_income"), told.balance("equity")),
    ),
    "return_on_assets": Formula(
        "net income of the last four quarters over the assets at their end",
        lambda told, _: _over(told.trailing("net_income"), told.balance("assets")),
    ),
    "debt_to_equity": Formula(
        "all liabilities over the equity",
        lambda told, _: _over(told.balance("liabilities"), told.balance("equity")),
    ),
    "earnings_per_share": Formula(
        "net income of the last four quarters over the number of shares",
        lambda told, own: _a_share(told.trailing("net_income"), own),
        is_in_currency=True,
    ),
    "price_to_earnings": Formula(
        "close over the earnings per share of the last four quarters",
        lambda told, own: _over(own.price(told.currency), _a_share(told.trailing("net_income"), own)),
    ),
    "price_to_book": Formula(
        "close over the equity per share",
        lambda told, own: _over(own.price(told.currency), _a_share(told.balance("equity"), own)),
    ),
    "revenue_growth": Formula(
        "revenue of the last quarter over that of the same quarter a year before, less 1",
        lambda told, _: _growth(told, "revenue"),
    ),
}  # fmt: skip
"""By name. Net income and equity are the owners' of the parent company where a report tells them apart."""
