"""Champion and shadow side by side: what each was worth on the sessions that both scored, and how much they differ.

What does not belong here: reading their scores and the outcomes (the caller), deciding (training.registry).
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from market.deciles import top_tranches
from market.evaluation import MeanAndError, mean_and_standard_error, rank_ic, session_rank_ic
from market.labels import group_codes
from market.overfitting import MIN_BLOCKS, block_interval
from training.evidence import block_sessions
from training.panel import session_days

SIDES = ("champion", "shadow")


@dataclass(frozen=True)
class Side:
    """One of the two.

    Parameters
    ----------
    rank_ic, standard_error : mean over the sessions, and its Newey-West error.
    turnover : part of a tranche of its best tenth that is bought anew, from 0 to 1; NaN until a first one ran out.
    """

    rank_ic: float
    standard_error: float
    turnover: float


@dataclass(frozen=True)
class Compared:
    """Both on the same rows.

    Parameters
    ----------
    sessions, rows : that both scored and whose outcomes are known.
    difference, standard_error : the shadow's rank IC less the champion's, mean over the sessions, and its Newey-West error.
    lower, upper : 95 % interval of that mean, resampled in blocks; NaN below ``needed`` sessions.
    needed : sessions from which an interval says something.
    correlation : mean over the sessions and exchanges of Spearman's correlation of the two scores.
    """

    sessions: int
    rows: int
    champion: Side
    shadow: Side
    difference: float
    standard_error: float
    lower: float
    upper: float
    needed: int
    correlation: float


def compare(rows: pd.DataFrame, horizon: int) -> Compared:
    """Champion and shadow on the rows that both scored and whose outcome is known; everything is NaN where there is none.

    Parameters
    ----------
    rows : security_id, session_date, exchange, champion, shadow (scores), outcome (return over the next ``horizon`` sessions,
        fraction); a row counts where all three are known.
    horizon : sessions that an outcome looks ahead.
    """
    known = rows[rows[[*SIDES, "outcome"]].notna().all(axis=1)]
    days = session_days(known)
    daily = pd.DataFrame(
        {side: session_rank_ic(known[side], known["outcome"], days, known["exchange"]) for side in SIDES}
    ).dropna()
    leads = (daily["shadow"] - daily["champion"]).to_numpy()
    lead = mean_and_standard_error(leads, overlap=horizon)
    block = block_sessions(horizon)
    lower, upper = block_interval(leads, block=block)
    together = rank_ic(known["champion"], known["shadow"], group_codes(days, known["exchange"])).dropna()
    sides = {
        side: _side(known, side, mean_and_standard_error(daily[side].to_numpy(), horizon), horizon) for side in SIDES
    }
    return Compared(
        sessions=len(daily),
        rows=len(known),
        champion=sides["champion"],
        shadow=sides["shadow"],
        difference=lead.mean,
        standard_error=lead.standard_error,
        lower=lower,
        upper=upper,
        needed=MIN_BLOCKS * block,
        correlation=float(together.mean()) if len(together) else np.nan,
    )


def _side(known: pd.DataFrame, side: str, worth: MeanAndError, horizon: int) -> Side:
    # the first tranches of a book replace none: all of each is bought, whoever chose it
    turnover = top_tranches(known.assign(score=known[side]), horizon)["turnover"].iloc[horizon:]
    return Side(worth.mean, worth.standard_error, float(turnover.mean()) if len(turnover) else np.nan)
