"""Leaks planted for the court: what people write who do not see that it looks ahead, each a few words, and the facts that it is tried on.

Each takes the believed panel (sessions down, securities across) and gives values that claim to be known at their session's close, or makes its rows
by itself. What does not belong here: the court (`market.court`).
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd

from market.court import Computation, Facts

SESSIONS, SECURITIES = 130, 12
CLOSE = timedelta(hours=6, minutes=30)
FIRST = datetime(2024, 1, 1, tzinfo=UTC)
KEY = ("security_id", "session_no")
DELISTED = ("S10", 80)
SPLIT = ("S3", 90, 0.1)


def facts(seed: int = 11, sessions: int = SESSIONS) -> dict[str, pd.DataFrame]:
    """Bars with a revision and a delisting, a split's factor, quarterly figures with an amendment, headlines, another market's close."""
    rng = np.random.default_rng(seed)
    prices = 1e4 * np.exp(np.cumsum(rng.normal(0, 0.02, (sessions, SECURITIES)), axis=0))
    prices[SPLIT[1] :, 3] *= SPLIT[2]
    rows = []
    for i in range(SECURITIES):
        for t in range(sessions if f"S{i}" != DELISTED[0] else DELISTED[1]):
            spread = prices[t, i] * rng.random(2) / 50
            bar = {
                "open": prices[t, i] + spread[0] * rng.choice([-0.9, -0.3, 0.0, 0.4])
                if t % 3
                else prices[t, i] + spread[0] * 0.7,
                "high": prices[t, i] + spread[0],
                "low": prices[t, i] - spread[1],
                "close": prices[t, i],
            }
            rows.append(
                {
                    "security_id": f"S{i}",
                    "session_no": t,
                    **bar,
                    "volume": float(rng.integers(1, 10**6)),
                    "known_at": at(t),
                }
            )
    revised = [
        {**row, "close": row["close"] * 1.05, "known_at": at(row["session_no"] + 40)}
        for row in rows
        if row["session_no"] == 30
    ]
    figures = [
        {"security_id": f"S{i}", "quarter": q, "period_end": q * 30, "revenue": float(rng.integers(1e6, 2e6)), "known_at": at(q * 30 + lag)}
        for i in range(SECURITIES) for q in range(4) for lag in ((20,) if i % 3 else (20, 45))
    ]  # fmt: skip
    news = [
        {"security_id": f"S{i}", "session_no": t, "headline": float(n), "known_at": at(t) + timedelta(hours=int(rng.integers(1, 90)))}
        for i in range(SECURITIES) for t in range(sessions - 5) for n in range(int(rng.integers(0, 3)))
    ]  # fmt: skip
    us = [
        {"session_no": t, "us_close": 100 + float(rng.normal()), "known_at": at(t) + timedelta(hours=14)}
        for t in range(sessions)
    ]
    factors = [{"security_id": SPLIT[0], "session_no": SPLIT[1], "factor": SPLIT[2], "known_at": at(SPLIT[1]) - CLOSE}]
    tables = {"prices": rows + revised, "figures": figures, "news": news, "us": us, "factors": factors}
    return {name: pd.DataFrame(held) for name, held in tables.items()}


def at(session: int) -> datetime:
    """The close of a session, a day each."""
    return FIRST + timedelta(days=session) + CLOSE


def believed(prices: pd.DataFrame) -> pd.DataFrame:
    """The newest version of each bar; known when the last bar of its series so far was."""
    rows = prices.sort_values("known_at").drop_duplicates(list(KEY), keep="last").sort_values(list(KEY))
    rows["known_at"] = rows.groupby("security_id")["known_at"].cummax()
    return rows.reset_index(drop=True)


def factor_of(rows: pd.DataFrame, factors: pd.DataFrame) -> np.ndarray:
    """The factor of each bar, of what is told; 1 on most."""
    factor = np.ones(len(rows))
    for one in factors.itertuples():
        factor[((rows["security_id"] == one.security_id) & (rows["session_no"] == one.session_no)).to_numpy()] *= (
            one.factor
        )
    return factor


def wide(told: Facts) -> SimpleNamespace:
    """The believed panel: a frame of sessions and securities for each column, and known_at."""
    rows = believed(told["prices"])
    names = ("open", "high", "low", "close", "volume", "known_at")
    panel = {name: rows.pivot(index="session_no", columns="security_id", values=name) for name in names}
    return SimpleNamespace(**panel, ret=panel["close"].pct_change(fill_method=None), facts=told)


def long(values: Any, p: SimpleNamespace) -> pd.DataFrame:
    """Values of the panel as rows, known at the close of their session (or of a revision before it)."""
    frame = pd.DataFrame(values, index=p.close.index, columns=p.close.columns)
    known = p.known_at.stack().rename("known_at")
    return pd.concat([frame.stack(future_stack=True).reindex(known.index).rename("value"), known], axis=1).reset_index()


def of_panel(make: Callable[[SimpleNamespace], Any]) -> Computation:
    """A computation of what is made of the panel."""

    def compute(told: Facts) -> pd.DataFrame:
        p = wide(told)
        return long(make(p), p)

    return compute


def spread(row: "pd.Series[float]", p: SimpleNamespace) -> pd.DataFrame:
    """One value per session, for every security."""
    return pd.DataFrame({name: row for name in p.close.columns}).reindex(p.close.index)


def figures(p: SimpleNamespace, when: Callable[[pd.DataFrame], Any], keep: str) -> pd.DataFrame:
    """The newest quarter's revenue by session, counted from the session that `when` gives, the first or last version of each."""
    rows = p.facts["figures"].sort_values("known_at").drop_duplicates(["security_id", "quarter"], keep=keep)  # type: ignore[call-overload]
    rows = (
        rows.assign(session_no=when(rows))
        .sort_values("quarter")
        .drop_duplicates(["security_id", "session_no"], keep="last")
    )
    return rows.pivot(index="session_no", columns="security_id", values="revenue").reindex(p.close.index).ffill()


def session_of(rows: pd.DataFrame) -> Any:
    """The first session whose close is not before known_at."""
    return np.ceil((rows["known_at"] - at(0)) / timedelta(days=1)).astype(int)


def headlines(p: SimpleNamespace, when: Callable[[pd.DataFrame], Any]) -> pd.DataFrame:
    rows = p.facts["news"].assign(session_no=lambda rows: when(rows))
    return (
        rows.groupby(["session_no", "security_id"])
        .size()
        .unstack()
        .reindex(index=p.close.index, columns=p.close.columns)
        .fillna(0)
    )


def _held_to_the_end(p: SimpleNamespace) -> pd.DataFrame:
    return p.ret[[name for name in p.ret if p.close[name].notna().iloc[-1]]]


def _no_version(told: Facts) -> pd.DataFrame:
    """The newest price, with the instant of the first."""
    rows = believed(told["prices"])
    first = told["prices"].groupby(list(KEY))["known_at"].min().rename("known_at")
    return rows.drop(columns="known_at").merge(first.reset_index(), on=list(KEY))[[*KEY, "close", "known_at"]]


def _at_the_open(told: Facts) -> pd.DataFrame:
    rows = believed(told["prices"])
    return rows.assign(value=rows["close"] / rows["open"], known_at=rows["known_at"] - timedelta(hours=6))[
        [*KEY, "value", "known_at"]
    ]


def _weekly(p: SimpleNamespace, how: str) -> pd.DataFrame:
    return p.close.groupby(p.close.index // 5).transform(how)


LEAKS: dict[str, Computation] = {
    name: of_panel(make)
    for name, make in {
        "tomorrow's return": lambda p: p.ret.shift(-1),
        "the label of five sessions": lambda p: p.close.shift(-5) / p.close - 1,
        "a label of twenty sessions": lambda p: p.close.shift(-20) / p.close - 1,
        "the sign of tomorrow": lambda p: np.sign(p.ret.shift(-1)),
        "tomorrow's open gap": lambda p: p.open.shift(-1) / p.close - 1,
        "tomorrow's volume": lambda p: p.volume.shift(-1),
        "the highest of the next five": lambda p: p.high[::-1].rolling(5).max()[::-1],
        "the lowest of the next five": lambda p: p.low[::-1].rolling(5).min()[::-1],
        "volatility of the next ten": lambda p: p.ret[::-1].rolling(10).std()[::-1],
        "a centred mean of five": lambda p: p.close.rolling(5, center=True).mean(),
        "a centred mean of twenty-one": lambda p: p.close.rolling(21, center=True).mean(),
        "a centred median": lambda p: p.close.rolling(5, center=True).median(),
        "smoothed there and back": lambda p: p.close.ewm(span=5).mean()[::-1].ewm(span=5).mean()[::-1],
        "a Fourier low pass": lambda p: np.fft.irfft(
            np.fft.rfft(p.close.ffill().fillna(0).to_numpy(), axis=0) * (np.arange(len(p.close) // 2 + 1) < 8)[:, None], n=len(p.close), axis=0
        ),
        "a trend through the whole sample": lambda p: p.close.apply(lambda x: x - np.polyval(np.polyfit(x.dropna().index, x.dropna(), 1), x.index)),
        "a z-score of the whole sample": lambda p: (p.ret - p.ret.mean()) / p.ret.std(),
        "scaled to the whole sample's range": lambda p: (p.close - p.close.min()) / (p.close.max() - p.close.min()),
        "a rank in the whole sample": lambda p: p.ret.rank(pct=True),
        "clipped at the whole sample's quantiles": lambda p: p.ret.clip(p.ret.quantile(0.01), p.ret.quantile(0.99), axis=1),
        "less the whole sample's mean": lambda p: p.ret - p.ret.mean(),
        "a beta of the whole sample": lambda p: p.ret * (p.ret.corrwith(p.ret.mean(axis=1)) * p.ret.std()),
        "the first component of the whole sample": lambda p: spread(
            pd.Series(np.linalg.svd(p.ret.fillna(0).to_numpy(), full_matrices=False)[0][:, 0], index=p.ret.index), p
        ),
        "gaps filled from behind": lambda p: p.close.where(p.close.index.to_series() % 7 > 0).bfill(),
        "gaps filled in a line": lambda p: p.close.where(p.close.index.to_series() % 7 > 0).interpolate(),
        "gaps filled with the whole mean": lambda p: p.close.where(p.close.index.to_series() % 7 > 0).fillna(p.close.mean()),
        "over the last close": lambda p: p.close / p.close.ffill().iloc[-1],
        "over the last volume": lambda p: p.volume / p.volume.ffill().iloc[-1],
        "adjusted to today's splits": lambda p: p.close * spread_factors(p, from_end=True),
        "distance from the highest ever": lambda p: p.close / p.close.max(),
        "drawdown to come": lambda p: p.close[::-1].cummin()[::-1] / p.close - 1,
        "the week's close on Monday": lambda p: _weekly(p, "last"),
        "the week's mean on Monday": lambda p: _weekly(p, "mean"),
        "the month's highest on its first day": lambda p: p.high.groupby(p.high.index // 21).transform("max"),
        "the weekday's mean of the whole sample": lambda p: p.ret.groupby(p.ret.index % 5).transform("mean"),
        "a mean return by name, the target's own": lambda p: spread(pd.Series(1.0, p.close.index), p) * p.ret.mean(),
        "survivors alone in the mean": lambda p: p.ret.sub(_held_to_the_end(p).mean(axis=1), axis=0),
        "survivors alone in the rank": lambda p: _held_to_the_end(p).rank(axis=1, pct=True).reindex(columns=p.close.columns),
        "how long it will be listed": lambda p: spread(pd.Series(1.0, p.close.index), p) * p.close.notna().sum(),
        "figures at the quarter's end": lambda p: figures(p, lambda rows: rows["period_end"], "first"),
        "amended figures from the first filing on": lambda p: figures_amended(p),
        "headlines by the day they tell of": lambda p: headlines(p, lambda rows: rows["session_no"]),
        "headlines of tonight": lambda p: headlines(p, lambda rows: session_of(rows) - 1),
        "New York's close of the same date": lambda p: spread(p.facts["us"].set_index("session_no")["us_close"], p),
        "the nearest figure in time": lambda p: figures(p, lambda rows: np.maximum(session_of(rows) - 10, 0), "first"),
        "neighbours by the whole sample's correlation": lambda p: p.ret[p.ret.corr().fillna(-1).apply(lambda x: x.nlargest(2).index[-1])].set_axis(p.ret.columns, axis=1),
    }.items()
} | {
    "the revised price since the first day": _no_version,
    "the close, known at the open": _at_the_open,
    "names that are gone are left out": lambda told: long(wide(told).close, wide(told)).pipe(
        lambda rows: rows[rows["security_id"].isin(told["prices"].loc[told["prices"]["session_no"] == told["prices"]["session_no"].max(), "security_id"])]
    ),
}  # fmt: skip
"""By name what each does wrong."""


def spread_factors(p: SimpleNamespace, *, from_end: bool) -> pd.DataFrame:
    """Cumulative split factor by session, from the first session on, or as of the last."""
    made = pd.DataFrame(1.0, index=p.close.index, columns=p.close.columns)
    for row in p.facts["factors"].itertuples():
        if row.session_no <= p.close.index.max():
            rows = made.index < row.session_no if from_end else made.index >= row.session_no
            made.loc[rows, row.security_id] *= row.factor
    return made


def figures_amended(p: SimpleNamespace) -> pd.DataFrame:
    """The last version of each quarter, from its first filing on."""
    rows = p.facts["figures"].sort_values("known_at")
    first = rows.groupby(["security_id", "quarter"])["known_at"].transform("min")
    last = rows.assign(session_no=session_of(rows.assign(known_at=first))).drop_duplicates(
        ["security_id", "quarter"], keep="last"
    )
    return last.pivot(index="session_no", columns="security_id", values="revenue").reindex(p.close.index).ffill()


HONEST: dict[str, Computation] = {
    name: of_panel(make)
    for name, make in {
        "yesterday's return": lambda p: p.ret.shift(1),
        "a mean of twenty": lambda p: p.close.rolling(20).mean(),
        "a running z-score": lambda p: (p.ret - p.ret.expanding(20).mean()) / p.ret.expanding(20).std(),
        "a rank across the session": lambda p: p.ret.rank(axis=1, pct=True),
        "forward adjusted": lambda p: p.close / spread_factors(p, from_end=False),
        "the highest so far": lambda p: p.close / p.close.cummax(),
        "headlines as they came": lambda p: headlines(p, session_of),
        "New York's close of the day before": lambda p: spread(p.facts["us"].set_index("session_no")["us_close"].reindex(p.close.index).shift(1), p),
    }.items()
}  # fmt: skip
"""What only looks back, and must not be accused."""
