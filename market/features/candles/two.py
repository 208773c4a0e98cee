"""Patterns of two candles: engulfing, harami, piercing and the necks, kicking, lines that meet or part.

What does not belong here: a single candle and its place beside the one before (``one``).
"""

from typing import Final

from market.features.algebra import equal, where
from market.features.candles.shapes import (
    LAST,
    MORRIS,
    NISON,
    NOW,
    all_of,
    any_of,
    bearish,
    bullish,
    coloured,
    gaps_down,
    gaps_up,
    is_marubozu,
    leaps_down,
    leaps_up,
    other_colour,
    pattern,
    two_sided,
    within,
)
from market.features.nodes import Expr

_SWALLOWS: Final = any_of(
    all_of(NOW.is_white, LAST.is_black, NOW.close >= LAST.open, NOW.open <= LAST.close),
    all_of(NOW.is_black, LAST.is_white, NOW.open >= LAST.close, NOW.close <= LAST.open),
)
_MEETS_OPEN, _MEETS_CLOSE = equal(NOW.close, LAST.open), equal(NOW.open, LAST.close)
_IS_HELD: Final = (NOW.top <= LAST.top) & (NOW.bottom >= LAST.bottom)
_IS_HELD_WELL: Final = (NOW.top < LAST.top) & (NOW.bottom > LAST.bottom)
_REBOUNDS: Final = all_of(LAST.is_black, LAST.is_long, NOW.is_white, NOW.open < LAST.low)
_HALF: Final = LAST.body * 0.5
_KICKS: Final = all_of(
    other_colour(LAST, NOW),
    LAST.is_long,
    is_marubozu(LAST),
    NOW.is_long,
    is_marubozu(NOW),
    (LAST.is_black & leaps_up(NOW, LAST)) | (LAST.is_white & leaps_down(NOW, LAST)),
)


def _harami(is_small: Expr) -> Expr:
    """Against the colour of the first candle: 100 where the second body is inside its body, 80 where an end of both is equal."""
    return where(LAST.is_long & is_small & _IS_HELD, where(_IS_HELD_WELL, 100, 80) * -LAST.colour, 0)


FEATURES: Final = (
    two_sided(
        "cdl_dojistar",
        all_of(LAST.is_long, NOW.is_doji, LAST.is_black, gaps_down(NOW, LAST)),
        all_of(LAST.is_long, NOW.is_doji, LAST.is_white, gaps_up(NOW, LAST)),
        "Doji star, a doji a gap beyond a long body: 100 below a black one, -100 above a white one.",
        NISON,
    ),
    pattern(
        "cdl_engulfing",
        where(
            _SWALLOWS & ~(_MEETS_OPEN & _MEETS_CLOSE),
            where(_MEETS_OPEN | _MEETS_CLOSE, 80, 100) * NOW.colour,
            0,
        ),
        "Engulfing, a body that covers the one before, of the other colour: 100 white, -100 black, 80 and -80 where an end of both is equal.",
        NISON,
    ),
    pattern(
        "cdl_harami",
        _harami(NOW.is_not_long),
        "Harami, a short body within a long one: 100 in a black one, -100 in a white one, 80 and -80 where an end of both is equal.",
        NISON,
    ),
    pattern(
        "cdl_haramicross",
        _harami(NOW.is_doji),
        "Harami cross, a doji within a long body: 100 in a black one, -100 in a white one, 80 and -80 where an end of both is equal.",
        NISON,
    ),
    bullish(
        "cdl_homingpigeon",
        all_of(
            LAST.is_black,
            NOW.is_black,
            LAST.is_long,
            NOW.is_not_long,
            NOW.open < LAST.open,
            NOW.close > LAST.close,
        ),
        "Homing pigeon, a short black body within a long black one: 100.",
        MORRIS,
    ),
    bearish(
        "cdl_inneck",
        all_of(_REBOUNDS, NOW.close <= LAST.close + LAST.same, NOW.close >= LAST.close),
        "In-neck, a white candle from below the low of a long black one up to its close: -100.",
        NISON,
    ),
    bearish(
        "cdl_onneck",
        _REBOUNDS & within(NOW.close, LAST.low, LAST.same),
        "On-neck, a white candle from below the low of a long black one up to that low: -100.",
        NISON,
    ),
    bearish(
        "cdl_thrusting",
        all_of(_REBOUNDS, NOW.close > LAST.close + LAST.same, NOW.close <= LAST.close + _HALF),
        "Thrusting, a white candle from below the low of a long black one into its body, not past the middle: -100.",
        NISON,
    ),
    bullish(
        "cdl_piercing",
        all_of(_REBOUNDS, NOW.is_long, NOW.close < LAST.open, NOW.close > LAST.close + _HALF),
        "Piercing, a long white candle from below the low of a long black one past the middle of its body: 100.",
        NISON,
    ),
    bearish(
        "cdl_darkcloudcover",
        all_of(
            LAST.is_white,
            LAST.is_long,
            NOW.is_black,
            NOW.open > LAST.high,
            NOW.close > LAST.open,
            NOW.close < LAST.close - _HALF,
        ),
        "Dark cloud cover, a black candle from above the high of a long white one past the middle of its body: -100.",
        NISON,
    ),
    coloured(
        "cdl_counterattack",
        all_of(other_colour(LAST, NOW), LAST.is_long, NOW.is_long, within(NOW.close, LAST.close, LAST.same)),
        NOW.colour,
        "Counterattack, two long bodies of different colours with one close: 100 where the second is white, -100 where black.",
        NISON,
    ),
    coloured(
        "cdl_kicking",
        _KICKS,
        NOW.colour,
        "Kicking, two marubozus of different colours with a gap away from the first: 100 where the second is white, -100 where black.",
        MORRIS,
    ),
    coloured(
        "cdl_kickingbylength",
        _KICKS,
        where(NOW.body > LAST.body, NOW.colour, LAST.colour),
        "Kicking by length, two marubozus as in kicking: 100 where the longer is white, -100 where it is black.",
    ),
    bullish(
        "cdl_matchinglow",
        all_of(LAST.is_black, NOW.is_black, within(NOW.close, LAST.close, LAST.same)),
        "Matching low, two black candles with one close: 100.",
        MORRIS,
    ),
    coloured(
        "cdl_separatinglines",
        all_of(
            other_colour(LAST, NOW),
            within(NOW.open, LAST.open, LAST.same),
            NOW.is_long,
            (NOW.is_white & NOW.has_tiny_lower) | (NOW.is_black & NOW.has_tiny_upper),
        ),
        NOW.colour,
        "Separating lines, a belt-hold from the open of a candle of the other colour: 100 where it is white, -100 where black.",
        NISON,
    ),
)
