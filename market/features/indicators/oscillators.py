"""What swings around zero or between bounds, from prices: RSI and stochastics, momentum, rates of change, ray and vigor.

What does not belong here: with volume (``volume``), strength of a trend (``trend``).
"""

from typing import Final

from market.features.algebra import abs_, delta, ema, known, mad, max_, maximum, mean, min_, ref, sum_, where, wilder
from market.features.definition import Feature
from market.features.indicators.price import (
    CLOSE,
    GAIN,
    HIGH,
    LOSS,
    LOW,
    MIDDLE,
    MOVE,
    OPEN,
    PREVIOUS,
    RANGE,
    TRUE_LOW,
    TRUE_RANGE,
    TYPICAL,
)
from market.features.indicators.trend import rate_of_change
from market.features.nodes import Expr


def _share(gain: Expr, loss: Expr) -> Expr:
    """Gain in percent of gain and loss, 0 where there is neither; in this order it cannot exceed 100."""
    return where(gain + loss > 0, 100 * (gain / (gain + loss)), 0)


def _place(x: Expr, low: Expr, high: Expr) -> Expr:
    """Where ``x`` stands between low (0) and high (100), 0 where they are equal."""
    return where(high > low, 100 * ((x - low) / (high - low)), 0)


def _pressure(n: int) -> Expr:
    """Way from the true low to the close over true range, both summed over n."""
    ranges = sum_(TRUE_RANGE, n)
    return where(ranges > 0, sum_(CLOSE - TRUE_LOW, n) / ranges, 0)


def _bell(x: Expr) -> Expr:
    """Mean of four rows weighted 1, 2, 2, 1."""
    return (x + 2 * ref(x, 1) + 2 * ref(x, 2) + ref(x, 3)) / 6


_RSI: Final = _share(wilder(GAIN, 14), wilder(LOSS, 14))
_BALANCE: Final = wilder(GAIN, 14) + wilder(LOSS, 14)
_GAINED, _LOST = sum_(GAIN, 14), sum_(LOSS, 14)
_FAST_K: Final = _place(CLOSE, min_(LOW, 5), max_(HIGH, 5))
_FAST_D: Final = mean(_FAST_K, 3)
_SLOW_D: Final = mean(_FAST_D, 3)
_RSI_LOW, _RSI_HIGH = min_(_RSI, 5), max_(_RSI, 5)
# while the price stands still the RSI moves by rounding alone: below a billionth of a point that is no range
_RSI_K: Final = where(_RSI_HIGH - _RSI_LOW > 1e-9, _place(_RSI, _RSI_LOW, _RSI_HIGH), 0)
_RSI_D: Final = mean(_RSI_K, 3)
_KDJ_K: Final = wilder(_place(CLOSE, min_(LOW, 9), max_(HIGH, 9)), 3)
_KDJ_D: Final = wilder(_KDJ_K, 3)
_HIGHEST, _LOWEST = max_(HIGH, 14), min_(LOW, 14)
_AWAY: Final = TYPICAL - mean(TYPICAL, 14)
_SMI_HIGH, _SMI_LOW = max_(HIGH, 13), min_(LOW, 13)
_SMI_RANGE: Final = ema(ema(_SMI_HIGH - _SMI_LOW, 25), 2) / 2
_SMI: Final = where(_SMI_RANGE > 0, 100 * (ema(ema(CLOSE - (_SMI_HIGH + _SMI_LOW) / 2, 25), 2) / _SMI_RANGE), 0)
_SMI_SIGNAL: Final = ema(_SMI, 9)
_MOVED: Final = ema(ema(abs_(MOVE), 25), 13)
_AWESOME: Final = mean(MIDDLE, 5) - mean(MIDDLE, 34)
_RAY: Final = ema(CLOSE, 13)
_VIGOR: Final = sum_(_bell(CLOSE - OPEN), 10) / sum_(_bell(RANGE), 10)
_ROSE, _DROPPED = sum_(maximum(delta(HIGH, 1), 0), 14), sum_(maximum(-delta(LOW, 1), 0), 14)
_BODY: Final = CLOSE - OPEN
_BODIES: Final = sum_(abs_(_BODY), 14)

_WILDER: Final = "J. W. Wilder, New Concepts in Technical Trading Systems (1978), section VI"
_LANE: Final = "G. C. Lane, Lane's Stochastics, Stocks and Commodities 2 (1984)"
_STOCH_RSI: Final = "T. S. Chande and S. Kroll, The New Technical Trader (1994), stochastic RSI"
_CHANDE: Final = "T. S. Chande and S. Kroll, The New Technical Trader (1994)"
_BLAU: Final = "W. Blau, Momentum, Direction, and Divergence (1995)"
_RATE: Final = "TA-Lib 0.8.1, ta_"
_WILLIAMS: Final = "B. Williams, New Trading Dimensions (1998)"
_ELDER: Final = "A. Elder, Trading for a Living (1993), Elder-ray"
_EHLERS: Final = "J. F. Ehlers, Relative Vigor Index, Stocks and Commodities 20 (2002)"
_KDJ: Final = "TA-Lib 0.8, ta_KDJ.c"
_ASIA: Final = "AR and BR of Japanese and Korean charting"

FEATURES: Final = (
    Feature(
        "ta_rsi_14",
        _RSI,
        "Relative Strength Index with Wilder's smoothing, 0 when the price never moved, as TA-Lib has it.",
        "percent",
        _WILDER,
        low=0.0,
        high=100.0,
    ),
    Feature(
        "cutler_rsi_14",
        _share(_GAINED, _LOST),
        "Relative Strength Index with simple sums of 14 sessions, so that no row depends on where history begins.",
        "percent",
        "D. Cutler's RSI",
        low=0.0,
        high=100.0,
    ),
    Feature(
        "cmo_14",
        where(_BALANCE > 0, 100 * ((wilder(GAIN, 14) - wilder(LOSS, 14)) / _BALANCE), 0),
        "Gains minus losses over their sum, with Wilder's smoothing of 14 sessions as TA-Lib has it.",
        "percent",
        _CHANDE + "; smoothing, TA-Lib 0.8.1, ta_CMO.c",
        low=-100.0,
        high=100.0,
    ),
    Feature(
        "cmou_14",
        where(_GAINED + _LOST > 0, 100 * ((_GAINED - _LOST) / (_GAINED + _LOST)), 0),
        "Gains minus losses over their sum, both of 14 sessions.",
        "percent",
        _CHANDE,
        low=-100.0,
        high=100.0,
    ),
    Feature(
        "imi_14",
        where(_BODIES > 0, 100 * (sum_(maximum(_BODY, 0), 14) / _BODIES), 50),
        "Share of rising bodies in the bodies of 14 sessions, 50 where there are none.",
        "percent",
        _CHANDE,
        low=0.0,
        high=100.0,
    ),
    Feature(
        "stoch_k_5_3",
        _FAST_D / known(_SLOW_D),
        "Place of the close in the range of five sessions, mean of three, from the first row of its %D on.",
        "percent",
        _LANE,
        low=0.0,
    ),
    Feature("stoch_d_5_3_3", _SLOW_D, "Simple mean over three of the slow %K.", "percent", _LANE, low=0.0),
    Feature(
        "stochf_k_5",
        _FAST_K / known(_FAST_D),
        "Place of the close in the range of five sessions, from the first row of its %D on.",
        "percent",
        _LANE,
        low=0.0,
        high=100.0,
    ),
    Feature("stochf_d_5_3", _FAST_D, "Simple mean over three of the fast %K.", "percent", _LANE, low=0.0),
    Feature(
        "stochrsi_k_14_5",
        _RSI_K / known(_RSI_D),
        "Place of the RSI of 14 in its own range of five sessions, from the first row of its %D on.",
        "percent",
        _STOCH_RSI,
        low=0.0,
        high=100.0,
    ),
    Feature(
        "stochrsi_d_14_5_3", _RSI_D, "Simple mean over three of the stochastic RSI.", "percent", _STOCH_RSI, low=0.0
    ),
    Feature(
        "kdj_k_9_3", _KDJ_K / known(_KDJ_D), "Place in the range of nine, Wilder's mean of three.", "percent", _KDJ
    ),
    Feature("kdj_d_9_3_3", _KDJ_D, "Wilder's mean over three of the KDJ's %K.", "percent", _KDJ),
    Feature("kdj_j_9_3_3", 3 * _KDJ_K - 2 * _KDJ_D, "Three %K minus two %D of the KDJ.", "percent", _KDJ),
    Feature(
        "willr_14",
        where(_HIGHEST > _LOWEST, -100 * ((_HIGHEST - CLOSE) / (_HIGHEST - _LOWEST)), 0),
        "Distance of the close below the highest high of 14 sessions, over their range.",
        "percent",
        "L. Williams, How I Made One Million Dollars Last Year Trading Commodities (1973), %R",
        low=-100.0,
        high=0.0,
    ),
    Feature(
        "ultosc_7_14_28",
        100 * ((4 * _pressure(7) + 2 * _pressure(14) + _pressure(28)) / 7),
        "Buying pressure over true range of 7, 14 and 28 sessions, weighted 4, 2 and 1.",
        "percent",
        "L. Williams, The Ultimate Oscillator, Stocks and Commodities 3 (1985)",
        low=0.0,
    ),
    Feature(
        "cci_14",
        where(mad(TYPICAL, 14) > 0, _AWAY / (0.015 * mad(TYPICAL, 14)), 0),
        "Distance of the typical price from its mean of 14 sessions, over 0.015 mean deviations.",
        "ratio",
        "D. R. Lambert, Commodity Channel Index, Commodities (1980)",
    ),
    Feature(
        "bop",
        where(RANGE > 0, (CLOSE - OPEN) / RANGE, 0),
        "Balance of power, the body of the session over its range.",
        "ratio",
        "I. Livshin, Balance of Market Power, Stocks and Commodities 19 (2001)",
        low=-1.0,
        high=1.0,
    ),
    Feature("mom_10", delta(CLOSE, 10), "Close minus the close ten sessions ago.", "price", _RATE + "MOM.c"),
    Feature("roc_10", rate_of_change(CLOSE, 10), "Change over ten sessions.", "percent", _RATE + "ROC.c", low=-100.0),
    Feature("rocp_10", CLOSE / ref(CLOSE, 10) - 1, "Change over ten sessions.", "fraction", _RATE + "ROCP.c", low=-1.0),
    Feature(
        "rocr_10", CLOSE / ref(CLOSE, 10), "Close over that of ten sessions ago.", "ratio", _RATE + "ROCR.c", low=0.0
    ),
    Feature(
        "rocr100_10",
        100 * (CLOSE / ref(CLOSE, 10)),
        "Close over that of ten sessions ago.",
        "percent",
        _RATE + "ROCR100.c",
        low=0.0,
    ),
    Feature(
        "tsi_25_13",
        where(_MOVED > 0, 100 * (ema(ema(MOVE, 25), 13) / _MOVED), 0),
        "Moves smoothed over 25 and 13 sessions, over their sizes smoothed alike.",
        "percent",
        _BLAU + ", true strength index",
    ),
    Feature(
        "smi_13_2_25",
        _SMI / known(_SMI_SIGNAL),
        "Distance of the close from the middle of the range of 13 sessions over half that range, both smoothed twice.",
        "percent",
        _BLAU + ", stochastic momentum index",
    ),
    Feature(
        "smi_signal_13_2_25_9",
        _SMI_SIGNAL,
        "Exponential mean over nine of the stochastic momentum index.",
        "percent",
        _BLAU + ", stochastic momentum index",
    ),
    Feature("ao_5_34", _AWESOME, "Mean of five median prices minus that of 34.", "price", _WILLIAMS),
    Feature(
        "ac_5_34_5",
        _AWESOME - mean(_AWESOME, 5),
        "Awesome oscillator minus its mean of five sessions.",
        "price",
        _WILLIAMS,
    ),
    Feature("eri_bull_13", HIGH - _RAY, "High minus the exponential mean of 13 closes.", "price", _ELDER),
    Feature("eri_bear_13", LOW - _RAY, "Low minus the exponential mean of 13 closes.", "price", _ELDER),
    Feature("vigor_10", _VIGOR, "Bodies over ranges of ten sessions, both smoothed over four rows.", "ratio", _EHLERS),
    Feature("vigor_signal_10", _bell(_VIGOR), "Relative vigor index smoothed over four rows.", "ratio", _EHLERS),
    Feature("qstick_10", mean(CLOSE - OPEN, 10), "Mean body of ten sessions.", "price", _CHANDE),
    Feature(
        "dpo_20",
        ref(CLOSE, 11) - mean(CLOSE, 20),
        "Close of eleven sessions ago minus the mean of the 20 closes up to today, on today.",
        "price",
        "detrended price oscillator, the form that only looks back",
    ),
    Feature(
        "demarker_14",
        where(_ROSE + _DROPPED > 0, _ROSE / (_ROSE + _DROPPED), 0.5),
        "Rises of the high over rises of the high and falls of the low, 14 sessions, 0.5 where there were none.",
        "ratio",
        "T. R. DeMark, The New Science of Technical Analysis (1994)",
        low=0.0,
        high=1.0,
    ),
    Feature(
        "psychological_12",
        100 * mean(MOVE > 0, 12),
        "Psychological line (심리선): share of days of gain in 12 sessions.",
        "percent",
        "psychological line of Japanese and Korean charting",
        low=0.0,
        high=100.0,
    ),
    Feature(
        "ar_26",
        100 * (sum_(HIGH - OPEN, 26) / sum_(OPEN - LOW, 26)),
        "Ways from open up to high over ways from open down to low, 26 sessions.",
        "percent",
        _ASIA,
        low=0.0,
    ),
    Feature(
        "br_26",
        100 * (sum_(maximum(HIGH - PREVIOUS, 0), 26) / sum_(maximum(PREVIOUS - LOW, 0), 26)),
        "Ways from the close before up to high over ways down to low, 26 sessions.",
        "percent",
        _ASIA,
        low=0.0,
    ),
)
