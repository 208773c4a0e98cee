"""Window statistics on data that is cruel to floating point, held against exact fractions; equal bits wherever a history is cut.

What may be wrong is said in units of the last place of what the window itself holds: of its largest value where a value comes back, of its spread where
a spread does. No error grows with the level over the spread (prices of 1e6 that move by 0.01), nor with what stood before the window.
"""

from collections.abc import Callable
from fractions import Fraction
from math import isqrt
from typing import Any

import numpy as np
import pytest

from market.features import algebra as al
from market.features import windows

NAN, ULP = float("nan"), 2.0**-53
WINDOWS = (1, 2, 3, 5, 7, 12, 20, 31, 60)
CLOSE, OTHER = al.col("close"), al.col("other")
ONE = sorted(windows.CODES.keys() - {"ref", "delta", "quantile"})


def hard(rows: int = 140) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(11)
    tiny = 1e6 + np.cumsum(rng.integers(-3, 4, rows)) * 2.0**-12
    steps = np.where(np.arange(rows) % 47 < 20, 1.0, 1e8) + rng.normal(0, 1e-3, rows)
    constant = np.repeat(rng.normal(1e5, 1e4, rows // 35), 35)
    gaps = np.where(rng.random(rows) < 0.15, NAN, 1e6 + rng.normal(0, 0.01, rows))
    holes = np.where(np.arange(rows) % 40 < 25, NAN, tiny)
    shares = (rng.random(rows) < 0.4).astype(float)
    return {"tiny moves": tiny, "steps": steps, "constant": constant, "gaps": gaps, "holes": holes, "shares": shares}


HARD = hard()


def root(x: Fraction) -> float:
    """The square root to 100 bits."""
    return float(Fraction(isqrt(int(x * 2**400)), 2**200))


def exact(name: str, window: list[tuple[int, Fraction]], n: int) -> tuple[float, float]:
    """The statistic of known (lag, value) pairs, and the size of what it is made of, which rounding is in proportion to."""
    lags, x = [Fraction(lag) for lag, _ in window], [value for _, value in window]
    m, size = len(x), float(max(abs(value) for value in x))
    mean, middle = sum(x) / m, sum(lags) / m
    far = [value - mean for value in x]
    square = sum(one * one for one in far)
    apart = [middle - lag for lag in lags]  # rises with the row
    shared, spread = sum(a * b for a, b in zip(far, apart, strict=True)), sum(a * a for a in apart)
    wide = root(square)
    if name in ("count", "sum", "mean"):
        made = {"count": Fraction(m), "sum": sum(x, Fraction(0)), "mean": mean}[name]
        return float(made), {"count": 0.0, "sum": float(sum(abs(one) for one in x)), "mean": size}[name]
    if name == "wma":
        return float(sum((n - lag) * value for lag, value in window) / sum(n - lag for lag in lags)), size
    if name == "mad":
        return float(sum(abs(one) for one in far) / m), wide
    if name in ("var", "std"):
        made = square / (m - 1) if m > 1 else Fraction(0)
        return (float(made), float(made)) if name == "var" else (root(made), root(made))
    if name == "slope":
        return (float(shared / spread), wide / root(spread)) if spread else (NAN, 0.0)
    if name == "residual":
        return (float(x[-1] - mean - shared / spread * (middle - lags[-1])), wide) if spread else (NAN, 0.0)
    if name == "rsquare":
        return (float(shared**2 / square / spread), 1.0) if square and spread else (NAN, 0.0)
    if not square or m < (3 if name == "skew" else 4):
        return NAN, 0.0
    third, fourth = (sum(one**k for one in far) / m for k in (3, 4))
    if name == "skew":
        return root(Fraction(m * (m - 1))) / (m - 2) * float(third) / (wide / m**0.5) ** 3, m**1.5
    excess = fourth / (square / m) ** 2 - 3
    return float(Fraction(m - 1, (m - 2) * (m - 3)) * ((m + 1) * excess + 6)), float(m * m)


def ordered(name: str, window: list[tuple[int, Fraction]]) -> float:
    x, now = [value for _, value in window], window[-1][1]
    if name == "rank":
        return (sum(one < now for one in x) + (sum(one == now for one in x) + 1) / 2) / len(x)
    best = (min if name.endswith("min") else max)(x)
    return float(best) if name in ("min", "max") else float(next(lag for lag, value in window if value == best))


def windows_of(values: np.ndarray, n: int) -> list[list[tuple[int, Fraction]]]:
    exactly = [Fraction(one) if np.isfinite(one) else None for one in values.tolist()]
    return [
        [(row - at, one) for at in range(max(0, row - n + 1), row + 1) if (one := exactly[at]) is not None]
        for row in range(len(values))
    ]


@pytest.mark.parametrize("kind", HARD)
@pytest.mark.parametrize("n", WINDOWS)
def test_each_statistic_of_one_column_is_exact_to_a_few_units_in_the_last_place(
    evaluate: Callable[..., Any], kind: str, n: int
) -> None:
    values = HARD[kind]
    held = windows_of(values, n)
    for name in ONE:
        fewest = windows.LEAST.get(name, 1)
        if fewest > n:
            continue
        found = evaluate(al.call(name, (CLOSE,), n, least=1), close=values)
        for row in range(0, len(values), 1 if n < 13 else 3):
            window, needs_now = held[row], name in ("rank", "residual")
            if len(window) < fewest or (needs_now and window[-1][0] != 0):
                assert np.isnan(found[row]), (name, row)
                continue
            if name in ("rank", "min", "max", "argmin", "argmax"):
                assert found[row] == ordered(name, window), (name, row)
                continue
            expected, size = exact(name, window, n)
            if np.isnan(expected):
                assert np.isnan(found[row]), (name, row)
                continue
            assert abs(found[row] - expected) <= 16 * ULP * size, (name, row, found[row], expected)


@pytest.mark.parametrize("n", [n for n in WINDOWS if n > 1])
def test_correlation_and_covariance_are_exact_to_a_few_units_of_the_spreads(
    evaluate: Callable[..., Any], n: int
) -> None:
    for left, right in (("tiny moves", "steps"), ("gaps", "tiny moves"), ("holes", "gaps"), ("shares", "tiny moves"), ("constant", "tiny moves")):  # fmt: skip
        x, y = HARD[left], HARD[right]
        both = np.isfinite(x) & np.isfinite(y)
        held_x, held_y = (windows_of(np.where(both, one, NAN), n) for one in (x, y))
        corr, cov = (evaluate(al.call(name, (CLOSE, OTHER), n, least=2), close=x, other=y) for name in ("corr", "cov"))
        for row in range(0, len(x), 1 if n < 13 else 3):
            a, b = ([value for _, value in held[row]] for held in (held_x, held_y))
            if len(a) < 2:
                assert np.isnan(corr[row]) and np.isnan(cov[row])
                continue
            a, b = ([one - sum(values) / len(values) for one in values] for values in (a, b))
            shared = sum(p * q for p, q in zip(a, b, strict=True))
            size = root(sum(p * p for p in a)) * root(sum(q * q for q in b))
            assert abs(cov[row] - float(shared / (len(a) - 1))) <= 16 * ULP * size / (len(a) - 1), (left, right, row)
            if size == 0.0:
                assert np.isnan(corr[row]) and cov[row] == 0.0
            else:
                assert abs(corr[row] - float(shared) / size) <= 16 * ULP, (left, right, row)


@pytest.mark.parametrize("kind", HARD)
@pytest.mark.parametrize("least", [1, None])
def test_a_window_has_the_same_bits_wherever_history_begins_and_with_gaps_elsewhere(
    kind: str, least: int | None
) -> None:
    values, other = np.tile(HARD[kind], 8), np.tile(HARD["gaps"], 8)
    values[600] = NAN  # a gap in one tile, and in the windows behind it
    codes = np.array(sorted(code for name, code in windows.CODES.items() if name not in ("ref", "delta")))
    names = {code: name for name, code in windows.CODES.items()}
    for n in (5, 20, 33, 60, 250):
        fewest = np.array([max(least or n, windows.LEAST.get(names[code], 1)) for code in codes.tolist()])
        levels = np.full(len(codes), 0.3)

        def run(x: np.ndarray, y: np.ndarray, n: int = n, fewest: np.ndarray = fewest, levels: np.ndarray = levels) -> np.ndarray:  # fmt: skip
            out, starts = np.empty((len(codes) + 2, len(x))), np.array([0, len(x)])
            windows.rolling(codes, x, starts, n, fewest, levels, out[:-2])
            for code in (0, 1):
                windows.paired(code, x, y, starts, n, int(max(2, least or n)), out[len(codes) + code])
            return out

        whole = run(values, other)
        for cut in (1, 7, 130, 383, 384, 611, 1000):
            part = run(values[cut:].copy(), other[cut:].copy())
            np.testing.assert_array_equal(part[:, n - 1 :], whole[:, cut + n - 1 :], err_msg=f"{n} {cut}")
        last = run(values[-n:].copy(), other[-n:].copy())
        np.testing.assert_array_equal(last[:, -1], whole[:, -1])


def test_equal_rows_have_exactly_no_spread_and_exactly_their_mean(evaluate: Callable[..., Any]) -> None:
    rng = np.random.default_rng(5)
    for n in WINDOWS[1:]:
        for price in (0.1, 1.7, 1e9 / 3, *10 ** rng.uniform(-8, 12, 5)):
            close = np.concatenate((rng.normal(0, 1e9, 9), np.full(n, price), [NAN], np.full(n - 1, price)))
            for row in (8 + n, len(close) - 1):
                for name, expected in (
                    ("mean", price),
                    ("wma", price),
                    ("std", 0.0),
                    ("var", 0.0),
                    ("mad", 0.0),
                    ("slope", 0.0),
                ):
                    least = 2 if name in ("std", "var", "slope") and n > 2 else 1
                    found = evaluate(al.call(name, (CLOSE,), n, least=least), close=close)[row]
                    if n > 2 or row < len(close) - 1:
                        assert found == expected, (name, n, price, row)
