"""Moving averages of the close, in the currency of the price.

What does not belong here: differences of averages (``trend``), channels around them (``bands``).
"""

from typing import Final

from market.features.algebra import abs_, adaptive, delta, ema, mean, ref, sum_, where, wilder, wma
from market.features.definition import Feature
from market.features.indicators.price import CLOSE, GAIN, LOSS, MIDDLE, MOVE, TYPICAL, VALUE, VOLUME
from market.features.nodes import Expr


def _chain(x: Expr, n: int, times: int) -> list[Expr]:
    """Exponential means of exponential means: once, twice, up to ``times``."""
    chain = [ema(x, n)]
    while len(chain) < times:
        chain.append(ema(chain[-1], n))
    return chain


_ONCE, _TWICE, _THRICE = _chain(CLOSE, 30, 3)
_V: Final = 0.7  # Tillson's volume factor
_T3: Final = _chain(CLOSE, 5, 6)
_PATH: Final = sum_(abs_(MOVE), 30)
_EFFICIENCY: Final = where(_PATH > 0, abs_(delta(CLOSE, 30)) / _PATH, 1)
_FAST, _SLOW = 2 / (2 + 1), 2 / (30 + 1)
_KAMA_STEP: Final = _EFFICIENCY * (_FAST - _SLOW) + _SLOW
_GAINED, _LOST = sum_(GAIN, 9), sum_(LOSS, 9)
_CHANDE: Final = where(_GAINED + _LOST > 0, abs_(_GAINED - _LOST) / (_GAINED + _LOST), 0)
_MULLOY: Final = "P. G. Mulloy, Smoothing Data with Faster Moving Averages, Stocks and Commodities 12 (1994)"
_ALLIGATOR: Final = "B. Williams, New Trading Dimensions (1998), Alligator; without its shift ahead"

FEATURES: Final = (
    Feature("sma_30", mean(CLOSE, 30), "Simple mean of 30 closes.", "price", "TA-Lib 0.8.1, ta_SMA.c"),
    Feature(
        "ema_30",
        _ONCE,
        "Exponential mean of the close with weight 2/31, seeded with a simple mean.",
        "price",
        "TA-Lib 0.8.1, ta_EMA.c",
    ),
    Feature(
        "wma_30", wma(CLOSE, 30), "Mean of 30 closes weighted 1 to 30, newest most.", "price", "TA-Lib 0.8.1, ta_WMA.c"
    ),
    Feature(
        "rma_30",
        wilder(CLOSE, 30),
        "Wilder's mean of the close, weight 1/30.",
        "price",
        "J. W. Wilder, New Concepts in Technical Trading Systems (1978)",
    ),
    Feature("dema_30", 2 * _ONCE - _TWICE, "Double exponential mean of the close over 30 sessions.", "price", _MULLOY),
    Feature(
        "tema_30",
        3 * _ONCE - 3 * _TWICE + _THRICE,
        "Triple exponential mean of the close over 30 sessions.",
        "price",
        _MULLOY,
    ),
    Feature(
        "t3_5",
        -(_V**3) * _T3[5]
        + 3 * (_V**2 + _V**3) * _T3[4]
        - 3 * (2 * _V**2 + _V + _V**3) * _T3[3]
        + (1 + 3 * _V + _V**3 + 3 * _V**2) * _T3[2],
        "Tillson's T3 of the close, six exponential means of five sessions mixed with volume factor 0.7.",
        "price",
        "T. Tillson, Smoothing Techniques for More Accurate Signals, Stocks and Commodities 16 (1998)",
    ),
    Feature(
        "trima_30",
        mean(mean(CLOSE, 15), 16),
        "Mean of 30 closes with weights that rise to the middle and fall again.",
        "price",
        "TA-Lib 0.8.1, ta_TRIMA.c",
    ),
    Feature(
        "kama_30",
        adaptive(CLOSE, _KAMA_STEP * _KAMA_STEP),
        "Kaufman's adaptive mean of the close, fast where 30 sessions ran one way and slow where they went to and fro.",
        "price",
        "P. J. Kaufman, Smarter Trading (1995), adaptive moving average",
    ),
    Feature(
        "vidya_12_9",
        adaptive(CLOSE, 2 / (12 + 1) * _CHANDE),
        "Chande's variable mean of the close, weight 2/13 times the size of his momentum oscillator over nine sessions.",
        "price",
        "T. S. Chande and S. Kroll, The New Technical Trader (1994), VIDYA",
    ),
    Feature(
        "hma_20",
        wma(2 * wma(CLOSE, 10) - wma(CLOSE, 20), 4),
        "Hull's mean of the close over 20 sessions.",
        "price",
        "A. Hull, Hull Moving Average (2005)",
    ),
    Feature(
        "zlema_21",
        ema(2 * CLOSE - ref(CLOSE, 10), 21),
        "Exponential mean over 21 sessions of the close plus its change over ten.",
        "price",
        "zero-lag exponential mean, after J. Ehlers and R. Way",
    ),
    Feature(
        "vwma_30",
        sum_(CLOSE * VOLUME, 30) / sum_(VOLUME, 30),
        "Mean of 30 closes weighted by volume, NaN where none of them traded.",
        "price",
        "TA-Lib 0.8, ta_VWMA.c",
    ),
    Feature(
        "vwap_20",
        sum_(VALUE, 20) / sum_(VOLUME, 20),
        "Value traded over shares traded in 20 sessions, NaN where nothing was.",
        "price",
        "ours",
    ),
    Feature(
        "vwap_typical_20",
        sum_(TYPICAL * VOLUME, 20) / sum_(VOLUME, 20),
        "Mean typical price of 20 sessions weighted by volume, for markets that publish no traded value.",
        "price",
        "ours",
    ),
    Feature("alligator_jaw_13", wilder(MIDDLE, 13), "Wilder's mean of the median price over 13.", "price", _ALLIGATOR),
    Feature("alligator_teeth_8", wilder(MIDDLE, 8), "Wilder's mean of the median price over 8.", "price", _ALLIGATOR),
    Feature("alligator_lips_5", wilder(MIDDLE, 5), "Wilder's mean of the median price over 5.", "price", _ALLIGATOR),
)
