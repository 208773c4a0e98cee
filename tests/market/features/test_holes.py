"""A missing session ends a series and begins another: no window, average or state reaches over it, however rows are cut."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market.errors import Permanent
from market.features.algebra import col, ema, mean, ref
from market.features.catalogue import catalogue
from market.features.definition import Feature
from market.features.engine import Program, Result
from market.features.runs import unbroken
from market.features.sections import compile_features

EXAMPLES = settings(max_examples=30, deadline=None)  # the first example also compiles the kernels

NAN = float("nan")
CLOSE = col("close")
CATALOGUE = compile_features(list(catalogue().values()))


def program_of(*exprs: Any) -> Program:
    return compile_features([Feature(f"x{i}", e, "Under test.", "ratio", "ours") for i, e in enumerate(exprs)])


def run(program: Program, close: list[float], numbers: list[int], **arguments: Any) -> Result:
    columns = {"close": np.array(close, dtype=float)}
    return program.run(columns, np.array([0, len(close)]), session_numbers=np.array(numbers), **arguments)


def numbers_of(market: Any, holes: set[int]) -> np.ndarray:
    """Session numbers of every row of the market; a row in `holes` comes two sessions after the one before it."""
    steps = np.ones(int(market.offsets[-1]), dtype=np.int64)
    steps[[row for row in holes if row < len(steps)]] = 3
    return np.cumsum(steps) - np.repeat(market.offsets[:-1], np.diff(market.offsets))


def test_windows_fill_and_averages_seed_again_after_a_hole() -> None:
    program = program_of(CLOSE / ref(CLOSE, 1) - 1, mean(CLOSE, 2), ema(CLOSE, 2))
    found = run(program, [100, 101, 500, 505, 499], [1, 2, 4, 5, 6])
    np.testing.assert_allclose(found.values["x0"], [NAN, 0.01, NAN, 0.01, 499 / 505 - 1], rtol=1e-12)
    np.testing.assert_array_equal(found.values["x1"], [NAN, 100.5, NAN, 502.5, 502])
    # seeds (100 + 101) / 2 and (500 + 505) / 2; then 502.5 + (499 - 502.5) * 2/3
    np.testing.assert_allclose(found.values["x2"], [NAN, 100.5, NAN, 502.5, 502.5 - 7 / 3], rtol=1e-15)
    np.testing.assert_array_equal(found.state[:, 0], [1, 2, 1, 2, 3])


def test_a_state_goes_on_only_into_the_session_right_after_its_own() -> None:
    program = program_of(ema(CLOSE, 2) - ref(CLOSE, 1))
    state = run(program, [100, 101], [1, 2]).state[-1:]
    right_after = run(program, [101, 104], [2, 3], state=state, emit_from=np.array([1]))
    np.testing.assert_allclose(right_after.values["x0"], [100.5 + 3.5 * 2 / 3 - 101])
    later = run(program, [101, 104, 105], [2, 4, 5], state=state, emit_from=np.array([1]))
    np.testing.assert_allclose(later.values["x0"], [NAN, 104.5 - 104])
    np.testing.assert_array_equal(later.state[:, 0], [1, 2])


def test_a_hole_in_the_context_cuts_what_windows_read() -> None:
    program = program_of(mean(CLOSE, 2), ref(CLOSE, 2), ema(CLOSE, 2))
    state = run(program, [1, 2, 4], [1, 2, 4]).state[-1:]
    found = run(program, [1, 2, 4, 8], [1, 2, 4, 5], state=state, emit_from=np.array([3]))
    assert [found.values[name].tolist() for name in ("x0", "x2")] == [[6.0], [6.0]]
    assert np.isnan(found.values["x1"][0])


def test_without_context_rows_a_state_is_that_of_the_session_before() -> None:
    program = program_of(ema(CLOSE, 2))
    state = run(program, [100, 101], [1, 2]).state[-1:]
    np.testing.assert_allclose(run(program, [104], [3], state=state).values["x0"], [100.5 + 3.5 * 2 / 3])


def test_session_numbers_without_holes_change_nothing() -> None:
    close = [4.0, 5.0, 7.0, 6.0]
    found = run(CLOSE_PROGRAM, close, [7, 8, 9, 10])
    expected = CLOSE_PROGRAM.run({"close": np.array(close)}, np.array([0, 4]))
    np.testing.assert_array_equal(found.values["x0"], expected.values["x0"])
    np.testing.assert_array_equal(found.state, expected.state)


CLOSE_PROGRAM = program_of(ema(mean(CLOSE, 2), 2))


@EXAMPLES
@given(data=st.data(), holes=st.sets(st.integers(0, 399), max_size=12))
def test_each_run_has_the_bits_it_would_have_alone(markets: Any, data: st.DataObject, holes: set[int]) -> None:
    market = data.draw(markets)
    numbers = numbers_of(market, holes)
    together = CATALOGUE.run(market.columns, market.offsets, session_numbers=numbers)
    starts = unbroken(market.offsets, numbers)
    apart = CATALOGUE.run(market.columns, starts)
    for name in CATALOGUE.names:
        np.testing.assert_array_equal(together.values[name], apart.values[name], err_msg=name)
    np.testing.assert_array_equal(together.state, apart.state)
    np.testing.assert_array_equal(together.offsets, market.offsets)


@EXAMPLES
@given(data=st.data(), holes=st.sets(st.integers(0, 399), max_size=12), cut=st.floats(0, 1))
def test_a_split_history_with_holes_has_the_bits_of_the_whole(
    markets: Any, data: st.DataObject, holes: set[int], cut: float
) -> None:
    market = data.draw(markets)
    numbers, (begins, ends) = numbers_of(market, holes), (market.offsets[:-1], market.offsets[1:])
    whole = CATALOGUE.run(market.columns, market.offsets, session_numbers=numbers)
    upto = begins + np.floor(cut * (ends - begins)).astype(np.int64)
    context = np.minimum(upto - begins, CATALOGUE.lookback + data.draw(st.integers(0, 3)))
    state = CATALOGUE.start_state(len(begins))
    state[upto > begins] = whole.state[upto[upto > begins] - 1]
    rows = np.concatenate([np.arange(a, b) for a, b in zip(upto - context, ends, strict=True)]).astype(np.int64)
    offsets = np.concatenate(([0], np.cumsum(ends - upto + context)))
    found = CATALOGUE.run(
        {name: column[rows] for name, column in market.columns.items()}, offsets, state, context, numbers[rows]
    )
    new = np.concatenate([np.arange(a, b) for a, b in zip(upto, ends, strict=True)]).astype(np.int64)
    for name in CATALOGUE.names:
        np.testing.assert_array_equal(found.values[name], whole.values[name][new], err_msg=name)
    np.testing.assert_array_equal(found.state, whole.state[new])


@pytest.mark.parametrize(
    ("numbers", "says"),
    [
        pytest.param([1, 2, 2], "not so at row 2", id="a session twice"),
        pytest.param([3, 2, 1], "not so at row 1", id="newest first"),
        pytest.param([1, 2], r"\(3,\) whole numbers", id="too few"),
        pytest.param([1.0, 2.0, NAN], "whole numbers.*float64", id="no whole numbers"),
    ],
)
def test_session_numbers_that_cannot_be_are_refused(numbers: list[Any], says: str) -> None:
    with pytest.raises(Permanent, match=says):
        run(CLOSE_PROGRAM, [1, 2, 3], numbers)


def test_a_new_series_may_begin_at_an_earlier_session() -> None:
    starts = unbroken(np.array([0, 0, 2, 4, 4]), [8, 9, 2, 3])
    np.testing.assert_array_equal(starts, [0, 2, 4])
    np.testing.assert_array_equal(unbroken(np.array([0]), np.array([])), [0])
