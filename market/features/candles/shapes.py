"""The parts candlestick patterns are made of: a candle some rows ago, how long its parts are, gaps, and how signals are declared.

What does not belong here: the patterns (``one``, ``two``, ``three``, ``more``).
"""

import operator
from dataclasses import dataclass
from functools import reduce
from typing import Final

from market.features.algebra import abs_, col, equal, maximum, minimum, ref, sum_, where
from market.features.definition import Feature
from market.features.nodes import Expr

_OPEN: Final = col("open")
_HIGH: Final = col("high")
_LOW: Final = col("low")
_CLOSE: Final = col("close")
_BODY: Final = abs_(_CLOSE - _OPEN)
_RANGE: Final = _HIGH - _LOW
_TOP: Final = maximum(_OPEN, _CLOSE)
_BOTTOM: Final = minimum(_OPEN, _CLOSE)
_UPPER: Final = _HIGH - _TOP
_LOWER: Final = _BOTTOM - _LOW


def _before(x: Expr, n: int, factor: float) -> Expr:
    """``factor`` times the mean of ``x`` over the ``n`` rows before this one."""
    # not mean(): it sums around the newest value, TA-Lib does not, and a tie would then fall to the other side
    return factor * (ref(sum_(x, n), 1) / n)


_LONG_BODY: Final = _before(_BODY, 10, 1.0)
_SHORT_BODY: Final = _before(_BODY, 10, 1.0)
_DOJI_BODY: Final = _before(_RANGE, 10, 0.1)
_SHORT_SHADOW: Final = _before(_UPPER + _LOWER, 10, 1.0) / 2
_TINY_SHADOW: Final = _before(_RANGE, 10, 0.1)
_NEAR: Final = _before(_RANGE, 5, 0.2)
_FAR: Final = _before(_RANGE, 5, 0.6)
_EQUAL: Final = _before(_RANGE, 5, 0.05)


@dataclass(frozen=True)
class Candle:
    """One candle, ``ago`` rows before the current one; TA-Lib's default settings decide what is long, short or near.

    Lengths are in units of the price; what begins with ``is_`` or ``has_`` is 1 or 0.
    """

    ago: int

    def _at(self, x: Expr) -> Expr:
        return ref(x, self.ago) if self.ago else x

    @property
    def open(self) -> Expr:
        return self._at(_OPEN)

    @property
    def high(self) -> Expr:
        return self._at(_HIGH)

    @property
    def low(self) -> Expr:
        return self._at(_LOW)

    @property
    def close(self) -> Expr:
        return self._at(_CLOSE)

    @property
    def body(self) -> Expr:
        return self._at(_BODY)

    @property
    def range(self) -> Expr:
        return self._at(_RANGE)

    @property
    def top(self) -> Expr:
        """Upper end of the body."""
        return self._at(_TOP)

    @property
    def bottom(self) -> Expr:
        """Lower end of the body."""
        return self._at(_BOTTOM)

    @property
    def upper(self) -> Expr:
        """Length of the upper shadow."""
        return self._at(_UPPER)

    @property
    def lower(self) -> Expr:
        """Length of the lower shadow."""
        return self._at(_LOWER)

    @property
    def is_white(self) -> Expr:
        return self._at(_CLOSE >= _OPEN)

    @property
    def is_black(self) -> Expr:
        return self._at(_CLOSE < _OPEN)

    @property
    def colour(self) -> Expr:
        """1 for white, -1 for black."""
        return self._at(where(_CLOSE >= _OPEN, 1, -1))

    @property
    def is_long(self) -> Expr:
        return self._at(_BODY > _LONG_BODY)

    @property
    def is_short(self) -> Expr:
        """Shorter than the mean body; the patterns that let a body be as short as it use ``is_not_long``."""
        return self._at(_BODY < _SHORT_BODY)

    @property
    def is_not_long(self) -> Expr:
        return self._at(_BODY <= _SHORT_BODY)

    @property
    def is_not_short(self) -> Expr:
        return self._at(_BODY > _SHORT_BODY)

    @property
    def is_doji(self) -> Expr:
        return self._at(_BODY <= _DOJI_BODY)

    @property
    def doji(self) -> Expr:
        """The longest body that counts as a doji, as of this candle."""
        return self._at(_DOJI_BODY)

    @property
    def has_tiny_upper(self) -> Expr:
        return self._at(_UPPER < _TINY_SHADOW)

    @property
    def has_tiny_lower(self) -> Expr:
        return self._at(_LOWER < _TINY_SHADOW)

    @property
    def has_some_upper(self) -> Expr:
        return self._at(_UPPER > _TINY_SHADOW)

    @property
    def has_some_lower(self) -> Expr:
        return self._at(_LOWER > _TINY_SHADOW)

    @property
    def has_short_upper(self) -> Expr:
        return self._at(_UPPER < _SHORT_SHADOW)

    @property
    def has_short_lower(self) -> Expr:
        return self._at(_LOWER < _SHORT_SHADOW)

    @property
    def has_wide_upper(self) -> Expr:
        """Longer than a short shadow."""
        return self._at(_UPPER > _SHORT_SHADOW)

    @property
    def has_long_upper(self) -> Expr:
        return self._at(_UPPER > _BODY)

    @property
    def has_long_lower(self) -> Expr:
        return self._at(_LOWER > _BODY)

    @property
    def has_very_long_upper(self) -> Expr:
        return self._at(_UPPER > 2 * _BODY)

    @property
    def has_very_long_lower(self) -> Expr:
        return self._at(_LOWER > 2 * _BODY)

    @property
    def near(self) -> Expr:
        """A distance that counts as near, as of this candle."""
        return self._at(_NEAR)

    @property
    def far(self) -> Expr:
        """A distance that counts as far, as of this candle."""
        return self._at(_FAR)

    @property
    def same(self) -> Expr:
        """A distance at which two prices count as equal, as of this candle."""
        return self._at(_EQUAL)


NOW, LAST, THIRD, FOURTH, FIFTH = (Candle(ago) for ago in range(5))
"""The current candle and those one to four rows before it: a pattern of three begins with THIRD."""


def all_of(*conditions: Expr) -> Expr:
    """1 where every condition holds, else 0."""
    return reduce(operator.and_, conditions)


def any_of(*conditions: Expr) -> Expr:
    """1 where a condition holds, else 0."""
    return reduce(operator.or_, conditions)


def within(x: Expr, centre: Expr, distance: Expr) -> Expr:
    """1 where ``x`` is no further than ``distance`` from ``centre``, else 0."""
    return (x <= centre + distance) & (x >= centre - distance)


def inside(x: Expr, low: Expr, high: Expr) -> Expr:
    """1 where ``x`` is between two prices and equals neither, else 0."""
    return (x > low) & (x < high)


def is_marubozu(candle: Candle) -> Expr:
    """1 where a candle has next to no shadow, else 0; how long its body is has no say."""
    return candle.has_tiny_upper & candle.has_tiny_lower


def same_colour(a: Candle, b: Candle) -> Expr:
    """1 where both are white or both black, else 0."""
    return equal(a.colour, b.colour)


def other_colour(a: Candle, b: Candle) -> Expr:
    """1 where one is white and one black, else 0."""
    return equal(a.colour, -b.colour)


def gaps_up(later: Candle, earlier: Candle) -> Expr:
    """1 where the later body is wholly above the earlier one, else 0."""
    return later.bottom > earlier.top


def gaps_down(later: Candle, earlier: Candle) -> Expr:
    """1 where the later body is wholly below the earlier one, else 0."""
    return later.top < earlier.bottom


def leaps_up(later: Candle, earlier: Candle) -> Expr:
    """1 where the later candle is wholly above the earlier one, shadows included, else 0."""
    return later.low > earlier.high


def leaps_down(later: Candle, earlier: Candle) -> Expr:
    """1 where the later candle is wholly below the earlier one, shadows included, else 0."""
    return later.high < earlier.low


NISON: Final = "S. Nison, Japanese Candlestick Charting Techniques (1991)"
MORRIS: Final = "G. L. Morris, CandlePower (1992)"
CHESLER: Final = "D. Chesler, The Hikkake Pattern, Active Trader (2004)"


def pattern(name: str, signal: Expr, doc: str, book: str = "", *, low: float = -100, high: float = 100) -> Feature:
    """A signal under TA-Lib's name; ``book`` where the pattern comes from, as far as we know."""
    file = f"TA-Lib 0.8.1, ta_{name.replace('_', '').upper()}.c"
    return Feature(name, signal, doc, "signal", f"{file}; {book}" if book else file, low=low, high=high)


def bullish(name: str, condition: Expr, doc: str, book: str = "") -> Feature:
    """100 where the condition holds, else 0."""
    return pattern(name, where(condition, 100, 0), doc, book, low=0)


def bearish(name: str, condition: Expr, doc: str, book: str = "") -> Feature:
    """-100 where the condition holds, else 0."""
    return pattern(name, where(condition, -100, 0), doc, book, high=0)


def coloured(name: str, condition: Expr, colour: Expr, doc: str, book: str = "") -> Feature:
    """100 or -100, after ``colour``, where the condition holds, else 0."""
    return pattern(name, where(condition, 100 * colour, 0), doc, book)


def two_sided(name: str, up: Expr, down: Expr, doc: str, book: str = "") -> Feature:
    """100 where ``up`` holds, -100 where ``down`` does, else 0."""
    return pattern(name, where(up, 100, where(down, -100, 0)), doc, book)


FEATURES: Final[tuple[Feature, ...]] = ()
