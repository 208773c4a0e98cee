"""Shared by the feature tests: any expression, any market, and a runner of a single expression.

Prices come from a drawn seed, so that a failing market is a short description; halts, lengths and splits are drawn one by one.
"""

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st

from market.features import algebra as al
from market.features.definition import Feature
from market.features.nodes import Constant
from market.features.operators import OPERATORS
from market.features.sections import compile_features

WINDOWS = sorted(name for name, one in OPERATORS.items() if one.takes_least and one.arity == 1 and not one.max_level)
COLUMNS = ("open", "high", "low", "close", "volume", "value", "market_cap", "n_headlines")


def _grown(inner: st.SearchStrategy[al.Expr]) -> st.SearchStrategy[al.Expr]:
    n = st.integers(2, 6)
    binary = st.sampled_from(
        [
            operator.add,
            operator.sub,
            operator.mul,
            operator.truediv,
            operator.lt,
            operator.ge,
            al.maximum,
            al.minimum,
            al.equal,
            al.unequal,
            operator.and_,
            operator.or_,
            al.fill,
            al.power,
        ]
    )
    unary = st.sampled_from([operator.neg, operator.invert, al.abs_, al.log, al.sqrt, al.sign, al.known])
    carried = st.sampled_from([al.ref, al.delta, al.ema, al.wilder, al.wilder_sum, lambda x, n: al.ema(x, n, skip=n)])
    window, least = st.sampled_from(WINDOWS), st.sampled_from([1, 2, None])
    return st.one_of(
        st.builds(lambda f, a, b: f(a, b), binary, inner, inner),
        st.builds(lambda f, a: f(a), unary, inner),
        st.builds(lambda f, a, rows: f(a, rows), carried, inner, n),
        st.builds(lambda name, a, rows, few: al.call(name, (a,), rows + 2, least=few), window, inner, n, least),
        st.builds(
            lambda a, rows, level, few: al.quantile(a, rows, level, few),
            inner,
            n,
            st.sampled_from([0.0, 0.3, 1.0]),
            least,
        ),
        st.builds(
            lambda f, a, b, rows, few: f(a, b, rows, few), st.sampled_from([al.corr, al.cov]), inner, inner, n, least
        ),
        st.builds(al.where, inner, inner, inner),
        st.builds(al.cumsum, inner),
        st.builds(al.adaptive, inner, inner),
    )


@pytest.fixture(scope="session")
def expressions() -> st.SearchStrategy[al.Expr]:
    """Any expression over the usual columns, recursive operators under windows and over each other included."""
    numbers = st.one_of(st.integers(-1000, 1000), st.floats(-1e6, 1e6), st.sampled_from([1e-12, 1e300, 0.95]))
    leaves = st.one_of(st.sampled_from([al.col(name) for name in COLUMNS]), numbers.map(float).map(Constant))
    return st.recursive(leaves, _grown, max_leaves=8).filter(lambda expr: bool(expr.inputs))


@dataclass(frozen=True)
class Market:
    """Columns of a few series laid end to end, and where they begin."""

    columns: dict[str, np.ndarray]
    offsets: np.ndarray


@pytest.fixture(scope="session")
def markets() -> st.SearchStrategy[Market]:
    """One to four series of 0 to 100 sessions, with halts (open, high, low unknown, nothing traded) and uncovered news."""
    lengths = st.lists(st.integers(0, 100), min_size=1, max_size=4)
    rare = st.sampled_from([0.0, 0.02, 0.3])
    return st.builds(_market, lengths, st.integers(0, 2**32 - 1), rare, rare, st.sampled_from([0.0, 0.02]))


def _market(lengths: list[int], seed: int, halted: float, uncovered: float, unknown: float) -> Market:
    rng, rows = np.random.default_rng(seed), sum(lengths)
    close = np.round(np.exp(rng.normal(9, 1) + np.cumsum(rng.normal(0, 0.02, rows))))
    close[rng.random(rows) < unknown] = np.nan
    high, low = close * (1 + rng.random(rows) / 20), close * (1 - rng.random(rows) / 20)
    opened, volume = low + (high - low) * rng.random(rows), np.floor(rng.random(rows) * 1e6)
    is_halted = rng.random(rows) < halted
    for prices in (opened, high, low):
        prices[is_halted] = np.nan
    volume[is_halted] = 0.0
    headlines = rng.poisson(2, rows).astype(float)
    headlines[rng.random(rows) < uncovered] = np.nan
    values = (opened, high, low, close, volume, volume * close, close * 1e6, headlines)
    columns = dict(zip(COLUMNS, values, strict=True)) | _said(headlines, rng)
    return Market(columns, np.concatenate(([0], np.cumsum(lengths))))


def _said(stories: np.ndarray, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """What the stories of each session say together: nothing where there is none, no dispersion of one."""
    level, dispersion, novelty = rng.uniform(-1, 1, stories.size), rng.random(stories.size), rng.random(stories.size)
    some, several = np.nan_to_num(stories) > 0, np.nan_to_num(stories) > 1
    return {
        "n_stories": stories, "level": np.where(some, level, np.nan), "dispersion": np.where(several, dispersion, np.nan),
        "novelty": np.where(some, novelty, np.nan),
    }  # fmt: skip


@pytest.fixture(scope="session")
def evaluate() -> Callable[..., Any]:
    """``evaluate(expr, close=[...])``: the values of one expression over one series."""

    def run(expr: al.Expr, **columns: Any) -> np.ndarray:
        arrays: Mapping[str, np.ndarray] = {name: np.asarray(x, dtype=float) for name, x in columns.items()}
        rows = len(next(iter(arrays.values())))
        feature = Feature("x", expr, "Under test.", "ratio", "ours")
        return compile_features([feature]).run(arrays, np.array([0, rows])).values["x"]

    return run
