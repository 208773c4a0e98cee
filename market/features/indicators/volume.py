"""Volume and price together: accumulation, money flow, volume indices.

What does not belong here: prices weighted by volume (``averages``).
"""

from typing import Final

from market.features.algebra import (
    adaptive,
    cumsum,
    delta,
    ema,
    equal,
    exp,
    known,
    log,
    maximum,
    mean,
    minimum,
    ref,
    sign,
    sum_,
    where,
)
from market.features.definition import Feature
from market.features.indicators.price import (
    CLOSE,
    FIRST,
    HIGH,
    LOW,
    MIDDLE,
    MOVE,
    PREVIOUS,
    RANGE,
    RETURN,
    TYPICAL,
    VOLUME,
)
from market.features.indicators.trend import rate_of_change

_PLACED: Final = where(RANGE > 0, ((CLOSE - LOW) - (HIGH - CLOSE)) / RANGE, 0) * VOLUME
_AD: Final = cumsum(_PLACED)
# begun with the first value itself, where every other exponential mean begins with a simple one
_AD_SLOW: Final = adaptive(_AD, 2 / (10 + 1))
_ADOSC: Final = adaptive(_AD, 2 / (3 + 1)) - _AD_SLOW
_FLOW, _TURN = TYPICAL * VOLUME, delta(TYPICAL, 1)
_IN, _OUT = sum_(where(_TURN > 0, _FLOW, 0), 14), sum_(where(_TURN < 0, _FLOW, 0), 14)
_RISEN, _FALLEN = sum_(where(MOVE > 0, VOLUME, 0), 20), sum_(where(MOVE < 0, VOLUME, 0), 20)
_UNCHANGED: Final = sum_(where(equal(MOVE, 0), VOLUME, 0), 20)
_TRADED: Final = sum_(VOLUME, 20)
_STEP: Final = delta(log(CLOSE), 1)
_MORE: Final = where(FIRST, 0, delta(VOLUME, 1))
_PVO: Final = where(ema(VOLUME, 26) > 0, 100 * (ema(VOLUME, 12) / ema(VOLUME, 26) - 1), 0)
_BOX: Final = VOLUME / 100_000_000 / RANGE
_MOVE: Final = where(FIRST, 0, MOVE)
_WAD_STEP: Final = where(
    _MOVE > 0, CLOSE - minimum(LOW, PREVIOUS), where(_MOVE < 0, CLOSE - maximum(HIGH, PREVIOUS), 0)
)

_CHAIKIN: Final = "M. Chaikin, accumulation and distribution; formula as in TA-Lib 0.8.1"
_ELDER: Final = "A. Elder, Trading for a Living (1993), force index"
_FOSBACK: Final = "N. Fosback, Stock Market Logic (1976), after P. Dysart"
_ACHELIS: Final = "S. B. Achelis, Technical Analysis from A to Z (1995)"

FEATURES: Final = (
    Feature(
        "ad",
        _AD,
        "Volume summed up from the first row on, counted by where the close stands in the range, -1 to 1.",
        "shares",
        _CHAIKIN,
    ),
    Feature(
        "adosc_3_10",
        _ADOSC / known(ref(_AD, 9)),
        "Exponential mean over three of the accumulation line minus that over ten.",
        "shares",
        _CHAIKIN,
    ),
    Feature(
        "obv",
        # the first row counts in full
        cumsum(VOLUME * where(FIRST, 1, sign(MOVE))),
        "Volume summed up from the first row on, that of days of loss with a minus.",
        "shares",
        "J. E. Granville, Granville's New Key to Stock Market Profits (1963)",
    ),
    Feature(
        "mfi_14",
        where(_IN + _OUT >= 1, 100 * (_IN / (_IN + _OUT)), 0),
        "Share of the money of 14 sessions that flowed while the typical price rose.",
        "percent",
        "G. Quong and A. Soudack, Volume-Weighted RSI: Money Flow, Stocks and Commodities 7 (1989)",
        low=0.0,
        high=100.0,
    ),
    Feature(
        "cmf_20",
        where(_TRADED > 0, sum_(_PLACED, 20) / _TRADED, 0),
        "Volume of 20 sessions counted by where the close stands in the range, over that volume.",
        "ratio",
        "M. Chaikin, money flow; formula as in TA-Lib 0.8, ta_CMF.c",
    ),
    Feature(
        "force_index_13",
        ema(MOVE * VOLUME, 13),
        "Exponential mean over 13 of the move times the volume.",
        "price_shares",
        _ELDER,
    ),
    Feature(
        "ease_of_movement_14",
        mean(delta(MIDDLE, 1) / _BOX, 14),
        "Mean over 14 of the move of the median price per hundred million shares and unit of range.",
        "price_squared_per_100m_shares",
        "R. W. Arms, ease of movement; formula as in " + _ACHELIS,
    ),
    Feature("pvt", cumsum(where(FIRST, 0, RETURN) * VOLUME), "Volume times return, summed up.", "shares", _ACHELIS),
    Feature(
        "nvi",
        1000 * exp(cumsum(where(_MORE < 0, _STEP, 0))),
        "Index from 1000 that follows the close on days of less volume than the day before.",
        "points",
        _FOSBACK,
        low=0.0,
    ),
    Feature(
        "pvi",
        1000 * exp(cumsum(where(_MORE > 0, _STEP, 0))),
        "Index from 1000 that follows the close on days of more volume than the day before.",
        "points",
        _FOSBACK,
        low=0.0,
    ),
    Feature(
        "wad",
        cumsum(_WAD_STEP),
        "Way of the close from the true low on days of gain and from the true high on days of loss, summed up.",
        "price",
        "L. Williams, accumulation and distribution; formula as in " + _ACHELIS,
    ),
    Feature("pvo_12_26", _PVO, "Exponential mean of 12 volumes over that of 26, less 1.", "percent", _ACHELIS),
    Feature("pvo_signal_12_26_9", ema(_PVO, 9), "Exponential mean over nine of the PVO.", "percent", _ACHELIS),
    Feature(
        "vr_20",
        100 * ((_RISEN + _UNCHANGED / 2) / (_FALLEN + _UNCHANGED / 2)),
        "Korean volume ratio (거래량 비율): volume of 20 sessions on days of gain over that of loss, unchanged days halved.",
        "percent",
        "volume ratio of Japanese and Korean charting",
        low=0.0,
    ),
    Feature(
        "rvol_20",
        VOLUME / ref(mean(VOLUME, 20), 1),
        "Volume over the mean of the 20 sessions before, NaN where they did not trade, while TA-Lib has infinity.",
        "ratio",
        "TA-Lib 0.8, ta_RVOL.c",
        low=0.0,
    ),
    Feature(
        "vroc_12",
        rate_of_change(VOLUME, 12),
        "Change of the volume over 12 sessions, NaN where that one did not trade, while TA-Lib has zero.",
        "percent",
        _ACHELIS,
        low=-100.0,
    ),
    Feature(
        "marketfi",
        RANGE / VOLUME,
        "Market facilitation index: range of the session per share, NaN where none traded, while TA-Lib has zero.",
        "price_per_share",
        "B. Williams, Trading Chaos (1995)",
        low=0.0,
    ),
)
