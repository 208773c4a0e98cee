"""Features of attention: how much was written about a security.

What does not belong here: what was written (sentiment). A session whose news was not covered is NaN, never zero.
"""

from typing import Final

from market.features.algebra import col, sum_
from market.features.definition import Feature

FEATURES: Final = (
    Feature(
        "headlines_5d",
        sum_(col("n_headlines"), 5),
        "Stories in the headlines of five sessions, copies once; NaN while one of them was not covered.",
        "headlines",
        "ours",
        low=0.0,
    ),
)
