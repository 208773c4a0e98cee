"""The picture sheets: every feature has its panel, small files, and a made-up price in which every pattern comes up."""

import re
from xml.etree import ElementTree

import numpy as np
import pytest

from market import patterns
from market.features import candles, indicators
from market.features.catalogue import libraries
from market.patterns.rates import RATES
from marketlake import panels, sheets

GROUPS = [*sheets.groups(indicators), *sheets.groups(candles)]
SVG = "{http://www.w3.org/2000/svg}"
KILOBYTE = 1000


@pytest.fixture(scope="module")
def drawn() -> dict[str, str]:
    return sheets.sheets()


@pytest.fixture(scope="module")
def bars() -> dict[str, np.ndarray]:
    return sheets.price_path()


def test_every_feature_of_both_libraries_is_in_a_group_once() -> None:
    names = [feature.name for group in GROUPS for feature in group.features]
    assert sorted(names) == sorted([*libraries()["indicators"], *libraries()["candles"]])


def test_every_feature_has_a_panel_with_its_name_and_something_in_it(drawn: dict[str, str]) -> None:
    assert set(drawn) == {sheets.CHART_PATTERNS, *(group.sheet for group in GROUPS)}
    for group in GROUPS:
        root = ElementTree.fromstring(drawn[group.sheet])
        texts = [element.text for element in root.iter(f"{SVG}text")]
        assert set(texts) >= {"price", *(feature.name for feature in group.features)}
        assert not [text for text in texts if text and ("never in" in text or "no value" in text)]
        frames = [element for element in root.iter(f"{SVG}rect") if element.get("stroke")]
        assert len(frames) == 1 + len(group.features)
        lines = [element.get("d", "") for element in root.iter(f"{SVG}path") if element.get("stroke") == "#1f5f99"]
        assert len(lines) == (0 if group.library == "candles" else len(group.features))
        assert all(line.startswith("M") and line.count("L") > 50 for line in lines)


def test_every_candlestick_is_marked_once_below_where_bullish_and_above_where_bearish(drawn: dict[str, str]) -> None:
    for group in sheets.groups(candles):
        root = ElementTree.fromstring(drawn[group.sheet])
        told = [element.text or "" for element in root.iter(f"{SVG}text")]
        fills = [element.get("fill") for element in root.iter(f"{SVG}path")]
        signs = [re.match(r"([+-])\d+ in session [\d,]+$", text) for text in told]
        assert fills.count("#1b7837") == sum(1 for sign in signs if sign and sign[1] == "+")
        assert fills.count("#b2182b") == sum(1 for sign in signs if sign and sign[1] == "-")
        assert sum(1 for sign in signs if sign) == len(group.features)


def test_every_chart_pattern_is_outlined_with_its_target_and_the_level_at_which_it_fails(drawn: dict[str, str]) -> None:
    root = ElementTree.fromstring(drawn[sheets.CHART_PATTERNS])
    texts = [element.text or "" for element in root.iter(f"{SVG}text")]
    ways = {name: 2 - abs(one.direction) for name, one in patterns.PATTERNS.items()}
    assert {name: texts.count(name) for name in ways} == ways and not [text for text in texts if "never in" in text]
    strokes = [element.get("stroke") for element in root.iter(f"{SVG}path")]
    assert strokes.count("#1b7837") == strokes.count("#b2182b") == len(RATES)
    assert strokes.count("#1f5f99") == sum(not name.endswith("gap") for name, _ in RATES)


def test_nothing_is_drawn_outside_the_sheet(drawn: dict[str, str]) -> None:
    for text in drawn.values():
        root = ElementTree.fromstring(text)
        width, height = float(root.get("width", 0)), float(root.get("height", 0))
        for path in root.iter(f"{SVG}path"):
            points = re.findall(r"[ML](-?[\d.]+) (-?[\d.]+)", path.get("d", ""))
            assert all(0 <= float(x) <= width and 0 <= float(y) <= height for x, y in points)


def test_the_sheets_are_small_and_the_same_each_time(drawn: dict[str, str]) -> None:
    assert max(map(len, drawn.values())) < 400 * KILOBYTE
    assert sum(map(len, drawn.values())) < 3000 * KILOBYTE
    assert sheets.sheets() == drawn


def test_the_made_up_price_could_be_one(bars: dict[str, np.ndarray]) -> None:
    assert {len(column) for column in bars.values()} == {sheets.WHOLE}
    assert (bars["low"] <= np.minimum(bars["open"], bars["close"])).all()
    assert (bars["high"] >= np.maximum(bars["open"], bars["close"])).all()
    assert (bars["low"] > 0).all() and (bars["volume"] > 0).all() and (bars["value"] > 0).all()
    np.testing.assert_array_equal(bars["close"], np.round(bars["close"], 2))
    shown = bars["close"][sheets.LEAD_IN : sheets.LEAD_IN + sheets.SHOWN]
    assert shown.max() > 1.2 * shown[0] and shown.max() > 1.2 * shown[-1], "a rise and a fall"


def test_a_line_is_broken_where_a_value_is_not_known() -> None:
    box = panels.Box(0, 0, 30, 10)
    values = np.array([0.0, 1.0, np.nan, 1.0])
    assert panels._line(box, panels._Span(0, 1, 10, 10), values) == "M0.0 10.0L10.0 0.0M30.0 0.0"
