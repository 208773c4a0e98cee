"""Daily bars of the synthetic KRX: a factor model on the exchange's price rules, session by session.

What does not belong here: which events there are (exchange.synthetic.events), wire formats.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from exchange import rules
from exchange.model import MARKETS, Float64, Int64
from exchange.synthetic.companies import SECTORS, Security
from exchange.synthetic.events import ACTIONS, BASE_BY_AUCTION, SHARE_FOR_SHARE, Event, Plan
from exchange.synthetic.patterns import Planted
from exchange.synthetic.signal import Signal

MARKET_VOL, SECTOR_VOL = 0.009, 0.006
_RANGE = 20
"""Sessions whose range a gap of note lies beyond."""
_LIQUIDATION_DRIFT, _LIQUIDATION_VOL = -0.35, 0.25


@dataclass(frozen=True)
class Panel:
    """(n_sessions, n_securities) matrices; integers in KRW and shares; rows outside ``is_listed`` mean nothing."""

    columns: dict[str, Int64]
    market: Int64
    is_listed: np.ndarray
    signal: Signal


@dataclass(frozen=True)
class _Draws:
    """All random numbers of a world, drawn before the first session so that events cannot shift them."""

    total: Float64
    gap: Float64
    upper: Float64
    lower: Float64
    volume: Float64
    vwap: Float64
    turnover: Float64
    idio_vol: Float64


def simulate(
    securities: list[Security],
    sessions: tuple[date, ...],
    plan: Plan,
    rng: np.random.Generator,
    shapes: Sequence[Planted] = (),
) -> Panel:
    """Bars of every session, oldest first; along the shapes where there is one."""
    return _Simulation(securities, sessions, plan, _draw(securities, len(sessions), rng), shapes).run()


def _draw(securities: list[Security], n_sessions: int, rng: np.random.Generator) -> _Draws:
    shape = (n_sessions, len(securities))
    sector = np.array([SECTORS.index(s.sector) for s in securities])
    beta = rng.normal(1.0, 0.2, shape[1])
    idio_vol = rng.uniform(0.014, 0.026, shape[1])
    market = rng.normal(0.0002, MARKET_VOL, n_sessions)
    sectors = rng.normal(0.0, SECTOR_VOL, (n_sessions, len(SECTORS)))
    # Student's t with 5 degrees has the fat tails of daily returns; scaled to unit variance.
    idio = rng.standard_t(5, shape) / np.sqrt(5 / 3) * idio_vol
    volume = np.zeros(shape)
    shocks = rng.normal(0, 0.35, shape)
    for t in range(1, n_sessions):
        volume[t] = 0.8 * volume[t - 1] + shocks[t]
    return _Draws(
        total=market[:, None] * beta + sectors[:, sector] + idio,
        gap=rng.normal(0.3, 0.35, shape),
        upper=np.abs(rng.normal(0, 0.5, shape)) * idio_vol,
        lower=np.abs(rng.normal(0, 0.5, shape)) * idio_vol,
        volume=volume + rng.normal(0, 0.3, shape),
        vwap=rng.uniform(0.3, 0.7, shape),
        turnover=np.exp(rng.normal(np.log(0.004), 0.6, shape[1])),
        idio_vol=idio_vol,
    )


class _Simulation:
    """The state that one session hands to the next."""

    def __init__(
        self,
        securities: list[Security],
        sessions: tuple[date, ...],
        plan: Plan,
        draws: _Draws,
        shapes: Sequence[Planted],
    ) -> None:
        n, m = len(sessions), len(securities)
        self.sessions, self.plan, self.draws, self.shapes = sessions, plan, draws, shapes
        self.close = np.array([s.level_krw for s in securities], np.int64)
        self.shares = np.array([s.shares for s in securities], np.int64)
        self.board = np.array([MARKETS.index(s.market) for s in securities], np.int64)
        self.cumulative = np.ones(m)
        self.log_adjusted = np.log(self.close.astype(float))
        names = ("open", "high", "low", "close", "volume", "value", "market_cap", "listed_shares", "change")
        self.columns = {name: np.zeros((n, m), np.int64) for name in names}
        self.market = np.zeros((n, m), np.int64)
        self.signal = Signal(n, m)
        self.pending: list[tuple[int, int, float]] = []

    def run(self) -> Panel:
        t_axis = np.arange(len(self.sessions))[:, None]
        is_listed = (t_axis >= self.plan.listed_from) & (t_axis < self.plan.listed_until)
        self.close = rules.to_tick(self.close.astype(float), self.sessions[0], self.board == 0)
        for t in range(len(self.sessions)):
            self._session(t, is_listed[t])
        return Panel(self.columns, self.market, is_listed, self.signal)

    def _session(self, t: int, is_listed: np.ndarray) -> None:
        for event in self.plan.on("transfer", t):
            self.board[event.security] = MARKETS.index(event.text)
        is_kospi = self.board == 0
        base = self._base(t, is_kospi)
        self._list_new_shares(t)
        trades = is_listed & ~self.plan.is_halted[t]
        bar = self._bar(t, base, self._returns(t, base), is_kospi)
        for name in ("open", "high", "low", "volume", "value"):
            self.columns[name][t] = np.where(trades, bar[name], 0)
        close = np.where(trades, bar["close"], self.close)
        self.columns["close"][t] = close
        self.columns["change"][t] = np.where(trades, close - base, 0)
        self.columns["listed_shares"][t] = self.shares
        self.columns["market_cap"][t] = close * self.shares
        self.market[t] = self.board
        self.cumulative *= np.where(trades, self.close / base, 1.0)
        self.log_adjusted = self.log_adjusted + np.where(trades, np.log(close / base), 0.0)
        self.signal.observe(t, self.log_adjusted, self.columns["volume"][t] / self.cumulative, is_listed)
        self.close = close

    def _base(self, t: int, is_kospi: np.ndarray) -> Int64:
        """The exchange's base prices: yesterday's close, or what an action makes of it, on the tick grid."""
        base = self.close.astype(float)
        acted = np.zeros(base.size, bool)
        for event in self.plan.events:
            if event.at == t and event.kind in ACTIONS:
                base[event.security] = base_after(event, base[event.security])
                acted[event.security] = True
                self._schedule_shares(event)
        return np.where(acted, rules.to_tick(base, self.sessions[t], is_kospi), self.close)

    def _schedule_shares(self, event: Event) -> None:
        self.pending.append((event.shares_at, event.security, event.multiple))

    def _list_new_shares(self, t: int) -> None:
        for at, security, multiple in self.pending:
            if at == t:
                self.shares[security] = int(self.shares[security] * multiple)

    def _returns(self, t: int, base: Int64) -> Float64:
        """(n,) log returns from the base price to the close."""
        returns: Float64 = self.draws.total[t] + self.signal.drift(t)
        for event in self.plan.on("cash_dividend", t):
            returns[event.security] -= min(event.amount_krw / base[event.security], 0.1)
        for event in self.plan.on("listing", t):
            returns[event.security] = np.clip(20 * self.draws.total[t, event.security] + 0.3, np.log(0.6), np.log(4.0))
        for shape in self.shapes:
            if shape.first < t <= shape.first + len(shape.returns):
                returns[shape.security] = shape.returns[t - shape.first - 1]
        liquidating = self.plan.is_liquidation[t]
        crash = _LIQUIDATION_DRIFT + _LIQUIDATION_VOL * returns / self.draws.idio_vol
        returns[liquidating] = np.clip(crash, -1.2, 0.5)[liquidating]
        return returns

    def _bar(self, t: int, base: Int64, returns: Float64, is_kospi: np.ndarray) -> dict[str, Int64]:
        day, draws = self.sessions[t], self.draws
        low_limit, high_limit = rules.price_limits(base, day, is_kospi)
        unlimited = self.plan.is_liquidation[t].copy()
        unlimited[[e.security for e in self.plan.on("listing", t)]] = True
        low_limit = np.where(unlimited, 1, low_limit)
        high_limit = np.where(unlimited, base * 4, high_limit)

        def quote(price: Float64 | Int64) -> Int64:
            return np.clip(rules.to_tick(np.asarray(price, float), day, is_kospi), low_limit, high_limit)

        close, opened = base * np.exp(returns), base * np.exp(draws.gap[t] * returns)
        auctioned = [event.security for kind in BASE_BY_AUCTION for event in self.plan.on(kind, t)]
        opened[auctioned] = base[auctioned]
        for shape in self._gapping(t):
            begin = self._beyond(shape, t)
            opened[shape.security] = begin
            close[shape.security] = begin * np.exp(shape.side * abs(returns[shape.security]))
        close, opened = quote(close), quote(opened)
        upper, lower = draws.upper[t].copy(), draws.lower[t].copy()
        for shape in self._gapping(t):  # no shadow back into it
            (lower if shape.side > 0 else upper)[shape.security] = 0.0
        high = quote(np.maximum(close, opened) * np.exp(upper))
        low = quote(np.minimum(close, opened) * np.exp(-lower))
        surprise = 0.25 * np.minimum(np.abs(returns) / draws.idio_vol, 4.0)
        volume = np.maximum(self.shares * draws.turnover * np.exp(draws.volume[t] + surprise - 0.3), 1).astype(np.int64)
        for shape in self.shapes:
            volume[shape.security] = max(int(volume[shape.security] * shape.volume(t)), 1)
        for shape in self._gapping(t):
            usual = self.columns["volume"][t - _RANGE : t, shape.security].mean()
            volume[shape.security] = int(usual * (2.5 if shape.is_busy else 0.9))
        value = low * volume + ((high - low) * draws.vwap[t] * volume).astype(np.int64)
        return {"open": opened, "high": high, "low": low, "close": close, "volume": volume, "value": value}

    def _gapping(self, t: int) -> list[Planted]:
        return [shape for shape in self.shapes if shape.gap and shape.row == t]

    def _beyond(self, shape: Planted, t: int) -> float:
        """Where a gap ends: beyond the session before, or beyond the whole range of those before."""
        past = slice(t - (_RANGE if shape.is_busy else 1), t)
        edge = (
            self.columns["high"][past, shape.security].max()
            if shape.side > 0
            else self.columns["low"][past, shape.security].min()
        )
        return float(edge * np.exp(shape.side * shape.gap))


def base_after(event: Event, previous_close: float) -> float:
    """The base price in KRW that an action makes of the previous close, before it is put on the tick grid."""
    if event.kind in SHARE_FOR_SHARE:
        return previous_close / event.ratio
    if event.kind in BASE_BY_AUCTION:
        return previous_close * (1 - event.discount)
    if event.kind in ("bonus_issue", "stock_dividend"):
        return previous_close / (1 + event.ratio)
    issue_price = previous_close * (1 - event.discount)
    return (previous_close + event.ratio * issue_price) / (1 + event.ratio)
