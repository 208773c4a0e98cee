"""Expression text: what is written is what is read, and a mistake is answered with its place."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market.features import algebra as al
from market.features.parse import MAX_LETTERS, parse

EXAMPLES = settings(max_examples=40, deadline=None)  # the first example also compiles the kernels

CLOSE = al.col("close")


@EXAMPLES
@given(data=st.data())
def test_text_reads_back_to_the_same_expression(expressions: Any, data: st.DataObject) -> None:
    expr = data.draw(expressions)
    assert parse(str(expr)) == expr


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("corr(close, log(volume + 1), 20)", al.corr(CLOSE, al.log(al.col("volume") + 1), 20)),
        ("  ref(close,5)/close\n", al.ref(CLOSE, 5) / CLOSE),
        ("where(close > ref(close, 1), 1, -1)", al.where(CLOSE > al.ref(CLOSE, 1), 1, -1)),
        ("(mean(close, 5)\n - close)", al.mean(CLOSE, 5) - CLOSE),
        ("mean(close, 5, least=1)", al.mean(CLOSE, 5, least=1)),
        ("quantile(close, 20, level=0.8, least=10)", al.quantile(CLOSE, 20, 0.8, least=10)),
        ("mean(close, 5, least=5)", al.mean(CLOSE, 5)),
        (
            "(close > 1) & ~(volume == 0) | (close != 2)",
            (CLOSE > 1) & ~al.equal(al.col("volume"), 0) | al.unequal(CLOSE, 2),
        ),
    ],
)
def test_reads(text: str, expected: al.Expr) -> None:
    assert parse(text) == expected


@pytest.mark.parametrize(
    ("text", "position", "says"),
    [
        pytest.param("men(close, 5)", 1, "Did you mean mean", id="unknown operator"),
        pytest.param("close + cloze", 9, "Did you mean close", id="unknown column"),
        pytest.param("1 + mean(close)", 5, "expected 2 argument", id="window missing"),
        pytest.param("corr(close, 20)", 1, "expected 3 argument", id="operand missing"),
        pytest.param("mean(close, n=5)", 1, "by name", id="argument by name"),
        pytest.param("mean(close, 5, n=5)", 16, "least= by name", id="a name that is none"),
        pytest.param("ref(close, 5, least=1)", 15, "nothing by name", id="least of a shift"),
        pytest.param("mean(close, 5, least=1, least=2)", 1, "each word once", id="a word twice"),
        pytest.param("mean(close, 5, least=6)", 1, "least from 1 to 5", id="least above the window"),
        pytest.param("mean(close, 5, least=close)", 22, "a number for least", id="least from a column"),
        pytest.param("quantile(close, 5)", 1, "a level from 0 to 1", id="level missing"),
        pytest.param("quantile(close, 5, level=2)", 1, "a level from 0 to 1", id="level out of range"),
        pytest.param("mean(close, 0)", 13, "window of 1 to", id="window of no rows"),
        pytest.param("std(close, 1)", 12, "window of 2 to", id="window of one row"),
        pytest.param("mean(close, 5.0)", 13, "whole rows", id="window in fractions"),
        pytest.param("mean(close, volume)", 13, "whole rows", id="window from a column"),
        pytest.param("ref(close, -1)", 12, "look ahead", id="look ahead"),
        pytest.param("ref(close, --1)", 12, "whole rows", id="two signs"),
        pytest.param("close +", 8, "expected an expression", id="unfinished"),
        pytest.param("", 1, "expected an expression", id="empty"),
        pytest.param("(close\n + )", 11, "invalid syntax", id="broken on the second line"),
        pytest.param("  1 +\n", 6, "expected an expression", id="unfinished after blanks"),
        pytest.param("close ** 2", 1, "close ** 2", id="operator we do not have"),
        pytest.param("1 < close < 2", 1, "1 < close < 2", id="chained comparison"),
        pytest.param("close[0]", 1, "close[0]", id="subscript"),
        pytest.param("close.shift(-1)", 1, "close.shift", id="method"),
        pytest.param("mean('close', 5)", 6, "finite number", id="string"),
        pytest.param("1e999 * close", 1, "finite number", id="infinite"),
        pytest.param("True * close", 1, "finite number", id="truth value"),
        pytest.param("(close\n + voluem)", 11, "Did you mean volume", id="second line"),
        pytest.param("종가 + 1", 1, "a column", id="letters of more than one byte"),
        pytest.param("'종가' + 1", 1, "finite number", id="a string of them"),
        pytest.param("close + '종가' * x", 9, "finite number", id="they come first, from the left"),
    ],
)
def test_a_mistake_is_answered_with_its_place(text: str, position: int, says: str) -> None:
    with pytest.raises(al.ExpressionError) as refused:
        parse(text, {"close", "volume"})
    assert says in str(refused.value)
    assert f"position {position}:" in str(refused.value)


@pytest.mark.parametrize(
    "text",
    [
        "-" * 3000 + "close",
        "(" * 500 + "close" + ")" * 500,
        "abs(" * 150 + "close" + ")" * 150,
        "close" * MAX_LETTERS,
        "a\0b",
        "9" * 3_900,
    ],
)
def test_hostile_text_is_refused_like_any_other(text: str) -> None:
    with pytest.raises(al.ExpressionError):
        parse(text)
