"""Row-by-row operators: missing stays missing, and no infinity is made out of a zero."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from market.features import algebra as al
from market.features.elementwise import ELEMENTWISE
from market.features.operators import OPERATORS

NAN = float("nan")
A, B = al.col("a"), al.col("b")


@pytest.mark.parametrize(
    ("expr", "expected"),
    [
        pytest.param(A + B, [3, NAN, NAN, -4, 0], id="add"),
        pytest.param(A - B, [-1, NAN, NAN, -4, 0], id="sub"),
        pytest.param(A * B, [2, NAN, NAN, 0, 0], id="mul"),
        pytest.param(A / B, [0.5, NAN, NAN, NAN, NAN], id="div: by zero is not known"),
        pytest.param(1 / A, [1, NAN, 1 / 3, -0.25, NAN], id="number on the left"),
        pytest.param(-A, [-1, NAN, -3, 4, 0], id="neg"),
        pytest.param(A < B, [1, NAN, NAN, 1, 0], id="lt: a comparison with a gap is a gap"),
        pytest.param(A <= B, [1, NAN, NAN, 1, 1], id="le"),
        pytest.param(A > B, [0, NAN, NAN, 0, 0], id="gt"),
        pytest.param(A >= B, [0, NAN, NAN, 0, 1], id="ge"),
        pytest.param(al.equal(A, B), [0, NAN, NAN, 0, 1], id="eq"),
        pytest.param(al.unequal(A, B), [1, NAN, NAN, 1, 0], id="ne"),
        pytest.param((A > 0) & (B > 1), [1, NAN, NAN, 0, 0], id="both: a gap stays one whatever the other says"),
        pytest.param((A > 0) | (B > 1), [1, NAN, NAN, 0, 0], id="either"),
        pytest.param(~A, [0, NAN, 0, 0, 1], id="not"),
        pytest.param(al.known(A), [1, 0, 1, 1, 1], id="known"),
        pytest.param(al.fill(A, B), [1, 2, 3, -4, 0], id="fill: the gap has the other's value"),
        pytest.param(al.exp(A - A), [1, NAN, 1, 1, 1], id="exp"),
        pytest.param(al.power(A, 2), [1, NAN, 9, 16, 0], id="power"),
        pytest.param(al.power(A, -0.5), [1, NAN, 3**-0.5, NAN, NAN], id="power: no root below zero, no inverse of it"),
        pytest.param(al.power(A, B), [1, NAN, NAN, 1, 1], id="power: a gap in the exponent is a gap"),
        pytest.param(al.abs_(A), [1, NAN, 3, 4, 0], id="abs"),
        pytest.param(al.sign(A), [1, NAN, 1, -1, 0], id="sign"),
        pytest.param(al.sqrt(A), [1, NAN, 3**0.5, NAN, 0], id="sqrt: below zero is not known"),
        pytest.param(al.log(A), [0, NAN, np.log(3), NAN, NAN], id="log: zero and below are not known"),
        pytest.param(al.maximum(A, B), [2, NAN, NAN, 0, 0], id="maximum"),
        pytest.param(al.minimum(A, 2), [1, NAN, 2, -4, 0], id="minimum"),
        pytest.param(al.where(A > 0, 5, B), [5, NAN, 5, 0, 0], id="where: the branch not taken has no say"),
    ],
)
def test_worked_by_hand(evaluate: Callable[..., Any], expr: al.Expr, expected: list[float]) -> None:
    np.testing.assert_array_equal(evaluate(expr, a=[1, NAN, 3, -4, 0], b=[2, 2, NAN, 0, 0]), expected)


def test_every_elementwise_operator_is_computed() -> None:
    assert set(ELEMENTWISE) == {name for name, operator in OPERATORS.items() if operator.kind == "elementwise"}


def test_a_row_has_the_same_logarithm_alone_as_in_a_long_column(evaluate: Callable[..., Any]) -> None:
    # vector units take columns in lanes; a lane must round like a single value, or split histories differ
    a = np.exp(np.random.default_rng(3).normal(0, 5, 3_001))
    whole = evaluate(al.log(A), a=a)
    alone = [evaluate(al.log(A), a=a[row : row + 1])[0] for row in range(0, 3_001, 13)]
    np.testing.assert_array_equal(alone, whole[::13])
