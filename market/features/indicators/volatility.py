"""Spread: true range, volatilities from closes and from ranges, and what is made of them.

What does not belong here: bands around a price (``bands``), volatility against volume (``volume``).
"""

import math
from typing import Final

from market.features.algebra import delta, ema, log, max_, mean, min_, ref, sqrt, std, sum_, var, where, wilder
from market.features.definition import Feature
from market.features.indicators.price import CLOSE, HIGH, LOW, MOVE, OPEN, PREVIOUS, RANGE, TRUE_RANGE
from market.features.indicators.trend import rate_of_change

_YEAR: Final = 252  # sessions
_ATR: Final = wilder(TRUE_RANGE, 14)
_LOG_RETURN: Final = delta(log(CLOSE), 1)
_WIDTH: Final = log(HIGH / LOW)
_BODY: Final = log(CLOSE / OPEN)
_NIGHT: Final = log(OPEN / PREVIOUS)
_DRIFTLESS: Final = log(HIGH / CLOSE) * log(HIGH / OPEN) + log(LOW / CLOSE) * log(LOW / OPEN)
_K: Final = 0.34 / (1.34 + (20 + 1) / (20 - 1))  # Yang and Zhang's weight of least variance, for 20 sessions
_SMOOTH: Final = ema(RANGE, 10)
_SINGLE: Final = ema(RANGE, 9)
_DOUBLE: Final = ema(_SINGLE, 9)
_FALL: Final = 100 * (CLOSE / max_(CLOSE, 14) - 1)
_DEVIATION: Final = std(CLOSE, 10)
_ROSE: Final = wilder(_DEVIATION * (MOVE > 0), 14)
_FELL: Final = wilder(_DEVIATION * (MOVE < 0), 14)

_WILDER: Final = "J. W. Wilder, New Concepts in Technical Trading Systems (1978), section III"
_ANNUAL: Final = "fraction_per_sqrt_year"
_HULL: Final = "J. C. Hull, Options, Futures, and Other Derivatives, section Estimating Volatility from Historical Data"

FEATURES: Final = (
    Feature(
        "trange",
        TRUE_RANGE,
        "True range: the session's range, stretched to the close before.",
        "price",
        _WILDER,
        low=0.0,
    ),
    Feature("ta_atr_14", _ATR, "Wilder's mean over 14 of the true range.", "price", _WILDER, low=0.0),
    Feature("natr_14", 100 * (_ATR / CLOSE), "Average true range over the close.", "percent", _WILDER, low=0.0),
    Feature("adr_14", mean(RANGE, 14), "Mean range of 14 sessions.", "price", "TA-Lib 0.8, ta_ADR.c", low=0.0),
    Feature(
        "historical_volatility_20",
        std(_LOG_RETURN, 20) * math.sqrt(_YEAR),
        "Deviation of 20 daily log returns, annualised with 252 sessions.",
        _ANNUAL,
        _HULL,
        low=0.0,
    ),
    Feature(
        "historical_volatility_60",
        std(_LOG_RETURN, 60) * math.sqrt(_YEAR),
        "Deviation of 60 daily log returns, annualised with 252 sessions.",
        _ANNUAL,
        _HULL,
        low=0.0,
    ),
    Feature(
        "parkinson_20",
        sqrt(mean(_WIDTH * _WIDTH, 20) * (_YEAR / (4 * math.log(2)))),
        "Volatility from the ranges of 20 sessions, annualised with 252.",
        _ANNUAL,
        "M. Parkinson, The Extreme Value Method for Estimating the Variance of the Rate of Return, J. of Business 53 (1980)",
        low=0.0,
    ),
    Feature(
        "garman_klass_20",
        sqrt(mean(0.5 * _WIDTH * _WIDTH - (2 * math.log(2) - 1) * _BODY * _BODY, 20) * _YEAR),
        "Volatility from the ranges and bodies of 20 sessions, annualised with 252.",
        _ANNUAL,
        "M. B. Garman and M. J. Klass, On the Estimation of Security Price Volatilities, J. of Business 53 (1980)",
        low=0.0,
    ),
    Feature(
        "rogers_satchell_20",
        sqrt(mean(_DRIFTLESS, 20) * _YEAR),
        "Volatility from the four prices of 20 sessions whatever their drift, annualised with 252.",
        _ANNUAL,
        "L. C. G. Rogers and S. E. Satchell, Annals of Applied Probability 1 (1991)",
        low=0.0,
    ),
    Feature(
        "yang_zhang_20",
        sqrt((var(_NIGHT, 20) + _K * var(_BODY, 20) + (1 - _K) * mean(_DRIFTLESS, 20)) * _YEAR),
        "Volatility of 20 sessions from nights, bodies and ranges, annualised with 252.",
        _ANNUAL,
        "D. Yang and Q. Zhang, Drift-Independent Volatility Estimation, J. of Business 73 (2000)",
        low=0.0,
    ),
    Feature(
        "chaikin_volatility_10",
        where(ref(_SMOOTH, 10) > 0, rate_of_change(_SMOOTH, 10), 0),
        "Change over ten sessions of the exponential mean of ten ranges.",
        "percent",
        "M. Chaikin, volatility; formula as in S. B. Achelis, Technical Analysis from A to Z (1995)",
    ),
    Feature(
        "mass_index_9_25",
        sum_(where(_DOUBLE > 0, _SINGLE / _DOUBLE, 1), 25),
        "Sum over 25 sessions of the ratio of the range smoothed once to the range smoothed twice.",
        "ratio",
        "D. Dorsey, The Mass Index, Stocks and Commodities 10 (1992)",
        low=0.0,
    ),
    Feature(
        "choppiness_14",
        100 / math.log(14) * log(sum_(TRUE_RANGE, 14) / (max_(HIGH, 14) - min_(LOW, 14))),
        "Path of 14 true ranges over the range covered, 0 for one straight way, about 100 for none.",
        "percent",
        "E. W. Dreiss, Choppiness Index",
    ),
    Feature(
        "ulcer_index_14",
        sqrt(mean(_FALL * _FALL, 14)),
        "Root mean square over 14 sessions of the fall from the highest of 14 closes.",
        "percent",
        "P. G. Martin and B. B. McCann, The Investor's Guide to Fidelity Funds (1989)",
        low=0.0,
    ),
    Feature(
        "relative_volatility_14_10",
        where(_ROSE + _FELL > 0, 100 * (_ROSE / (_ROSE + _FELL)), 50),
        "Share of the deviations of ten closes that stood on days of gain, smoothed over 14, 50 where there were none.",
        "percent",
        "D. Dorsey, The Relative Volatility Index, Stocks and Commodities 11 (1993)",
        low=0.0,
        high=100.0,
    ),
    Feature(
        "range_ratio_5_20",
        mean(TRUE_RANGE, 5) / mean(TRUE_RANGE, 20),
        "Mean true range of five sessions over that of 20.",
        "ratio",
        "ours",
        low=0.0,
    ),
    Feature(
        "gap_1",
        100 * (OPEN / ref(CLOSE, 1) - 1),
        "Gap of the open to the close before.",
        "percent",
        "ours",
        low=-100.0,
    ),
)
