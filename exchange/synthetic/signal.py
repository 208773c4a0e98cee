"""The planted signal: what past bars say about the next days, the known truth that a model has to find.

What does not belong here: how prices move otherwise (exchange.synthetic.paths).
"""

from typing import Any

import numpy as np

from exchange.model import Float64

MOMENTUM_SESSIONS, SHORT_SESSIONS, LONG_SESSIONS = 20, 5, 20
DAILY_DRIFT = 0.00115
"""Drift per session and unit of signal, as a log return; gives a rank IC near 0.10 over five sessions."""


class Signal:
    """Keeps forward-adjusted closes and volumes and turns them into tomorrow's drift.

    Forward-adjusted: raw prices divided by the product of base-price factors so far, volume the other way round.
    """

    def __init__(self, n_sessions: int, n_securities: int) -> None:
        self.log_close = np.full((n_sessions, n_securities), np.nan)
        self.volume = np.full((n_sessions, n_securities), np.nan)
        self.values = np.zeros((n_sessions, n_securities))

    def observe(self, t: int, log_close: Float64, volume: Float64, is_listed: np.ndarray) -> None:
        """Note session ``t``: (n,) adjusted log close and volume."""
        self.log_close[t] = np.where(is_listed, log_close, np.nan)
        self.volume[t] = np.where(is_listed, volume, np.nan)
        if t < MOMENTUM_SESSIONS:
            return
        momentum = self.log_close[t] - self.log_close[t - MOMENTUM_SESSIONS]
        short = self.volume[t + 1 - SHORT_SESSIONS : t + 1].sum(axis=0) / SHORT_SESSIONS
        long = self.volume[t + 1 - LONG_SESSIONS : t + 1].sum(axis=0) / LONG_SESSIONS
        ratio = short / np.where(long > 0, long, np.nan)
        self.values[t] = (_unit_ranks(momentum) + _unit_ranks(ratio)) / np.sqrt(2)

    def drift(self, t: int) -> Float64:
        """(n,) log return that session ``t`` gets from what was seen by the close of the session before."""
        if t == 0:
            return np.zeros(self.values.shape[1])
        drift: Float64 = DAILY_DRIFT * self.values[t - 1]
        return drift


def describe() -> dict[str, Any]:
    """What a test may expect of the signal."""
    return {
        "feature": "rank(momentum_20) + rank(volume_ratio_5_20), both ranked across the securities of one day",
        "momentum_20": "close[t] / close[t-20] - 1 on forward-adjusted closes",
        "volume_ratio_5_20": "mean(volume, 5) / mean(volume, 20), forward-adjusted",
        "target": "log return from close[t] to close[t+5]",
        "daily_drift_per_unit": DAILY_DRIFT,
        "expected_rank_ic": [0.08, 0.12],
        "starts_after_sessions": MOMENTUM_SESSIONS,
    }


def _unit_ranks(values: Float64) -> Float64:
    """(n,) cross-sectional ranks, centred, with unit variance; zero where the value is not known."""
    out = np.zeros(values.size)
    known = np.flatnonzero(np.isfinite(values))
    if known.size < 2:
        return out
    order = values[known].argsort(kind="stable").argsort(kind="stable")
    out[known] = (order / (known.size - 1) - 0.5) * np.sqrt(12)
    return out
