"""Patterns of three candles: stars, crows and soldiers, gaps that hold, three inside and outside.

What does not belong here: patterns that read a fourth or fifth candle (``more``).
"""

from typing import Final

from market.features.algebra import abs_, where
from market.features.candles.shapes import (
    LAST,
    MORRIS,
    NISON,
    NOW,
    THIRD,
    all_of,
    any_of,
    bearish,
    bullish,
    coloured,
    gaps_down,
    gaps_up,
    inside,
    leaps_down,
    leaps_up,
    other_colour,
    same_colour,
    two_sided,
    within,
)

_STAR_DEPTH: Final = THIRD.body * 0.3
_WHITE: Final = all_of(THIRD.is_white, LAST.is_white, NOW.is_white)
_BLACK: Final = all_of(THIRD.is_black, LAST.is_black, NOW.is_black)
_RISES: Final = (NOW.close > LAST.close) & (LAST.close > THIRD.close)
_OPENS_ABOVE_THIRD: Final = (LAST.open > THIRD.open) & (LAST.open <= THIRD.close + THIRD.near)
_OPENS_ABOVE_LAST: Final = (NOW.open > LAST.open) & (NOW.open <= LAST.close + LAST.near)
_CLIMBS: Final = all_of(_WHITE, _RISES, _OPENS_ABOVE_THIRD, _OPENS_ABOVE_LAST)
_FALLS_BACK: Final = all_of(
    THIRD.is_long, THIRD.is_white, NOW.is_not_short, NOW.is_black, NOW.close < THIRD.close - _STAR_DEPTH
)
_COMES_BACK: Final = all_of(
    THIRD.is_long, THIRD.is_black, NOW.is_not_short, NOW.is_white, NOW.close > THIRD.close + _STAR_DEPTH
)
_THREE_DOJIS: Final = all_of(*(candle.body <= THIRD.doji for candle in (THIRD, LAST, NOW)))
_SIMILAR: Final = abs_(LAST.body - NOW.body) < LAST.near

_HELD_WITHIN: Final = all_of(THIRD.is_long, LAST.is_not_long, LAST.top < THIRD.top, LAST.bottom > THIRD.bottom)
_ALIKE: Final = all_of(
    LAST.is_white, NOW.is_white, within(NOW.body, LAST.body, LAST.near), within(NOW.open, LAST.open, LAST.same)
)

FEATURES: Final = (
    bearish(
        "cdl_2crows",
        all_of(
            THIRD.is_white,
            THIRD.is_long,
            LAST.is_black,
            gaps_up(LAST, THIRD),
            NOW.is_black,
            inside(NOW.open, LAST.close, LAST.open),
            inside(NOW.close, THIRD.open, THIRD.close),
        ),
        "Two crows, a long white body, a black one a gap above it, and a black one from within that into the first: -100.",
        MORRIS,
    ),
    bearish(
        "cdl_upsidegap2crows",
        all_of(
            THIRD.is_white,
            THIRD.is_long,
            LAST.is_black,
            LAST.is_not_long,
            gaps_up(LAST, THIRD),
            NOW.is_black,
            NOW.open > LAST.open,
            NOW.close < LAST.close,
            NOW.close > THIRD.close,
        ),
        "Upside gap two crows, a short black body a gap above a long white one, then a black one that covers it: -100.",
        NISON,
    ),
    two_sided(
        "cdl_3inside",
        all_of(_HELD_WITHIN, THIRD.is_black, NOW.is_white, NOW.close > THIRD.open),
        all_of(_HELD_WITHIN, THIRD.is_white, NOW.is_black, NOW.close < THIRD.open),
        "Three inside, a harami and a close past the open of its long candle: 100 up, -100 down.",
        MORRIS,
    ),
    two_sided(
        "cdl_3outside",
        all_of(LAST.is_white, THIRD.is_black, LAST.close > THIRD.open, LAST.open < THIRD.close, NOW.close > LAST.close),
        all_of(LAST.is_black, THIRD.is_white, LAST.open > THIRD.close, LAST.close < THIRD.open, NOW.close < LAST.close),
        "Three outside, an engulfing pattern and a close further on: 100 up, -100 down.",
        MORRIS,
    ),
    bullish(
        "cdl_3starsinsouth",
        all_of(
            _BLACK,
            THIRD.is_long,
            THIRD.has_long_lower,
            LAST.body < THIRD.body,
            LAST.open > THIRD.close,
            LAST.open <= THIRD.high,
            LAST.low < THIRD.close,
            LAST.low >= THIRD.low,
            LAST.has_some_lower,
            NOW.is_short,
            NOW.has_tiny_lower,
            NOW.has_tiny_upper,
            NOW.low > LAST.low,
            NOW.high < LAST.high,
        ),
        "Three stars in the south, three black candles, each smaller and with a higher low: 100.",
        MORRIS,
    ),
    bullish(
        "cdl_3whitesoldiers",
        all_of(
            _CLIMBS,
            THIRD.has_tiny_upper,
            LAST.has_tiny_upper,
            NOW.has_tiny_upper,
            LAST.body > THIRD.body - THIRD.far,
            NOW.body > LAST.body - LAST.far,
            NOW.is_not_short,
        ),
        "Three white soldiers, white candles that close ever higher, near their highs: 100.",
        NISON,
    ),
    bearish(
        "cdl_advanceblock",
        all_of(
            _CLIMBS,
            THIRD.is_long,
            THIRD.has_short_upper,
            any_of(
                (LAST.body < THIRD.body - THIRD.far) & (NOW.body < LAST.body + LAST.near),
                NOW.body < LAST.body - LAST.far,
                all_of(NOW.body < LAST.body, LAST.body < THIRD.body, NOW.has_wide_upper | LAST.has_wide_upper),
                (NOW.body < LAST.body) & NOW.has_long_upper,
            ),
        ),
        "Advance block, three rising white candles that weaken, by shorter bodies or longer upper shadows: -100.",
        NISON,
    ),
    bearish(
        "cdl_stalledpattern",
        all_of(
            _WHITE,
            _RISES,
            THIRD.is_long,
            LAST.is_long,
            LAST.has_tiny_upper,
            _OPENS_ABOVE_THIRD,
            NOW.is_short,
            NOW.open >= LAST.close - NOW.body - LAST.near,
        ),
        "Stalled pattern, two long rising white candles and a short one on their shoulder: -100.",
        NISON,
    ),
    bearish(
        "cdl_identical3crows",
        all_of(
            _BLACK,
            THIRD.has_tiny_lower,
            LAST.has_tiny_lower,
            NOW.has_tiny_lower,
            THIRD.close > LAST.close,
            LAST.close > NOW.close,
            within(LAST.open, THIRD.close, THIRD.same),
            within(NOW.open, LAST.close, LAST.same),
        ),
        "Identical three crows, falling black candles, each opening at the close before: -100.",
        NISON,
    ),
    two_sided(
        "cdl_abandonedbaby",
        all_of(_COMES_BACK, LAST.is_doji, leaps_down(LAST, THIRD), leaps_up(NOW, LAST)),
        all_of(_FALLS_BACK, LAST.is_doji, leaps_up(LAST, THIRD), leaps_down(NOW, LAST)),
        "Abandoned baby, a doji with gaps on both sides, shadows included: 100 at the bottom, -100 at the top.",
        NISON,
    ),
    bearish(
        "cdl_eveningdojistar",
        all_of(_FALLS_BACK, LAST.is_doji, gaps_up(LAST, THIRD)),
        "Evening doji star, a doji a gap above a long white body, then a black candle back into it: -100.",
        NISON,
    ),
    bearish(
        "cdl_eveningstar",
        all_of(_FALLS_BACK, LAST.is_not_long, gaps_up(LAST, THIRD)),
        "Evening star, a short body a gap above a long white one, then a black candle back into it: -100.",
        NISON,
    ),
    bullish(
        "cdl_morningdojistar",
        all_of(_COMES_BACK, LAST.is_doji, gaps_down(LAST, THIRD)),
        "Morning doji star, a doji a gap below a long black body, then a white candle back into it: 100.",
        NISON,
    ),
    bullish(
        "cdl_morningstar",
        all_of(_COMES_BACK, LAST.is_not_long, gaps_down(LAST, THIRD)),
        "Morning star, a short body a gap below a long black one, then a white candle back into it: 100.",
        NISON,
    ),
    two_sided(
        "cdl_tristar",
        all_of(_THREE_DOJIS, gaps_down(LAST, THIRD), NOW.bottom > LAST.bottom),
        all_of(_THREE_DOJIS, gaps_up(LAST, THIRD), NOW.top < LAST.top),
        "Tristar, three dojis of which the second stands off by a gap: 100 below, -100 above.",
        NISON,
    ),
    two_sided(
        "cdl_gapsidesidewhite",
        all_of(gaps_up(LAST, THIRD), gaps_up(NOW, THIRD), _ALIKE),
        all_of(gaps_down(LAST, THIRD), gaps_down(NOW, THIRD), _ALIKE),
        "Side-by-side white lines, two like white candles beyond a gap: 100 above it, -100 below it.",
        NISON,
    ),
    two_sided(
        "cdl_tasukigap",
        all_of(
            gaps_up(LAST, THIRD),
            LAST.is_white,
            NOW.is_black,
            inside(NOW.open, LAST.open, LAST.close),
            inside(NOW.close, THIRD.top, LAST.open),
            _SIMILAR,
        ),
        all_of(
            gaps_down(LAST, THIRD),
            LAST.is_black,
            NOW.is_white,
            inside(NOW.open, LAST.close, LAST.open),
            inside(NOW.close, LAST.open, THIRD.bottom),
            _SIMILAR,
        ),
        "Tasuki gap, a candle of the other colour that goes back into a gap without closing it: 100 for a gap up, -100 for one down.",
        NISON,
    ),
    coloured(
        "cdl_xsidegap3methods",
        all_of(
            same_colour(THIRD, LAST),
            other_colour(LAST, NOW),
            inside(NOW.open, LAST.bottom, LAST.top),
            inside(NOW.close, THIRD.bottom, THIRD.top),
            where(THIRD.is_white, gaps_up(LAST, THIRD), gaps_down(LAST, THIRD)),
        ),
        THIRD.colour,
        "Upside or downside gap three methods, a candle of the other colour that closes a gap: 100 for a gap up, -100 for one down.",
        MORRIS,
    ),
    bullish(
        "cdl_sticksandwich",
        all_of(
            THIRD.is_black,
            LAST.is_white,
            NOW.is_black,
            LAST.low > THIRD.close,
            within(NOW.close, THIRD.close, THIRD.same),
        ),
        "Stick sandwich, a white candle between two black ones that close at one price: 100.",
        MORRIS,
    ),
    bullish(
        "cdl_unique3river",
        all_of(
            THIRD.is_long,
            THIRD.is_black,
            LAST.is_black,
            LAST.close > THIRD.close,
            LAST.open <= THIRD.open,
            LAST.low < THIRD.low,
            NOW.is_short,
            NOW.is_white,
            NOW.open > LAST.low,
        ),
        "Unique three river, a long black body, a black one within it with a new low, and a short white one: 100.",
        NISON,
    ),
)
