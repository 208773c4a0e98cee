"""Features of spread: volatility, Bollinger bands, position in the range, average true range.

What does not belong here: direction (``momentum``). Session high and low are NaN on a halt; windows over them stay NaN
until the halt has left the window.
"""

from typing import Final

from market.features.algebra import abs_, col, log, max_, maximum, mean, min_, ref, sqrt, std, wilder
from market.features.definition import Feature

_HIGH: Final = col("high")
_LOW: Final = col("low")
_CLOSE: Final = col("close")
_PREVIOUS: Final = ref(_CLOSE, 1)
_TRUE_RANGE: Final = maximum(_HIGH - _LOW, maximum(abs_(_HIGH - _PREVIOUS), abs_(_LOW - _PREVIOUS)))
_MIDDLE: Final = mean(_CLOSE, 20)
# the bands take the population's standard deviation, std() the sample's
_BAND: Final = 2 * std(_CLOSE, 20) * sqrt(19 / 20)
_LOWEST: Final = min_(_LOW, 20)
_BOLLINGER: Final = "J. Bollinger, Bollinger on Bollinger Bands (2001), part II"

FEATURES: Final = (
    Feature(
        "volatility_20",
        std(log(_CLOSE / _PREVIOUS), 20) * sqrt(252),
        "Standard deviation of 20 daily log returns, annualised with 252 sessions.",
        "fraction_per_sqrt_year",
        "J. C. Hull, Options, Futures, and Other Derivatives, section Estimating Volatility from Historical Data",
        low=0.0,
    ),
    Feature(
        "bollinger_pct_b",
        (_CLOSE - (_MIDDLE - _BAND)) / (2 * _BAND),
        "Where the close stands between the lower (0) and upper (1) Bollinger band of 20 sessions and 2 deviations.",
        "ratio",
        _BOLLINGER,
    ),
    Feature(
        "bollinger_width",
        2 * _BAND / _MIDDLE,
        "Distance of the Bollinger bands of 20 sessions and 2 deviations, over their middle.",
        "fraction",
        _BOLLINGER,
        low=0.0,
    ),
    Feature(
        "range_position_20",
        (_CLOSE - _LOWEST) / (max_(_HIGH, 20) - _LOWEST),
        "Where the close stands between the lowest low (0) and the highest high (1) of 20 sessions.",
        "ratio",
        "G. Lane's %K (stochastic oscillator), as a ratio, over 20 sessions",
        low=0.0,
        high=1.0,
    ),
    Feature(
        "atr_14",
        wilder(_TRUE_RANGE, 14) / _CLOSE,
        "Average true range with Wilder's smoothing over 14 sessions, over the close.",
        "fraction",
        "J. W. Wilder, New Concepts in Technical Trading Systems (1978), section III; over close, ours",
        low=0.0,
    ),
)
