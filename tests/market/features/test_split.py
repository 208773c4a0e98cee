"""New rows resumed from stored state have the bits of the whole history, however it is cut; nothing looks ahead or aside."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market.features.algebra import col, ema, mean, ref, std, wilder
from market.features.catalogue import catalogue
from market.features.definition import Feature
from market.features.engine import Program, Result
from market.features.nodes import call
from market.features.operators import OPERATORS
from market.features.sections import compile_features

EXAMPLES = settings(max_examples=40, deadline=None)  # the first example also compiles the kernels

CATALOGUE = compile_features(list(catalogue().values()))


def program_of(*exprs: Any) -> Program:
    return compile_features([Feature(f"x{i}", e, "Under test.", "ratio", "ours") for i, e in enumerate(exprs)])


def assert_equal_bits(found: Result, expected: Result) -> None:
    """Zero and minus zero are two things here, as they are in a certificate."""
    for name, values in expected.values.items():
        np.testing.assert_array_equal(found.values[name], values, err_msg=name)
        known = ~np.isnan(values)
        np.testing.assert_array_equal(np.signbit(found.values[name][known]), np.signbit(values[known]), err_msg=name)
    np.testing.assert_array_equal(found.state, expected.state)


def rows_of(market: Any, spans: list[tuple[int, int]]) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Columns of the rows ``spans``, one span per series, and their offsets."""
    index = np.concatenate([np.arange(begin, end) for begin, end in spans]).astype(np.int64)
    offsets = np.concatenate(([0], np.cumsum([end - begin for begin, end in spans])))
    return {name: column[index] for name, column in market.columns.items()}, offsets


def run_in_parts(program: Program, market: Any, parts: list[float], spare: int) -> Result:
    """Run each series in parts (fractions of its length), every part resumed from the state of the one before."""
    begins, ends = market.offsets[:-1], market.offsets[1:]
    state = program.start_state(len(begins))
    done = begins.copy()
    values: list[list[np.ndarray]] = [[] for _ in begins]
    states: list[list[np.ndarray]] = [[] for _ in begins]
    for part in [*sorted(parts), 1.0]:
        upto = np.maximum(done, begins + np.floor(part * (ends - begins)).astype(np.int64))
        context = np.minimum(done - begins, program.lookback + spare)
        columns, offsets = rows_of(market, list(zip(done - context, upto, strict=True)))
        result = program.run(columns, offsets, state, context)
        for i in range(len(begins)):
            rows = slice(result.offsets[i], result.offsets[i + 1])
            values[i].append(np.array([result.values[name][rows] for name in program.names]))
            states[i].append(result.state[rows])
            state[i] = result.state[rows][-1] if rows.stop > rows.start else state[i]
        done = upto
    together = np.concatenate([part for series in values for part in series], axis=1)
    whole = np.concatenate([part for series in states for part in series])
    return Result(dict(zip(program.names, together, strict=True)), whole, market.offsets)


@EXAMPLES
@given(data=st.data())
def test_the_catalogue_has_equal_bits_however_history_is_split(markets: Any, data: st.DataObject) -> None:
    market = data.draw(markets)
    parts = data.draw(st.lists(st.floats(0, 1), max_size=5))
    found = run_in_parts(CATALOGUE, market, parts, data.draw(st.integers(0, 3)))
    assert_equal_bits(found, CATALOGUE.run(market.columns, market.offsets))


@EXAMPLES
@given(data=st.data())
def test_the_catalogue_has_equal_bits_one_row_at_a_time(markets: Any, data: st.DataObject) -> None:
    market = data.draw(markets)
    longest = max(1, int(np.diff(market.offsets).max()))
    found = run_in_parts(CATALOGUE, market, [row / longest for row in range(1, longest)], 0)
    assert_equal_bits(found, CATALOGUE.run(market.columns, market.offsets))


@EXAMPLES
@given(data=st.data())
def test_any_expressions_have_equal_bits_however_history_is_split(
    markets: Any, expressions: Any, data: st.DataObject
) -> None:
    market = data.draw(markets)
    program = program_of(*data.draw(st.lists(expressions, min_size=1, max_size=3)))
    found = run_in_parts(program, market, data.draw(st.lists(st.floats(0, 1), max_size=8)), 0)
    assert_equal_bits(found, program.run(market.columns, market.offsets))


@pytest.mark.parametrize("name", [name for name, one in OPERATORS.items() if one.kind != "cross"])
@settings(max_examples=8, deadline=None)
@given(data=st.data())
def test_every_operator_has_equal_bits_however_history_is_split_and_never_looks_ahead(
    name: str, markets: Any, data: st.DataObject
) -> None:
    """Also of an operator that is new and that no other test draws; those over securities: `test_cross`."""
    one, market = OPERATORS[name], data.draw(markets)
    args = tuple(col(column) for column in ("close", "volume", "high")[: one.arity])
    n = data.draw(st.integers(max(one.min_window, 1), 8)) if one.takes_window else None
    least = data.draw(st.sampled_from([None, n])) if one.takes_least else None
    program = program_of(call(name, args, n, least=least, level=one.max_level / 4 or None))
    whole = program.run(market.columns, market.offsets)
    assert_equal_bits(run_in_parts(program, market, data.draw(st.lists(st.floats(0, 1), max_size=8)), 0), whole)
    position = np.concatenate([np.arange(length) for length in np.diff(market.offsets)])
    known = position <= data.draw(st.integers(0, 100))
    poisoned = {name: np.where(known, column, np.nan) for name, column in market.columns.items()}
    later = program.run(poisoned, market.offsets)
    np.testing.assert_array_equal(later.values["x0"][known], whole.values["x0"][known])


@EXAMPLES
@given(data=st.data())
def test_windows_over_recursive_operators_remember_what_they_need(markets: Any, data: st.DataObject) -> None:
    market = data.draw(markets)
    smooth = ema(mean(col("close"), 3), 4)
    program = program_of(
        mean(smooth, 3),
        ref(smooth, 5),
        mean(ref(std(smooth, 3), 4), 3),
        ema(std(smooth, 4), 3),
        wilder(ema(smooth - ref(smooth, 2), 2), 3),
    )
    found = run_in_parts(program, market, [i / 100 for i in range(100)], 0)
    assert_equal_bits(found, program.run(market.columns, market.offsets))


@EXAMPLES
@given(data=st.data())
def test_cut_history_gives_the_bits_of_the_whole_where_nothing_is_recursive(markets: Any, data: st.DataObject) -> None:
    market = data.draw(markets)
    program = compile_features([feature for feature in catalogue().values() if not feature.is_recursive])
    whole = program.run(market.columns, market.offsets)
    begins, ends = market.offsets[:-1], market.offsets[1:]
    last = np.maximum(begins, ends - 1)
    columns, offsets = rows_of(market, list(zip(np.maximum(begins, last - program.lookback), ends, strict=True)))
    context = np.minimum(program.lookback, last - begins)
    found = program.run(columns, offsets, None, context)
    today = last[ends > begins]
    for name in program.names:
        np.testing.assert_array_equal(found.values[name], whole.values[name][today], err_msg=name)


@EXAMPLES
@given(data=st.data())
def test_never_looks_ahead(markets: Any, expressions: Any, data: st.DataObject) -> None:
    market = data.draw(markets)
    program = compile_features([*catalogue().values(), *program_of(data.draw(expressions)).features])
    today = data.draw(st.integers(0, 100))
    position = np.concatenate([np.arange(length) for length in np.diff(market.offsets)])
    poison = data.draw(st.sampled_from([np.nan, 0.0, -1.0, 1e300, np.inf]))
    poisoned = {name: np.where(position > today, poison, column) for name, column in market.columns.items()}
    before, after = program.run(market.columns, market.offsets), program.run(poisoned, market.offsets)
    for name in program.names:
        known = position <= today
        np.testing.assert_array_equal(after.values[name][known], before.values[name][known], err_msg=name)
    np.testing.assert_array_equal(after.state[position <= today], before.state[position <= today])


@EXAMPLES
@given(data=st.data())
def test_series_do_not_leak_into_each_other(markets: Any, expressions: Any, data: st.DataObject) -> None:
    market = data.draw(markets)
    program = compile_features([*catalogue().values(), *program_of(data.draw(expressions)).features])
    together = program.run(market.columns, market.offsets)
    for begin, end in zip(market.offsets[:-1], market.offsets[1:], strict=True):
        columns, offsets = rows_of(market, [(begin, end)])
        alone = program.run(columns, offsets)
        for name in program.names:
            np.testing.assert_array_equal(alone.values[name], together.values[name][begin:end], err_msg=name)
        np.testing.assert_array_equal(alone.state, together.state[begin:end])


def test_chunks_do_not_change_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    rows = 40 * 1_000
    close = np.exp(np.cumsum(rng.normal(0, 0.01, rows)))
    columns = {name: close for name in CATALOGUE.inputs}
    offsets = np.arange(41) * 1_000
    whole = CATALOGUE.run(columns, offsets)
    monkeypatch.setattr("market.features.engine.CHUNK_ROWS", 1_777)
    assert_equal_bits(CATALOGUE.run(columns, offsets), whole)
