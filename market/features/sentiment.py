"""Features of what is written about a security: how good, how much at odds, how new, how much, and how unexpected.

They read what `market.sentiment` makes of a session's stories. A session without a story has no level: it is left out of means, never
counted as neutral. Only the past is read, so that a headline counts in the session whose close it came before.
What does not belong here: reading headlines (a model does), and how many there are whatever they say (`library.news`).
"""

from typing import Final

from market.features.algebra import col, mean, ref, std, sum_
from market.features.definition import Feature

_LEVEL: Final = col("level")

FEATURES: Final = (
    Feature(
        "sentiment_level",
        _LEVEL,
        "Mean level of the session's stories, -1 bad and 1 good; NaN without one.",
        "points",
        "ours",
        low=-1.0,
        high=1.0,
    ),
    Feature(
        "sentiment_level_5d",
        mean(_LEVEL, 5, least=1),
        "Mean of the levels of those of the last 5 sessions that had a story.",
        "points",
        "ours",
        low=-1.0,
        high=1.0,
    ),
    Feature(
        "sentiment_dispersion_5d",
        mean(col("dispersion"), 5, least=1),
        "How far the stories of a session lie apart (population standard deviation of their levels), a mean of those of the last 5 sessions with two or more.",
        "points",
        "ours",
        low=0.0,
        high=1.000001,  # half of them at -1, half at 1, and rounding
    ),
    Feature(
        "sentiment_novelty_5d",
        mean(col("novelty"), 5, least=1),
        "Share of a story's words that no story of the 5 sessions before had, a mean over the last 5 sessions with a story.",
        "fraction",
        "ours",
        low=0.0,
        high=1.000001,
    ),
    Feature(
        "sentiment_volume_5d",
        sum_(col("n_stories"), 5) / sum_(col("n_stories"), 20),
        "Share of the stories of 20 sessions that came in the last 5: a quarter is the usual; NaN without one, or where news was not covered.",
        "ratio",
        "ours",
        low=0.0,
        high=1.000001,
    ),
    Feature(
        "sentiment_surprise",
        (_LEVEL - mean(ref(_LEVEL, 1), 20, least=5)) / std(ref(_LEVEL, 1), 20, least=5),
        "Level of the session's stories less the mean of the 20 sessions before, in their standard deviations; NaN with fewer than 5 of them with a story.",
        "ratio",
        "L. Zhang, J. Hua, after the standardised unexpected earnings of G. Foster, C. Olsen, T. Shevlin, The Accounting Review 59 (1984)",
    ),
)
