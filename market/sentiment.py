"""What a session's stories say together: their level, how far they lie apart, how new they are, and how many there are.

A story counts once, by its first headline. What does not belong here: reading a headline (a model does), features over sessions
(`market.features.sentiment`).
"""

from typing import Final

import numpy as np
import pandas as pd

from market.stories import most_alike

DAYS: Final = 5
"""Sessions in which words have to have been written to be old."""

MADE: Final = ("n_stories", "level", "dispersion", "novelty")


def by_session(told: pd.DataFrame) -> pd.DataFrame:
    """One row per security and session that has a story.

    Parameters
    ----------
    told : headlines of any order with `security_id`, `session_no`, `url`, `title`, `story_id`, `level` and `known_at`; a headline that
        was changed may be there several times, and counts as it was first told.

    Returns
    -------
    By `security_id` and `session_no`: `n_stories`; `level`, the mean of the stories' (-1 to 1); `dispersion`, their population standard
    deviation, NaN of fewer than two; `novelty`, the mean share of their words that no story of the DAYS sessions before
    had; `read_at`, when the last of them was known.
    """
    by = ["security_id", "session_no"]
    ordered = told.sort_values([*by, "known_at", "url"], kind="stable")
    stories = ordered.drop_duplicates([*by, "story_id"]).reset_index(drop=True)
    stories["novelty"] = 1.0 - most_alike(
        stories["title"].tolist(), pd.factorize(stories["security_id"])[0].astype(np.int64),
        stories["session_no"].to_numpy(dtype=np.int64), DAYS,
    )  # fmt: skip
    groups = stories.groupby(by, sort=True)
    made = groups.agg(
        n_stories=("story_id", "size"),
        level=("level", "mean"),
        novelty=("novelty", "mean"),
        read_at=("known_at", "max"),
    )
    made["n_stories"] = made["n_stories"].astype(np.float64)
    made["dispersion"] = groups["level"].std(ddof=0).where(made["n_stories"] > 1)
    return made
