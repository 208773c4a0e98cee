"""The classical indicators: against TA-Lib, against pandas where TA-Lib has none, within their bounds, and without looking ahead."""

import importlib
import pkgutil
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
import talib as ta
from hypothesis import given, settings
from hypothesis import strategies as st

from market.features import indicators
from market.features.catalogue import catalogue, merged
from market.features.parse import parse
from market.features.sections import compile_features

EXAMPLES = settings(max_examples=25, deadline=None)  # the first example also compiles the kernels

MODULES = sorted(module.name for module in pkgutil.iter_modules(indicators.__path__))
FEATURES = merged({name: importlib.import_module(f"{indicators.__name__}.{name}").FEATURES for name in MODULES})
PROGRAM = compile_features(list(FEATURES.values()))

TALIB: dict[str, Callable[[Any], Any]] = {
    "avgprice": lambda p: ta.AVGPRICE(p.open, p.high, p.low, p.close),
    "medprice": lambda p: ta.MEDPRICE(p.high, p.low),
    "typprice": lambda p: ta.TYPPRICE(p.high, p.low, p.close),
    "wclprice": lambda p: ta.WCLPRICE(p.high, p.low, p.close),
    "midpoint_14": lambda p: ta.MIDPOINT(p.close, 14),
    "midprice_14": lambda p: ta.MIDPRICE(p.high, p.low, 14),
    "max_30": lambda p: ta.MAX(p.close, 30),
    "min_30": lambda p: ta.MIN(p.close, 30),
    "sum_30": lambda p: ta.SUM(p.close, 30),
    "ha_open": lambda p: ta.HA(p.open, p.high, p.low, p.close)[0],
    "ha_high": lambda p: ta.HA(p.open, p.high, p.low, p.close)[1],
    "ha_low": lambda p: ta.HA(p.open, p.high, p.low, p.close)[2],
    "sma_30": lambda p: ta.SMA(p.close, 30),
    "ema_30": lambda p: ta.EMA(p.close, 30),
    "wma_30": lambda p: ta.WMA(p.close, 30),
    "rma_30": lambda p: ta.RMA(p.close, 30),
    "dema_30": lambda p: ta.DEMA(p.close, 30),
    "tema_30": lambda p: ta.TEMA(p.close, 30),
    "t3_5": lambda p: ta.T3(p.close, 5, 0.7),
    "trima_30": lambda p: ta.TRIMA(p.close, 30),
    "kama_30": lambda p: ta.KAMA(p.close, 30),
    "hma_20": lambda p: ta.HMA(p.close, 20),
    "zlema_21": lambda p: ta.ZLEMA(p.close, 21),
    "vwma_30": lambda p: ta.VWMA(p.close, p.volume, 30),
    "macd_12_26": lambda p: ta.MACD(p.close, 12, 26, 9)[0],
    "macd_signal_12_26_9": lambda p: ta.MACD(p.close, 12, 26, 9)[1],
    "macd_hist_12_26_9": lambda p: ta.MACD(p.close, 12, 26, 9)[2],
    "macdext_12_26": lambda p: ta.MACDEXT(p.close, 12, 0, 26, 0, 9, 0)[0],
    "macdext_signal_12_26_9": lambda p: ta.MACDEXT(p.close, 12, 0, 26, 0, 9, 0)[1],
    "macdext_hist_12_26_9": lambda p: ta.MACDEXT(p.close, 12, 0, 26, 0, 9, 0)[2],
    "apo_12_26": lambda p: ta.APO(p.close, 12, 26, 1),
    "ppo_12_26": lambda p: ta.PPO(p.close, 12, 26, 1),
    "trix_30": lambda p: ta.TRIX(p.close, 30),
    "plus_dm_14": lambda p: ta.PLUS_DM(p.high, p.low, 14),
    "minus_dm_14": lambda p: ta.MINUS_DM(p.high, p.low, 14),
    "plus_di_14": lambda p: ta.PLUS_DI(p.high, p.low, p.close, 14),
    "minus_di_14": lambda p: ta.MINUS_DI(p.high, p.low, p.close, 14),
    "dx_14": lambda p: ta.DX(p.high, p.low, p.close, 14),
    "adx_14": lambda p: ta.ADX(p.high, p.low, p.close, 14),
    "adxr_14": lambda p: ta.ADXR(p.high, p.low, p.close, 14),
    "aroon_up_14": lambda p: ta.AROON(p.high, p.low, 14)[1],
    "aroon_down_14": lambda p: ta.AROON(p.high, p.low, 14)[0],
    "aroonosc_14": lambda p: ta.AROONOSC(p.high, p.low, 14),
    "vortex_plus_14": lambda p: ta.VORTEX(p.high, p.low, p.close, 14)[0],
    "vortex_minus_14": lambda p: ta.VORTEX(p.high, p.low, p.close, 14)[1],
    "coppock_10_11_14": lambda p: ta.COPPOCK(p.close, 10, 11, 14),
    "vhf_28": lambda p: ta.VHF(p.close, 28),
    "efficiency_ratio_10": lambda p: ta.ER(p.close, 10),
    "bbands_upper_5": lambda p: ta.BBANDS(p.close, 5, 2, 2)[0],
    "bbands_middle_5": lambda p: ta.BBANDS(p.close, 5, 2, 2)[1],
    "bbands_lower_5": lambda p: ta.BBANDS(p.close, 5, 2, 2)[2],
    "bbands_upper_20": lambda p: ta.BBANDS(p.close, 20, 2, 2)[0],
    "bbands_middle_20": lambda p: ta.BBANDS(p.close, 20, 2, 2)[1],
    "bbands_lower_20": lambda p: ta.BBANDS(p.close, 20, 2, 2)[2],
    "accbands_upper_20": lambda p: ta.ACCBANDS(p.high, p.low, p.close, 20)[0],
    "accbands_middle_20": lambda p: ta.ACCBANDS(p.high, p.low, p.close, 20)[1],
    "accbands_lower_20": lambda p: ta.ACCBANDS(p.high, p.low, p.close, 20)[2],
    "donchian_upper_20": lambda p: ta.DONCHIAN(p.high, p.low, 20)[0],
    "donchian_middle_20": lambda p: ta.DONCHIAN(p.high, p.low, 20)[1],
    "donchian_lower_20": lambda p: ta.DONCHIAN(p.high, p.low, 20)[2],
    "keltner_upper_20_10": lambda p: ta.KC(p.high, p.low, p.close, 20, 10, 2)[0],
    "keltner_middle_20": lambda p: ta.KC(p.high, p.low, p.close, 20, 10, 2)[1],
    "keltner_lower_20_10": lambda p: ta.KC(p.high, p.low, p.close, 20, 10, 2)[2],
    "trange": lambda p: ta.TRANGE(p.high, p.low, p.close),
    "ta_atr_14": lambda p: ta.ATR(p.high, p.low, p.close, 14),
    "natr_14": lambda p: ta.NATR(p.high, p.low, p.close, 14),
    "adr_14": lambda p: ta.ADR(p.high, p.low, 14),
    "chaikin_volatility_10": lambda p: ta.CVI(p.high, p.low, 10, 10),
    "mass_index_9_25": lambda p: ta.MASSI(p.high, p.low, 9, 25),
    "relative_volatility_14_10": lambda p: ta.RVI(p.close, 14, 10),
    "ad": lambda p: ta.AD(p.high, p.low, p.close, p.volume),
    "adosc_3_10": lambda p: ta.ADOSC(p.high, p.low, p.close, p.volume, 3, 10),
    "obv": lambda p: ta.OBV(p.close, p.volume),
    "mfi_14": lambda p: ta.MFI(p.high, p.low, p.close, p.volume, 14),
    "cmf_20": lambda p: ta.CMF(p.high, p.low, p.close, p.volume, 20),
    "force_index_13": lambda p: ta.EFI(p.close, p.volume, 13),
    "pvt": lambda p: ta.PVT(p.close, p.volume),
    "nvi": lambda p: ta.NVI(p.close, p.volume),
    "pvi": lambda p: ta.PVI(p.close, p.volume),
    "wad": lambda p: ta.WAD(p.high, p.low, p.close),
    "pvo_12_26": lambda p: ta.PVO(p.volume, 12, 26, 1),
    "rvol_20": lambda p: ta.RVOL(p.volume, 20),
    "vroc_12": lambda p: ta.ROC(p.volume, 12),
    "marketfi": lambda p: ta.MARKETFI(p.high, p.low, p.volume),
    "beta_5": lambda p: ta.BETA(p.high, p.low, 5),
    "correl_30": lambda p: ta.CORREL(p.high, p.low, 30),
    "linearreg_14": lambda p: ta.LINEARREG(p.close, 14),
    "linearreg_slope_14": lambda p: ta.LINEARREG_SLOPE(p.close, 14),
    "linearreg_intercept_14": lambda p: ta.LINEARREG_INTERCEPT(p.close, 14),
    "tsf_14": lambda p: ta.TSF(p.close, 14),
    "forecast_oscillator_5": lambda p: ta.FOSC(p.close, 5),
    "stddev_5": lambda p: ta.STDDEV(p.close, 5, 1),
    "var_5": lambda p: ta.VAR(p.close, 5, 1),
    "avgdev_14": lambda p: ta.AVGDEV(p.close, 14),
    "percentrank_100": lambda p: ta.PERCENTRANK(p.close, 100),
    "ta_rsi_14": lambda p: ta.RSI(p.close, 14),
    "cmo_14": lambda p: ta.CMO(p.close, 14),
    "cmou_14": lambda p: ta.CMOU(p.close, 14),
    "imi_14": lambda p: ta.IMI(p.open, p.close, 14),
    "stoch_k_5_3": lambda p: ta.STOCH(p.high, p.low, p.close, 5, 3, 0, 3, 0)[0],
    "stoch_d_5_3_3": lambda p: ta.STOCH(p.high, p.low, p.close, 5, 3, 0, 3, 0)[1],
    "stochf_k_5": lambda p: ta.STOCHF(p.high, p.low, p.close, 5, 3, 0)[0],
    "stochf_d_5_3": lambda p: ta.STOCHF(p.high, p.low, p.close, 5, 3, 0)[1],
    "stochrsi_k_14_5": lambda p: ta.STOCHRSI(p.close, 14, 5, 3, 0)[0],
    "stochrsi_d_14_5_3": lambda p: ta.STOCHRSI(p.close, 14, 5, 3, 0)[1],
    "kdj_k_9_3": lambda p: ta.KDJ(p.high, p.low, p.close, 9, 3, 13, 3, 13)[0],
    "kdj_d_9_3_3": lambda p: ta.KDJ(p.high, p.low, p.close, 9, 3, 13, 3, 13)[1],
    "kdj_j_9_3_3": lambda p: ta.KDJ(p.high, p.low, p.close, 9, 3, 13, 3, 13)[2],
    "willr_14": lambda p: ta.WILLR(p.high, p.low, p.close, 14),
    "ultosc_7_14_28": lambda p: ta.ULTOSC(p.high, p.low, p.close, 7, 14, 28),
    "cci_14": lambda p: ta.CCI(p.high, p.low, p.close, 14),
    "bop": lambda p: ta.BOP(p.open, p.high, p.low, p.close),
    "mom_10": lambda p: ta.MOM(p.close, 10),
    "roc_10": lambda p: ta.ROC(p.close, 10),
    "rocp_10": lambda p: ta.ROCP(p.close, 10),
    "rocr_10": lambda p: ta.ROCR(p.close, 10),
    "rocr100_10": lambda p: ta.ROCR100(p.close, 10),
    "tsi_25_13": lambda p: ta.TSI(p.close, 25, 13),
    "smi_13_2_25": lambda p: ta.SMI(p.high, p.low, p.close, 13, 2, 25, 9)[0],
    "smi_signal_13_2_25_9": lambda p: ta.SMI(p.high, p.low, p.close, 13, 2, 25, 9)[1],
    "ao_5_34": lambda p: ta.AO(p.high, p.low, 5, 34),
    "ac_5_34_5": lambda p: ta.AC(p.high, p.low, 5, 34, 5),
    "eri_bull_13": lambda p: ta.ERI(p.high, p.low, p.close, 13)[0],
    "eri_bear_13": lambda p: ta.ERI(p.high, p.low, p.close, 13)[1],
    "qstick_10": lambda p: ta.QSTICK(p.open, p.close, 10),
    "dpo_20": lambda p: ta.DPO(p.close, 20),
}


def tied(x: pd.Series, n: int, side: int) -> pd.Series:
    """Where the largest (side 1) or smallest (side -1) of ``n`` rows stands there more than once."""
    return (side * x).rolling(n).apply(lambda rows: float((rows == rows.max()).sum() > 1), raw=True) == 1


# rows where ours differs on purpose, as the sentence of the feature says
DIFFERS: dict[str, Callable[[Any], Any]] = {
    "aroon_up_14": lambda p: tied(p.high, 15, 1),
    "aroon_down_14": lambda p: tied(p.low, 15, -1),
    "aroonosc_14": lambda p: tied(p.high, 15, 1) | tied(p.low, 15, -1),
    "percentrank_100": lambda p: (
        p.close.rolling(101).apply(lambda rows: float((rows[:-1] == rows[-1]).any()), raw=True) == 1
    ),
    "rvol_20": lambda p: p.volume.rolling(20).sum().shift() == 0,
    "vroc_12": lambda p: p.volume.shift(12) == 0,
    "marketfi": lambda p: p.volume == 0,
}


def log_return(p: pd.DataFrame) -> pd.Series:
    return np.log(p.close).diff()


def kst(p: pd.DataFrame) -> pd.Series:
    parts = ((10, 10, 1), (15, 10, 2), (20, 10, 3), (30, 15, 4))
    return sum(weight * (100 * p.close.pct_change(n)).rolling(m).mean() for n, m, weight in parts)


def vigor(p: pd.DataFrame) -> pd.Series:
    return bell(p.close - p.open).rolling(10).sum() / bell(p.high - p.low).rolling(10).sum()


def bell(x: pd.Series) -> pd.Series:
    return x.rolling(4).apply(lambda rows: rows @ np.array([1, 2, 2, 1]) / 6, raw=True)


def middle(p: pd.DataFrame, n: int) -> pd.Series:
    return (p.high.rolling(n).max() + p.low.rolling(n).min()) / 2


def true_range(p: pd.DataFrame) -> pd.Series:
    previous = p.close.shift()
    return np.maximum(p.high, previous) - np.minimum(p.low, previous) + 0 * previous


def vidya(p: pd.DataFrame) -> np.ndarray:
    close, out = p.close.to_numpy(), np.full(len(p), np.nan)
    before = close[8]
    for row in range(9, len(close)):
        moves = np.diff(close[row - 9 : row + 1])
        before += 2 / 13 * abs(moves.sum()) / abs(moves).sum() * (close[row] - before)
        out[row] = before
    return out


def rogers_satchell(p: pd.DataFrame) -> pd.Series:
    up, down, body = np.log(p.high / p.open), np.log(p.low / p.open), np.log(p.close / p.open)
    return (up * (up - body) + down * (down - body)).rolling(20).mean()


def yang_zhang(p: pd.DataFrame) -> pd.Series:
    k = 0.34 / (1.34 + 21 / 19)
    night, body = np.log(p.open / p.close.shift()).rolling(20).var(), np.log(p.close / p.open).rolling(20).var()
    return np.sqrt(252 * (night + k * body + (1 - k) * rogers_satchell(p)))


def sums(x: pd.Series, n: int) -> pd.Series:
    return x.rolling(n).sum()


def deviation(p: pd.DataFrame, n: int) -> pd.Series:
    return p.close.rolling(n).std(ddof=0)


def pct_b(p: pd.DataFrame, n: int) -> pd.Series:
    return (p.close - p.close.rolling(n).mean()) / (4 * deviation(p, n)) + 0.5


def up_and_down(p: pd.DataFrame, amount: pd.Series, n: int) -> tuple[pd.Series, pd.Series]:
    move = p.close.diff()
    return sums(amount.where(move > 0, 0).where(move.notna()), n), sums(
        amount.where(move < 0, 0).where(move.notna()), n
    )


def share(up: pd.Series, down: pd.Series) -> pd.Series:
    return 100 * up / (up + down)


def session_days(p: pd.DataFrame, side: int) -> pd.Series:
    is_one = (side * p.close.pct_change() >= 0.002) & (p.volume.diff() > 0)
    return is_one.astype(float).where(p.close.shift().notna()).rolling(25).sum()


def volume_surprise(p: pd.DataFrame) -> pd.Series:
    volume = np.log(p.volume.where(p.volume > 0))
    centre = volume.rolling(60, min_periods=40).median()
    spread = (volume - centre).abs().rolling(60, min_periods=40).median()
    return (volume - centre.shift()) / (1.4826 * spread.shift())


# what TA-Lib has not, written from the sources once more
PANDAS: dict[str, Callable[[Any], Any]] = {
    "pivot": lambda p: (p.high + p.low + p.close).shift() / 3,
    "pivot_r1": lambda p: ((2 * p.high - p.low + 2 * p.close) / 3).shift(),
    "pivot_s1": lambda p: ((2 * p.low - p.high + 2 * p.close) / 3).shift(),
    "vidya_12_9": vidya,
    "vwap_20": lambda p: sums(p.value, 20) / sums(p.volume, 20),
    "vwap_typical_20": lambda p: sums((p.high + p.low + p.close) * p.volume, 20) / sums(3 * p.volume, 20),
    "alligator_jaw_13": lambda p: ta.RMA((p.high + p.low) / 2, 13),
    "alligator_teeth_8": lambda p: ta.RMA((p.high + p.low) / 2, 8),
    "alligator_lips_5": lambda p: ta.RMA((p.high + p.low) / 2, 5),
    "ichimoku_conversion_9": lambda p: middle(p, 9),
    "ichimoku_base_26": lambda p: middle(p, 26),
    "ichimoku_span_a_9_26": lambda p: (middle(p, 9) + middle(p, 26)) / 2,
    "ichimoku_span_b_52": lambda p: middle(p, 52),
    "kst": kst,
    "kst_signal_9": lambda p: kst(p).rolling(9).mean(),
    "sonar_20_9": lambda p: ta.EMA(p.close, 20).diff(9),
    "sonar_signal_20_9_9": lambda p: ta.EMA(ta.EMA(p.close, 20).diff(9), 9),
    "bbands_pct_b_5": lambda p: pct_b(p, 5),
    "bbands_pct_b_20": lambda p: pct_b(p, 20),
    "bbands_width_20": lambda p: 4 * deviation(p, 20) / p.close.rolling(20).mean(),
    "envelope_upper_20": lambda p: 1.06 * p.close.rolling(20).mean(),
    "envelope_lower_20": lambda p: 0.94 * p.close.rolling(20).mean(),
    "chandelier_long_22": lambda p: p.high.rolling(22).max() - 3 * ta.ATR(p.high, p.low, p.close, 22),
    "chandelier_short_22": lambda p: p.low.rolling(22).min() + 3 * ta.ATR(p.high, p.low, p.close, 22),
    "disparity_5": lambda p: 100 * p.close / p.close.rolling(5).mean(),
    "disparity_20": lambda p: 100 * p.close / p.close.rolling(20).mean(),
    "disparity_60": lambda p: 100 * p.close / p.close.rolling(60).mean(),
    "historical_volatility_20": lambda p: log_return(p).rolling(20).std() * 252**0.5,
    "historical_volatility_60": lambda p: log_return(p).rolling(60).std() * 252**0.5,
    "parkinson_20": lambda p: np.sqrt(252 * (np.log(p.high / p.low) ** 2).rolling(20).mean() / np.log(16)),
    "garman_klass_20": lambda p: np.sqrt(
        252 * (np.log(p.high / p.low) ** 2 / 2 - (np.log(4) - 1) * np.log(p.close / p.open) ** 2).rolling(20).mean()
    ),
    "rogers_satchell_20": lambda p: np.sqrt(252 * rogers_satchell(p)),
    "yang_zhang_20": yang_zhang,
    "choppiness_14": lambda p: (
        100 * np.log10(sums(true_range(p), 14) / (p.high.rolling(14).max() - p.low.rolling(14).min())) / np.log10(14)
    ),
    "ulcer_index_14": lambda p: 100 * np.sqrt(((p.close / p.close.rolling(14).max() - 1) ** 2).rolling(14).mean()),
    "range_ratio_5_20": lambda p: true_range(p).rolling(5).mean() / true_range(p).rolling(20).mean(),
    "gap_1": lambda p: 100 * (p.open / p.close.shift() - 1),
    "ease_of_movement_14": lambda p: (
        ((p.high + p.low).diff() / 2 * (p.high - p.low) / p.volume * 1e8).rolling(14).mean()
    ),
    "pvo_signal_12_26_9": lambda p: ta.EMA(ta.PVO(p.volume, 12, 26, 1), 9),
    "vr_20": lambda p: 100 * np.divide(*up_and_down(p, p.volume, 20)),
    "accumulation_days_25": lambda p: session_days(p, 1),
    "distribution_days_25": lambda p: session_days(p, -1),
    "volume_surprise_60": volume_surprise,
    "zscore_20": lambda p: (p.close - p.close.rolling(20).mean()) / deviation(p, 20),
    "autocorr_1_20": lambda p: p.close.pct_change().rolling(20).corr(p.close.pct_change().shift()),
    "return_skew_20": lambda p: p.close.pct_change().rolling(20).skew(),
    "return_kurt_20": lambda p: p.close.pct_change().rolling(20).kurt(),
    "high_distance_252": lambda p: p.close / p.high.rolling(252).max() - 1,
    "low_distance_252": lambda p: p.close / p.low.rolling(252).min() - 1,
    "cutler_rsi_14": lambda p: share(*up_and_down(p, p.close.diff().abs(), 14)),
    "vigor_10": vigor,
    "vigor_signal_10": lambda p: bell(vigor(p)),
    "demarker_14": lambda p: (
        share(sums(p.high.diff().clip(lower=0), 14), sums((-p.low.diff()).clip(lower=0), 14)) / 100
    ),
    "psychological_12": lambda p: up_and_down(p, 0 * p.close + 1, 12)[0] / 12 * 100,
    "ar_26": lambda p: 100 * sums(p.high - p.open, 26) / sums(p.open - p.low, 26),
    "br_26": lambda p: (
        100 * sums((p.high - p.close.shift()).clip(lower=0), 26) / sums((p.close.shift() - p.low).clip(lower=0), 26)
    ),
}


def random_walk(rows: int = 400, seed: int = 5) -> pd.DataFrame:
    """Prices without two equal ones, every session traded."""
    rng = np.random.default_rng(seed)
    close = 1e4 * np.exp(np.cumsum(rng.normal(0, 0.02, rows)))
    high, low = close * (1 + rng.random(rows) / 30), close * (1 - rng.random(rows) / 30)
    volume = np.floor(rng.random(rows) * 1e6) + 1
    opened = low + (high - low) * rng.random(rows)
    prices = {"open": opened, "high": high, "low": low, "close": close}
    return pd.DataFrame(prices | {"volume": volume, "value": volume * close})


def with_still_stretches(rows: int = 400) -> pd.DataFrame:
    """Whole prices; one stretch at the start and one later on which every price is the same and nothing is traded."""
    prices = random_walk(rows, seed=6).round()
    for still in (slice(0, 45), slice(150, 210)):
        prices.iloc[still, :4] = prices.close.iloc[still.start]
        prices.iloc[still, 4:] = 0.0
    return prices


def found(prices: pd.DataFrame) -> dict[str, np.ndarray]:
    columns = {name: prices[name].to_numpy() for name in prices}
    return PROGRAM.run(columns, np.array([0, len(prices)])).values


WALK, STILL = random_walk(), with_still_stretches()
ON_WALK, ON_STILL = found(WALK), found(STILL)


def error(ours: np.ndarray, theirs: np.ndarray) -> float:
    """Largest distance, relative to the size of the values."""
    return float(np.nanmax(np.abs(ours - theirs)) / max(1.0, np.nanmax(np.abs(theirs))))


@pytest.mark.parametrize("name", TALIB)
def test_agrees_with_talib(name: str) -> None:
    theirs = np.asarray(TALIB[name](WALK))
    np.testing.assert_array_equal(np.isnan(ON_WALK[name]), np.isnan(theirs))
    assert error(ON_WALK[name], theirs) <= 1e-9


@pytest.mark.parametrize("name", TALIB)
def test_agrees_with_talib_where_prices_stand_still(name: str) -> None:
    theirs, kept = np.asarray(TALIB[name](STILL)), np.full(len(STILL), True)
    if name in DIFFERS:
        kept = ~np.asarray(DIFFERS[name](STILL))
        assert not kept.all() and kept.sum() > 200
    np.testing.assert_array_equal(np.isnan(ON_STILL[name])[kept], np.isnan(theirs)[kept])
    assert error(ON_STILL[name][kept], theirs[kept]) <= 1e-9


@pytest.mark.parametrize("name", PANDAS)
def test_agrees_with_the_source_written_in_pandas(name: str) -> None:
    theirs = np.asarray(PANDAS[name](WALK))
    np.testing.assert_array_equal(np.isnan(ON_WALK[name]), np.isnan(theirs))
    assert error(ON_WALK[name], theirs) <= 1e-9


def test_every_indicator_is_held_against_something() -> None:
    assert len(FEATURES) >= 120
    assert set(TALIB) | set(PANDAS) == set(FEATURES)
    assert not set(TALIB) & set(PANDAS)


def test_no_name_is_taken_twice() -> None:
    assert not FEATURES.keys() & catalogue().keys()  # that two files have no name in common, merged() sees to


@pytest.mark.parametrize("name", FEATURES)
def test_is_documented_by_one_sentence_and_a_formula_that_reads_back(name: str) -> None:
    feature = FEATURES[name]
    assert feature.doc.count(". ") == 0 and feature.doc.endswith(".") and feature.doc[0].isupper()
    assert parse(feature.formula) == feature.expr


def test_a_halt_hides_no_later_session_for_good() -> None:
    halted = WALK.copy()
    halted.loc[100:104, ["open", "high", "low"]] = np.nan
    halted.loc[100:104, ["volume", "value"]] = 0.0
    halted.loc[100:104, "close"] = halted.close[99]
    values = found(halted)
    assert [name for name in FEATURES if np.isnan(values[name][-1])] == []


@EXAMPLES
@given(data=st.data())
def test_values_stay_within_their_bounds(markets: Any, data: st.DataObject) -> None:
    market = data.draw(markets)
    for name, values in PROGRAM.run(market.columns, market.offsets).values.items():
        assert not np.isinf(values).any(), name
        low, high = FEATURES[name].low, FEATURES[name].high
        assert low is None or not (values < low).any(), name
        assert high is None or not (values > high).any(), name


@pytest.mark.parametrize("values", [pytest.param(ON_WALK, id="walk"), pytest.param(ON_STILL, id="still")])
def test_long_histories_stay_within_their_bounds(values: dict[str, np.ndarray]) -> None:
    for name, feature in FEATURES.items():
        assert feature.low is None or np.nanmin(values[name]) >= feature.low, name
        assert feature.high is None or np.nanmax(values[name]) <= feature.high, name


@pytest.mark.parametrize("rows", [1, 27, 150, 399])
def test_new_rows_resumed_from_state_have_the_bits_of_the_whole(rows: int) -> None:
    columns = {name: WALK[name].to_numpy() for name in WALK}
    old = PROGRAM.run({name: column[:rows] for name, column in columns.items()}, np.array([0, rows]))
    context = min(rows, PROGRAM.lookback)
    new = {name: column[rows - context :] for name, column in columns.items()}
    resumed = PROGRAM.run(new, np.array([0, len(WALK) - rows + context]), old.state[-1:], np.array([context]))
    for name, whole in ON_WALK.items():
        np.testing.assert_array_equal(np.append(old.values[name], resumed.values[name]), whole, err_msg=name)
