"""silver.news_coverage: how many stories a session had, null where no collection covered it."""

import numpy as np
import pandas as pd
import pyarrow as pa

from market.datasets.silver._typed import KNOWN, MONTH
from market.table import Between, Column, Frames, Read, Table, Window

_FACT = ["security_id", "session_date"]
_SAID = ["is_covered", "n_headlines", "sources"]


def build(frames: Frames, window: Window) -> pa.Table:
    """One row per security, session and change of what was believed: covered where any search covered it.

    The count is of distinct stories told by the searches that covered the session; a search that shows a part of it adds nothing.
    """
    rows = frames["silver.news_searches"].to_pandas(timestamp_as_object=False)
    rows["session_date"] = pd.to_datetime(rows["session_date"])
    told = _told(_believed(rows))
    news = told[~_repeats(told)].rename(columns={"at": "known_at"})
    news["known_until"] = news.groupby(_FACT, sort=False)["known_at"].shift(-1)
    news["session_date"] = news["session_date"].dt.date
    return TABLE.conform(pa.Table.from_pandas(pd.DataFrame(news), preserve_index=False))


def _believed(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows that were believed `at` each instant, with the source and the story where they count."""
    pairs = rows.merge(_instants(rows), on=_FACT)
    is_true = (pairs["known_at"] <= pairs["at"]) & (pairs["known_until"].isna() | (pairs["known_until"] > pairs["at"]))
    told = pairs[is_true]
    counts = told["is_covered"] & (told["story_known_at"] <= told["at"])
    return told.assign(story=told["story_id"].where(counts), teller=told["source"].where(told["is_covered"]))


def _told(believed: pd.DataFrame) -> pd.DataFrame:
    """One row per fact and instant: coverage, number of stories, sources; ordered by both."""
    by = [*_FACT, "exchange", "session_month", "at"]
    told = believed.groupby(by).agg(is_covered=("is_covered", "any"), n_headlines=("story", "nunique"))
    told["n_headlines"] = told["n_headlines"].astype(np.float64).where(told["is_covered"])
    told["sources"] = ""
    for source in sorted(believed["teller"].dropna().unique()):
        tells = believed.assign(tells=believed["teller"] == source).groupby(by)["tells"].any()
        told["sources"] += np.where(tells, f",{source}", "")
    told["sources"] = told["sources"].str.removeprefix(",")
    return told.reset_index()


def _instants(rows: pd.DataFrame) -> pd.DataFrame:
    """When something that is counted became known, from the first search on."""
    begins = rows.groupby(_FACT)["known_at"].min().rename("begin").reset_index()
    found = pd.concat([rows[[*_FACT, name]].rename(columns={name: "at"}) for name in ("known_at", "story_known_at")])
    found = found.dropna().drop_duplicates().merge(begins, on=_FACT)
    return found.loc[found["at"] >= found["begin"], [*_FACT, "at"]]


def _repeats(told: pd.DataFrame) -> pd.Series:
    """True where nothing differs from the belief before; the first of a session never repeats."""
    before = told.groupby(_FACT, sort=False)[_SAID].shift()
    same = (told[_SAID].eq(before) | (told[_SAID].isna() & before.isna())).all(axis=1)
    return same & told.duplicated(_FACT)


TABLE = Table(
    __name__,
    doc="Counts of stories by security and session, copies of a story counted once. News is collected forward: a session that no "
    "search covered is null, never zero.",
    columns=(
        Column("session_date", "date", "session"),
        MONTH,
        Column("security_id", "string", "our stable id"),
        Column("exchange", "string", "exchange"),
        Column("is_covered", "bool", "the whole window was within what one of the searches showed"),
        Column(
            "n_headlines",
            "float64",
            "distinct stories that the covering sources tell",
            "headlines",
            True,
            (Between(0),),
        ),
        Column("sources", "string", "sources whose search covered the session, by name; empty where none did"),
        *KNOWN,
    ),
    key=("security_id", "session_date", "known_at"),
    known_at="the end of the session; a changed count from when what changed it was known",
    commits="replace",
    may_be_empty=True,
    reads=(
        Read("silver.news_searches", spread="session_date", versions=True),
        Read(
            "silver.stories",
            "join",
            on=("security_id", "session_date", "source"),
            columns=("story_id",),
            known_as="story_known_at",
        ),
    ),
    build=build,
)
