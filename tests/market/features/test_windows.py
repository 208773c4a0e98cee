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
        # (2,4,9) (1,2,3): 3*1 + 1*0 + 4*1 = 7, half of it; (4,9,8) (2,3,5): means 7, 10/3; 4 - 2/3 + 5/3 = 5; (9,8,3) (3,5,4): -1
        pytest.param(al.cov(CLOSE, OTHER, 3), [NAN, NAN, 3.5, 2.5, -0.5], id="cov: divisor n - 1"),
        pytest.param(al.count(CLOSE, 3), [NAN, NAN, 3, 3, 3], id="count"),
        pytest.param(al.wma(CLOSE, 3), [NAN, NAN, 37 / 6, 46 / 6, 34 / 6], id="wma: (2 + 8 + 27) / 6, ..."),
        pytest.param(al.var(CLOSE, 3), [NAN, NAN, 13, 7, 31 / 3], id="var"),
        pytest.param(al.mad(CLOSE, 3), [NAN, NAN, 8 / 3, 2, 22 / 9], id="mad: (3 + 1 + 4) / 3, (3 + 2 + 1) / 3, ..."),
        pytest.param(al.argmin(CLOSE, 3), [NAN, NAN, 2, 2, 0], id="argmin: rows since 2, 4, 3"),
        pytest.param(al.argmax(CLOSE, 3), [NAN, NAN, 0, 1, 2], id="argmax: rows since 9"),
        pytest.param(al.median(CLOSE, 3), [NAN, NAN, 4, 8, 8], id="median"),
        pytest.param(al.quantile(CLOSE, 3, 0.25), [NAN, NAN, 3, 6, 5.5], id="quantile: half between the lower two"),
        # slopes 3.5, 2, -3 over (-1, 0, 1): explained 2 * slope^2 of 26, 14, 62 / 3
        pytest.param(al.rsquare(CLOSE, 3), [NAN, NAN, 24.5 / 26, 8 / 14, 54 / 62], id="rsquare"),
        pytest.param(al.residual(CLOSE, 3), [NAN, NAN, 0.5, -1, -2 / 3], id="residual: 9 - 8.5, 8 - 9, 3 - 11/3"),
        # third moments (-27 - 1 + 64) / 3, (-27 + 8 + 1) / 3, ...; sqrt(3 * 2) / 1 times those over (13, 7, 31/3 * 2/3)^1.5 * (2/3)^1.5
        pytest.param(
            al.skew(CLOSE, 3),
            [NAN, NAN, *(6**0.5 * m3 / 3 / (m2 / 3) ** 1.5 for m3, m2 in ((36, 26), (-18, 14), (-308 / 9, 62 / 3)))],
            id="skew",
        ),
        # the four 2, 4, 9, 8: mean 5.75, squares 32.75, fourth powers 344.328125; the four 4, 9, 8, 3: mean 6, 26, 194
        pytest.param(
            al.kurt(CLOSE, 4),
            [NAN, NAN, NAN, *(1.5 * (5 * (4 * m4 / m2**2 - 3) + 6) for m4, m2 in ((344.328125, 32.75), (194, 26)))],
            id="kurt",
        ),
        pytest.param(al.mean(CLOSE, 3, least=1), [2, 3, 5, 7, 20 / 3], id="mean of what there is"),
        pytest.param(
            al.std(CLOSE, 3, least=1), [NAN, 2**0.5, 13**0.5, 7**0.5, (31 / 3) ** 0.5], id="one row has no spread"
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
@given(close=PRICES, other=PRICES, n=st.integers(2, 8), least=st.integers(1, 8))
def test_agrees_with_pandas(
    evaluate: Callable[..., Any], close: np.ndarray, other: np.ndarray, n: int, least: int
) -> None:
    rows, least = min(len(close), len(other)), min(n, least)
    close, other = close[:rows], other[:rows]
    series = pd.Series(close, dtype=float)
    whole = series.rolling(n, min_periods=least)
    # worst relative error pandas' own running sums may have had; ours is held against numpy below
    scale = np.nan_to_num(np.abs(close)).max(initial=1.0)
    expected = {
        al.mean(CLOSE, n, least): whole.mean(),
        al.sum_(CLOSE, n, least): whole.sum(),
        al.count(CLOSE, n, least): whole.count().where(whole.count() >= least),
        al.min_(CLOSE, n, least): whole.min(),
        al.max_(CLOSE, n, least): whole.max(),
        al.rank_(CLOSE, n, least): whole.rank(pct=True),
        al.median(CLOSE, n, least): whole.median(),
        al.quantile(CLOSE, n, 0.3, least): whole.quantile(0.3),
        al.mad(CLOSE, n, least): whole.apply(lambda x: np.nanmean(np.abs(x - np.nanmean(x))), raw=True),
        al.ref(CLOSE, n): series.shift(n),
        al.delta(CLOSE, n): series.diff(n),
    }
    for expr, oracle in expected.items():
        found = evaluate(expr, close=close)
        np.testing.assert_allclose(found, oracle, rtol=1e-9, atol=1e-9 * scale, err_msg=str(expr))


@EXAMPLES
@given(close=PRICES, n=st.integers(1, 8), least=st.integers(1, 8))
def test_the_extremes_are_as_old_as_numpy_says(
    evaluate: Callable[..., Any], close: np.ndarray, n: int, least: int
) -> None:
    least = min(n, least)
    for expr, oracle in ((al.argmin(CLOSE, n, least), np.nanargmin), (al.argmax(CLOSE, n, least), np.nanargmax)):
        expected = np.full(len(close), NAN)
        for row in range(len(close)):
            window = close[max(0, row - n + 1) : row + 1]
            if np.isfinite(window).sum() >= least:
                expected[row] = len(window) - 1 - oracle(window)
        np.testing.assert_array_equal(evaluate(expr, close=close), expected)


@EXAMPLES
@given(close=PRICES, n=st.integers(4, 9), least=st.integers(1, 9), seed=st.integers(0, 9))
def test_moments_and_lines_agree_with_numpy_on_the_known_rows(
    evaluate: Callable[..., Any], close: np.ndarray, n: int, least: int, seed: int
) -> None:
    """Each window by itself, with the textbook's formula."""
    least = min(n, least)
    other = close * 0.3 + np.random.default_rng(seed).normal(0, np.nan_to_num(close).max(initial=1.0), len(close))
    found = {
        name: evaluate(al.call(name, (CLOSE,), n, least=least), close=close)
        for name in ("var", "skew", "kurt", "slope", "rsquare", "residual", "wma")
    } | {
        name: evaluate(al.call(name, (CLOSE, OTHER), n, least=least), close=close, other=other)
        for name in ("cov", "corr")
    }
    for row in range(len(close)):
        place = np.arange(max(0, row - n + 1), row + 1)
        place = place[np.isfinite(close[place])]
        x, y, m = close[place], other[place], len(place)
        flat = m == 0 or np.ptp(x) <= 1e-3 * np.abs(x).max()
        for name, fewest in (("wma", 1), ("var", 2), ("slope", 2), ("rsquare", 2), ("residual", 2), ("skew", 3), ("kurt", 4), ("cov", 2), ("corr", 2)):  # fmt: skip
            is_there = m >= max(least, fewest) and not (name == "residual" and np.isnan(close[row]))
            assert is_there or np.isnan(found[name][row]), name
            if is_there and not flat:
                oracle = _oracle(name, place, x, y, n, row)
                np.testing.assert_allclose(
                    found[name][row], oracle, rtol=1e-6, atol=1e-6 * np.abs(x).max(), err_msg=name
                )


def _oracle(name: str, place: np.ndarray, x: np.ndarray, y: np.ndarray, n: int, row: int) -> float:
    slope, intercept = np.polyfit(place - row, x, 1) if len(x) > 1 else (NAN, NAN)
    weights = place - row + n
    return {
        "wma": lambda: np.average(x, weights=weights),
        "var": lambda: np.var(x, ddof=1),
        "slope": lambda: slope,
        "rsquare": lambda: np.corrcoef(place, x)[0, 1] ** 2,
        "residual": lambda: x[-1] - intercept,
        "skew": lambda: pd.Series(x).skew(),
        "kurt": lambda: pd.Series(x).kurt(),
        "cov": lambda: np.cov(x, y)[0, 1],
        "corr": lambda: np.corrcoef(x, y)[0, 1],
    }[name]()


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
    for expr in (al.rsquare(CLOSE, n), al.skew(CLOSE, n + 1), al.kurt(CLOSE, n + 2)):
        assert np.isnan(evaluate(expr, close=close)[-1]), expr
    assert (evaluate(al.mad(CLOSE, n), close=close)[-1], evaluate(al.slope(CLOSE, n), close=close)[-1]) == (0.0, 0.0)


def test_small_moves_on_a_high_price_keep_their_precision(evaluate: Callable[..., Any]) -> None:
    # one running sum over this series is off by more than the deviation itself
    close = np.concatenate((np.full(50, 1e12), 1e9 + np.array([0.0, 0.001, 0.002, 0.003, 0.004])))
    expected = np.std(close[-5:] - 1e9, ddof=1)
    np.testing.assert_allclose(evaluate(al.std(CLOSE, 5), close=close)[-1], expected, rtol=1e-9)


def test_an_infinity_is_not_known(evaluate: Callable[..., Any]) -> None:
    close = [2.0, float("inf"), 3.0, -float("inf"), 5.0]
    gaps = [2.0, NAN, 3.0, NAN, 5.0]
    for name in ("mean", "sum", "median", "max", "argmax", "min", "argmin", "std", "rank", "slope", "count", "wma"):
        expr = al.call(name, (CLOSE,), 3, least=1)
        np.testing.assert_array_equal(evaluate(expr, close=close), evaluate(expr, close=gaps), err_msg=name)
    assert np.isnan(evaluate(al.argmax(CLOSE, 3), close=[-float("inf")] * 5)).all()
    for expr in (
        al.ema(CLOSE, 2),
        al.wilder(CLOSE, 2),
        al.wilder_sum(CLOSE, 2),
        al.cumsum(CLOSE),
        al.adaptive(CLOSE, 0.5 + 0 * CLOSE),
    ):
        found, expected = (evaluate(expr, close=[*begin, 6.0, 7.0]) for begin in (close, gaps))
        np.testing.assert_array_equal(found, expected, err_msg=str(expr))
        assert np.isfinite(found[-1]), f"{expr}: an infinity would stay in its state for ever"


def test_a_correlation_of_what_overflows_has_no_value(evaluate: Callable[..., Any]) -> None:
    found = evaluate(al.corr(CLOSE * 1e200, OTHER * 1e200, 3), close=[2, 4, 9, 8], other=[1, 2, 3, 5])
    assert np.isnan(found).all()
