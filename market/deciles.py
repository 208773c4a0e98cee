"""What the best-scored tenth of the names earns over all names, after costs and taxes, session by session.

What does not belong here: orders, cash and halts (a backtest), the scores (a model), the rates (market.rulebook).
"""

from collections.abc import Callable
from datetime import date

import numpy as np
import numpy.typing as npt
import pandas as pd

from market import rulebook
from market.labels import group_codes, rank_within

Cost = Callable[[date, str], tuple[float, float]]
"""Cost of buying and of selling on a day and exchange, each as a fraction of the value traded."""

KOREA = "XKRX"
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
    An exchange with fewer than ``n_quantiles`` known names that session has no tranche.

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


def _of_exchange(rows: pd.DataFrame, exchange: str, horizon: int, n_quantiles: int, cost: Cost) -> pd.DataFrame:
    days, at = np.unique(rows["session_date"].to_numpy().astype("datetime64[D]"), return_inverse=True)
    percentile = rank_within(rows["score"].to_numpy(), at)
    outcome = rows["outcome"].to_numpy(dtype=np.float64)
    universe = np.bincount(at, minlength=days.size)
    top = (percentile > 1.0 - 1.0 / n_quantiles) & (universe >= n_quantiles)[at]
    held = np.bincount(at[top], minlength=days.size)
    with np.errstate(invalid="ignore", divide="ignore"):
        gross = np.bincount(at[top], outcome[top], days.size) / held - np.bincount(at, outcome, days.size) / universe
    bought, sold = _traded(at[top], group_codes(rows["security_id"])[top], held, horizon)
    rates = np.array([cost(day, exchange) for day in days.astype(object)]).reshape(-1, 2)
    costs = bought * rates[:, 0] + sold * rates[:, 1]
    made = pd.DataFrame(
        {"gross": gross, "turnover": bought, "cost": costs, "net": gross - costs, "names": held, "universe": universe},
        index=pd.Index(days.astype("datetime64[ns]"), name="session_date"),
    )
    return made[held > 0]


def _traded(
    at: npt.NDArray[np.intp], names: npt.NDArray[np.int64], held: npt.NDArray[np.intp], horizon: int
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Part of each session's tranche that is bought, and of the one it replaces that is sold; weights drift is left out."""
    weight = 1.0 / held[at]
    now = pd.Series(weight, index=pd.MultiIndex.from_arrays([at, names]))
    before = pd.Series(weight, index=pd.MultiIndex.from_arrays([at + horizon, names]))
    change = now.sub(before, fill_value=0.0)
    sessions = np.asarray(change.index.get_level_values(0), dtype=np.intp)
    inside = sessions < held.size
    bought, sold = (
        np.bincount(sessions[inside], np.maximum(sign * change.to_numpy(), 0.0)[inside], held.size).astype(np.float64)
        for sign in (1.0, -1.0)
    )
    return bought, sold


def _empty() -> pd.DataFrame:
    columns = ["gross", "turnover", "cost", "net", "names", "universe"]
    index = pd.DatetimeIndex([], name="session_date")
    return pd.DataFrame({name: np.zeros(0) for name in columns}, index=index)
