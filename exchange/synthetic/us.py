"""The US side of the synthetic world: raw daily charts of well-known symbols with splits and cash dividends.

What does not belong here: Yahoo's adjusting (exchange.wires.yahoo). Prices are invented; only names, boards, and the days
of a few well-known splits are real.
"""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np

from exchange.model import Chart, Float64, Int64
from exchange.synthetic.signal import Signal
from market import calendars

# symbol|name|board|level|shares outstanding (millions)|quarterly dividend
_KNOWN = """
AAPL|Apple Inc.|NMS|137|15700|0.24
MSFT|Microsoft Corporation|NMS|256|7450|0.68
GOOGL|Alphabet Inc.|NMS|2180|660|0
AMZN|Amazon.com, Inc.|NMS|106|10200|0
NVDA|NVIDIA Corporation|NMS|158|2500|0.04
TSLA|Tesla, Inc.|NMS|700|1040|0
META|Meta Platforms, Inc.|NMS|163|2690|0
AVGO|Broadcom Inc.|NMS|500|405|4.6
JPM|JPMorgan Chase & Co.|NYQ|114|2930|1.05
V|Visa Inc.|NYQ|197|2100|0.45
JNJ|Johnson & Johnson|NYQ|175|2620|1.19
WMT|Walmart Inc.|NYQ|121|2730|0.57
PG|Procter & Gamble Company (The)|NYQ|137|2390|0.94
UNH|UnitedHealth Group Incorporated|NYQ|490|935|1.88
HD|Home Depot, Inc. (The)|NYQ|280|1020|2.09
MA|Mastercard Incorporated|NYQ|320|960|0.57
XOM|Exxon Mobil Corporation|NYQ|88|4100|0.91
CVX|Chevron Corporation|NYQ|146|1900|1.51
KO|Coca-Cola Company (The)|NYQ|61|4320|0.46
PEP|Pepsico, Inc.|NMS|164|1380|1.15
COST|Costco Wholesale Corporation|NMS|465|443|1.02
ORCL|Oracle Corporation|NYQ|69|2700|0.4
AMD|Advanced Micro Devices, Inc.|NMS|82|1610|0
NFLX|Netflix, Inc.|NMS|175|445|0
INTC|Intel Corporation|NMS|37|4130|0.125
CSCO|Cisco Systems, Inc.|NMS|43|4050|0.39
DIS|Walt Disney Company (The)|NYQ|95|1830|0
BA|Boeing Company (The)|NYQ|137|600|0
CAT|Caterpillar, Inc.|NYQ|183|510|1.3
QCOM|QUALCOMM Incorporated|NMS|124|1110|0.8
"""
MOST = 30
_BOARDS = {"NMS": "NasdaqGS", "NYQ": "NYSE"}
_SPLITS = {
    "GOOGL": ((date(2022, 7, 18), 20, 1),),
    "TSLA": ((date(2022, 8, 25), 3, 1),),
    "WMT": ((date(2024, 2, 26), 3, 1),),
    "NVDA": ((date(2024, 6, 10), 10, 1),),
    "CSCO": ((date(2023, 10, 2), 1, 2),),
}


def known() -> list[list[str]]:
    """The symbols with the fields above, in order."""
    return [line.split("|") for line in _KNOWN.strip().split("\n")]


def charts(sessions: tuple[date, ...], n_served: int, n_symbols: int, rng: np.random.Generator) -> dict[str, Chart]:
    """Charts of the first ``n_symbols`` over the last ``n_served`` sessions; all 30 are simulated over all sessions."""
    listed = known()
    opens, closes = _instants(sessions)
    bars = _simulate(listed, sessions, rng)
    first = len(sessions) - n_served
    return {
        fields[0]: Chart(
            symbol=fields[0],
            name=fields[1],
            exchange_name=fields[2],
            full_exchange_name=_BOARDS[fields[2]],
            first_trade=345_479_400 + 86_400 * 7 * (sum(map(ord, fields[0])) % 900),
            sessions=sessions[first:],
            opens_at=opens[first:],
            closes_at=closes[first:],
            prices={name: bars[name][first:, i] for name in ("open", "high", "low", "close")},
            volume=bars["volume"][first:, i].astype(np.int64),
            splits=tuple(s for s in _SPLITS.get(fields[0], ()) if s[0] >= sessions[first]),
            dividends=tuple(d for d in _dividends(fields, sessions) if d[0] >= sessions[first]),
        )
        for i, fields in enumerate(listed[:n_symbols])
    }


def truth(charts_by_symbol: dict[str, Chart]) -> dict[str, Any]:
    """Splits and dividends of the charts, as JSON."""
    splits = [
        {"symbol": c.symbol, "date": d.isoformat(), "numerator": n, "denominator": m}
        for c in charts_by_symbol.values()
        for d, n, m in c.splits
    ]
    dividends = [
        {"symbol": c.symbol, "date": d.isoformat(), "amount_usd": a}
        for c in charts_by_symbol.values()
        for d, a in c.dividends
    ]
    return {"splits": splits, "dividends": dividends}


def _instants(sessions: tuple[date, ...]) -> tuple[Int64, Int64]:
    opens = [int(calendars.open_at("XNYS", day).timestamp()) for day in sessions]
    closes = [int(calendars.close_at("XNYS", day).timestamp()) for day in sessions]
    return np.array(opens, np.int64), np.array(closes, np.int64)


def _dividends(fields: list[str], sessions: tuple[date, ...]) -> list[tuple[date, float]]:
    """Quarterly, ex on the first session from the tenth of February, May, August and November, later for some.

    The amount is per share of the day: after a split it is smaller by the split's ratio.
    """
    amount, found = float(fields[5]), []
    if amount == 0:
        return []
    offset = sum(map(ord, fields[0])) % 15
    for t in range(1, len(sessions)):
        day, before = sessions[t], sessions[t - 1]
        if day.month % 3 == 2 and day.day >= 10 + offset and (before.day < 10 + offset or before.month != day.month):
            ratio = 1.0
            for split_day, new, old in _SPLITS.get(fields[0], ()):
                ratio *= new / old if split_day <= day else 1.0
            found.append((day, round(amount / ratio, 4)))
    return found


def _simulate(known: list[list[str]], sessions: tuple[date, ...], rng: np.random.Generator) -> dict[str, Float64]:
    """(n_sessions, n_symbols) raw bars in USD and shares, moved by a market factor, own noise and the planted signal."""
    n, m = len(sessions), len(known)
    market, beta = rng.normal(0.0005, 0.009, n), rng.normal(1.0, 0.25, m)
    noise = rng.standard_t(5, (n, m)) / np.sqrt(5 / 3) * rng.uniform(0.011, 0.022, m)
    gap, up, down = (
        rng.normal(0.3, 0.35, (n, m)),
        np.abs(rng.normal(0, 0.007, (n, m))),
        np.abs(rng.normal(0, 0.007, (n, m))),
    )
    activity = np.exp(_autoregressive(rng.normal(0, 0.25, (n, m))) + rng.normal(0, 0.2, (n, m)))
    close = np.array([float(fields[3]) for fields in known])
    shares = np.array([float(fields[4]) * 1e6 for fields in known])
    split, paid = _event_matrices(known, sessions)
    bars = {name: np.zeros((n, m)) for name in ("open", "high", "low", "close", "volume")}
    signal, log_adjusted, cumulative = Signal(n, m), np.log(close), np.ones(m)
    for t in range(n):
        base = close / split[t]
        shares, cumulative = shares * split[t], cumulative * split[t]
        returns = market[t] * beta + noise[t] + signal.drift(t) - paid[t] / base
        close = np.maximum(np.round(base * np.exp(returns), 2), 0.5)
        opened = np.maximum(np.round(base * np.exp(gap[t] * returns), 2), 0.5)
        bars["open"][t], bars["close"][t] = opened, close
        bars["high"][t] = np.round(np.maximum(close, opened) * (1 + up[t]), 2)
        bars["low"][t] = np.round(np.minimum(close, opened) * (1 - down[t]), 2)
        bars["volume"][t] = np.rint(shares * 0.006 * activity[t] / 100) * 100
        log_adjusted = log_adjusted + np.log(close / base)
        signal.observe(t, log_adjusted, bars["volume"][t] / cumulative, np.ones(m, bool))
    return bars


def _autoregressive(shocks: Float64) -> Float64:
    out = shocks.copy()
    for t in range(1, len(out)):
        out[t] += 0.8 * out[t - 1]
    return out


def _event_matrices(known: list[list[str]], sessions: tuple[date, ...]) -> tuple[Float64, Float64]:
    """(n_sessions, n_symbols): new shares per old one, and dividend per share in USD, on their ex days."""
    position = {day: t for t, day in enumerate(sessions)}
    split = np.ones((len(sessions), len(known)))
    paid = np.zeros(split.shape)
    for i, fields in enumerate(known):
        for day, new, old in _SPLITS.get(fields[0], ()):
            if day in position:
                split[position[day], i] = new / old
        for day, amount in _dividends(fields, sessions):
            paid[position[day], i] = amount
    return split, paid
