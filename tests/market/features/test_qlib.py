"""Qlib's syntax and Alpha158: equal to what Qlib 0.9.7 itself computes, halts, gaps and flat stretches included.

`qlib_alpha158.parquet` holds an invented panel of 170 rows and what `bench/peers/qlib_features.py` made of it; its infinities are NaN here.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from market.features import algebra as al
from market.features.alpha import alpha158, alpha360
from market.features.nodes import ExpressionError
from market.features.qlib import VWAP, parse_qlib
from market.features.sections import compile_features

CLOSE, HIGH = al.col("close"), al.col("high")


@pytest.fixture(scope="module")
def recorded() -> pd.DataFrame:
    return pd.read_parquet(Path(__file__).with_name("qlib_alpha158.parquet"))


def computed(features: tuple, panel: pd.DataFrame) -> dict[str, np.ndarray]:
    offsets = np.concatenate(([0], np.cumsum(panel.groupby("symbol", sort=False).size())))
    program = compile_features(features)
    return program.run({name: panel[name].to_numpy(float) for name in program.inputs}, offsets).values


def test_all_158_are_qlibs_within_a_millionth_and_missing_where_qlibs_are(recorded: pd.DataFrame) -> None:
    found = computed(alpha158(), recorded)
    assert len(found) == 158 and set(found) == {name[5:] for name in recorded if name.startswith("qlib_")}
    for name, values in found.items():
        expected = recorded[f"qlib_{name}"].replace([np.inf, -np.inf], np.nan).to_numpy()
        np.testing.assert_allclose(values, expected, rtol=1e-6, atol=1e-6, err_msg=name)


def test_the_panel_holds_what_is_hard(recorded: pd.DataFrame) -> None:
    assert recorded["high"].isna().sum() > 5 and (recorded["volume"] == 0).sum() > 5 and recorded["close"].isna().any()
    assert (recorded["close"].diff() == 0).sum() > 6


def test_the_360_are_60_sessions_of_six_columns_over_today(recorded: pd.DataFrame) -> None:
    features = alpha360()
    assert len({one.name for one in features}) == 360
    panel = recorded[recorded["symbol"] == "S0"].reset_index(drop=True)
    found = computed(features, panel)
    last = len(panel) - 1
    assert found["close59"][last] == panel["close"][last - 59] / panel["close"][last]
    assert found["close0"][last] == 1.0
    assert found["volume1"][last] == panel["volume"][last - 1] / (panel["volume"][last] + 1e-12)
    assert np.isnan(found["open59"][:59]).all()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Mean($close,5)/$close", al.mean(CLOSE, 5, least=1) / CLOSE),
        ("Ref($close, 1)", al.ref(CLOSE, 1)),
        ("Greater($close, 2*$high)-Abs(-$close)", al.maximum(CLOSE, 2 * HIGH) - al.abs_(-CLOSE)),
        ("If($close>$high, 1, Quantile($close, 10, 0.25))",
         al.where(al.fill(al.fill(CLOSE > HIGH, 0), 1), 1, al.quantile(CLOSE, 10, 0.25, least=1))),
        ("$vwap", VWAP),
        ("Cov($close, $high, 4)", al.cov(CLOSE, HIGH, 4, least=1)),
        ("Power($close, 2)", al.power(CLOSE, 2)),
    ],
)  # fmt: skip
def test_reads(text: str, expected: al.Expr) -> None:
    assert parse_qlib(text) == expected


def test_a_missing_condition_holds_as_it_does_for_numpy(evaluate: Any) -> None:
    found = evaluate(parse_qlib("If($close, 7, 9)"), close=[1.0, 0.0, np.nan])
    np.testing.assert_array_equal(found, np.where([1.0, 0.0, np.nan], 7.0, 9.0))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("Ref($close, -2)", "look ahead"),
        ("EMA($close, 5)", "an operator"),
        ("Mean($close)", "2 argument"),
        ("Mean($close, 0)", "window of 1 to"),
        ("Mean($close, 2.5)", "whole rows"),
        ("Mean($close, $high)", "a number"),
        ("$close +", "an expression of Qlib"),
        ("close.shift(1)", "columns such as"),
        ("Quantile($close, 5, 2)", "a level from 0 to 1"),
    ],
)
def test_refuses(text: str, says: str) -> None:
    with pytest.raises(ExpressionError, match=says):
        parse_qlib(text)
