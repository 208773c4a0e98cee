"""Sectors as they were told: from what each session says of a security to one row for each session at which it becomes another.

A sector holds from the session that told it until a later session tells another; who is not told of keeps what he had. What does not
belong here: which source tells what (`market.datasets.bronze`).
"""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

import pandas as pd

from market import bitemporal

SCHEMES = ("krx", "sic")
"""Whose division it is: KRX's industries of each board, or the Standard Industrial Classification that SEC gives."""

SERIES = ("security_id", "sector_scheme")
FACT = (*SERIES, "session_date")
VALUES = ("sector_code", "sector")
_DELIVERY = ["payload_digest", "fetched_at"]


def plain(text: pd.Series) -> pd.Series:
    """The texts with single spaces; null where there is nothing else."""
    told = text.astype("string").str.split().str.join(" ")
    return told.mask(told == "")


def told(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows at which a security's sector begins, with `known_at` and `known_until`.

    Parameters
    ----------
    rows : any order, with `SERIES`, `session_date`, `VALUES`, `first_known_at`, `fetched_at`, `payload_digest` and `row_no`. A row that
        repeats another of its payload counts once; rows of one payload that contradict each other are all kept, for the checks to judge.

    Returns
    -------
    A new frame ordered by fact and known_at. A row is a session of which another sector is believed than of the newest told session
    before it, from when that was so; a correction of a session so changes its row and, where need be, that of the next.
    """
    once = rows.sort_values(["fetched_at", "row_no"], kind="stable").drop_duplicates([*FACT, *VALUES, *_DELIVERY])
    return begun(bitemporal.versions(once, FACT, VALUES))


def begun(versions: pd.DataFrame) -> pd.DataFrame:
    """Of the versions of what each session told, those that begin a sector; `told` says what the times mean."""
    ordered = versions.sort_values([*FACT, "known_at"], kind="stable", ignore_index=True)
    series = [ordered[name] for name in SERIES]
    is_plain = _is_in_order(ordered).groupby(series, sort=False).transform("all")
    plainly, others = ordered[is_plain], ordered[~is_plain]
    before = plainly.groupby(list(SERIES), sort=False)[list(VALUES)].shift()
    values = plainly[list(VALUES)]
    same = (values.eq(before).fillna(False) | (values.isna() & before.isna())).all(axis=1)
    is_first = ~plainly.duplicated(list(SERIES))
    parts = [plainly[is_first | ~same]]
    parts += [_rows(rows) for _, rows in others.groupby(list(SERIES), sort=False)]
    return pd.concat(parts).sort_values([*FACT, "known_at"], kind="stable", ignore_index=True)


def _is_in_order(ordered: pd.DataFrame) -> pd.Series:
    """Whether each version is its session's only one, and known no earlier than what was told of the sessions before."""
    series = [ordered[name] for name in SERIES]
    newest = ordered.groupby(series, sort=False)["known_at"].cummax()
    is_only = ~ordered.duplicated(list(FACT), keep=False)
    return is_only & ordered["known_until"].isna() & (ordered["known_at"] == newest)


class _Belief(NamedTuple):
    """What is believed of one session: positions of its rows, several where they contradict each other, and what they say."""

    rows: tuple[int, ...]
    says: frozenset[Any]


def _rows(versions: pd.DataFrame) -> pd.DataFrame:
    """The rows of one series whose sessions were told again, or not in their order."""
    found = [(row, since, until) for belief, since, until in _spells(versions) for row in belief.rows]
    made = versions.iloc[[row for row, _, _ in found]].copy()
    for at, name in ((1, "known_at"), (2, "known_until")):
        made[name] = pd.Series([one[at] for one in found], made.index, dtype=versions["known_at"].dtype)
    return made


def _spells(versions: pd.DataFrame) -> Iterator[tuple[_Belief, pd.Timestamp, pd.Timestamp | None]]:
    """Each belief that begins a sector, since when and until when it does."""
    believed: dict[date, _Belief] = {}
    sessions: list[date] = []
    begun: dict[date, tuple[_Belief, pd.Timestamp]] = {}
    for instant, news in _news(versions):
        for session, belief in news.items():
            if session not in believed and belief is not None:
                insort(sessions, session)
            if belief is not None:
                believed[session] = belief
            elif believed.pop(session, None) is not None:
                sessions.remove(session)
        for session in sorted({*news, *_followers(news, sessions)}):
            now = _beginning(session, sessions, believed)
            was = begun.get(session)
            if was is not None and was[0] != now:
                yield *begun.pop(session), instant
            if now is not None and session not in begun:
                begun[session] = (now, instant)
    yield from ((belief, since, None) for belief, since in begun.values())


def _news(versions: pd.DataFrame) -> Iterator[tuple[pd.Timestamp, Mapping[date, _Belief | None]]]:
    """Instant by instant, what is believed from then on of the sessions that are told anew; None of what is taken back."""
    news: dict[pd.Timestamp, dict[date, _Belief | None]] = {}
    says = versions[list(VALUES)].astype(object).where(versions[list(VALUES)].notna(), None)
    told = enumerate(zip(versions["session_date"], versions["known_at"], versions["known_until"], says.itertuples(index=False, name=None), strict=True))  # fmt: skip
    for row, (session, since, until, what) in told:
        before = news.setdefault(since, {}).get(session)
        belief = _Belief((row,), frozenset([what]))
        if before is not None:
            belief = _Belief((*before.rows, row), before.says | belief.says)
        news[since][session] = belief
        if pd.notna(until):
            news.setdefault(until, {}).setdefault(session, None)
    for instant in sorted(news):
        yield instant, news[instant]


def _followers(news: Mapping[date, object], sessions: Sequence[date]) -> Iterator[date]:
    """The first told session after each of these."""
    for session in news:
        at = bisect_right(sessions, session)
        if at < len(sessions):
            yield sessions[at]


def _beginning(session: date, sessions: Sequence[date], believed: Mapping[date, _Belief]) -> _Belief | None:
    """The belief of that session where it says something else than the session told before it; None where it says the same, or nothing."""
    now, at = believed.get(session), bisect_left(sessions, session)
    if now is None or (at > 0 and believed[sessions[at - 1]].says == now.says):
        return None
    return now
