"""Volume against its own past: days of accumulation and distribution, and how surprising a session's volume is.

What does not belong here: volume counted by the place of the close, money flow, volume indices (``volume``); what waits for pivots
(``market.levels.volume``).
"""

from typing import Final

from market.features.algebra import abs_, log, median, ref, sum_
from market.features.definition import Feature
from market.features.indicators.price import RETURN, VOLUME

_HIGHER: Final = VOLUME > ref(VOLUME, 1)
_LEAST_MOVE: Final = 0.002
_LOG: Final = log(VOLUME)  # not known where nothing traded: a halt is no surprise
_CENTRE: Final = median(_LOG, 60, least=40)
_SPREAD: Final = median(abs_(_LOG - _CENTRE), 60, least=40)
_NORMAL: Final = 1.4826  # a normal's standard deviation over its median absolute deviation

_ONEIL: Final = (
    "W. J. O'Neil, How to Make Money in Stocks (4th edition 2009), chapter 9; 0.2 % as in Investor's Business Daily"
)

FEATURES: Final = (
    Feature(
        "accumulation_days_25",
        sum_((RETURN >= _LEAST_MOVE) & _HIGHER, 25),
        "Sessions among 25 that closed up by 0.2 % or more on more volume than the session before.",
        "sessions",
        _ONEIL,
        low=0.0,
        high=25.0,
    ),
    Feature(
        "distribution_days_25",
        sum_((RETURN <= -_LEAST_MOVE) & _HIGHER, 25),
        "Sessions among 25 that closed down by 0.2 % or more on more volume than the session before.",
        "sessions",
        _ONEIL,
        low=0.0,
        high=25.0,
    ),
    Feature(
        "volume_surprise_60",
        (_LOG - ref(_CENTRE, 1)) / (_NORMAL * ref(_SPREAD, 1)),
        "Logarithm of the volume less its median of the 60 sessions before, over 1.4826 times the median distance of those from theirs.",
        "ratio",
        "ours; F. R. Hampel, The Influence Curve and its Role in Robust Estimation, JASA 69 (1974), for the deviation",
    ),
)
