"""The chart patterns, by name: which way they point, what they are, and whose they are. What does not belong here: finding them."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Pattern:
    """A kind of chart pattern.

    Parameters
    ----------
    name : as ``Found.kind`` has it.
    direction : 1 where it says that prices rise, -1 that they fall, 0 where its breakout says which.
    doc : what it is and what confirms it, where its target and its failure lie; a sentence or two for who reads a chart.
    source : author, title, year, chapter.
    """

    name: str
    direction: int
    doc: str
    source: str


_MAGEE: Final = "R. D. Edwards and J. Magee, Technical Analysis of Stock Trends, 5th ed. (1966), "
_BULKOWSKI: Final = "T. N. Bulkowski, Encyclopedia of Chart Patterns, 2nd ed. (2005), "
_ONEIL: Final = "W. J. O'Neil, How to Make Money in Stocks (1988), chart reading"

PATTERNS: Final = {
    pattern.name: pattern
    for pattern in (
        Pattern(
            "ascending_triangle", 1,
            "A level upper boundary and a rising lower one, left upward. Target: its height at the begin above the "
            "breakout.",
            _MAGEE + "ch. 8; " + _BULKOWSKI + "Triangles, Ascending",
        ),
        Pattern(
            "bear_flag", -1,
            "A short narrow rally, no more than half of the steep fall before it, left downward. Target: the fall "
            "again, from the flag's high.",
            _MAGEE + "ch. 11; " + _BULKOWSKI + "Flags",
        ),
        Pattern(
            "breakaway_gap", 0,
            "A session wholly outside the narrow range of the 20 before it, on volume. Target: the range's height "
            "beyond it. Failure: the gap is closed.",
            _MAGEE + "ch. 12; " + _BULKOWSKI + "Gaps",
        ),
        Pattern(
            "bull_flag", 1,
            "A short narrow drift, no more than half of the steep climb before it, left upward. Target: the climb "
            "again, from the flag's low.",
            _MAGEE + "ch. 11; " + _BULKOWSKI + "Flags",
        ),
        Pattern(
            "common_gap", 0,
            "A gap inside the range of the 20 sessions before it, without unusual volume; it points back. Target: "
            "where it is closed. Failure: the range's end.",
            _MAGEE + "ch. 12; " + _BULKOWSKI + "Gaps",
        ),
        Pattern(
            "cup_and_handle", 1,
            "A round bottom between two level rims after a rise, then a small dip, closed above the right rim. "
            "Target: the cup's depth above it.",
            _ONEIL + "; " + _BULKOWSKI + "Cup with Handle",
        ),
        Pattern(
            "descending_triangle", -1,
            "A level lower boundary and a falling upper one, left downward. Target: its height at the begin below the"
            " breakout.",
            _MAGEE + "ch. 8; " + _BULKOWSKI + "Triangles, Descending",
        ),
        Pattern(
            "double_bottom", 1,
            "Two lows at one height after a fall, closed above the high between them. Target: the height above it. "
            "Failure: the lower of the lows.",
            _MAGEE + "ch. 9; " + _BULKOWSKI + "Double Bottoms",
        ),
        Pattern(
            "double_top", -1,
            "Two highs at one height after a rise, closed below the low between them. Target: the height below it. "
            "Failure: the higher of the highs.",
            _MAGEE + "ch. 9; " + _BULKOWSKI + "Double Tops",
        ),
        Pattern(
            "falling_channel", 0,
            "Two parallel falling boundaries, left on either side. Target: the channel's width beyond the breakout.",
            _MAGEE + "ch. 14; the target is ours, after the rectangle's in ch. 9",
        ),
        Pattern(
            "falling_wedge", 1,
            "Two falling boundaries that come together, left upward. Target: the high it began with.",
            _MAGEE + "ch. 10; " + _BULKOWSKI + "Wedges, Falling",
        ),
        Pattern(
            "head_and_shoulders", -1,
            "Three highs after a rise, the middle one the highest, closed below the line through the lows between. "
            "Target: the head's height below it. Failure: the right shoulder.",
            _MAGEE + "ch. 6; " + _BULKOWSKI + "Head-and-Shoulders Tops",
        ),
        Pattern(
            "horizontal_channel", 0,
            "Two level boundaries (a rectangle), left on either side. Target: its height beyond the breakout.",
            _MAGEE + "ch. 9; " + _BULKOWSKI + "Rectangle Bottoms and Tops",
        ),
        Pattern(
            "inverse_head_and_shoulders", 1,
            "Three lows after a fall, the middle one the lowest, closed above the line through the highs between. "
            "Target: the head's depth above it. Failure: the right shoulder.",
            _MAGEE + "ch. 7; " + _BULKOWSKI + "Head-and-Shoulders Bottoms",
        ),
        Pattern(
            "rising_channel", 0,
            "Two parallel rising boundaries, left on either side. Target: the channel's width beyond the breakout.",
            _MAGEE + "ch. 14; the target is ours, after the rectangle's in ch. 9",
        ),
        Pattern(
            "rising_wedge", -1,
            "Two rising boundaries that come together, left downward. Target: the low it began with.",
            _MAGEE + "ch. 10; " + _BULKOWSKI + "Wedges, Rising",
        ),
        Pattern(
            "symmetrical_triangle", 0,
            "A falling upper and a rising lower boundary, left on either side. Target: its height at the begin beyond"
            " the breakout.",
            _MAGEE + "ch. 8; " + _BULKOWSKI + "Triangles, Symmetrical",
        ),
    )
}  # fmt: skip
"""Chart patterns by name, in alphabetical order."""
