"""Direction and its strength: MACD, directional movement, Aroon, Vortex, Ichimoku, sums of rates of change.

What does not belong here: what swings between bounds (``oscillators``), lines fitted by least squares (``statistics``).
"""

from typing import Final

from market.features.algebra import (
    abs_,
    argmax,
    argmin,
    delta,
    ema,
    fill,
    known,
    max_,
    mean,
    min_,
    ref,
    sum_,
    where,
    wilder,
    wilder_sum,
    wma,
)
from market.features.definition import Feature
from market.features.indicators.price import CLOSE, HIGH, LOW, MOVE, TRUE_RANGE
from market.features.nodes import Expr


def rate_of_change(x: Expr, n: int) -> Expr:
    """Change over ``n`` sessions, in percent."""
    return 100 * (x / ref(x, n) - 1)


def _moved(one: Expr, other: Expr) -> Expr:
    """Directional movement of a session: the side that went further out counts, and only it."""
    return where((one > 0) & (one > other), one, 0)


def _running(x: Expr) -> Expr:
    """Wilder's running sum over 14; TA-Lib shows the seed of 13 too."""
    return fill(wilder_sum(x, 14), sum_(x, 13))


def _middle(n: int) -> Expr:
    return (max_(HIGH, n) + min_(LOW, n)) / 2


# the fast mean begins with the last 12 of the slow one's first 26 closes; x / known(y): TA-Lib shows x from the first y
_MACD: Final = ema(CLOSE, 12, skip=14) - ema(CLOSE, 26)
_SIGNAL: Final = ema(_MACD, 9)
_MACDEXT: Final = mean(CLOSE, 12) - mean(CLOSE, 26)
_MACDEXT_SIGNAL: Final = mean(_MACDEXT, 9)
_APO: Final = ema(CLOSE, 12) - ema(CLOSE, 26)  # here each mean begins with its own first closes
_RANGES_14: Final = sum_(TRUE_RANGE, 14)
_PATH_10, _PATH_28 = sum_(abs_(MOVE), 10), sum_(abs_(MOVE), 28)
_TRIPLE: Final = ema(ema(ema(CLOSE, 30), 30), 30)

_UP, _DOWN = delta(HIGH, 1), -delta(LOW, 1)
_PLUS_DM, _MINUS_DM = _moved(_UP, _DOWN), _moved(_DOWN, _UP)
_RANGES: Final = wilder_sum(TRUE_RANGE, 14)
_PLUS_DI: Final = where(_RANGES > 0, 100 * (wilder_sum(_PLUS_DM, 14) / _RANGES), 0)
_MINUS_DI: Final = where(_RANGES > 0, 100 * (wilder_sum(_MINUS_DM, 14) / _RANGES), 0)
# 0/0 is 0: TA-Lib holds the value before, which differs only where no session has moved for about 500
_DX: Final = where(_PLUS_DI + _MINUS_DI > 0, 100 * (abs_(_PLUS_DI - _MINUS_DI) / (_PLUS_DI + _MINUS_DI)), 0)
_ADX: Final = wilder(_DX, 14)

_CONVERSION, _BASE = _middle(9), _middle(26)
_COPPOCK: Final = wma(rate_of_change(CLOSE, 11) + rate_of_change(CLOSE, 14), 10)
_KST: Final = (
    mean(rate_of_change(CLOSE, 10), 10)
    + 2 * mean(rate_of_change(CLOSE, 15), 10)
    + 3 * mean(rate_of_change(CLOSE, 20), 10)
    + 4 * mean(rate_of_change(CLOSE, 30), 15)
)
_SONAR: Final = delta(ema(CLOSE, 20), 9)

_APPEL: Final = "G. Appel, Technical Analysis: Power Tools for Active Investors (2005), chapter on MACD"
_WILDER: Final = "J. W. Wilder, New Concepts in Technical Trading Systems (1978), directional movement"
_CHANDE: Final = "T. S. Chande, A Time Price Oscillator, Stocks and Commodities 13 (1995)"
_BOTES: Final = "E. Botes and D. Siepman, The Vortex Indicator, Stocks and Commodities 28 (2010)"
_HOSODA: Final = "G. Hosoda, Ichimoku Kinko Hyo (1969)"
_PRING: Final = "M. J. Pring, Summed Rate of Change (KST), Stocks and Commodities 10 (1992)"
_KOREA: Final = "SONAR momentum as Korean trading systems show it"

FEATURES: Final = (
    Feature(
        "macd_12_26",
        _MACD / known(_SIGNAL),
        "Exponential mean of 12 closes minus that of 26, from the first row of its signal line on.",
        "price",
        _APPEL,
    ),
    Feature("macd_signal_12_26_9", _SIGNAL, "Exponential mean over nine sessions of the MACD line.", "price", _APPEL),
    Feature("macd_hist_12_26_9", _MACD - _SIGNAL, "MACD line minus its signal line.", "price", _APPEL),
    Feature(
        "macdext_12_26",
        _MACDEXT / known(_MACDEXT_SIGNAL),
        "Simple mean of 12 closes minus that of 26, from the first row of its signal line on.",
        "price",
        "TA-Lib 0.8.1, ta_MACDEXT.c",
    ),
    Feature(
        "macdext_signal_12_26_9",
        _MACDEXT_SIGNAL,
        "Simple mean over nine sessions of the MACD line of simple means.",
        "price",
        "TA-Lib 0.8.1, ta_MACDEXT.c",
    ),
    Feature(
        "macdext_hist_12_26_9",
        _MACDEXT - _MACDEXT_SIGNAL,
        "MACD line of simple means minus its signal line.",
        "price",
        "TA-Lib 0.8.1, ta_MACDEXT.c",
    ),
    Feature("apo_12_26", _APO, "Exponential mean of 12 closes minus that of 26.", "price", "TA-Lib 0.8, ta_APO.c"),
    Feature(
        "ppo_12_26",
        100 * (_APO / ema(CLOSE, 26)),
        "Exponential mean of 12 closes minus that of 26, over the latter.",
        "percent",
        "TA-Lib 0.8, ta_PPO.c",
    ),
    Feature(
        "trix_30",
        rate_of_change(_TRIPLE, 1),
        "Change over one session of the close smoothed three times by exponential means of 30.",
        "percent",
        "J. K. Hutson, Good TRIX, Stocks and Commodities 1 (1983)",
    ),
    Feature(
        "plus_dm_14", _running(_PLUS_DM), "Wilder's running sum over 14 of movement up.", "price", _WILDER, low=0.0
    ),
    Feature(
        "minus_dm_14", _running(_MINUS_DM), "Wilder's running sum over 14 of movement down.", "price", _WILDER, low=0.0
    ),
    Feature("plus_di_14", _PLUS_DI, "Movement up over true range, both summed over 14.", "percent", _WILDER, low=0.0),
    Feature(
        "minus_di_14", _MINUS_DI, "Movement down over true range, both summed over 14.", "percent", _WILDER, low=0.0
    ),
    Feature(
        "dx_14",
        _DX,
        "Difference of movement up and down over their sum, 0 where there is neither.",
        "percent",
        _WILDER,
        low=0.0,
        high=100.0,
    ),
    Feature("adx_14", _ADX, "Wilder's mean over 14 of the directional index.", "percent", _WILDER, low=0.0),
    Feature(
        "adxr_14",
        (_ADX + ref(_ADX, 13)) / 2,
        "Mean of the average directional index now and 13 sessions ago.",
        "percent",
        _WILDER,
        low=0.0,
    ),
    Feature(
        "aroon_up_14",
        100 * ((14 - argmax(HIGH, 15)) / 14),
        "How new the highest high of 15 sessions is, 100 for today; of equal ones the oldest, where TA-Lib has the newest.",
        "percent",
        _CHANDE,
        low=0.0,
        high=100.0,
    ),
    Feature(
        "aroon_down_14",
        100 * ((14 - argmin(LOW, 15)) / 14),
        "How new the lowest low of 15 sessions is, 100 for today; of equal ones the oldest, where TA-Lib has the newest.",
        "percent",
        _CHANDE,
        low=0.0,
        high=100.0,
    ),
    Feature(
        "aroonosc_14",
        100 * ((argmin(LOW, 15) - argmax(HIGH, 15)) / 14),
        "How much newer the highest high of 15 sessions is than the lowest low; of equal ones the oldest, where TA-Lib has the newest.",
        "percent",
        _CHANDE,
        low=-100.0,
        high=100.0,
    ),
    Feature(
        "vortex_plus_14",
        where(_RANGES_14 > 0, sum_(abs_(HIGH - ref(LOW, 1)), 14) / _RANGES_14, 0),
        "Distances from yesterday's low up to today's high over true range, both summed over 14.",
        "ratio",
        _BOTES,
        low=0.0,
    ),
    Feature(
        "vortex_minus_14",
        where(_RANGES_14 > 0, sum_(abs_(LOW - ref(HIGH, 1)), 14) / _RANGES_14, 0),
        "Distances from yesterday's high down to today's low over true range, both summed over 14.",
        "ratio",
        _BOTES,
        low=0.0,
    ),
    Feature("ichimoku_conversion_9", _CONVERSION, "Middle of the range of nine sessions.", "price", _HOSODA),
    Feature("ichimoku_base_26", _BASE, "Middle of the range of 26 sessions.", "price", _HOSODA),
    Feature(
        "ichimoku_span_a_9_26",
        (_CONVERSION + _BASE) / 2,
        "Mean of conversion and base line, on the session it is made of, not drawn 26 ahead.",
        "price",
        _HOSODA,
    ),
    Feature(
        "ichimoku_span_b_52",
        _middle(52),
        "Middle of the range of 52 sessions, on the session it is made of, not drawn 26 ahead.",
        "price",
        _HOSODA,
    ),
    Feature(
        "coppock_10_11_14",
        _COPPOCK,
        "Weighted mean over 10 sessions of the changes over 11 and 14, which the author took of months.",
        "percent",
        "E. S. C. Coppock, Barron's (15 October 1962)",
    ),
    Feature("kst", _KST, "Changes over 10, 15, 20 and 30 sessions, smoothed, weighted 1 to 4.", "percent", _PRING),
    Feature("kst_signal_9", mean(_KST, 9), "Simple mean over nine sessions of the KST.", "percent", _PRING),
    Feature("sonar_20_9", _SONAR, "Change over nine sessions of the exponential mean of 20 closes.", "price", _KOREA),
    Feature("sonar_signal_20_9_9", ema(_SONAR, 9), "Exponential mean over nine of SONAR momentum.", "price", _KOREA),
    Feature(
        "vhf_28",
        where(_PATH_28 > 0, (max_(CLOSE, 28) - min_(CLOSE, 28)) / _PATH_28, 0),
        "Range of 28 closes over the path of 28 moves, large in a trend.",
        "ratio",
        "A. White, The Vertical Horizontal Filter, Futures (1991)",
        low=0.0,
    ),
    Feature(
        "efficiency_ratio_10",
        where(_PATH_10 > 0, abs_(delta(CLOSE, 10)) / _PATH_10, 1),
        "Size of the change over 10 sessions over the path of their moves, 1 where there were none.",
        "ratio",
        "P. J. Kaufman, Smarter Trading (1995), efficiency ratio",
        low=0.0,
    ),
)
