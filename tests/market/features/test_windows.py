"""Window statistics: worked by hand, against pandas, and where float arithmetic is cruel."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from market.features import algebra as al

EXAMPLES = settings(max_examples=40, deadline=None)  # the first example also compiles the kernels

NAN = float("nan")
CLOSE, OTHER = al.col("close"), al.col("other")
PRICES = arrays(float, st.integers(0, 40), elements=st.one_of(st.floats(1, 1e6), st.just(NAN)))


@pytest.mark.parametrize(
    ("expr", "expected"),
    [
        pytest.param(al.ref(CLOSE, 2), [NAN, NAN, 2, 4, 9], id="ref: two rows ago"),
        pytest.param(al.delta(CLOSE, 1), [NAN, 2, 5, -1, -5], id="delta: 4-2, 9-4, 8-9, 3-8"),
        pytest.param(al.mean(CLOSE, 3), [NAN, NAN, 5, 7, 20 / 3], id="mean: 15/3, 21/3, 20/3"),
        pytest.param(al.sum_(CLOSE, 3), [NAN, NAN, 15, 21, 20], id="sum: 2+4+9, 4+9+8, 9+8+3"),
        # (2,4,9): mean 5, 9+1+16 = 26, 26/2 = 13; (4,9,8): mean 7, 9+4+1 = 14, 7; (9,8,3): 20/3, 62/3, 31/3
        pytest.param(al.std(CLOSE, 3), [NAN, NAN, 13**0.5, 7**0.5, (31 / 3) ** 0.5], id="std: divisor n - 1"),
        pytest.param(al.min_(CLOSE, 3), [NAN, NAN, 2, 4, 3], id="min"),
        pytest.param(al.max_(CLOSE, 3), [NAN, NAN, 9, 9, 9], id="max"),
        pytest.param(al.rank_(CLOSE, 3), [NAN, NAN, 1, 2 / 3, 1 / 3], id="rank: 3rd, 2nd, 1st of 3"),
        # against -1, 0, 1: (9 - 2) / 2, (8 - 4) / 2, (3 - 9) / 2
        pytest.param(al.slope(CLOSE, 3), [NAN, NAN, 3.5, 2, -3], id="slope"),
        # other is 1, 2, 3, 5, 4. Deviations (-3,-1,4) (-1,0,1): 7 / sqrt(26 * 2); (-3,2,1) (-4/3,-1/3,5/3): 5 / sqrt(14 * 14/3);
        # (7/3,4/3,-11/3) (-1,1,0): -1 / sqrt(62/3 * 2)
        pytest.param(
            al.corr(CLOSE, OTHER, 3),
            [NAN, NAN, 7 / 52**0.5, 5 / (14 * 14 / 3) ** 0.5, -1 / (62 / 3 * 2) ** 0.5],
            id="corr",
        ),
    ],
)
def test_worked_by_hand(evaluate: Callable[..., Any], expr: al.Expr, expected: list[float]) -> None:
    found = evaluate(expr, close=[2, 4, 9, 8, 3], other=[1, 2, 3, 5, 4])
    np.testing.assert_allclose(found, expected, rtol=1e-14)


def test_a_missing_value_is_felt_for_as_long_as_the_window_holds_it(evaluate: Callable[..., Any]) -> None:
    close = [1, 2, NAN, 4, 5, 6, 7]
    for expr in (al.mean(CLOSE, 3), al.sum_(CLOSE, 3), al.std(CLOSE, 3), al.min_(CLOSE, 3), al.max_(CLOSE, 3)):
        assert np.isnan(evaluate(expr, close=close)).tolist() == [True] * 5 + [False] * 2
    assert np.isnan(evaluate(al.delta(CLOSE, 1), close=close)).tolist() == [True, False, True, True] + [False] * 3


def test_ties_share_the_mean_rank(evaluate: Callable[..., Any]) -> None:
    assert evaluate(al.rank_(CLOSE, 4), close=[5, 5, 1, 5])[-1] == 0.75  # ranks 2, 3, 4 of 4: mean 3


@EXAMPLES
@given(close=PRICES, n=st.integers(2, 8))
def test_agrees_with_pandas(evaluate: Callable[..., Any], close: np.ndarray, n: int) -> None:
    whole = pd.Series(close).rolling(n)
    # worst relative error pandas' own running sums may have had; ours is held against numpy below
    scale = np.nan_to_num(np.abs(close)).max(initial=1.0)
    expected = {
        al.mean(CLOSE, n): whole.mean(),
        al.sum_(CLOSE, n): whole.sum(),
        al.min_(CLOSE, n): whole.min(),
        al.max_(CLOSE, n): whole.max(),
        al.rank_(CLOSE, n): whole.rank(pct=True),
        al.ref(CLOSE, n): pd.Series(close).shift(n),
        al.delta(CLOSE, n): pd.Series(close).diff(n),
    }
    for expr, oracle in expected.items():
        found = evaluate(expr, close=close)
        np.testing.assert_allclose(found, oracle, rtol=1e-9, atol=1e-9 * scale, err_msg=str(expr))


@EXAMPLES
@given(close=PRICES, n=st.integers(2, 8))
def test_spread_and_slope_agree_with_numpy(evaluate: Callable[..., Any], close: np.ndarray, n: int) -> None:
    deviation, trend = np.full(len(close), NAN), np.full(len(close), NAN)
    for row in range(n - 1, len(close)):
        window = close[row - n + 1 : row + 1]
        if not np.isnan(window).any():
            deviation[row] = np.std(window, ddof=1)
            trend[row] = np.polyfit(np.arange(n), window, 1)[0]
    np.testing.assert_allclose(evaluate(al.std(CLOSE, n), close=close), deviation, rtol=1e-9, atol=1e-8)
    np.testing.assert_allclose(evaluate(al.slope(CLOSE, n), close=close), trend, rtol=1e-7, atol=1e-7)


def test_std_and_corr_agree_with_pandas_on_a_random_walk(evaluate: Callable[..., Any]) -> None:
    rng = np.random.default_rng(7)
    close = 1e4 * np.exp(np.cumsum(rng.normal(0, 0.02, 500)))
    other = np.log(1 + np.floor(rng.random(500) * 1e6))
    frame = pd.DataFrame({"close": close, "other": other})
    std = evaluate(al.std(CLOSE, 20), close=close)
    corr = evaluate(al.corr(CLOSE, OTHER, 20), close=close, other=other)
    np.testing.assert_allclose(std, frame.close.rolling(20).std(), rtol=1e-9)
    np.testing.assert_allclose(corr, frame.close.rolling(20).corr(frame.other), rtol=1e-9, atol=1e-9)


@EXAMPLES
@given(close=PRICES, other=PRICES, n=st.integers(2, 8))
def test_correlation_stays_within_one(
    evaluate: Callable[..., Any], close: np.ndarray, other: np.ndarray, n: int
) -> None:
    rows = min(len(close), len(other))
    found = evaluate(al.corr(CLOSE, OTHER, n), close=close[:rows], other=other[:rows])
    assert np.nanmax(np.abs(found), initial=0.0) <= 1.0


@EXAMPLES
@given(price=st.floats(1e-3, 1e9), n=st.integers(2, 30))
def test_a_constant_price_has_exactly_no_spread(evaluate: Callable[..., Any], price: float, n: int) -> None:
    close = np.full(40, price)
    assert evaluate(al.mean(CLOSE, n), close=close)[-1] == price
    assert evaluate(al.std(CLOSE, n), close=close)[-1] == 0.0
    assert np.isnan(evaluate(al.corr(CLOSE, OTHER, n), close=close, other=np.arange(40))[-1])


def test_small_moves_on_a_high_price_keep_their_precision(evaluate: Callable[..., Any]) -> None:
    # one running sum over this series is off by more than the deviation itself
    close = np.concatenate((np.full(50, 1e12), 1e9 + np.array([0.0, 0.001, 0.002, 0.003, 0.004])))
    expected = np.std(close[-5:] - 1e9, ddof=1)
    np.testing.assert_allclose(evaluate(al.std(CLOSE, 5), close=close)[-1], expected, rtol=1e-9)
