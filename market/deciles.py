"""What the best-scored tenth of the names earns over all names, after costs and taxes, session by session.

What does not belong here: orders, cash and halts (a backtest), the scores (a model), the rates (market.rulebook).
"""

from collections.abc import Callable
from datetime import date

import numpy as np
import numpy.typing as npt
import pandas as pd

from market import rulebook
from market.labels import group_codes

Cost = Callable[[date, str], tuple[float, float]]
"""Cost of buying and of selling on a day and exchange, each as a fraction of the value traded."""

KOREA = "XKRX"
PARTICIPATION = 0.01
"""Part of what is traded of a name that a purchase may be before the prices above stop being those it pays: an assumption."""

BOARD = "KOSPI"
"""Whose rates a Korean sale pays: since 2019 the two taxes add up to the same on KOSPI and KOSDAQ."""


def listed_cost(day: date, exchange: str) -> tuple[float, float]:
    """Brokerage either way, and the taxes on a sale in Korea, by the rulebook; no spread and no impact.

    Another exchange pays the same brokerage and no tax: an assumption, for the rulebook is Korea's.
    """
    fee = rulebook.brokerage_fee(day, BOARD)
    return fee, fee + (rulebook.sell_tax(day, BOARD) if exchange == KOREA else 0.0)


def top_tranches(rows: pd.DataFrame, horizon: int, *, n_quantiles: int = 10, cost: Cost = listed_cost) -> pd.DataFrame:
    """One tranche a session: bought at its close, equally weighted, held for ``horizon`` sessions, then renewed.

    A book of ``horizon`` such tranches is always invested, and earns a session the mean of them over ``horizon``.

    Parameters
    ----------
    rows : session_date, exchange, security_id, score, outcome (return over the next ``horizon`` sessions, fraction); a row
        counts where score and outcome are known.
    horizon : sessions that a tranche is held, at least 1.
    n_quantiles : 10 buys the best tenth, at least 2.
    cost : rates by day and exchange.

    Returns
    -------
    Indexed by session_date, oldest first; the exchanges weighted by their names:
    gross : return of the tranche less the mean return of all names of its exchange, fraction per ``horizon`` sessions.
    turnover : part of the tranche that was bought anew, from 0 to 1; 1 where no tranche ran out that session.
    cost : of buying that part and of selling what it replaced, as a fraction of the tranche.
    net : gross less cost.
    names : in the tranche.
    An exchange with fewer than ``n_quantiles`` known names that session has no tranche, only the sale of one that ran out. Of equal
    scores at the tranche's end each is bought in part. What is still held after the last session is not sold.

    Raises
    ------
    ValueError
        ``horizon`` below 1 or ``n_quantiles`` below 2.
    """
    if horizon < 1 or n_quantiles < 2:
        raise ValueError(f"top_tranches: expected horizon >= 1 and n_quantiles >= 2, was {horizon} and {n_quantiles}")
    known = rows[rows["score"].notna().to_numpy() & rows["outcome"].notna().to_numpy()]
    parts = [
        _of_exchange(own, str(exchange), horizon, n_quantiles, cost) for exchange, own in known.groupby("exchange")
    ]
    made = pd.concat(parts) if parts else _empty()
    weights = made.pop("universe")
    weighted = made.drop(columns="names").mul(weights, axis=0).groupby(level=0).sum()
    result = weighted.div(weights.groupby(level=0).sum(), axis=0)
    return result.assign(names=made["names"].groupby(level=0).sum())


def capacity(
    rows: pd.DataFrame, horizon: int, *, n_quantiles: int = 10, participation: float = PARTICIPATION
) -> "pd.Series[float]":
    """The largest book of such tranches, by exchange, that buys little enough of each name to pay about what the rows say.

    A tranche fits where nineteen of twenty of its names are bought for at most ``participation`` of what is traded of them in a session,
    even if all of it is bought anew; a book holds ``horizon`` tranches.

    Parameters
    ----------
    rows : as ``top_tranches`` takes them, and value_traded (of a name per session, in the exchange's currency).
    participation : part of the value traded that a purchase may be, above 0.

    Returns
    -------
    Indexed by exchange, in its currency: the median over its sessions with a tranche of which the value traded is known.
    """
    known = rows[rows["score"].notna().to_numpy() & rows["outcome"].notna().to_numpy()]
    found = {}
    for exchange, own in known.groupby("exchange"):
        days, at = np.unique(own["session_date"].to_numpy().astype("datetime64[D]"), return_inverse=True)
        universe = np.bincount(at, minlength=days.size)
        weight = _weights(own["score"].to_numpy(dtype=np.float64), at, universe, n_quantiles)
        bought = (weight > 0) & own["value_traded"].notna().to_numpy()
        limits = pd.Series(own["value_traded"].to_numpy(dtype=np.float64)[bought] * participation / weight[bought])
        found[str(exchange)] = float(limits.groupby(at[bought]).quantile(0.05).median()) * horizon
    return pd.Series(found, dtype=np.float64).dropna()


def _of_exchange(rows: pd.DataFrame, exchange: str, horizon: int, n_quantiles: int, cost: Cost) -> pd.DataFrame:
    days, at = np.unique(rows["session_date"].to_numpy().astype("datetime64[D]"), return_inverse=True)
    outcome = rows["outcome"].to_numpy(dtype=np.float64)
    universe = np.bincount(at, minlength=days.size)
    weight = _weights(rows["score"].to_numpy(dtype=np.float64), at, universe, n_quantiles)
    held = np.bincount(at[weight > 0], minlength=days.size)
    gross = np.bincount(at, weight * outcome, days.size) - np.bincount(at, outcome, days.size) / universe
    bought, sold = _traded(at, group_codes(rows["security_id"]), weight, days.size, horizon)
    rates = np.array([cost(day, exchange) for day in days.astype(object)]).reshape(-1, 2)
    costs = bought * rates[:, 0] + sold * rates[:, 1]
    gross = np.where(held > 0, gross, 0.0)  # without a tranche there is only what is sold of the one that ran out
    made = pd.DataFrame(
        {"gross": gross, "turnover": bought, "cost": costs, "net": gross - costs, "names": held, "universe": universe},
        index=pd.Index(days.astype("datetime64[ns]"), name="session_date"),
    )
    return made[(held > 0) | (sold > 0)]


def _weights(
    score: npt.NDArray[np.float64], at: npt.NDArray[np.intp], universe: npt.NDArray[np.intp], n_quantiles: int
) -> npt.NDArray[np.float64]:
    """(n,) part of its session's tranche; names of equal score share what is left of the tenth where it ends among them."""
    ranks = pd.Series(score).groupby(at)
    above = universe[at] - ranks.rank(method="max").to_numpy()
    tied = ranks.rank(method="max").to_numpy() - ranks.rank(method="min").to_numpy() + 1.0
    wanted = (universe / n_quantiles)[at]
    share = np.clip((wanted - above) / tied, 0.0, 1.0) / wanted
    return np.asarray(np.where(universe[at] >= n_quantiles, share, 0.0), dtype=np.float64)


def _traded(
    at: npt.NDArray[np.intp], names: npt.NDArray[np.int64], weight: npt.NDArray[np.float64], n_days: int, horizon: int
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Part of each session's tranche that is bought, and of the one it replaces that is sold; weights' drift is left out."""
    top = weight > 0
    now = pd.Series(weight[top], index=pd.MultiIndex.from_arrays([at[top], names[top]]))
    before = pd.Series(weight[top], index=pd.MultiIndex.from_arrays([at[top] + horizon, names[top]]))
    change = now.sub(before, fill_value=0.0)
    sessions = np.asarray(change.index.get_level_values(0), dtype=np.intp)
    inside = sessions < n_days
    bought, sold = (
        np.bincount(sessions[inside], np.maximum(sign * change.to_numpy(), 0.0)[inside], n_days).astype(np.float64)
        for sign in (1.0, -1.0)
    )
    return bought, sold


def _empty() -> pd.DataFrame:
    columns = ["gross", "turnover", "cost", "net", "names", "universe"]
    index = pd.DatetimeIndex([], name="session_date")
    return pd.DataFrame({name: np.zeros(0) for name in columns}, index=index)
