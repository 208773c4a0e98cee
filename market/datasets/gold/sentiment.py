"""gold.sentiment: features of what is written about a security, by security and session.

They look back by windows alone, as `gold.alpha158` does, and keep no state.
"""

from functools import cache

import numpy as np
import pandas as pd
import pyarrow as pa

from market import sentiment
from market.datasets.gold import _series
from market.datasets.gold._known import latest
from market.datasets.silver._typed import MONTH
from market.features.engine import Program
from market.features.sections import compile_features
from market.features.sentiment import FEATURES
from market.table import Column, Frames, Read, Table, Window

_TOLD = ["url", "title", "story_id", "level", "read_at"]
_KEY = ["security_id", "session_no"]


@cache
def program() -> Program:
    """The features, compiled."""
    return compile_features(FEATURES)


HISTORY = max(program().lookback, sentiment.DAYS + 4)
"""Sessions before the window that are read: what windows need, and what the oldest novelty of five is compared with."""


def build(frames: Frames, window: Window) -> pa.Table:
    """Features of the rows within the window.

    A session whose news was covered and had no story that a model read has none, rather than an unknown number of them.
    """
    rows = _series.rows_of(frames, TABLE.name)
    told = rows[rows["url"].notna()].drop(columns="known_at").rename(columns={"read_at": "known_at"})
    days = rows.drop(columns=_TOLD).drop_duplicates(_KEY, ignore_index=True)
    days = days.merge(sentiment.by_session(told).reset_index(), on=_KEY, how="left")
    is_covered = days["n_headlines"].notna()
    days["n_stories"] = days["n_stories"].fillna(pd.Series(np.where(is_covered, 0.0, np.nan), days.index))
    days["known_at"] = latest(days, "known_at", "read_at")
    return TABLE.conform(_series.of_windows(program(), days, window))


TABLE = Table(
    __name__,
    doc="What the stories about a security say together, by the model of silver.sentiment: level, dispersion, novelty, volume and surprise. "
    "Null where nothing was read: no story, no model yet, another language.",
    columns=(
        Column("session_date", "date", "session whose close completes the features"),
        MONTH,
        Column("security_id", "string", "our stable id"),
        Column("exchange", "string", "exchange"),
        *_series.columns_of(FEATURES),
        Column("known_at", "timestamp", "when the last of the inputs was known"),
    ),
    key=("security_id", "session_date"),
    known_at="the latest known_at of the security's prices and headlines in the sessions that the features look back to; not when the model was made",
    commits="replace",
    reads=(
        _series.prices(HISTORY, "n_headlines"),
        Read(
            "silver.sentiment",
            "join",
            on=("security_id", "session_date"),
            columns=("url", "title", "story_id", "level"),
            known_as="read_at",
            history=HISTORY,
            versions=True,
        ),
        Read("silver.sessions", "side", history=None),
    ),
    build=build,
)
