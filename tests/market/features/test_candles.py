"""The candlestick patterns: signal for signal against TA-Lib, on rows where each of them occurs, and without looking ahead."""

import importlib
import pkgutil
from typing import Any

import numpy as np
import pandas as pd
import pytest
import talib as ta
from hypothesis import given, settings
from hypothesis import strategies as st
from talib import abstract

from market.features import candles, indicators
from market.features.catalogue import catalogue, merged
from market.features.parse import parse
from market.features.sections import compile_features

EXAMPLES = settings(max_examples=25, deadline=None)  # the first example also compiles the kernels

MODULES = sorted(module.name for module in pkgutil.iter_modules(candles.__path__))
FEATURES = merged({name: importlib.import_module(f"{candles.__name__}.{name}").FEATURES for name in MODULES})
PROGRAM = compile_features(list(FEATURES.values()))
TALIB = {name.lower().replace("cdl", "cdl_", 1): name for name in ta.get_function_groups()["Pattern Recognition"]}

# A coarse grid makes equal prices likely, and a grid of powers of two makes sums exact: two roundings cannot part at a tie.
EIGHTH, FINE = 2.0**-3, 2.0**-10
HISTORY = 12  # ordinary candles before an example: enough for the averages of the settings

# Textbook examples, as open, high, low, close in grid steps from the close before; every one is also laid out upside down.
EXAMPLES_BY_HAND: dict[str, tuple[tuple[int, int, int, int], ...]] = {
    "2crows": ((0, 17, -1, 16), (26, 27, 19, 20), (24, 25, 9, 10)),
    "3blackcrows": ((0, 9, -1, 8), (8, 9, 0, 0), (4, 5, -6, -6), (-2, -1, -12, -12)),
    "3inside": ((0, 1, -17, -16), (-12, -7, -13, -8), (-8, 5, -9, 4)),
    "3linestrike": ((0, 9, -1, 8), (4, 13, 3, 12), (8, 17, 7, 16), (18, 19, -5, -4)),
    "3starsinsouth": ((0, 1, -32, -12), (-6, -5, -28, -14), (-12, -12, -16, -16)),
    "3whitesoldiers": ((0, 10, -1, 10), (6, 17, 5, 17), (12, 24, 11, 24)),
    "abandonedbaby": ((0, 21, -1, 20), (25, 27, 23, 25), (20, 21, -1, 4)),
    "advanceblock": ((0, 17, -1, 16), (10, 24, 9, 22), (18, 27, 17, 24)),
    "breakaway": ((0, 1, -21, -20), (-24, -23, -28, -27), (-27, -26, -31, -30), (-30, -29, -34, -33), (-33, -21, -34, -22)),
    "concealbabyswall": ((0, 0, -10, -10), (-10, -10, -22, -22), (-25, -20, -30, -30), (-19, -18, -33, -32)),
    "counterattack": ((0, 1, -17, -16), (-32, -15, -33, -16)),
    "eveningdojistar": ((0, 21, -1, 20), (23, 25, 21, 23), (20, 21, 1, 2)),
    "eveningstar": ((0, 21, -1, 20), (25, 26, 21, 22), (20, 21, 1, 2)),
    "gapsidesidewhite": ((0, 9, -1, 8), (12, 21, 11, 20), (12, 22, 11, 20)),
    "hikkakemod": ((0, 14, -4, 10), (9, 12, -2, -1), (2, 8, 0, 4), (0, 6, -3, 1), (2, 20, 1, 18)),
    "homingpigeon": ((0, 1, -17, -16), (-4, -3, -9, -8)),
    "identical3crows": ((0, 2, -8, -8), (-8, -7, -16, -16), (-16, -15, -24, -24)),
    "inneck": ((0, 1, -15, -12), (-18, -11, -19, -12)),
    "kicking": ((0, 0, -12, -12), (3, 15, 3, 15)),
    "ladderbottom": ((0, 1, -13, -12), (-4, -3, -17, -16), (-8, -7, -21, -20), (-18, -10, -25, -24), (-16, -2, -17, -4)),
    "matchinglow": ((0, 1, -9, -8), (-2, 0, -10, -8)),
    "mathold": ((0, 21, -1, 20), (25, 26, 22, 23), (22, 23, 18, 19), (20, 20, 15, 16), (17, 32, 16, 30)),
    "onneck": ((0, 1, -15, -12), (-18, -14, -19, -15)),
    "piercing": ((0, 1, -13, -12), (-16, -3, -17, -4)),
    "risefall3methods": ((0, 25, -1, 20), (18, 19, 14, 15), (15, 16, 11, 12), (12, 13, 8, 9), (10, 31, 9, 30)),
    "separatinglines": ((0, 1, -9, -8), (0, 13, 0, 12)),
    "stalledpattern": ((0, 14, -1, 14), (8, 24, 7, 24), (24, 28, 23, 26)),
    "sticksandwich": ((0, 1, -11, -10), (-6, 6, -8, 4), (6, 7, -12, -10)),
    "tasukigap": ((0, 9, -1, 8), (12, 21, 11, 20), (18, 19, 9, 10)),
    "thrusting": ((0, 1, -15, -12), (-18, -7, -19, -8)),
    "tristar": ((0, 4, -4, 0), (6, 10, 4, 6), (1, 5, -3, 1)),
    "unique3river": ((0, 1, -21, -20), (-4, -3, -26, -14), (-18, -14, -20, -16)),
    "upsidegap2crows": ((0, 17, -1, 16), (24, 25, 20, 21), (27, 28, 17, 18)),
    "xsidegap3methods": ((0, 9, -1, 8), (12, 21, 11, 20), (16, 17, 3, 4)),
}  # fmt: skip


# Patterns that ask for so much at once that 16,000 random candles have none: held against TA-Lib by their planted examples alone.
ONLY_PLANTED = {
    "cdl_3blackcrows",
    "cdl_3starsinsouth",
    "cdl_concealbabyswall",
    "cdl_kicking",
    "cdl_kickingbylength",
    "cdl_mathold",
}


def panel(steps: np.ndarray, grid: float) -> pd.DataFrame:
    """Prices from (n, 4) open, high, low, close in grid steps; lifted so that all are positive."""
    return pd.DataFrame((steps - steps.min() + 800) * grid, columns=["open", "high", "low", "close"])


def random_candles(rows: int, seed: int, scale: int, drift: float = 0.0) -> np.ndarray:
    """Bodies, gaps and shadows of mixed sizes, none at all among them; (rows, 4) in grid steps."""
    rng = np.random.default_rng(seed)

    def sizes(*choices: int) -> np.ndarray:
        picked = rng.choice(choices, rows) * scale
        return picked + (picked > 0) * rng.integers(0, scale, rows)

    def signs(up: float) -> np.ndarray:
        return np.where(rng.random(rows) < up, 1, -1)

    body = sizes(0, 1, 2, 4, 8, 8, 16) * signs(0.5 + drift)
    gap = sizes(0, 0, 1, 2, 4, 8) * signs(0.5)
    closes = np.cumsum(gap + body)
    opens = closes - body
    high = np.maximum(opens, closes) + sizes(0, 0, 1, 2, 6, 16)
    low = np.minimum(opens, closes) - sizes(0, 0, 1, 2, 6, 16)
    return np.column_stack([opens, high, low, closes])


def twisted(example: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The example with one candle off: moved, its colour turned, or one of its prices a little or far away."""
    candle, price, kind = rng.integers(len(example)), rng.integers(4), rng.integers(4)
    off = example.copy()
    if kind == 0:
        off[candle] += rng.integers(-12, 13)
    elif kind == 1:
        off[candle, [0, 3]] = off[candle, [3, 0]]
    else:
        off[candle, price] += rng.integers(-2, 3) if kind == 2 else rng.integers(-24, 25)
    off[:, 1], off[:, 2] = off.max(axis=1), off.min(axis=1)
    return off


def planted(rounds: int, seed: int) -> np.ndarray:
    """Every example by hand behind ordinary candles, both ways up, first as it is and then twisted each time anew."""
    rng, rows = np.random.default_rng(seed), []
    bodies = rng.choice([-8, 8], HISTORY)
    closes = np.cumsum(bodies) - bodies.sum()  # they end where the example begins, at 0
    upper, lower = rng.integers(2, 5, HISTORY), rng.integers(2, 5, HISTORY)
    ends = np.array([closes - bodies, closes])
    history = np.column_stack([ends[0], ends.max(axis=0) + upper, ends.min(axis=0) - lower, closes])
    for turn in range(rounds):
        for shape in EXAMPLES_BY_HAND.values():
            for side in (1, -1):
                example = np.array(shape) if turn == 0 else twisted(np.array(shape), rng)
                rows += [history, side * example[:, [0, 1, 2, 3] if side > 0 else [0, 2, 1, 3]]]
    return np.concatenate(rows)


PANELS = {
    "coarse": panel(random_candles(4000, 1, 1), EIGHTH),
    "coarser": panel(random_candles(4000, 2, 2), EIGHTH),
    "fine": panel(random_candles(4000, 3, 100), FINE),
    "rising": panel(random_candles(2000, 4, 1, 0.3), EIGHTH),
    "falling": panel(random_candles(2000, 5, 1, -0.3), EIGHTH),
    "planted": panel(planted(48, 6), EIGHTH),
}


def found(prices: pd.DataFrame) -> dict[str, np.ndarray]:
    columns = {name: prices[name].to_numpy() for name in prices}
    return PROGRAM.run(columns, np.array([0, len(prices)])).values


def theirs(name: str, p: pd.DataFrame) -> np.ndarray:
    return np.asarray(getattr(ta, TALIB[name])(p.open, p.high, p.low, p.close))


OURS = {kind: found(prices) for kind, prices in PANELS.items()}
THEIRS = {kind: {name: theirs(name, prices) for name in TALIB} for kind, prices in PANELS.items()}


@pytest.mark.parametrize("kind", PANELS)
@pytest.mark.parametrize("name", FEATURES)
def test_gives_the_signals_of_talib(name: str, kind: str) -> None:
    lookback = abstract.Function(TALIB[name]).lookback
    ours, told = OURS[kind][name], THEIRS[kind][name]
    assert not told[:lookback].any()
    np.testing.assert_array_equal(ours[lookback:], told[lookback:])  # NaN would differ: it is known from there on
    assert np.isnan(ours[: FEATURES[name].lookback]).all() and FEATURES[name].lookback <= lookback


@pytest.mark.parametrize("name", FEATURES)
def test_fires_in_the_test_and_as_far_as_its_bounds(name: str) -> None:
    signals = np.concatenate([told[name] for told in THEIRS.values()])
    assert np.count_nonzero(signals) >= 5
    assert (signals.min(), signals.max()) == (FEATURES[name].low, FEATURES[name].high)


def test_these_alone_never_occur_by_chance() -> None:
    by_chance = {name for kind, told in THEIRS.items() if kind != "planted" for name in told if told[name].any()}
    assert TALIB.keys() - by_chance == ONLY_PLANTED


@pytest.mark.parametrize("name", EXAMPLES_BY_HAND)
def test_finds_the_textbook_example(name: str) -> None:
    ordinary = [(8, 11, -3, 0) if row % 2 else (0, 11, -3, 8) for row in range(HISTORY)]
    steps = np.array([*ordinary, *EXAMPLES_BY_HAND[name]])
    assert found(panel(steps, EIGHTH))[f"cdl_{name}"][-1] != 0


def test_covers_the_patterns_of_talib() -> None:
    assert FEATURES.keys() == TALIB.keys()
    assert len(FEATURES) == 61


def test_no_name_is_taken_twice() -> None:
    others = merged(
        {
            one.name: importlib.import_module(f"{indicators.__name__}.{one.name}").FEATURES
            for one in pkgutil.iter_modules(indicators.__path__)
        }
    )
    assert not FEATURES.keys() & (catalogue().keys() | others.keys())  # within candles, merged() sees to it


@pytest.mark.parametrize("name", FEATURES)
def test_is_documented_by_one_sentence_and_a_formula_that_reads_back(name: str) -> None:
    feature = FEATURES[name]
    assert feature.doc.count(". ") == 0 and feature.doc.endswith(".") and feature.doc[0].isupper()
    assert feature.unit == "signal" and TALIB[name] in feature.source
    assert parse(feature.formula) == feature.expr


def test_a_halt_hides_no_later_session_for_good() -> None:
    halted = PANELS["coarse"][:60].copy()
    halted.loc[30:32, ["open", "high", "low"]] = np.nan
    halted.loc[30:32, "close"] = halted.close[29]
    values = found(halted)
    for name, feature in FEATURES.items():
        first = (
            31 if name == "cdl_3outside" else 30
        )  # of the current session that reads the close alone, which is known
        assert np.isnan(values[name][first:33]).all(), name
        assert not np.isnan(values[name][33 + feature.lookback :]).any(), name


@pytest.mark.parametrize("rows", [1, 13, 700, 3999])
def test_new_rows_behind_the_lookback_have_the_bits_of_the_whole(rows: int) -> None:
    context = min(rows, PROGRAM.lookback)
    columns = {name: prices.to_numpy()[rows - context :] for name, prices in PANELS["coarse"].items()}
    offsets = np.array([0, len(columns["close"])])
    for name, new in PROGRAM.run(columns, offsets, emit_from=np.array([context])).values.items():
        np.testing.assert_array_equal(new, OURS["coarse"][name][rows:], err_msg=name)


@EXAMPLES
@given(data=st.data())
def test_values_stay_within_their_bounds(markets: Any, data: st.DataObject) -> None:
    market = data.draw(markets)
    for name, values in PROGRAM.run(market.columns, market.offsets).values.items():
        assert not np.isinf(values).any(), name
        assert not (values < FEATURES[name].low).any() and not (values > FEATURES[name].high).any(), name
