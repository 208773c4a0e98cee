"""Prices made of the four prices of a session, and the parts that the other indicator files share.

What does not belong here: means over time (``averages``), channels around them (``bands``).
"""

from typing import Final

from market.features.algebra import (
    abs_,
    adaptive,
    col,
    cumsum,
    delta,
    equal,
    fill,
    max_,
    maximum,
    min_,
    minimum,
    ref,
    sum_,
)
from market.features.definition import Feature

OPEN: Final = col("open")
HIGH: Final = col("high")
LOW: Final = col("low")
CLOSE: Final = col("close")
VOLUME: Final = col("volume")
VALUE: Final = col("value")

FIRST: Final = equal(cumsum(1), 1)
"""1 on the first row of the series, else 0: where a sum of moves begins."""
PREVIOUS: Final = ref(CLOSE, 1)
MOVE: Final = delta(CLOSE, 1)
GAIN: Final = maximum(MOVE, 0)
LOSS: Final = maximum(-MOVE, 0)
RETURN: Final = CLOSE / PREVIOUS - 1
TYPICAL: Final = (HIGH + LOW + CLOSE) / 3
MIDDLE: Final = (HIGH + LOW) / 2
RANGE: Final = HIGH - LOW
TRUE_LOW: Final = minimum(LOW, PREVIOUS)
TRUE_RANGE: Final = maximum(RANGE, maximum(abs_(HIGH - PREVIOUS), abs_(LOW - PREVIOUS)))

_MEAN_OF_FOUR: Final = (OPEN + HIGH + LOW + CLOSE) / 4
_BODY_MIDDLE: Final = (OPEN + CLOSE) / 2
# 0.5, but NaN on the first row: the mean then begins with that row's own middle
_HALF: Final = 0.5 + 0 * PREVIOUS
_HEIKIN_OPEN: Final = fill(adaptive(fill(ref(_MEAN_OF_FOUR, 1), _BODY_MIDDLE), _HALF), _BODY_MIDDLE)
_PIVOT: Final = ref(TYPICAL, 1)
_HEIKIN: Final = "Heikin-Ashi, as in TA-Lib 0.8, ta_HA.c"
_FLOOR: Final = (
    "pivot points of floor traders; formula as in J. Person, A Complete Guide to Technical Trading Tactics (2004)"
)

FEATURES: Final = (
    Feature("avgprice", _MEAN_OF_FOUR, "Mean of open, high, low and close.", "price", "TA-Lib 0.8.1, ta_AVGPRICE.c"),
    Feature("medprice", MIDDLE, "Middle of high and low.", "price", "TA-Lib 0.8.1, ta_MEDPRICE.c"),
    Feature("typprice", TYPICAL, "Mean of high, low and close.", "price", "TA-Lib 0.8.1, ta_TYPPRICE.c"),
    Feature(
        "wclprice",
        (HIGH + LOW + 2 * CLOSE) / 4,
        "Mean of high, low and close, the close counted twice.",
        "price",
        "TA-Lib 0.8.1, ta_WCLPRICE.c",
    ),
    Feature(
        "midpoint_14",
        (max_(CLOSE, 14) + min_(CLOSE, 14)) / 2,
        "Middle of the highest and the lowest close of 14 sessions.",
        "price",
        "TA-Lib 0.8.1, ta_MIDPOINT.c",
    ),
    Feature(
        "midprice_14",
        (max_(HIGH, 14) + min_(LOW, 14)) / 2,
        "Middle of the highest high and the lowest low of 14 sessions.",
        "price",
        "TA-Lib 0.8.1, ta_MIDPRICE.c",
    ),
    Feature("max_30", max_(CLOSE, 30), "Highest close of 30 sessions.", "price", "TA-Lib 0.8.1, ta_MAX.c"),
    Feature("min_30", min_(CLOSE, 30), "Lowest close of 30 sessions.", "price", "TA-Lib 0.8.1, ta_MIN.c"),
    Feature("sum_30", sum_(CLOSE, 30), "Sum of 30 closes.", "price", "TA-Lib 0.8.1, ta_SUM.c"),
    Feature(
        "ha_open",
        _HEIKIN_OPEN,
        "Open of the Heikin-Ashi candle, the middle of the body of the one before.",
        "price",
        _HEIKIN,
    ),
    Feature(
        "ha_high",
        maximum(HIGH, maximum(_HEIKIN_OPEN, _MEAN_OF_FOUR)),
        "High of the Heikin-Ashi candle, the largest of the high and its own open and close.",
        "price",
        _HEIKIN,
    ),
    Feature(
        "ha_low",
        minimum(LOW, minimum(_HEIKIN_OPEN, _MEAN_OF_FOUR)),
        "Low of the Heikin-Ashi candle, the smallest of the low and its own open and close.",
        "price",
        _HEIKIN,
    ),
    Feature("pivot", _PIVOT, "Pivot point, the mean of high, low and close of the session before.", "price", _FLOOR),
    Feature(
        "pivot_r1",
        2 * _PIVOT - ref(LOW, 1),
        "First resistance, as far above the pivot point as the low of the session before was below.",
        "price",
        _FLOOR,
    ),
    Feature(
        "pivot_s1",
        2 * _PIVOT - ref(HIGH, 1),
        "First support, as far below the pivot point as the high of the session before was above.",
        "price",
        _FLOOR,
    ),
)
