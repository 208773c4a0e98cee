"""Units follow from the columns: what is unlike is not added, and a feature measures what it says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.features.algebra import (
    ExpressionError,
    col,
    corr,
    cov,
    cs_rank,
    exp,
    log,
    mean,
    power,
    sqrt,
    std,
    var,
    where,
)
from market.features.catalogue import libraries
from market.features.definition import Feature
from market.features.parse import parse
from market.features.units import COLUMNS, DECLARED, checked, told, unit_of

CLOSE, VOLUME, VALUE = col("close"), col("volume"), col("value")


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("close", "price"), ("mean(close, 5) - low", "price"), ("close / ref(close, 5) - 1", "1"), ("volume + 1", "shares"),
        ("close * volume", "price x shares"), ("value / volume - close", "price"), ("log(volume + 1)", "1"), ("var(close, 5)", "price^2"),
        ("cov(close, volume, 5)", "price x shares"), ("corr(close, volume, 5)", "1"), ("sqrt(var(close, 5)) + close", "price"),
        ("1 / value", "1 / price / shares"), ("power(close, 2)", "price^2"), ("close > open", "1"), ("where(volume > 0, close, 0)", "price"),
        ("argmax(close, 5)", "1"), ("ema(close, 5)", "price"), ("cumsum(volume)", "shares"), ("cs_demean(close)", "price"), ("cs_zscore(close)", "1"),
        ("n_headlines", "headlines"), ("-close", "price"), ("adaptive(close, 0.5)", "price"), ("slope(close, 5)", "price"),
    ],
)  # fmt: skip
def test_the_unit_of_a_formula(text: str, unit: str) -> None:
    assert told(unit_of(parse(text))) == unit


@pytest.mark.parametrize(
    ("expr", "said"),
    [
        (lambda: CLOSE + VOLUME, "price and shares"), (lambda: CLOSE > VALUE, "price and price x shares"),
        (lambda: where(CLOSE > 0, CLOSE, VOLUME), "price and shares"), (lambda: mean(CLOSE - VOLUME, 5), "price and shares"),
        (lambda: power(CLOSE, VOLUME), "a pure number there"), (lambda: var(CLOSE, 5) - CLOSE, "price\\^2 and price"),
        (lambda: cs_rank(CLOSE + VALUE), "price and price x shares"),
        (lambda: exp(CLOSE), "a pure number there.*price"), (lambda: power(2, CLOSE), "a pure number there.*price"),
        (lambda: CLOSE - col("sector"), "by=sector"),
        (lambda: (CLOSE > 0) & VOLUME, "holds or does not.*shares"), (lambda: ~CLOSE, "holds or does not.*price"),
        (lambda: where(VOLUME, CLOSE, 0), "holds or does not.*shares"),
    ],
)  # fmt: skip
def test_unlike_things_are_not_added_compared_or_chosen_between(expr, said: str) -> None:
    with pytest.raises(ExpressionError, match=said):
        unit_of(expr())


def test_a_feature_that_says_another_unit_is_refused_with_its_own() -> None:
    with pytest.raises(ExpressionError, match=r"feature 'x'.*unit of its formula, price.*shares"):
        checked(Feature("x", mean(CLOSE, 5), "Mean.", "shares", "ours"))
    with pytest.raises(ExpressionError, match="a unit among"):
        checked(Feature("x", mean(CLOSE, 5), "Mean.", "won", "ours"))
    assert checked(Feature("x", std(CLOSE, 5) / CLOSE, "Spread.", "fraction", "ours")).unit == "fraction"


def test_every_feature_of_every_library_measures_what_it_says() -> None:
    for features in libraries().values():
        for feature in features.values():
            assert unit_of(feature.expr) in (None, DECLARED[feature.unit]), feature.name


@given(st.sampled_from(sorted(COLUMNS)), st.sampled_from(sorted(COLUMNS)))
def test_products_and_ratios_undo_each_other(a: str, b: str) -> None:
    x, y = col(a), col(b)
    assert unit_of(x * y / y) == unit_of(x)
    assert unit_of(sqrt(x * x)) == unit_of(x)
    assert unit_of(cov(x, y, 5) / y) == unit_of(x)
    assert told(unit_of(corr(x, log(y), 5))) == "1"


def test_a_feature_reads_columns_that_gold_has() -> None:
    for expr in (col("forward_return_5d"), CLOSE / mean(col("closee"), 5)):
        with pytest.raises(ExpressionError, match=r"expected columns among .*close.*(closee|forward_return_5d)"):
            checked(Feature("x", expr, "Under test.", "1", "ours"))
    checked(Feature("x", cs_rank(CLOSE, by="sector"), "Under test.", "1", "ours"))
