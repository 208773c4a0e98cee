"""Each kind of shape on bars drawn with a ruler: rows, target and failure worked out by hand, and what spoils it."""

import numpy as np
import pytest

from market import patterns
from tests.market.patterns.drawn import drawn, found_in, only, upside_down

DOUBLE = {0: 240, 40: 100, 60: 160, 80: 100, 120: 220}
HEAD = {0: 240, 40: 130, 52: 160, 66: 100, 80: 160, 92: 130, 120: 214}
CUP = {0: 60} | {40 + x: 160 - 60 * (1 - (x / 25 - 1) ** 2) for x in range(51)} | {98: 140, 120: 195}
TRIANGLE = {0: 90, 30: 160, 44: 100, 56: 160, 66: 120, 78: 160, 88: 140, 110: 206}
FLAG = {0: 130, 30: 100, 40: 160, 46: 146, 52: 156, 55: 150, 70: 195}
CHANNEL = {0: 130, 30: 160, 44: 100, 58: 160, 72: 100, 86: 160, 100: 100, 130: 220}


def test_a_double_bottom() -> None:
    # lows 99 and 99, high 161 between: closes go up 3 a row from 100 at row 80, and 163 at row 101 is the first above 161
    pattern = only(found_in(drawn(DOUBLE)), "double_bottom")
    assert (pattern["direction"], pattern["start"], pattern["row"]) == (1, 40, 101)
    assert pattern["pivots"] == [40, 60, 80, -1, -1]
    assert (pattern["target"], pattern["failure"]) == (161 + 62, 99)
    # fit 1; 2 beyond the neckline, true range 4; volume as ever is a third of a surge, and has waned by nothing: half
    assert pattern["confidence"] == pytest.approx(0.55 + 0.2 * 2 / 4 + 0.15 / 3 + 0.1 / 2)


def test_an_inverse_head_and_shoulders() -> None:
    # neckline 161 from row 52 to 80, head 99, shoulders 129; closes go up 3 a row from 130 at row 92: 163 at row 103
    pattern = only(found_in(drawn(HEAD)), "inverse_head_and_shoulders")
    assert (pattern["direction"], pattern["start"], pattern["row"]) == (1, 40, 103)
    assert pattern["pivots"] == [40, 52, 66, 80, 92]
    assert (pattern["target"], pattern["failure"]) == (161 + 62, 129)


def test_a_sloping_neckline_is_broken_where_it_is_then() -> None:
    # right peak 4 lower: the line, 159 over the head, is at 154 1/7 in row 100, where the close is 154, and at 154 in row 101
    pattern = only(found_in(drawn(HEAD | {80: 156})), "inverse_head_and_shoulders")
    assert pattern["row"] == 101
    assert pattern["target"] == pytest.approx(154 + 159 - 99)


def test_a_cup_with_a_handle() -> None:
    # rims 161, bottom 99, handle 139: closes go up 2.5 a row from 140 at row 98, and 162.5 at row 107 is the first above 161
    pattern = only(found_in(drawn(CUP)), "cup_and_handle")
    assert (pattern["direction"], pattern["start"], pattern["row"]) == (1, 40, 107)
    assert pattern["pivots"] == [40, 65, 90, 98, -1]
    assert (pattern["target"], pattern["failure"]) == (161 + 62, 139)


def test_an_ascending_triangle() -> None:
    # highs 161; lows 99, 119, 139 every 22 rows. True ranges up to row 91: 7 of 13/3, 10 of 3, 3 of 4, mean 3.62; half of that beyond 161
    # is 162.8, and closes go up 3 a row from 140 at row 88: 164 at row 96
    pattern = only(found_in(drawn(TRIANGLE)), "ascending_triangle")
    assert (pattern["direction"], pattern["start"], pattern["row"]) == (1, 30, 96)
    assert pattern["pivots"] == [30, 44, 78, 88, -1]
    assert pattern["target"] == pytest.approx(161 + (161 - (99 - 14 * 40 / 44)))
    assert pattern["failure"] == 139


def test_a_horizontal_channel() -> None:
    # highs 161, lows 99; closes go up 4 a row from 100 at row 100; true range 5.28: 164 at row 116 is the first above 161 and half of that
    pattern = only(found_in(drawn(CHANNEL)), "horizontal_channel")
    assert (pattern["direction"], pattern["start"], pattern["row"]) == (1, 30, 116)
    assert pattern["pivots"] == [30, 44, 86, 100, -1]
    assert (pattern["target"], pattern["failure"]) == (161 + 62, 99)


def test_a_bull_flag() -> None:
    # pole from 99 to 161; the line from 161 at row 40 to 157 at row 52 is at 155 1/3 in row 57, where 156 is the first close above; the flag
    # is 14 broad, from 159 to 145 in row 46
    pattern = only(found_in(drawn(FLAG)), "bull_flag")
    assert (pattern["direction"], pattern["start"], pattern["row"]) == (1, 30, 57)
    assert pattern["pivots"] == [30, 40, 46, 52, -1]
    assert (pattern["target"], pattern["failure"]) == (145 + 62, pytest.approx(157 - 5 / 3 - 14))


def test_a_breakaway_gap() -> None:
    bars = drawn({0: 100, 30: 100})
    for column, value in zip(bars, (105, 108, 104, 107, 300), strict=True):
        column[25] = value
    # range 99 to 101, true range 2: narrow 1 - 2 / 11, thrice the volume, more than a unit beyond
    gap = only(found_in(bars._replace(open=bars.close)), "breakaway_gap")
    assert (gap["direction"], gap["start"], gap["row"], gap["pivots"]) == (1, 24, 25, [-1] * 5)
    assert (gap["target"], gap["failure"]) == (107 + 2, 101)
    assert gap["confidence"] == pytest.approx((9 / 11 + 1 + 1) / 3)


def test_a_common_gap_points_back_to_where_it_is_closed() -> None:
    bars = drawn({0: 160, 25: 110, 26: 116, 30: 120})
    gap = only(found_in(bars), "common_gap")
    # low 115 over the high of 111; the range of 20 rows reaches from 109 at row 25 to 151 at row 6
    assert (gap["direction"], gap["start"], gap["row"]) == (-1, 25, 26)
    assert (gap["target"], gap["failure"]) == (111, 149)


@pytest.mark.parametrize(
    ("kind", "corners"),
    [
        pytest.param("double_bottom", DOUBLE | {80: 85}, id="lows at two heights"),
        pytest.param("double_bottom", DOUBLE | {0: 140}, id="no fall before it"),
        pytest.param("double_bottom", DOUBLE | {120: 160}, id="no close above the neckline"),
        pytest.param("double_bottom", DOUBLE | {90: 130, 100: 80}, id="a lower low before the breakout"),
        pytest.param("inverse_head_and_shoulders", HEAD | {66: 128}, id="a head no lower than the shoulders"),
        pytest.param("inverse_head_and_shoulders", HEAD | {92: 105}, id="uneven shoulders"),
        pytest.param("inverse_head_and_shoulders", HEAD | {96: 142, 104: 105}, id="the right shoulder fails"),
        pytest.param("cup_and_handle", CUP | {98: 110}, id="a handle in the lower half"),
        pytest.param("cup_and_handle", CUP | {0: 160}, id="no rise before it"),
        pytest.param("ascending_triangle", TRIANGLE | {66: 100}, id="lows that do not rise in line"),
        pytest.param("ascending_triangle", TRIANGLE | {56: 185}, id="a high beyond the boundary"),
        pytest.param("horizontal_channel", CHANNEL | {58: 130}, id="too few touches"),
        pytest.param("bull_flag", FLAG | {0: 450}, id="no steep pole: it was as restless before"),
        pytest.param("bull_flag", FLAG | {46: 115}, id="half of the pole given back"),
    ],
)
def test_what_spoils_it(kind: str, corners: dict[int, float]) -> None:
    assert kind not in found_in(drawn(dict(sorted(corners.items())))).kind


@pytest.mark.parametrize(
    "corners", [DOUBLE, HEAD, TRIANGLE, FLAG, CHANNEL], ids=["double", "head", "triangle", "flag", "channel"]
)
def test_upside_down_it_is_the_bearish_kind(corners: dict[int, float]) -> None:
    turned = {
        "double_bottom": "double_top",
        "inverse_head_and_shoulders": "head_and_shoulders",
        "ascending_triangle": "descending_triangle",
        "bull_flag": "bear_flag",
        "horizontal_channel": "horizontal_channel",
    }
    found, mirrored = found_in(drawn(corners)), found_in(upside_down(drawn(corners)))
    for kind in set(found.kind.tolist()) & set(turned):
        pattern, other = only(found, kind), only(mirrored, turned[kind])
        assert (other["start"], other["row"], other["pivots"]) == (pattern["start"], pattern["row"], pattern["pivots"])
        assert other["direction"] == -1
        levels = np.array([pattern["target"], pattern["failure"], other["target"], other["failure"]])
        np.testing.assert_allclose(levels[:2] + levels[2:], 512.0)


def test_each_kind_is_declared_with_its_source() -> None:
    for name, pattern in patterns.PATTERNS.items():
        assert name == pattern.name and pattern.direction in (-1, 0, 1)
        assert pattern.doc.endswith(".") and any(who in pattern.source for who in ("Bulkowski", "Magee", "O'Neil"))
    assert list(patterns.PATTERNS) == sorted(patterns.PATTERNS)
