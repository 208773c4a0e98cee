"""Features of trading activity: volume against its past, traded value, price impact.

What does not belong here: direction and spread. ``value`` is raw, in the security's own currency: features built on it are
comparable inside one market, not between markets.
"""

from typing import Final

from market.features.algebra import abs_, col, log, mean, ref
from market.features.definition import Feature

_CLOSE: Final = col("close")
_VALUE: Final = col("value")
_VOLUME: Final = col("volume")

FEATURES: Final = (
    Feature(
        "volume_ratio_5_20",
        mean(_VOLUME, 5) / mean(_VOLUME, 20),
        "Mean adjusted volume of 5 sessions over that of 20; a halted session counts as zero.",
        "ratio",
        "ours",
        low=0.0,
        high=4.000001,  # 20 / 5, and what rounding adds where the last five are all there is
    ),
    Feature(
        "turnover_value_20",
        log(mean(_VALUE, 20)),
        "Natural logarithm of the mean value traded per session over 20 sessions, in the security's own currency.",
        "log_currency",
        "ours",
    ),
    Feature(
        "amihud_20",
        mean(abs_(_CLOSE / ref(_CLOSE, 1) - 1) / _VALUE, 20) * 1_000_000,
        "Mean over 20 sessions of the absolute return per million of own currency traded; NaN while one saw no trade.",
        "fraction_per_million_currency",
        "Y. Amihud, Illiquidity and Stock Returns, Journal of Financial Markets 5 (2002), section 2.1",
        low=0.0,
    ),
)
