"""The catalogue as data: every feature documented, every name usable, and an addition is one entry in one file."""

import dataclasses
import re
from typing import Any

import pytest

from market.errors import Permanent
from market.features.algebra import Expr, col, mean, ref
from market.features.catalogue import catalogue, find, libraries, merged
from market.features.definition import Feature
from market.features.parse import parse
from market.features.sections import compile_features

PRICES = {"open", "high", "low", "close", "volume", "value", "market_cap", "n_headlines"}


def feature(name: str = "x", expr: Expr | None = None, **fields: Any) -> Feature:
    plain = {"doc": "Under test.", "unit": "ratio", "source": "ours"}
    return Feature(name, col("close") if expr is None else expr, **(plain | fields))


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        pytest.param(
            "rsi_14",
            ("wilder(maximum(delta(close, 1), 0), 14)", "wilder(maximum(-delta(close, 1), 0), 14)"),
            id="RSI 14 of Wilder",
        ),
        pytest.param("macd", ("ema(close, 12) - ema(close, 26)",), id="MACD 12/26"),
        pytest.param("macd_signal", ("ema(ema(close, 12) - ema(close, 26), 9)",), id="signal line 9"),
        pytest.param("macd_hist", ("ema(close, 12)", "ema(close, 26)", ", 9)"), id="histogram"),
        pytest.param("bollinger_pct_b", ("mean(close, 20)", "2 * std(close, 20)"), id="place in the bands 20/2"),
        pytest.param("bollinger_width", ("mean(close, 20)", "2 * std(close, 20)"), id="width of the bands 20/2"),
        pytest.param("momentum_20", ("close / ref(close, 20)",), id="momentum of a month"),
        pytest.param("volatility_20", ("std(log(close / ref(close, 1)), 20)",), id="volatility of log returns"),
        pytest.param("volume_ratio_5_20", ("mean(volume, 5) / mean(volume, 20)",), id="volume against its past"),
    ],
)
def test_what_everybody_looks_for_is_there_under_its_name(name: str, parts: tuple[str, ...]) -> None:
    formula = catalogue()[name].formula
    assert [part for part in parts if part not in formula] == []


def test_there_are_a_dozen_features_at_least() -> None:
    assert len(catalogue()) >= 12


@pytest.mark.parametrize("name", sorted(catalogue()))
def test_every_feature_is_documented_and_reads_known_columns(name: str) -> None:
    found = catalogue()[name]
    assert found.name == name
    assert re.fullmatch(r"[A-Z][^\n]{20,}\.", found.doc)
    assert re.fullmatch(r"[a-z_]+", found.unit)
    assert found.source
    assert set(found.inputs) <= PRICES
    assert parse(found.formula, PRICES) == found.expr


def test_the_formula_of_momentum_says_it_all() -> None:
    found = catalogue()["momentum_20"]
    assert (found.formula, found.lookback, found.inputs) == ("close / ref(close, 20) - 1", 20, ("close",))
    assert (found.unit, found.is_recursive) == ("fraction", False)


def test_changing_the_answer_does_not_change_the_catalogue() -> None:
    catalogue().clear()
    assert catalogue()


def test_a_name_used_twice_is_refused_naming_both_files() -> None:
    with pytest.raises(Permanent, match=r"library/momentum\.py and market/features/library/volume\.py"):
        merged({f"market/features/library/{name}.py": entries for name, entries in (
            ("momentum", (feature("twice"),)), ("volume", (feature("once"), feature("twice"))),
        )})  # fmt: skip


@pytest.mark.parametrize("name", ["", "RSI", "14_rsi", "rsi-14", "select", "x" * 64, "rsi\n"])
def test_a_name_must_suit_sql(name: str) -> None:
    with pytest.raises(Permanent, match="lower-case name"):
        feature(name)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"doc": ""}, "one sentence"),
        ({"doc": "No full stop"}, "one sentence"),
        ({"doc": "Two\nlines."}, "one sentence"),
        ({"unit": " "}, "a unit and a source"),
        ({"source": ""}, "a unit and a source"),
        ({"low": 1.0, "high": 1.0}, "low below high"),
        ({"expr": mean(3, 5)}, "at least one column"),
    ],
)
def test_an_entry_without_its_words_is_refused(fields: dict[str, Any], says: str) -> None:
    with pytest.raises(Permanent, match=says):
        feature(**fields)


def test_a_feature_is_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        feature().name = "y"  # type: ignore[misc]


def test_shared_parts_are_computed_once() -> None:
    close = col("close")
    program = compile_features(
        [
            feature("a", mean(close, 5) / close),
            feature("b", mean(close, 5) - ref(close, 1)),
            feature("c", mean(close, 5)),
        ]
    )
    assert sorted(str(step.node) for step in program.plan.steps) == [
        "close",
        "mean(close, 5)",
        "mean(close, 5) - ref(close, 1)",
        "mean(close, 5) / close",
        "ref(close, 1)",
    ]


def test_libraries_hold_the_published_features_the_indicators_and_qlibs_sets() -> None:
    sizes = {name: len(features) for name, features in libraries().items()}
    assert sizes.pop("indicators") >= 120
    assert sizes == {
        "features_daily": len(catalogue()), "candles": 61, "sentiment": 6, "alpha158": 158, "alpha360": 360,
    }  # fmt: skip
    assert find("rsi_14") is catalogue()["rsi_14"]
    assert find("kmid") is libraries()["alpha158"]["kmid"] and find("nothing") is None
