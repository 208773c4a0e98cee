"""Statistics of the close or of its returns over a window: lines, spread, correlation, standing in the year.

What does not belong here: volatilities by name (``volatility``).
"""

import math
from typing import Final

from market.features.algebra import (
    corr,
    cov,
    kurt,
    mad,
    max_,
    mean,
    min_,
    rank_,
    ref,
    residual,
    skew,
    slope,
    std,
    var,
    where,
)
from market.features.definition import Feature
from market.features.indicators.price import CLOSE, HIGH, LOW, RETURN
from market.features.nodes import Expr


def _line(n: int) -> Expr:
    """Where the least-squares line of ``n`` closes stands today."""
    return CLOSE - residual(CLOSE, n)


_HIGH_RETURN, _LOW_RETURN = HIGH / ref(HIGH, 1) - 1, LOW / ref(LOW, 1) - 1
_SLOPE: Final = slope(CLOSE, 14)
_TALIB: Final = "TA-Lib 0.8.1, ta_"
_YEAR_HIGH: Final = (
    "T. J. George and C.-Y. Hwang, The 52-Week High and Momentum Investing, Journal of Finance 59 (2004)"
)

FEATURES: Final = (
    Feature(
        "beta_5",
        where(var(_HIGH_RETURN, 5) > 0, cov(_HIGH_RETURN, _LOW_RETURN, 5) / var(_HIGH_RETURN, 5), 0),
        "Slope of the returns of the low on those of the high over five sessions.",
        "ratio",
        _TALIB + "BETA.c",
    ),
    Feature(
        "correl_30",
        where((std(HIGH, 30) > 0) & (std(LOW, 30) > 0), corr(HIGH, LOW, 30), 0),
        "Correlation of high and low over 30 sessions, 0 where one stood still.",
        "ratio",
        _TALIB + "CORREL.c",
        low=-1.0,
        high=1.0,
    ),
    Feature("linearreg_14", _line(14), "Line of 14 closes at today.", "price", _TALIB + "LINEARREG.c"),
    Feature(
        "linearreg_slope_14",
        _SLOPE,
        "Slope of the line of 14 closes.",
        "price_per_session",
        _TALIB + "LINEARREG_SLOPE.c",
    ),
    Feature(
        "linearreg_intercept_14",
        mean(CLOSE, 14) - 6.5 * _SLOPE,
        "Line of 14 closes at the oldest of them.",
        "price",
        _TALIB + "LINEARREG_INTERCEPT.c",
    ),
    Feature("tsf_14", _line(14) + _SLOPE, "Line of 14 closes, drawn one session on.", "price", _TALIB + "TSF.c"),
    Feature(
        "forecast_oscillator_5",
        100 * ((CLOSE - ref(_line(5) + slope(CLOSE, 5), 1)) / CLOSE),
        "Close minus what the line of the five closes before foretold, over the close.",
        "percent",
        "T. S. Chande, forecast oscillator; formula as in TA-Lib 0.8, ta_FOSC.c",
    ),
    Feature(
        "stddev_5",
        std(CLOSE, 5) * math.sqrt(4 / 5),
        "Deviation of five closes, divisor 5.",
        "price",
        _TALIB + "STDDEV.c",
        low=0.0,
    ),
    Feature(
        "var_5",
        var(CLOSE, 5) * (4 / 5),
        "Variance of five closes, divisor 5.",
        "price_squared",
        _TALIB + "VAR.c",
        low=0.0,
    ),
    Feature(
        "avgdev_14", mad(CLOSE, 14), "Mean absolute deviation of 14 closes.", "price", _TALIB + "AVGDEV.c", low=0.0
    ),
    Feature(
        "percentrank_100",
        # the rank counts the close itself, and halves ties
        101 * rank_(CLOSE, 101) - 1,
        "Share of the 100 closes before that today's is above, equal ones halved, while TA-Lib leaves them out.",
        "percent",
        "TA-Lib 0.8, ta_PERCENTRANK.c",
        low=0.0,
        high=100.0,
    ),
    Feature(
        "zscore_20",
        (CLOSE - mean(CLOSE, 20)) / (std(CLOSE, 20) * math.sqrt(19 / 20)),
        "Distance of the close from its mean of 20 sessions, in deviations with divisor 20.",
        "ratio",
        "ours",
    ),
    Feature(
        "autocorr_1_20",
        corr(RETURN, ref(RETURN, 1), 20),
        "Correlation of the daily return with the one before, over 20 sessions.",
        "ratio",
        "ours",
        low=-1.0,
        high=1.0,
    ),
    Feature("return_skew_20", skew(RETURN, 20), "Sample skewness of 20 daily returns.", "ratio", "ours"),
    Feature("return_kurt_20", kurt(RETURN, 20), "Sample excess kurtosis of 20 daily returns.", "ratio", "ours"),
    Feature(
        "high_distance_252",
        CLOSE / max_(HIGH, 252) - 1,
        "Close over the highest high of 252 sessions, about 52 weeks, less 1.",
        "fraction",
        _YEAR_HIGH,
        low=-1.0,
    ),
    Feature(
        "low_distance_252",
        CLOSE / min_(LOW, 252) - 1,
        "Close over the lowest low of 252 sessions, about 52 weeks, less 1.",
        "fraction",
        _YEAR_HIGH,
        low=-1.0,
    ),
)
