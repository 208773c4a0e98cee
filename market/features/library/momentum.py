"""Features of direction: returns, momentum, RSI and MACD, on forward-adjusted closes.

What does not belong here: spread and range (``volatility``), trading activity (``volume``).
"""

from typing import Final

from market.features.algebra import col, delta, ema, maximum, ref, where, wilder
from market.features.definition import Feature

_CLOSE: Final = col("close")
_MOVE: Final = delta(_CLOSE, 1)
_GAIN: Final = wilder(maximum(_MOVE, 0), 14)
_LOSS: Final = wilder(maximum(-_MOVE, 0), 14)
_MACD: Final = ema(_CLOSE, 12) - ema(_CLOSE, 26)
_MACD_SIGNAL: Final = ema(_MACD, 9)
_APPEL: Final = (
    "G. Appel, Technical Analysis: Power Tools for Active Investors (2005), chapter on MACD; over close, ours"
)

FEATURES: Final = (
    Feature(
        "return_1d",
        _CLOSE / ref(_CLOSE, 1) - 1,
        "Return over one session of the forward-adjusted close.",
        "fraction",
        "ours",
        low=-1.0,
    ),
    Feature(
        "return_5d",
        _CLOSE / ref(_CLOSE, 5) - 1,
        "Return over five sessions of the forward-adjusted close.",
        "fraction",
        "ours",
        low=-1.0,
    ),
    Feature(
        "momentum_20",
        _CLOSE / ref(_CLOSE, 20) - 1,
        "Return over 20 sessions, about one month.",
        "fraction",
        "N. Jegadeesh and S. Titman, Returns to Buying Winners and Selling Losers, Journal of Finance 48 (1993)",
        low=-1.0,
    ),
    Feature(
        "momentum_60",
        _CLOSE / ref(_CLOSE, 60) - 1,
        "Return over 60 sessions, about one quarter.",
        "fraction",
        "N. Jegadeesh and S. Titman, Returns to Buying Winners and Selling Losers, Journal of Finance 48 (1993)",
        low=-1.0,
    ),
    Feature(
        "rsi_14",
        # gain / (gain + loss) first: this order cannot exceed 100
        where(_GAIN + _LOSS > 0, 100 * (_GAIN / (_GAIN + _LOSS)), 50),
        "Relative Strength Index with Wilder's smoothing: 100 when nothing was lost, 50 when the price never moved.",
        "percent",
        "J. W. Wilder, New Concepts in Technical Trading Systems (1978), section VI",
        low=0.0,
        high=100.0,
    ),
    Feature(
        "macd",
        _MACD / _CLOSE,
        "Exponential mean of 12 sessions minus that of 26, over the close.",
        "fraction",
        _APPEL,
    ),
    Feature(
        "macd_signal",
        _MACD_SIGNAL / _CLOSE,
        "Exponential mean over 9 sessions of the MACD line, over the close.",
        "fraction",
        _APPEL,
    ),
    Feature(
        "macd_hist",
        (_MACD - _MACD_SIGNAL) / _CLOSE,
        "MACD line minus its signal line, over the close.",
        "fraction",
        _APPEL,
    ),
)
