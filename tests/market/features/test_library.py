"""The features themselves: against loops written from the sources, their bounds, and their freedom from the currency."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market.features.catalogue import catalogue
from market.features.sections import compile_features

EXAMPLES = settings(max_examples=40, deadline=None)  # the first example also compiles the kernels

NAN = float("nan")
FEATURES = catalogue()
PROGRAM = compile_features(list(FEATURES.values()))
IN_OWN_CURRENCY = {"turnover_value_20", "amihud_20"}


def random_walk(rows: int = 120, seed: int = 11) -> pd.DataFrame:
    """Every column that a feature may read, but the headlines."""
    rng = np.random.default_rng(seed)
    close = 1e4 * np.exp(np.cumsum(rng.normal(0, 0.02, rows)))
    high, low = close * (1 + rng.random(rows) / 30), close * (1 - rng.random(rows) / 30)
    volume = np.floor(rng.random(rows) * 1e6) + 1
    opened = low + (high - low) * rng.random(rows)
    prices = {"open": opened, "high": high, "low": low, "close": close}
    return pd.DataFrame(prices | {"volume": volume, "value": volume * close, "market_cap": close * 1e6})


def smoothed(values: np.ndarray, n: int, alpha: float) -> np.ndarray:
    """Seed with the mean of the first n known values, then move by alpha; written apart from the kernels."""
    out = np.full(len(values), NAN)
    known = np.flatnonzero(~np.isnan(values))
    if len(known) >= n:
        out[known[n - 1]] = np.mean(values[known[:n]])
        for before, row in zip(known[n - 1 :], known[n:], strict=False):
            out[row] = alpha * values[row] + (1 - alpha) * out[before]
    return out


def test_rsi_worked_by_hand(evaluate: Callable[..., Any]) -> None:
    # fourteen moves: +2 seven times, -1 seven times: means 14/14 = 1 and 7/14 = 0.5, so 100 * 1 / 1.5
    # then +3: gain (1 * 13 + 3) / 14 = 16/14, loss 0.5 * 13 / 14 = 6.5/14, so 100 * 16 / 22.5
    close = 100 + np.cumsum([0.0] + [2.0, -1.0] * 7 + [3.0])
    found = evaluate(FEATURES["rsi_14"].expr, close=close)
    assert np.isnan(found[:14]).all()
    np.testing.assert_allclose(found[14:], [100 / 1.5, 100 * 16 / 22.5], rtol=1e-14)


@pytest.mark.parametrize(
    ("step", "expected"),
    [pytest.param(1, 100, id="only gains"), pytest.param(0, 50, id="no move"), pytest.param(-1, 0, id="only losses")],
)
def test_rsi_at_its_ends(evaluate: Callable[..., Any], step: int, expected: int) -> None:
    assert evaluate(FEATURES["rsi_14"].expr, close=100 + step * np.arange(30))[-1] == expected


def test_recursive_features_agree_with_loops_from_the_sources(evaluate: Callable[..., Any]) -> None:
    frame = random_walk()
    close, previous = frame.close.to_numpy(), frame.close.shift().to_numpy()
    line = smoothed(close, 12, 2 / 13) - smoothed(close, 26, 2 / 27)
    signal = smoothed(line, 9, 2 / 10)
    move = close - previous
    gain, loss = (smoothed(np.where(np.isnan(move), NAN, np.maximum(side * move, 0)), 14, 1 / 14) for side in (1, -1))
    ranges = np.max([frame.high - frame.low, abs(frame.high - previous), abs(frame.low - previous)], axis=0)
    expected = {
        "macd": line / close,
        "macd_signal": signal / close,
        "macd_hist": (line - signal) / close,
        "rsi_14": 100 - 100 / (1 + gain / loss),
        "atr_14": smoothed(ranges, 14, 1 / 14) / close,
    }
    columns = {name: frame[name].to_numpy() for name in frame} | {"n_headlines": np.zeros(len(frame))}
    found = PROGRAM.run(columns, np.array([0, len(frame)])).values
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, rtol=1e-9, atol=1e-12, err_msg=name)


def test_windowed_features_agree_with_pandas() -> None:
    frame = random_walk()
    close, volume = frame.close, frame.volume
    middle, spread = close.rolling(20).mean(), close.rolling(20).std(ddof=0)
    lowest, highest = frame.low.rolling(20).min(), frame.high.rolling(20).max()
    expected = {
        "return_1d": close.pct_change(),
        "return_5d": close.pct_change(5),
        "momentum_20": close.pct_change(20),
        "momentum_60": close.pct_change(60),
        "volatility_20": np.log(close).diff().rolling(20).std() * math.sqrt(252),
        "bollinger_pct_b": (close - (middle - 2 * spread)) / (4 * spread),
        "bollinger_width": 4 * spread / middle,
        "range_position_20": (close - lowest) / (highest - lowest),
        "volume_ratio_5_20": volume.rolling(5).mean() / volume.rolling(20).mean(),
        "turnover_value_20": np.log(frame.value.rolling(20).mean()),
        "amihud_20": 1e6 * (close.pct_change().abs() / frame.value).rolling(20).mean(),
        "headlines_5d": pd.Series(np.where(np.arange(120) < 4, NAN, 10.0)),
    }
    columns = {name: frame[name].to_numpy() for name in frame} | {"n_headlines": np.full(120, 2.0)}
    found = PROGRAM.run(columns, np.array([0, 120])).values
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, rtol=1e-9, atol=1e-12, err_msg=name)


@EXAMPLES
@given(data=st.data())
def test_values_stay_within_their_bounds(markets: Any, data: st.DataObject) -> None:
    market = data.draw(markets)
    found = PROGRAM.run(market.columns, market.offsets).values
    for name, values in found.items():
        assert not np.isinf(values).any(), name
        low, high = FEATURES[name].low, FEATURES[name].high
        assert low is None or not (values < low).any(), name
        assert high is None or not (values > high).any(), name


@EXAMPLES
@given(data=st.data(), rate=st.floats(1e-4, 1e4))
def test_does_not_depend_on_the_currency(markets: Any, data: st.DataObject, rate: float) -> None:
    market = data.draw(markets)
    money = {name: market.columns[name] * rate for name in ("open", "high", "low", "close", "value", "market_cap")}
    before = PROGRAM.run(market.columns, market.offsets).values
    after = PROGRAM.run(market.columns | money, market.offsets).values
    for name in set(PROGRAM.names) - IN_OWN_CURRENCY:
        np.testing.assert_allclose(after[name], before[name], rtol=1e-7, atol=1e-9, err_msg=name)
    np.testing.assert_allclose(
        after["turnover_value_20"], before["turnover_value_20"] + np.log(rate), rtol=1e-9, atol=1e-9
    )
    np.testing.assert_allclose(after["amihud_20"], before["amihud_20"] / rate, rtol=1e-9)


def test_uncovered_news_is_not_zero_news(evaluate: Callable[..., Any]) -> None:
    found = evaluate(FEATURES["headlines_5d"].expr, n_headlines=[1, 0, 0, 0, 2, 3, NAN, 0, 0, 0, 0, 1])
    np.testing.assert_array_equal(found, [NAN, NAN, NAN, NAN, 3, 5, NAN, NAN, NAN, NAN, NAN, 1])


def test_a_stock_that_never_moves_has_no_place_in_its_bands(evaluate: Callable[..., Any]) -> None:
    close = np.full(30, 12_345.6)
    assert np.isnan(evaluate(FEATURES["bollinger_pct_b"].expr, close=close)).all()
    assert evaluate(FEATURES["bollinger_width"].expr, close=close)[-1] == 0.0


def test_a_halt_is_passed_over_by_the_average_true_range(evaluate: Callable[..., Any]) -> None:
    frame = random_walk(60)
    halted = frame.copy()
    halted.loc[30:34, ["high", "low"]] = NAN
    found = evaluate(FEATURES["atr_14"].expr, high=halted.high, low=halted.low, close=halted.close)
    assert np.isnan(found[30:35]).all()
    assert not np.isnan(found[35:]).any()
