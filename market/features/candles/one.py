"""Patterns of a single candle, and of one whose place beside the candle before counts: dojis, hammers, stars, marubozus.

What does not belong here: patterns whose first candle has a shape of its own (``two``).
"""

from typing import Final

from market.features.candles.shapes import (
    LAST,
    NISON,
    NOW,
    all_of,
    bearish,
    bullish,
    coloured,
    gaps_down,
    gaps_up,
    is_marubozu,
)

_MIDDLE: Final = NOW.low + NOW.range / 2
_HANGING: Final = all_of(NOW.is_short, NOW.has_long_lower, NOW.has_tiny_upper)
_STANDING: Final = all_of(NOW.is_short, NOW.has_long_upper, NOW.has_tiny_lower)
_WHITE_OR_BLACK: Final = "100 for a white one, -100 for a black one."

FEATURES: Final = (
    bullish("cdl_doji", NOW.is_doji, "Doji, open and close all but equal: 100, which tells no direction.", NISON),
    bullish(
        "cdl_dragonflydoji",
        all_of(NOW.is_doji, NOW.has_tiny_upper, NOW.has_some_lower),
        "Dragonfly doji, open and close at the high above a lower shadow: 100.",
        NISON,
    ),
    bullish(
        "cdl_gravestonedoji",
        all_of(NOW.is_doji, NOW.has_tiny_lower, NOW.has_some_upper),
        "Gravestone doji, open and close at the low below an upper shadow: 100, though books read it as bearish.",
        NISON,
    ),
    bullish(
        "cdl_longleggeddoji",
        NOW.is_doji & (NOW.has_long_lower | NOW.has_long_upper),
        "Long-legged doji, a doji with a long shadow: 100, which tells no direction.",
        NISON,
    ),
    bullish(
        "cdl_rickshawman",
        all_of(
            NOW.is_doji,
            NOW.has_long_lower,
            NOW.has_long_upper,
            NOW.bottom <= _MIDDLE + NOW.near,
            NOW.top >= _MIDDLE - NOW.near,
        ),
        "Rickshaw man, a doji between two long shadows, near the middle of the range: 100, which tells no direction.",
        NISON,
    ),
    bullish(
        "cdl_takuri",
        all_of(NOW.is_doji, NOW.has_tiny_upper, NOW.has_very_long_lower),
        "Takuri line, a dragonfly doji with a very long lower shadow: 100.",
    ),
    bullish(
        "cdl_hammer",
        _HANGING & (NOW.bottom <= LAST.low + LAST.near),
        "Hammer, a short body above a long lower shadow, not far above the low before: 100.",
        NISON,
    ),
    bearish(
        "cdl_hangingman",
        _HANGING & (NOW.bottom >= LAST.high - LAST.near),
        "Hanging man, a short body above a long lower shadow, not far below the high before: -100.",
        NISON,
    ),
    bullish(
        "cdl_invertedhammer",
        _STANDING & gaps_down(NOW, LAST),
        "Inverted hammer, a short body below a long upper shadow, a gap below the body before: 100.",
        NISON,
    ),
    bearish(
        "cdl_shootingstar",
        _STANDING & gaps_up(NOW, LAST),
        "Shooting star, a short body below a long upper shadow, a gap above the body before: -100.",
        NISON,
    ),
    coloured(
        "cdl_belthold",
        NOW.is_long & ((NOW.is_white & NOW.has_tiny_lower) | (NOW.is_black & NOW.has_tiny_upper)),
        NOW.colour,
        f"Belt-hold, a long body with no shadow on the side of the open: {_WHITE_OR_BLACK}",
        NISON,
    ),
    coloured(
        "cdl_closingmarubozu",
        NOW.is_long & ((NOW.is_white & NOW.has_tiny_upper) | (NOW.is_black & NOW.has_tiny_lower)),
        NOW.colour,
        f"Closing marubozu, a long body with no shadow on the side of the close: {_WHITE_OR_BLACK}",
    ),
    coloured(
        "cdl_marubozu",
        NOW.is_long & is_marubozu(NOW),
        NOW.colour,
        f"Marubozu, a long body without shadows: {_WHITE_OR_BLACK}",
    ),
    coloured(
        "cdl_longline",
        all_of(NOW.is_long, NOW.has_short_upper, NOW.has_short_lower),
        NOW.colour,
        f"Long line, a long body between short shadows: {_WHITE_OR_BLACK}",
    ),
    coloured(
        "cdl_shortline",
        all_of(NOW.is_short, NOW.has_short_upper, NOW.has_short_lower),
        NOW.colour,
        f"Short line, a short body between short shadows: {_WHITE_OR_BLACK}",
    ),
    coloured(
        "cdl_spinningtop",
        all_of(NOW.is_short, NOW.has_long_upper, NOW.has_long_lower),
        NOW.colour,
        f"Spinning top, a short body between shadows longer than it: {_WHITE_OR_BLACK}",
        NISON,
    ),
    coloured(
        "cdl_highwave",
        all_of(NOW.is_short, NOW.has_very_long_upper, NOW.has_very_long_lower),
        NOW.colour,
        f"High wave, a short body between shadows more than twice as long: {_WHITE_OR_BLACK}",
    ),
)
