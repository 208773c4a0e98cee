"""The listing life cycle: from what was observed session by session to dated spells, each version with when it was believed.

A spell is a run of sessions on which something held: a security was listed, halted, an administrative issue, in liquidation
trading. What does not belong here: which table tells what (`market.datasets.silver.listings`).
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

HELD, NOT, UNTOLD = 1, 0, -1
"""What an observation says of its session; UNTOLD takes back what was said of it before."""

LIQUIDATION_SESSIONS = 7
"""KRX's rule for liquidation trading before a delisting: seven sessions, in auctions of half an hour and without limits."""


class Version(NamedTuple):
    """One belief about a spell: session numbers, `last` None while it goes on; `known_until` None while it is believed."""

    first: int
    last: int | None
    known_at: pd.Timestamp
    known_until: pd.Timestamp | None


def versions(session_no: np.ndarray, says: np.ndarray, known_at: np.ndarray) -> list[Version]:
    """What was believed of one security's spells, and when.

    Parameters
    ----------
    session_no, says, known_at : (n,) observations in any order: of which session, HELD, NOT or UNTOLD, and since when it was known.
        A later known one of the same session replaces the former.

    Returns
    -------
    Versions in order of when they were known. A spell reaches from the first session on which it held to the last before one on
    which it did not; sessions in between of which nothing was told break nothing. It goes on while the newest session told holds.
    """
    order = np.lexsort((session_no, known_at))
    session_no, says, known_at = session_no[order], says[order], known_at[order]
    done: list[Version] = []
    open_: dict[int, Version] = {}
    for instant in np.unique(known_at[_may_change(session_no, says)]):
        upto = np.searchsorted(known_at, instant, side="right")
        believed = _runs(session_no[:upto], says[:upto])
        at = pd.Timestamp(instant, tz="UTC")
        for first in [f for f, v in open_.items() if believed.get(f, UNTOLD) != v.last]:
            done.append(open_.pop(first)._replace(known_until=at))
        for first, last in believed.items():
            open_.setdefault(first, Version(first, last, at, None))
    return sorted([*done, *open_.values()], key=lambda v: (v.known_at, v.first))


def gaps(present: np.ndarray, answered: np.ndarray) -> np.ndarray:
    """The first answered session after each run of those on which a security was there; both ascending session numbers.

    Sessions that were not answered say nothing, so that a hole of the source is no delisting.
    """
    if not len(answered) or not len(present):
        return np.empty(0, dtype=np.int64)
    after = np.searchsorted(answered, present, side="right")
    candidates = np.unique(answered[after[after < len(answered)]])
    return np.setdiff1d(candidates, present)


def liquidation(session_no: np.ndarray, is_halted: np.ndarray) -> tuple[int, int] | None:
    """First and last session of the liquidation trading of a security that is gone; None where it was not liquidated so.

    Parameters
    ----------
    session_no, is_halted : (n,) its bars, oldest first, up to the last.

    Returns
    -------
    The last bars that traded, where there are one to seven of them and a halt came right before. A merger ends with the halt.
    """
    traded = np.flatnonzero(is_halted)
    if not len(traded):
        return None
    begins = int(traded[-1]) + 1
    n = len(session_no) - begins
    return (int(session_no[begins]), int(session_no[-1])) if 1 <= n <= LIQUIDATION_SESSIONS else None


def _may_change(session_no: np.ndarray, says: np.ndarray) -> np.ndarray:
    """Observations that may change a spell: all but those of a new session that says what the newest one before it said."""
    newest = np.maximum.accumulate(session_no)
    is_newest = session_no >= newest
    at = np.maximum.accumulate(np.where(is_newest, np.arange(len(session_no)), 0))
    goes_on = np.zeros(len(session_no), bool)
    goes_on[1:] = (session_no[1:] > newest[:-1]) & (says[1:] == says[at[:-1]]) & (says[1:] != UNTOLD)
    return ~goes_on


def _runs(session_no: np.ndarray, says: np.ndarray) -> Mapping[int, int | None]:
    """Last session by first of each run, by the last word on each session; None for a run that the newest session is in."""
    sessions, at = np.unique(session_no[::-1], return_index=True)
    last_word = says[::-1][at]
    sessions, last_word = sessions[last_word != UNTOLD], last_word[last_word != UNTOLD]
    holds = np.concatenate([[False], last_word == HELD, [False]])
    starts, ends = np.flatnonzero(~holds[:-1] & holds[1:]), np.flatnonzero(holds[:-1] & ~holds[1:]) - 1
    n = len(sessions)
    return {int(sessions[s]): None if e == n - 1 else int(sessions[e]) for s, e in zip(starts, ends, strict=True)}
