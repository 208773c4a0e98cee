"""The picture of a feature: the same figures give the same bytes, its texts can be read, and what is not known is said."""

import math
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest

from market.features.behaviour import Behaviour, Sample, behaviour
from market.features.catalogue import find
from market.features.definition import Feature
from market.features.nodes import Column
from marketlake.pictures import feature_picture

RSI = find("rsi_14")
assert RSI is not None


@pytest.fixture(scope="module")
def known() -> Behaviour:
    """40 names over 60 sessions around a new year."""
    rng = np.random.default_rng(3)
    days = np.tile(np.datetime64("2023-12-01") + np.arange(60), 40)
    names = np.repeat([f"S{i:02d}" for i in range(40)], 60).astype(object)
    outcomes = rng.standard_normal(2400)
    values = 50 + 10 * (outcomes + rng.standard_normal(2400))
    return behaviour(Sample(values, names, days, np.full(2400, "XKRX", dtype=object), outcomes), 5)


def nothing(known: Behaviour) -> Behaviour:
    none = Sample(np.full(1, math.nan), np.array(["A"], object), np.array(["2024-01-02"], "datetime64[D]"),
                  np.array(["XKRX"], object), np.full(1, math.nan))  # fmt: skip
    return behaviour(none, known.horizon)


def texts(svg: str) -> str:
    root = ElementTree.fromstring(svg)
    return "\n".join("".join(element.itertext()) for element in root.iter("{http://www.w3.org/2000/svg}text"))


def test_the_same_figures_give_the_same_bytes(known: Behaviour) -> None:
    first = feature_picture(RSI, known, "release r00001")
    assert feature_picture(RSI, known, "release r00001") == first
    assert "<dc:date>" not in first and len(first) < 100_000
    assert feature_picture(RSI, replace(known, horizon=10), "release r00001") != first


def test_the_texts_are_there_as_text(known: Behaviour) -> None:
    said = texts(feature_picture(RSI, known, "release r00001 & more"))
    assert "rsi_14 = where(wilder(" in said and "release r00001 & more" in said
    for word in ("Distribution", "percent", "rows", "Coverage by year", "100.0 %", "Autocorrelation", "Rank IC by year",
                 "rank IC, 5 sessions ahead", "2023", "2024"):  # fmt: skip
        assert word in said, word
    lags = [line for line in said.splitlines() if line in ("1", "5", "20")]
    assert set(lags) >= {"1", "5", "20"}


def test_what_is_not_known_is_said_instead_of_drawn(known: Behaviour) -> None:
    said = texts(feature_picture(RSI, nothing(known)))
    assert "no row has a value" in said
    assert "no series is long enough, or none moves" in said
    assert "no session has five names of one exchange with a label" in said
    assert "0.0 %" in said


def test_a_constant_feature_is_one_bar(known: Behaviour) -> None:
    flat = replace(known.distribution, edges=(3.0, 3.0), counts=(2400,), below=0, above=0)
    assert "Distribution" in texts(feature_picture(RSI, replace(known, distribution=flat)))


def test_a_formula_of_a_page_is_cut_and_signs_of_mathematics_stay_as_they_are(known: Behaviour) -> None:
    x = Column("close")
    for _ in range(40):
        x = x * Column("open") + Column("low")  # type: ignore[assignment]  # any expression
    long = Feature("long_one", x, "Under test, $5 & <6>.", "won_per_$", "ours")
    said = texts(feature_picture(long, known))
    assert "[...]" in said
    assert max(map(len, said.splitlines())) < 120
    assert "won_per_$" in said
