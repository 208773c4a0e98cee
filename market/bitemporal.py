"""Versions: what was believed from when until when.

A source may deliver a row again. An equal row is no news; a different one is a new version, known from the delivery that
brought it; a row that a complete answer no longer holds ends with that answer. Nothing is overwritten.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import pyarrow as pa

_DELIVERY = ["payload_digest", "fetched_at"]  # one delivery; an answer may come back after another
_GONE = "_gone"


def versions(
    rows: pd.DataFrame, key: Sequence[str], values: Sequence[str], answers: pd.DataFrame | None = None
) -> pd.DataFrame:
    """The rows that say something new, with `known_at` and `known_until`.

    Parameters
    ----------
    rows : any order, with the key, the values, `first_known_at` (when the fact itself could be known), `fetched_at` and
        `payload_digest`. A key repeated inside one payload keeps all its rows: judging that is the checks' work.
    key : columns that identify the fact.
    values : columns whose change is a revision.
    answers : every answer by `request`, `payload_digest` and `fetched_at`, each complete for its request; the rows then have
        `request` too. A fact that the request which told it last no longer tells is closed by that answer, and one that an
        earlier answer to the request lacked begins with the answer that told it. Where it is not given, silence says nothing.

    Returns
    -------
    A new frame ordered by key and known_at. The first version is known from `first_known_at`, a later one, and one that
    answers before it lacked, from its `fetched_at`, but none before the fact could be known; `known_until` is the next version's
    known_at or the fetch of the answer without it, null while it is true.
    """
    ordered = rows.sort_values([*key, "fetched_at", "payload_digest", "row_no"], kind="stable", ignore_index=True)
    group = [*key, *_DELIVERY]
    told = ordered.assign(_nth=ordered.groupby(group, sort=False, dropna=False).cumcount())
    deliveries = told.drop_duplicates(group).assign(**{_GONE: False})
    deliveries["_says_the_same"] = _repeats(told, key, values)
    if answers is not None:
        deliveries = _with_silences(deliveries, key, answers)
    news = _news(deliveries, key)
    news["known_until"] = news.groupby(list(key), sort=False, dropna=False)["known_at"].shift(-1)
    kept = news.loc[~news[_GONE], [*group, "known_at", "known_until"]]
    return ordered.merge(kept, on=group, how="inner")


def reopened(good: pa.Table, refused: pa.Table, key: Sequence[str]) -> pa.Table:
    """The good versions as if the refused ones had not been told: what a refused version closed stays true past it.

    Parameters
    ----------
    good, refused : versions with the key, `known_at` and `known_until`.
    key : columns that identify the fact.

    Returns
    -------
    The good rows in their order; `known_until` is that of the refused version (or of the last of several in a row), null where
    nothing good came after.
    """
    if not refused.num_rows:
        return good
    facts = list(zip(*(refused[name].to_pylist() for name in (*key, "known_at")), strict=True))
    ends = dict(zip(facts, refused["known_until"].to_pylist(), strict=True))
    told = zip(*(good[name].to_pylist() for name in (*key, "known_at", "known_until")), strict=True)
    rows = [(row[:-2], row[-2], row[-1]) for row in told]
    for fact, known_at, _ in rows:
        ends.pop((*fact, known_at), None)  # one of several rows of that instant was good
    until = []
    for fact, _, end in rows:
        until.append(_end_past(fact, end, ends))
    at = good.schema.get_field_index("known_until")
    return good.set_column(at, good.schema.field(at), pa.array(until, good.schema.field(at).type))


def _end_past(fact: tuple[Any, ...], end: Any, ends: Mapping[tuple[Any, ...], Any]) -> Any:
    """The end of a version once the refused ones that follow it are passed over."""
    while end is not None and (*fact, end) in ends and ends[(*fact, end)] != end:
        end = ends[(*fact, end)]
    return end


def changes(told: pd.DataFrame, key: Sequence[str], values: Sequence[str], observed: str) -> pd.DataFrame:
    """One row per change of slowly changing values, as it was believed: an observation corrected later changes nothing before.

    Parameters
    ----------
    told : versions of observations, any order, with the key, the values, `known_at` and the column `observed`. Rows that
        contradict each other in one delivery are all kept: judging that is the checks' work.
    key : columns that identify the thing observed.
    values : columns whose change begins a new row.
    observed : column that orders the observations; what is believed is the newest observation known by then.

    Returns
    -------
    A new frame ordered by key and known_at: the first version of each run of equal beliefs, true until the next.
    """
    ordered = told.sort_values(
        [*key, "known_at", observed, "payload_digest", "row_no"], kind="stable", ignore_index=True
    )
    instant = pd.to_datetime(ordered[observed])
    known_by_then = instant.groupby([ordered[name] for name in key], sort=False).cummax()
    told_together = instant.groupby([ordered[name] for name in (*key, "known_at")], sort=False).transform("max")
    ordered = ordered[(instant == known_by_then) & (instant == told_together)].reset_index(drop=True)
    group = [*key, "known_at"]
    believed = ordered.assign(_nth=ordered.groupby(group, sort=False).cumcount())
    beliefs = believed.drop_duplicates(group)
    kept = beliefs[~_repeats(believed, key, values, group)][group].copy()
    kept["known_until"] = kept.groupby(list(key), sort=False)["known_at"].shift(-1)
    return ordered.drop(columns=["known_until"], errors="ignore").merge(kept, on=group, how="inner")


def true_at(rows: pd.DataFrame, instant: pd.Timestamp) -> pd.DataFrame:
    """The versions believed at that instant: known by then and not yet replaced."""
    return rows[(rows["known_at"] <= instant) & (rows["known_until"].isna() | (rows["known_until"] > instant))]


def together(rows: pd.DataFrame, others: pd.DataFrame, on: Sequence[str]) -> pd.DataFrame:
    """Each version beside each version of the other side that was believed at the same time.

    Parameters
    ----------
    rows, others : versions with the columns `on`, known_at and known_until, and no other name in common.

    Returns
    -------
    The joined columns; known_at and known_until enclose the time in which both were believed.
    """
    pairs = rows.merge(others, on=list(on), suffixes=("", "_other"))
    pairs["known_at"] = pairs[["known_at", "known_at_other"]].max(axis=1)
    pairs["known_until"] = pairs[["known_until", "known_until_other"]].min(axis=1)
    met = pairs["known_until"].isna() | (pairs["known_at"] < pairs["known_until"])
    return pairs[met].drop(columns=["known_at_other", "known_until_other"]).reset_index(drop=True)


def apart(rows: pd.DataFrame, others: pd.DataFrame, on: Sequence[str]) -> pd.DataFrame:
    """Each version in the stretches of its time in which no version of the other side was believed: what `together` leaves out.

    Parameters
    ----------
    rows, others : versions with the columns `on`, known_at and known_until; those of one key of the other side do not overlap.

    Returns
    -------
    The rows, known_at and known_until those of each stretch; in their order, the stretches of one by time.
    """
    numbered = rows.reset_index(drop=True).rename_axis("_row").reset_index()
    times = ["known_at", "known_until"]
    met = together(numbered[["_row", *on, *times]], others[[*on, *times]], on).sort_values(
        ["_row", "known_at"], kind="stable"
    )
    starts = pd.concat(
        [numbered[["_row", "known_at"]], met[["_row", "known_until"]].set_axis(["_row", "known_at"], axis=1)]
    )
    ends = pd.concat(
        [met[["_row", "known_at"]].set_axis(["_row", "known_until"], axis=1), numbered[["_row", "known_until"]]]
    )
    for side in (starts, ends):
        side["_stretch"] = side.groupby("_row").cumcount()
    stretches = starts.merge(ends, on=["_row", "_stretch"])
    is_there = stretches["known_at"].notna() & (
        stretches["known_until"].isna() | (stretches["known_at"] < stretches["known_until"])
    )
    kept = stretches[is_there].sort_values(["_row", "_stretch"], kind="stable").drop(columns="_stretch")
    return kept.merge(numbered.drop(columns=times), on="_row").drop(columns="_row")[list(rows.columns)]


def _repeats(told: pd.DataFrame, key: Sequence[str], values: Sequence[str], group: Sequence[str] = ()) -> pd.Series:
    """Whether each delivery (at its first row) holds the same rows as the key's delivery before it; the first never does."""
    group = list(group) or [*key, *_DELIVERY]
    starts = told["_nth"] == 0
    number = starts.groupby([told[name] for name in key], sort=False, dropna=False).cumsum()
    size = told.groupby(group, sort=False, dropna=False)["_nth"].transform("size")
    shown = told[[*key, *values, "_nth"]].assign(_number=number, _size=size)
    before = shown.groupby([*key, "_nth"], sort=False, dropna=False)[[*values, "_number", "_size"]].shift()
    current = shown[list(values)]
    same = (current.eq(before[list(values)]) | (current.isna() & before[list(values)].isna())).all(axis=1).astype(bool)
    same &= (before["_number"] == number - 1) & (before["_size"] == size)
    return same.groupby([told[name] for name in group], sort=False, dropna=False).transform("all")[starts]


def _with_silences(deliveries: pd.DataFrame, key: Sequence[str], answers: pd.DataFrame) -> pd.DataFrame:
    """The deliveries, and one marked row for each answer that lacks a key of its request."""
    asked = answers[["request", *_DELIVERY]].drop_duplicates()
    again = asked[asked.duplicated("request", keep=False)]
    if again.empty:
        return deliveries
    held = deliveries[[*key, "request", *_DELIVERY]]
    due = held[[*key, "request"]].drop_duplicates().merge(again, on="request")
    silent = due.merge(held, on=[*key, "request", *_DELIVERY], how="left", indicator=True)
    silent = silent[silent["_merge"] == "left_only"].drop(columns="_merge")
    silent = silent.assign(**{_GONE: True, "_says_the_same": False})
    both = pd.concat([deliveries, silent], ignore_index=True)
    both = both.sort_values([*key, "fetched_at", _GONE, "payload_digest"], kind="stable", ignore_index=True)
    keys = [both[name] for name in key]
    teller = both["request"].mask(both[_GONE]).groupby(keys, sort=False, dropna=False).ffill()
    # Before it was told: the request that told it first.
    teller = teller.groupby(keys, sort=False, dropna=False).bfill()
    return both[~both[_GONE] | (teller == both["request"])]


def _news(deliveries: pd.DataFrame, key: Sequence[str]) -> pd.DataFrame:
    """The deliveries that begin a version, and the silences that end one, with the instant of each."""
    keys = [deliveries[name] for name in key]
    after_silence = deliveries[_GONE].groupby(keys, sort=False, dropna=False).shift(fill_value=False)
    is_first = ~deliveries.duplicated(list(key))
    is_news = ((~deliveries["_says_the_same"]) | after_silence).mask(deliveries[_GONE], ~after_silence)
    news = deliveries[is_news.astype(bool)].copy()
    news["known_at"] = news["first_known_at"].where(is_first.loc[news.index], news["fetched_at"])
    # Nothing is known before the fact, however early and often a source was asked: of what it told until then the last counts.
    fact = news["first_known_at"]
    if news[_GONE].any():
        fact = fact.groupby([news[name] for name in key], sort=False, dropna=False).ffill()
    news["known_at"] = news["known_at"].mask(news["known_at"] < fact, fact)
    is_early = news["fetched_at"] <= fact
    if not is_early.any():
        return news
    # A fact's own instant may be told anew: what is told later is not known before what was told.
    news["known_at"] = news.groupby(list(key), sort=False, dropna=False)["known_at"].cummax()
    is_early |= news["fetched_at"] < news["known_at"]
    return news[~(is_early & news.duplicated([*key, "known_at"], keep="last"))]
