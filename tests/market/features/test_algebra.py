"""What an expression knows about itself, and what cannot be written."""

import pickle
from collections.abc import Callable

import numpy as np
import pytest

from market.features import algebra as al
from market.features.operators import MAX_WINDOW, OPERATORS

CLOSE, VOLUME = al.col("close"), al.col("volume")


@pytest.mark.parametrize(
    ("expr", "lookback"),
    [
        pytest.param(CLOSE, 0, id="a column"),
        pytest.param(al.ref(CLOSE, 5) / CLOSE, 5, id="ref reads n rows back"),
        pytest.param(al.mean(CLOSE, 5), 4, id="a window of n reads n - 1 rows back"),
        pytest.param(al.std(CLOSE / al.ref(CLOSE, 1) - 1, 20), 20, id="nested ones are summed"),
        pytest.param(al.corr(al.ref(CLOSE, 3), al.log(VOLUME + 1), 20), 22, id="the longer branch counts"),
        pytest.param(al.ema(CLOSE, 26), 0, id="recursive: the state covers the rest"),
        pytest.param(al.wilder(al.delta(CLOSE, 1), 14), 1, id="recursive: lookback of its input"),
        pytest.param(al.mean(al.ema(al.mean(CLOSE, 20), 5), 3), 21, id="a window over a recursive one"),
    ],
)
def test_lookback_is_computed(expr: al.Expr, lookback: int) -> None:
    assert expr.lookback == lookback


def test_inputs_are_the_columns_read() -> None:
    assert al.corr(CLOSE, al.log(VOLUME + 1), 20).inputs == {"close", "volume"}


def test_recursive_is_known_however_deep() -> None:
    assert (al.mean(al.ema(CLOSE, 5), 3) / CLOSE).is_recursive
    assert not al.mean(CLOSE, 3).is_recursive


@pytest.mark.parametrize(
    ("expr", "text"),
    [
        (al.ref(CLOSE, 5) / CLOSE, "ref(close, 5) / close"),
        (al.corr(CLOSE, al.log(VOLUME + 1), 20), "corr(close, log(volume + 1), 20)"),
        (CLOSE - (CLOSE - 1), "close - (close - 1)"),
        (CLOSE - CLOSE - 1, "close - close - 1"),
        (-(CLOSE + 1) * 2, "-(close + 1) * 2"),
        ((CLOSE < 1) < 2, "(close < 1) < 2"),
        (al.sum_(VOLUME, 5) + 1e-12, "sum(volume, 5) + 1e-12"),
        (CLOSE * -1, "close * -1"),
        (al.equal(CLOSE, 1), "close == 1"),
    ],
)
def test_text_reads_as_people_write_it(expr: al.Expr, text: str) -> None:
    assert str(expr) == text


@pytest.mark.parametrize("build", [al.ref, al.delta, al.mean, al.max_, al.ema, al.wilder])
def test_looking_ahead_cannot_be_written(build: Callable[..., al.Expr]) -> None:
    with pytest.raises(al.ExpressionError, match="look ahead"):
        build(CLOSE, -1)


@pytest.mark.parametrize("n", [0, MAX_WINDOW + 1, 2.0, True, "5"])
def test_a_window_is_a_positive_number_of_rows(n: object) -> None:
    with pytest.raises(al.ExpressionError, match="window"):
        al.mean(CLOSE, n)  # type: ignore[arg-type]


def test_one_row_has_no_spread() -> None:
    for build in (lambda: al.std(CLOSE, 1), lambda: al.corr(CLOSE, VOLUME, 1), lambda: al.slope(CLOSE, 1)):
        with pytest.raises(al.ExpressionError, match="a window of 2 to"):
            build()


def test_a_chained_comparison_is_refused() -> None:
    with pytest.raises(al.ExpressionError, match="where"):
        assert 1 < CLOSE < 2


@pytest.mark.parametrize("name", ["Close", "1d", "", "a b", "class", "close\n"])
def test_a_column_has_a_plain_name(name: str) -> None:
    with pytest.raises(al.ExpressionError, match="lower-case"):
        al.col(name)


@pytest.mark.parametrize("number", [float("nan"), float("inf"), True, "3", None])
def test_an_operand_is_an_expression_or_a_finite_number(number: object) -> None:
    with pytest.raises(al.ExpressionError):
        CLOSE + number  # type: ignore[operator]


@pytest.mark.parametrize(
    ("name", "args", "n"),
    [("middle", (CLOSE,), 5), ("mean", (CLOSE,), None), ("add", (CLOSE,), None), ("log", (CLOSE,), 5)],
)
def test_call_refuses_what_no_operator_takes(name: str, args: tuple[al.Expr, ...], n: int | None) -> None:
    with pytest.raises(al.ExpressionError, match="expected"):
        al.call(name, args, n)


def test_equal_expressions_are_one_and_survive_pickling() -> None:
    first, second = al.mean(CLOSE, 5) / CLOSE, al.mean(al.col("close"), 5) / al.col("close")
    assert first == second
    assert len({first, second, pickle.loads(pickle.dumps(first))}) == 1


def test_numpy_numbers_on_the_left_build_expressions() -> None:
    assert str(np.float64(2.0) * CLOSE) == "2 * close"


def test_every_operator_states_its_rule_for_missing_values() -> None:
    assert [name for name, operator in OPERATORS.items() if "NaN" not in operator.rule] == []
