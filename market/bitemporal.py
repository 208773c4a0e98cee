"""Versions: what was believed from when until when.

A source may deliver a row again. An equal row is no news; a different one is a new version, known from the delivery that
brought it. Nothing is overwritten.
"""

from collections.abc import Sequence

import pandas as pd


def versions(rows: pd.DataFrame, key: Sequence[str], values: Sequence[str]) -> pd.DataFrame:
    """The rows that say something new, with `known_at` and `known_until`.

    Parameters
    ----------
    rows : any order, with the key, the values, `first_known_at` (when the fact itself could be known), `fetched_at` and
        `payload_digest`. A key repeated inside one payload keeps all its rows: judging that is the checks' work.
    key : columns that identify the fact.
    values : columns whose change is a revision.

    Returns
    -------
    A new frame ordered by key and known_at. The first version is known from `first_known_at`, a later one from its
    `fetched_at`; `known_until` is the next version's known_at, null while it is still true.
    """
    ordered = rows.sort_values([*key, "fetched_at", "payload_digest", "row_no"], kind="stable", ignore_index=True)
    group = [*key, "payload_digest", "fetched_at"]  # one delivery; an answer may come back after another
    firsts = ordered.drop_duplicates(group)
    before = firsts.groupby(list(key), sort=False, dropna=False)[list(values)].shift()
    is_first = ~firsts.duplicated(list(key))
    current = firsts[list(values)]
    same = (current.eq(before) | (current.isna() & before.isna())).all(axis=1)
    news = firsts[is_first | ~same.astype(bool)].copy()
    news["known_at"] = news["first_known_at"].where(is_first.loc[news.index], news["fetched_at"])
    news["known_until"] = news.groupby(list(key), sort=False, dropna=False)["known_at"].shift(-1)
    return ordered.merge(news[[*group, "known_at", "known_until"]], on=group, how="inner")


def changes(rows: pd.DataFrame, key: Sequence[str], values: Sequence[str]) -> pd.DataFrame:
    """One row per change of slowly changing values, with `known_at` and `known_until`.

    Parameters
    ----------
    rows : observations, any order, with the key, the values and `first_known_at` (the instant of the observation). Of several
        deliveries of one observation the last fetched counts.
    key : columns that identify the thing observed.
    values : columns whose change begins a new row.

    Returns
    -------
    A new frame ordered by key and known_at: the first observation of each run of equal values.
    """
    ordered = rows.sort_values([*key, "first_known_at", "fetched_at", "payload_digest", "row_no"], kind="stable")
    ordered = ordered.drop_duplicates([*key, "first_known_at"], keep="last", ignore_index=True)
    before = ordered.groupby(list(key), sort=False)[list(values)].shift()
    current = ordered[list(values)]
    same = (current.eq(before) | (current.isna() & before.isna())).all(axis=1).astype(bool)
    kept = ordered[~same | ~ordered.duplicated(list(key))].copy()
    kept["known_at"] = kept["first_known_at"]
    kept["known_until"] = kept.groupby(list(key), sort=False)["known_at"].shift(-1)
    return kept.reset_index(drop=True)


def true_at(rows: pd.DataFrame, instant: pd.Timestamp) -> pd.DataFrame:
    """The versions believed at that instant: known by then and not yet replaced."""
    return rows[(rows["known_at"] <= instant) & (rows["known_until"].isna() | (rows["known_until"] > instant))]
