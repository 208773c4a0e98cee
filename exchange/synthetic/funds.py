"""Indices and exchange-traded funds of the synthetic world, worked out from its stocks.

An index is its members' capitalisation chained from session to session against the exchange's base prices, so a split or a new
share moves nothing; a fund follows an index with its leverage. What does not belong here: the stocks (exchange.synthetic.paths).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import NamedTuple

import numpy as np

from exchange.model import MARKETS, Float64, FundBar, IndexBar
from exchange.synthetic.paths import Panel

_OPEN, _HIGH, _LOW, _CLOSE = range(4)


class _Index(NamedTuple):
    """`largest`: how many of the boards' companies, by capitalisation of the session before, are members; 0: all."""

    series: str
    name: str
    boards: tuple[str, ...]
    largest: int
    level: float


class _Fund(NamedTuple):
    code: str
    name: str
    follows: str
    leverage: float
    level_krw: float


_INDICES = (
    _Index("KRX", "KRX 300", ("KOSPI", "KOSDAQ"), 30, 1_800.0),
    _Index("KOSPI", "코스피", ("KOSPI",), 0, 2_600.0),
    _Index("KOSPI", "코스피 200", ("KOSPI",), 20, 345.0),
    _Index("KOSDAQ", "코스닥", ("KOSDAQ",), 0, 850.0),
    _Index("KOSDAQ", "코스닥 150", ("KOSDAQ",), 15, 1_300.0),
)
# KRX lists these two without a level: its rows hold "-" for every price.
_WITHOUT_LEVEL = (("KOSPI", "코스피 (외국주포함)"), ("KOSDAQ", "코스닥 (외국주포함)"))
_FUNDS = (
    _Fund("069500", "KODEX 200", "코스피 200", 1.0, 34_500.0),
    _Fund("122630", "KODEX 레버리지", "코스피 200", 2.0, 17_000.0),
    _Fund("114800", "KODEX 인버스", "코스피 200", -1.0, 4_600.0),
    _Fund("229200", "KODEX 코스닥150", "코스닥 150", 1.0, 12_800.0),
    _Fund("0098F0", "KODEX KRX300", "KRX 300", 1.0, 18_000.0),
)


def index_bars(sessions: tuple[date, ...], panel: Panel, first: int) -> dict[date, tuple[IndexBar, ...]]:
    """Every index on every session from position ``first`` on."""
    made = {index.name: (index, *_chained(panel, index)) for index in _INDICES}
    found = {}
    for t in range(first, len(sessions)):
        told = [_index_bar(index, levels, totals, t) for index, levels, totals in made.values()]
        told += [IndexBar(series, name, *[None] * 8) for series, name in _WITHOUT_LEVEL]
        found[sessions[t]] = tuple(told)
    return found


def fund_bars(
    indices: Mapping[date, tuple[IndexBar, ...]], rng: np.random.Generator
) -> dict[date, tuple[FundBar, ...]]:
    """Every fund on every session; its net asset value follows its index, its price that value within a few ticks."""
    days = sorted(indices)
    draws = rng.normal(0.0, 0.0006, (len(days), len(_FUNDS))), rng.lognormal(13.0, 0.5, (len(days), len(_FUNDS)))
    found: dict[date, list[FundBar]] = {day: [] for day in days}
    for f, fund in enumerate(_FUNDS):
        nav, before = fund.level_krw, None
        for t, day in enumerate(days):
            index = next(bar for bar in indices[day] if bar.name == fund.follows)
            bar, nav = _fund_bar(fund, index, nav, before, (draws[0][t, f], draws[1][t, f]))
            found[day].append(bar)
            before = bar.close
    return {day: tuple(bars) for day, bars in found.items()}


def _chained(panel: Panel, index: _Index) -> tuple[Float64, Float64]:
    """(n, 4) open, high, low and close of an index, and (n, 3) its members' volume, value and capitalisation."""
    columns = panel.columns
    boards = [MARKETS.index(board) for board in index.boards]
    members = panel.is_listed & np.isin(panel.market, boards)
    cap = np.where(members, columns["market_cap"], 0)
    if index.largest:
        before = np.vstack([cap[:1], cap[:-1]])
        smallest = np.sort(before, axis=1)[:, -index.largest][:, None]
        members &= before >= smallest
    base = np.where(members, columns["close"] - columns["change"], 0) * columns["listed_shares"]
    ratios = np.empty((len(cap), 4))
    for at, name in enumerate(("open", "high", "low", "close")):
        price = np.where(columns[name] > 0, columns[name], columns["close"])
        ratios[:, at] = (np.where(members, price, 0) * columns["listed_shares"]).sum(axis=1) / base.sum(axis=1)
    closes = index.level * np.cumprod(ratios[:, _CLOSE])
    before_close = np.concatenate([[index.level], closes[:-1]])
    totals = [np.where(members, columns[name], 0).sum(axis=1) for name in ("volume", "value", "market_cap")]
    return before_close[:, None] * ratios, np.stack(totals, axis=1).astype(float)


def _index_bar(index: _Index, levels: Float64, totals: Float64, t: int) -> IndexBar:
    opened, high, low, close = (round(float(level), 2) for level in levels[t])
    before = round(float(levels[t - 1][_CLOSE]), 2) if t else index.level
    volume, value, cap = (int(total) for total in totals[t])
    high, low = max(high, opened, close), min(low, opened, close)
    return IndexBar(index.series, index.name, opened, high, low, close, round(close - before, 2), volume, value, cap)


def _fund_bar(
    fund: _Fund, index: IndexBar, nav: float, before: int | None, draws: tuple[float, float]
) -> tuple[FundBar, float]:
    assert index.close is not None and index.change is not None  # the indices that funds follow have levels
    base = index.close - index.change
    values = [
        nav * (1.0 + fund.leverage * (level / base - 1.0))
        for level in (index.open, index.high, index.low, index.close)
        if level
    ]
    opened, one, other, close = (_to_tick(value * (1.0 + draws[0])) for value in values)
    low, high = min(opened, one, other, close), max(opened, one, other, close)
    shares, volume = 20_000_000, int(draws[1])
    bar = FundBar(
        fund.code, fund.name, fund.follows, opened, high, low, close, close - (before or close), volume,
        volume * (low + high) // 2, close * shares, shares, round(values[_CLOSE], 2), int(values[_CLOSE] * shares),
        index.close, index.change,
    )  # fmt: skip
    return bar, values[_CLOSE]


def _to_tick(price: float) -> int:
    """Funds trade on ticks of 5 KRW, of 1 KRW below 2,000."""
    tick = 5 if price >= 2_000 else 1
    return max(round(price / tick) * tick, tick)
