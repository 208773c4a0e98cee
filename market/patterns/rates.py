"""How often each pattern is found and how often that is right, as `python -m tests.market.patterns.planted` measured them and the tests hold them.

Two hundred of each were planted in random walks, with half of the walk's noise laid over them; false alarms are of 287,500 rows in which nothing was planted.
What does not belong here: what a pattern is (``declarations``).
"""

from collections.abc import Mapping
from typing import Final

RATES: Final[Mapping[tuple[str, int], tuple[float, float, float]]] = {
    ("ascending_triangle", 1): (0.91, 0.65, 1.53),
    ("bear_flag", -1): (0.82, 0.61, 1.81),
    ("breakaway_gap", 1): (1.00, 1.00, 0.66),
    ("breakaway_gap", -1): (1.00, 0.99, 0.53),
    ("bull_flag", 1): (0.78, 0.61, 1.57),
    ("common_gap", 1): (1.00, 0.88, 11.31),
    ("common_gap", -1): (1.00, 0.84, 11.17),
    ("cup_and_handle", 1): (0.96, 0.84, 0.51),
    ("descending_triangle", -1): (0.86, 0.56, 1.87),
    ("double_bottom", 1): (0.96, 0.76, 1.99),
    ("double_top", -1): (0.90, 0.74, 1.63),
    ("falling_channel", 1): (0.96, 0.59, 2.14),
    ("falling_channel", -1): (0.95, 0.81, 0.42),
    ("falling_wedge", 1): (0.91, 0.39, 4.80),
    ("head_and_shoulders", -1): (0.94, 0.56, 3.51),
    ("horizontal_channel", 1): (0.95, 0.77, 0.71),
    ("horizontal_channel", -1): (0.94, 0.77, 0.65),
    ("inverse_head_and_shoulders", 1): (0.98, 0.63, 3.10),
    ("rising_channel", 1): (0.94, 0.74, 0.86),
    ("rising_channel", -1): (0.97, 0.63, 2.05),
    ("rising_wedge", -1): (0.87, 0.42, 3.60),
    ("symmetrical_triangle", 1): (0.79, 0.66, 1.46),
    ("symmetrical_triangle", -1): (0.78, 0.58, 1.40),
}
"""Recall and precision at half the noise of the walk around, and patterns per 1,000 rows of walks without drift."""

IN_THE_MARKET: Final = 0.787
"""Recall in the synthetic market over all kinds: of 1,380 planted in thirty worlds (`python -m tests.exchange.test_planted_patterns`)."""
