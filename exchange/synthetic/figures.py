"""The books of a synthetic US company: what it really earned in each fiscal quarter, and what it owned at its end.

What does not belong here: in which filings the figures are told, and when (exchange.synthetic.edgar).
"""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

FLOWS = ("revenue", "operating_income", "net_income")
STOCKS = ("assets", "liabilities", "equity")
_ROUND = 1_000_000


@dataclass(frozen=True)
class Quarter:
    """One fiscal quarter: ``flows`` of its three months and ``stocks`` at its end, in whole USD; ``n`` is 1 to 4."""

    fiscal_year: int
    n: int
    start: date
    end: date
    flows: dict[str, int]
    stocks: dict[str, int]
    shares: int


def quarters(month: int, value: float, shares: float, years: range, rng: np.random.Generator) -> list[Quarter]:
    """The quarters of fiscal years that end in ``month``; a year is named by the calendar year of its end.

    Parameters
    ----------
    value : about what the company is worth, USD; its revenue of a year is a fifth of that.
    shares : outstanding at the beginning.
    """
    n = 4 * len(years)
    season = np.tile(1 + rng.uniform(-0.12, 0.12, 4), len(years))
    revenue = value / 20 * season * np.exp(np.cumsum(rng.normal(0.015, 0.03, n)))
    margin, kept = np.clip(rng.normal(rng.uniform(0.08, 0.35), 0.05, n), -0.2, 0.6), rng.uniform(0.72, 0.9, n)
    assets = value * rng.uniform(0.3, 0.6) * np.exp(np.cumsum(rng.normal(0.01, 0.02, n)))
    share = np.clip(rng.uniform(0.35, 0.7) + np.cumsum(rng.normal(0, 0.01, n)), 0.1, 0.95)
    outstanding = shares * np.exp(np.cumsum(rng.normal(-0.002, 0.002, n)))
    found = []
    for i in range(n):
        year, q = years[i // 4], i % 4 + 1
        earned = revenue[i] * margin[i]
        owned, owed = _rounded(assets[i]), _rounded(assets[i] * share[i])
        flows = dict(zip(FLOWS, map(_rounded, (revenue[i], earned, earned * kept[i])), strict=True))
        found.append(
            Quarter(
                year, q, end_of(month, year, q - 1) + timedelta(days=1), end_of(month, year, q), flows,
                dict(zip(STOCKS, (owned, owed, owned - owed), strict=True)), int(outstanding[i] / 1000) * 1000,
            )
        )  # fmt: skip
    return found


def end_of(month: int, fiscal_year: int, n: int) -> date:
    """Last day of quarter ``n`` of a fiscal year that ends in ``month``; 0 is the end of the year before."""
    months = fiscal_year * 12 + month - 1 - 3 * (4 - n)
    year, at = divmod(months, 12)
    return date(year, at + 1, calendar.monthrange(year, at + 1)[1])


def _rounded(amount: float) -> int:
    return round(float(amount) / _ROUND) * _ROUND
