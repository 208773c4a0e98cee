"""Channels around the price, and where the price stands in them.

What does not belong here: the averages alone (``averages``), measures of spread alone (``volatility``).
"""

from math import sqrt
from typing import Final

from market.features.algebra import ema, known, max_, mean, min_, ref, std, wilder
from market.features.definition import Feature
from market.features.indicators.price import CLOSE, HIGH, LOW, RANGE, TRUE_RANGE, TYPICAL
from market.features.nodes import Expr


def _deviation(n: int) -> Expr:
    """Deviation of the close as Bollinger and TA-Lib take it: divisor n, std() has n - 1."""
    return std(CLOSE, n) * sqrt((n - 1) / n)


_MIDDLE_5, _MIDDLE_20 = mean(CLOSE, 5), mean(CLOSE, 20)
_BAND_5, _BAND_20 = 2 * _deviation(5), 2 * _deviation(20)
_HIGHEST, _LOWEST = max_(HIGH, 20), min_(LOW, 20)
_STRETCH: Final = 4 * (RANGE / (HIGH + LOW))
_KELTNER: Final = ema(TYPICAL, 20)
# TA-Lib begins the range with the ten rows before the channel's first, rows 10 to 19, not with the first ten
_REACH: Final = 2 * wilder(TRUE_RANGE / known(ref(CLOSE, 10)), 10)
_EXIT: Final = 3 * wilder(TRUE_RANGE, 22)

_BOLLINGER: Final = "J. Bollinger, Bollinger on Bollinger Bands (2001)"
_HEADLEY: Final = "P. Headley, Big Trends in Trading (2002), acceleration bands"
_DONCHIAN: Final = "R. Donchian, channel of four weeks"
_KELT: Final = "C. W. Keltner, How to Make Money in Commodities (1960), in L. B. Raschke's form with the true range"
_LE_BEAU: Final = "C. Le Beau, Chandelier Exit"
_ENVELOPE: Final = "moving average envelopes, 6 % as Korean trading systems preset it"

FEATURES: Final = (
    Feature("bbands_upper_5", _MIDDLE_5 + _BAND_5, "Mean of 5 closes plus two deviations.", "price", _BOLLINGER),
    Feature("bbands_middle_5", _MIDDLE_5, "Mean of 5 closes.", "price", _BOLLINGER),
    Feature("bbands_lower_5", _MIDDLE_5 - _BAND_5, "Mean of 5 closes minus two deviations.", "price", _BOLLINGER),
    Feature("bbands_upper_20", _MIDDLE_20 + _BAND_20, "Mean of 20 closes plus two deviations.", "price", _BOLLINGER),
    Feature("bbands_middle_20", _MIDDLE_20, "Mean of 20 closes.", "price", _BOLLINGER),
    Feature("bbands_lower_20", _MIDDLE_20 - _BAND_20, "Mean of 20 closes minus two deviations.", "price", _BOLLINGER),
    Feature(
        "bbands_pct_b_5",
        (CLOSE - (_MIDDLE_5 - _BAND_5)) / (2 * _BAND_5),
        "Where the close stands between the lower (0) and the upper (1) Bollinger band of five sessions.",
        "ratio",
        _BOLLINGER,
    ),
    Feature(
        "bbands_pct_b_20",
        (CLOSE - (_MIDDLE_20 - _BAND_20)) / (2 * _BAND_20),
        "Where the close stands between the lower (0) and the upper (1) Bollinger band of 20 sessions.",
        "ratio",
        _BOLLINGER,
    ),
    Feature(
        "bbands_width_20",
        2 * _BAND_20 / _MIDDLE_20,
        "Distance of the Bollinger bands of 20 sessions, over their middle.",
        "fraction",
        _BOLLINGER,
        low=0.0,
    ),
    Feature(
        "accbands_upper_20",
        mean(HIGH * (1 + _STRETCH), 20),
        "Mean over 20 sessions of the high stretched by four times the relative range.",
        "price",
        _HEADLEY,
    ),
    Feature("accbands_middle_20", _MIDDLE_20, "Mean of 20 closes.", "price", _HEADLEY),
    Feature(
        "accbands_lower_20",
        mean(LOW * (1 - _STRETCH), 20),
        "Mean over 20 sessions of the low shrunk by four times the relative range.",
        "price",
        _HEADLEY,
    ),
    Feature("donchian_upper_20", _HIGHEST, "Highest high of 20 sessions.", "price", _DONCHIAN),
    Feature("donchian_middle_20", (_HIGHEST + _LOWEST) / 2, "Middle of the Donchian channel.", "price", _DONCHIAN),
    Feature("donchian_lower_20", _LOWEST, "Lowest low of 20 sessions.", "price", _DONCHIAN),
    Feature(
        "keltner_upper_20_10",
        _KELTNER + _REACH,
        "Exponential mean of 20 typical prices plus two average true ranges of ten.",
        "price",
        _KELT,
    ),
    Feature("keltner_middle_20", _KELTNER, "Exponential mean of 20 typical prices.", "price", _KELT),
    Feature(
        "keltner_lower_20_10",
        _KELTNER - _REACH,
        "Exponential mean of 20 typical prices minus two average true ranges of ten.",
        "price",
        _KELT,
    ),
    Feature("envelope_upper_20", 1.06 * _MIDDLE_20, "Mean of 20 closes plus 6 percent.", "price", _ENVELOPE),
    Feature("envelope_lower_20", 0.94 * _MIDDLE_20, "Mean of 20 closes minus 6 percent.", "price", _ENVELOPE),
    Feature(
        "chandelier_long_22",
        max_(HIGH, 22) - _EXIT,
        "Highest high of 22 sessions minus three average true ranges.",
        "price",
        _LE_BEAU,
    ),
    Feature(
        "chandelier_short_22",
        min_(LOW, 22) + _EXIT,
        "Lowest low of 22 sessions plus three average true ranges.",
        "price",
        _LE_BEAU,
    ),
    Feature(
        "disparity_5",
        100 * (CLOSE / _MIDDLE_5),
        "Disparity (이격도): close over its mean of five sessions.",
        "percent",
        "disparity index of Japanese and Korean charting",
        low=0.0,
    ),
    Feature(
        "disparity_20",
        100 * (CLOSE / _MIDDLE_20),
        "Disparity (이격도): close over its mean of 20 sessions.",
        "percent",
        "disparity index of Japanese and Korean charting",
        low=0.0,
    ),
    Feature(
        "disparity_60",
        100 * (CLOSE / mean(CLOSE, 60)),
        "Disparity (이격도): close over its mean of 60 sessions.",
        "percent",
        "disparity index of Japanese and Korean charting",
        low=0.0,
    ),
)
