"""Operators with stored state: seeds, missing values, and the state itself, worked by hand."""

from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from market.features import algebra as al
from market.features.definition import Feature
from market.features.sections import compile_features

EXAMPLES = settings(max_examples=40, deadline=None)  # the first example also compiles the kernels

NAN = float("nan")
CLOSE = al.col("close")


def test_ema_worked_by_hand(evaluate: Callable[..., Any]) -> None:
    # n = 3: weight 1/2, seed (2 + 4 + 9) / 3 = 5; 5 + (8 - 5) / 2 = 6.5; 6.5 + (3 - 6.5) / 2 = 4.75
    np.testing.assert_array_equal(evaluate(al.ema(CLOSE, 3), close=[2, 4, 9, 8, 3]), [NAN, NAN, 5, 6.5, 4.75])


def test_wilder_worked_by_hand(evaluate: Callable[..., Any]) -> None:
    # n = 4: seed (2 + 4 + 9 + 5) / 4 = 5; 5 + (9 - 5) / 4 = 6; 6 + (2 - 6) / 4 = 5
    np.testing.assert_array_equal(evaluate(al.wilder(CLOSE, 4), close=[2, 4, 9, 5, 9, 2]), [NAN, NAN, NAN, 5, 6, 5])


def test_a_missing_value_leaves_the_state_and_gives_nothing_that_row(evaluate: Callable[..., Any]) -> None:
    # the gaps are passed over both while seeding and later: 2, 4 seed 3; then weight 2/3: 3 + (9 - 3) * 2/3 = 7
    found = evaluate(al.ema(CLOSE, 2), close=[NAN, 2, NAN, 4, NAN, 9])
    np.testing.assert_array_equal(found, [NAN, NAN, NAN, 3, NAN, 7])


def test_a_recursive_operator_over_another_waits_for_its_seed(evaluate: Callable[..., Any]) -> None:
    # inner (n = 2): -, 2, 4, 4; outer seeds on its first two values: (2 + 4) / 2 = 3, then 3 + (4 - 3) * 2/3
    inner = al.ema(CLOSE, 2)
    np.testing.assert_allclose(evaluate(inner, close=[1, 3, 5, 4]), [NAN, 2, 4, 4], rtol=1e-15)
    np.testing.assert_allclose(evaluate(al.ema(inner, 2), close=[1, 3, 5, 4]), [NAN, NAN, 3, 11 / 3], rtol=1e-15)


def test_the_state_holds_rows_seen_then_count_and_value() -> None:
    program = compile_features([Feature("x", al.ema(CLOSE, 2), "Under test.", "ratio", "ours")])
    result = program.run({"close": np.array([2.0, NAN, 4.0, 9.0])}, np.array([0, 4]))
    # seed sum 2; untouched by the gap; seeded with 3; then 7
    np.testing.assert_array_equal(result.state, [[1, 1, 2], [2, 1, 2], [3, 2, 3], [4, 2, 7]])


def test_state_remembers_only_what_windows_above_it_read() -> None:
    smooth = al.ema(CLOSE, 5)
    widths = {}
    for expr in (smooth, al.mean(smooth, 3), al.ref(smooth, 3), al.mean(al.ref(smooth, 3), 3), al.ema(smooth, 9)):
        widths[str(expr)] = compile_features([Feature("x", expr, "Under test.", "ratio", "ours")]).state_width
    assert widths == {
        "ema(close, 5)": 3,
        "mean(ema(close, 5), 3)": 5,
        "ref(ema(close, 5), 3)": 6,
        "mean(ref(ema(close, 5), 3), 3)": 8,
        "ema(ema(close, 5), 9)": 5,
    }


@EXAMPLES
@given(close=arrays(float, st.integers(1, 60), elements=st.floats(1, 1e6)), n=st.integers(1, 20))
def test_smoothing_stays_within_the_prices(evaluate: Callable[..., Any], close: np.ndarray, n: int) -> None:
    for smooth in (al.ema, al.wilder):
        found = evaluate(smooth(CLOSE, n), close=close)
        assert np.isnan(found[: n - 1]).all()
        assert not np.isnan(found[n - 1 :]).any()
        slack = 1e-12 * close.max()
        assert np.all(found[n - 1 :] >= close.min() - slack)
        assert np.all(found[n - 1 :] <= close.max() + slack)


def test_ema_behind_skipped_values(evaluate: Callable[..., Any]) -> None:
    # 2 and 4 are left out; seed (9 + 7) / 2 = 8; 8 + (2 - 8) * 2/3 = 4
    np.testing.assert_allclose(evaluate(al.ema(CLOSE, 2, skip=2), close=[2, NAN, 4, 9, 7, 2]), [NAN] * 4 + [8, 4])


def test_wilder_sum_worked_by_hand(evaluate: Callable[..., Any]) -> None:
    # n = 3: 3 + 6 = 9; 9 - 9/3 + 3 = 9; 9 - 3 + 6 = 12
    np.testing.assert_array_equal(evaluate(al.wilder_sum(CLOSE, 3), close=[3, 6, 3, NAN, 6]), [NAN, NAN, 9, NAN, 12])


def test_cumsum_worked_by_hand(evaluate: Callable[..., Any]) -> None:
    np.testing.assert_array_equal(evaluate(al.cumsum(CLOSE), close=[NAN, 3, NAN, 4, -9]), [NAN, 3, NAN, 7, -2])


def test_adaptive_worked_by_hand(evaluate: Callable[..., Any]) -> None:
    # begun with 4, the close before the first weight: 4 + (8 - 4) / 2 = 6; 6 + (9 - 6) / 3 = 7; a gap in either; 7 + (3 - 7) * 1
    found = evaluate(
        al.adaptive(CLOSE, al.col("weight")), close=[2, 4, 8, 9, NAN, 5, 3], weight=[NAN, NAN, 1 / 2, 1 / 3, 1, NAN, 1]
    )
    np.testing.assert_allclose(found, [NAN, NAN, 6, 7, NAN, NAN, 3], rtol=1e-15)


@EXAMPLES
@given(
    series=st.lists(
        arrays(float, st.integers(0, 12), elements=st.one_of(st.floats(-5, 5, width=16), st.just(NAN))), max_size=9
    ),
    context=st.lists(st.integers(0, 5), min_size=9, max_size=9),
)
def test_without_state_to_keep_series_side_by_side_have_the_bits_of_each_alone(
    series: list[Any], context: list[int]
) -> None:
    program = compile_features([
        Feature("a", al.ema(CLOSE, 3, skip=1), "Under test.", "ratio", "ours"),
        Feature("b", al.wilder(al.ema(CLOSE, 2), 2), "Under test.", "ratio", "ours"),
    ])  # fmt: skip
    offsets = np.cumsum([0, *map(len, series)])
    close = np.concatenate([np.empty(0), *series])
    kept = program.run({"close": close}, offsets)
    left = program.run({"close": close}, offsets, keeps_state=False)
    for name in program.names:
        np.testing.assert_array_equal(left.values[name], kept.values[name])
    # and the last rows again, from the state of the row before them
    begins = np.minimum(context[: len(series)], [max(len(one) - 1, 0) for one in series]).astype(np.int64)
    rows = offsets[:-1] + begins - 1
    state = np.array(
        [
            kept.state[row] if n else new
            for row, n, new in zip(rows, begins, program.start_state(len(series)), strict=True)
        ]
    )
    again = program.run(
        {"close": close}, offsets, state.reshape(len(series), program.state_width), begins, keeps_state=False
    )
    is_new = np.concatenate(
        [np.empty(0, bool), *(np.arange(len(one)) >= n for one, n in zip(series, begins, strict=True))]
    )
    for name in program.names:
        np.testing.assert_array_equal(again.values[name], kept.values[name][is_new])
