"""Patterns that read four candles or more: three methods, breakaway, ladder bottom, line strike, and the two kinds of hikkake.

What does not belong here: patterns of three candles (``three``).
"""

from typing import Final

from market.features.algebra import max_, maximum, min_, ref, where
from market.features.candles.shapes import (
    CHESLER,
    FIFTH,
    FOURTH,
    LAST,
    MORRIS,
    NISON,
    NOW,
    THIRD,
    Candle,
    all_of,
    bearish,
    bullish,
    coloured,
    gaps_down,
    gaps_up,
    inside,
    is_marubozu,
    other_colour,
    pattern,
    same_colour,
)
from market.features.nodes import Expr


def _opens_beside(later: Candle, earlier: Candle) -> Expr:
    """1 where a candle opens within the body before it or near it, else 0."""
    return (later.open >= earlier.bottom - earlier.near) & (later.open <= earlier.top + earlier.near)


def _is_inside(inner: Candle, outer: Candle) -> Expr:
    return (inner.high < outer.high) & (inner.low > outer.low)


def _is_higher(later: Candle, earlier: Candle) -> Expr:
    return (later.high > earlier.high) & (later.low > earlier.low)


def _is_lower(later: Candle, earlier: Candle) -> Expr:
    return (later.high < earlier.high) & (later.low < earlier.low)


def _signals(found: Expr) -> Expr:
    """100 or -100 where ``found`` is 1 or -1, 200 or -200 where one of the next three rows is the first to close past the inside candle.

    A newer pattern takes the place of the one before it, so that the rows are asked from the newest on.
    """
    signal: Expr = where(ref(found, 3), _confirms(found, 3), 0)
    for after in (2, 1):
        signal = where(ref(found, after), _confirms(found, after), signal)
    # a branch not taken has no say: the product makes every signal wait until the row three before is known
    return where(found, 100 * found, signal) + 0 * ref(found, 3)


def _confirms(found: Expr, after: int) -> Expr:
    """200 or -200 where this row, ``after`` rows behind a pattern, is the first to close past its inside candle, else 0."""
    inner = Candle(after + 1)
    rises, falls = NOW.close > inner.high, NOW.close < inner.low
    if after > 1:
        rises &= ref(max_(NOW.close, after - 1), 1) <= inner.high
        falls &= ref(min_(NOW.close, after - 1), 1) >= inner.low
    return where(ref(found, after) > 0, where(rises, 200, 0), where(falls, -200, 0))


_DRIFTS: Final = all_of(FOURTH.is_short, THIRD.is_short, LAST.is_short)
_HELD: Final = all_of(*((one.bottom < FIFTH.high) & (one.top > FIFTH.low) for one in (FOURTH, THIRD, LAST)))
_MAT: Final = FIFTH.close - FIFTH.body * 0.5
_INNERMOST: Final = _is_inside(THIRD, FOURTH) & _is_inside(LAST, THIRD)
# inside the ref, not outside: the formula of the modified hikkake names them nine times, and text has a limit
_LOW_END, _HIGH_END = ref(NOW.close <= NOW.low + NOW.near, 2), ref(NOW.close >= NOW.high - NOW.near, 2)
_SIDE: Final = FIFTH.colour

FEATURES: Final = (
    bearish(
        "cdl_3blackcrows",
        all_of(
            FOURTH.is_white,
            THIRD.is_black,
            THIRD.has_tiny_lower,
            LAST.is_black,
            LAST.has_tiny_lower,
            NOW.is_black,
            NOW.has_tiny_lower,
            inside(LAST.open, THIRD.close, THIRD.open),
            inside(NOW.open, LAST.close, LAST.open),
            FOURTH.high > THIRD.close,
            THIRD.close > LAST.close,
            LAST.close > NOW.close,
        ),
        "Three black crows, falling black candles that close at their lows, after a white one: -100.",
        NISON,
    ),
    coloured(
        "cdl_3linestrike",
        all_of(
            same_colour(FOURTH, THIRD),
            same_colour(THIRD, LAST),
            other_colour(LAST, NOW),
            _opens_beside(THIRD, FOURTH),
            _opens_beside(LAST, THIRD),
            where(
                LAST.is_white,
                all_of(
                    LAST.close > THIRD.close,
                    THIRD.close > FOURTH.close,
                    NOW.open > LAST.close,
                    NOW.close < FOURTH.open,
                ),
                all_of(
                    LAST.close < THIRD.close,
                    THIRD.close < FOURTH.close,
                    NOW.open < LAST.close,
                    NOW.close > FOURTH.open,
                ),
            ),
        ),
        LAST.colour,
        "Three-line strike, three candles of one colour and one that takes all of them back: 100 for white ones, -100 for black ones.",
        MORRIS,
    ),
    bullish(
        "cdl_concealbabyswall",
        all_of(
            FOURTH.is_black,
            THIRD.is_black,
            LAST.is_black,
            NOW.is_black,
            is_marubozu(FOURTH),
            is_marubozu(THIRD),
            gaps_down(LAST, THIRD),
            LAST.has_some_upper,
            LAST.high > THIRD.close,
            NOW.high > LAST.high,
            NOW.low < LAST.low,
        ),
        "Concealing baby swallow, two black marubozus, a black candle that reaches back, and one that covers it: 100.",
        MORRIS,
    ),
    coloured(
        "cdl_breakaway",
        all_of(
            FIFTH.is_long,
            same_colour(FIFTH, FOURTH),
            same_colour(FOURTH, LAST),
            other_colour(LAST, NOW),
            where(
                FIFTH.is_black,
                all_of(
                    gaps_down(FOURTH, FIFTH),
                    _is_lower(THIRD, FOURTH),
                    _is_lower(LAST, THIRD),
                    inside(NOW.close, FOURTH.open, FIFTH.close),
                ),
                all_of(
                    gaps_up(FOURTH, FIFTH),
                    _is_higher(THIRD, FOURTH),
                    _is_higher(LAST, THIRD),
                    inside(NOW.close, FIFTH.close, FOURTH.open),
                ),
            ),
        ),
        NOW.colour,
        "Breakaway, a run that began with a gap, and a candle back into the gap: 100 after a run down, -100 after one up.",
        MORRIS,
    ),
    bullish(
        "cdl_ladderbottom",
        all_of(
            FIFTH.is_black,
            FOURTH.is_black,
            THIRD.is_black,
            FIFTH.open > FOURTH.open,
            FOURTH.open > THIRD.open,
            FIFTH.close > FOURTH.close,
            FOURTH.close > THIRD.close,
            LAST.is_black,
            LAST.has_some_upper,
            NOW.is_white,
            NOW.open > LAST.open,
            NOW.close > LAST.high,
        ),
        "Ladder bottom, three falling black candles, a black one that reaches up, and a white one above it: 100.",
        MORRIS,
    ),
    bullish(
        "cdl_mathold",
        all_of(
            FIFTH.is_long,
            _DRIFTS,
            FIFTH.is_white,
            FOURTH.is_black,
            NOW.is_white,
            gaps_up(FOURTH, FIFTH),
            inside(THIRD.bottom, _MAT, FIFTH.close),
            inside(LAST.bottom, _MAT, FIFTH.close),
            THIRD.top < FOURTH.open,
            LAST.top < THIRD.top,
            NOW.open > LAST.close,
            NOW.close > maximum(maximum(FOURTH.high, THIRD.high), LAST.high),
        ),
        "Mat hold, a long white candle, three short ones that drift down from a gap above it, and a new high: 100.",
        MORRIS,
    ),
    coloured(
        "cdl_risefall3methods",
        all_of(
            FIFTH.is_long,
            _DRIFTS,
            NOW.is_long,
            other_colour(FIFTH, FOURTH),
            same_colour(FOURTH, THIRD),
            same_colour(THIRD, LAST),
            other_colour(LAST, NOW),
            _HELD,
            THIRD.close * _SIDE < FOURTH.close * _SIDE,
            LAST.close * _SIDE < THIRD.close * _SIDE,
            NOW.open * _SIDE > LAST.close * _SIDE,
            NOW.close * _SIDE > FIFTH.close * _SIDE,
        ),
        _SIDE,
        "Rising or falling three methods, a long candle, three short ones against it within its range, and a long one on: 100 up, -100 down.",
        NISON,
    ),
    pattern(
        "cdl_hikkake",
        _signals(_is_inside(LAST, THIRD) * (_is_lower(NOW, LAST) - _is_higher(NOW, LAST))),
        "Hikkake, an inside candle and a false break: 100 below it, -100 above it, 200 and -200 where a close within three rows confirms.",
        CHESLER,
        low=-200,
        high=200,
    ),
    pattern(
        "cdl_hikkakemod",
        _signals(_INNERMOST * ((_LOW_END & _is_lower(NOW, LAST)) - (_HIGH_END & _is_higher(NOW, LAST)))),
        "Modified hikkake, a hikkake behind two inside candles, the first closing at its end: 100, -100, and 200, -200 where confirmed.",
        CHESLER,
        low=-200,
        high=200,
    ),
)
