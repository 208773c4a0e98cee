"""Levels: one life worked by hand, what may be told of each event, and that no more is known than could be."""

import dataclasses
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market import levels
from market.errors import Permanent
from market.levels.bars import checked
from market.levels.candidates import REACH, candidates
from market.levels.levels import Events, follow

EXAMPLES = settings(max_examples=25, deadline=None)
NAN = float("nan")
PIVOT, VOLUME, ROUND = range(3)
Bar = tuple[float, float, float, float]  # high, low, close, volume
QUIET: Bar = (102.0, 99.0, 100.0, 1000.0)


def found(special: dict[int, Bar], rows: int, step: float = NAN) -> Events:
    """The events of one security whose bars are quiet but for these; the first 85 reach down to 98, so that their true range is 4."""
    high, low, close, volume = (np.full(rows, value) for value in QUIET)
    low[:85] = 98.0
    for row, bar in special.items():
        high[row], low[row], close[row], volume[row] = bar
    return levels.find(close, high, low, close, volume, np.full(rows, step), [0, rows])


def of_kind(events: Events, kind: int) -> Events:
    return events.take(events.kind == kind)


def same(one: Events, other: Events, but: dict[str, float] | None = None) -> None:
    """Equal bits, but for columns multiplied by a factor."""
    for field in dataclasses.fields(Events):
        left, right = getattr(one, field.name), getattr(other, field.name)
        np.testing.assert_array_equal(left * (but or {}).get(field.name, 1), right, err_msg=field.name)


# low of 96 at row 85 confirmed at 90, where the mean true range is (14 * 4 + 6 + 5 * 3) / 20 = 3.85: a zone of 1.925 about 96
LIFE_OF_ONE = {
    85: (102.0, 96.0, 100.0, 1000.0),
    92: (102.0, 97.0, 99.0, 2000.0),  # comes into the zone and closes above it
    93: (102.0, 97.0, 97.5, 1000.0),  # comes again, stays in the zone
    94: (102.0, 96.5, 97.0, 1000.0),  # has not left it: no new test
    95: (102.0, 97.0, 99.0, 1000.0),
    96: (102.0, 95.0, 95.5, 1000.0),  # closes below the price, inside the zone: neither held nor broken
    97: (102.0, 93.0, 94.0, 1000.0),  # closes below the zone
    98: (102.0, 92.5, 94.0, 1000.0),
}


def test_the_life_of_a_support_by_hand() -> None:
    one = of_kind(found(LIFE_OF_ONE, 100), PIVOT)
    assert one.row.tolist() == [90, 92, 93, 97]
    assert [levels.EVENTS[event] for event in one.event] == ["formed", "touched", "touched", "broken"]
    assert one.price.tolist() == [96.0] * 4 and one.role.tolist() == [levels.SUPPORT] * 4
    np.testing.assert_allclose(one.tolerance, 1.925, rtol=1e-15)
    assert one.formed.tolist() == [90] * 4 and one.serial.tolist() == [0] * 4 and one.age.tolist() == [0, 2, 3, 7]
    assert one.touches.tolist() == [0, 1, 2, 2]
    np.testing.assert_array_equal(one.held_share, [NAN, 1.0, 1.0, 0.5])  # of four tests two held
    # relative volumes 1 at the pivot, 2 at row 92, and 1000 / ((19 * 1000 + 2000) / 20) at row 93
    weight = (1 + 2 + 20 / 21) / 3
    expected = [
        (0 + 0.5 + 1) / 3,
        (1 / 2 + 1.5 / 2.5 + 1) / 3,
        (2 / 3 + weight / (1 + weight) + 1) / 3,
        (2 / 3 + weight / (1 + weight) + 1 - 4 / levels.LIFE) / 3,
    ]
    np.testing.assert_allclose(one.strength, expected, rtol=1e-14)


def test_a_close_at_the_very_price_holds() -> None:
    one = of_kind(found(LIFE_OF_ONE | {92: (102.0, 95.0, 96.0, 1000.0)}, 100), PIVOT)
    assert (one.row[1], one.event[1], one.held_share[1]) == (92, levels.TOUCHED, 1.0)


def test_a_resistance_mirrors_a_support() -> None:
    up = of_kind(found(LIFE_OF_ONE, 100), PIVOT)
    high, low, close, volume = (np.full(100, value) for value in QUIET)
    low[:85] = 98.0
    for row, bar in LIFE_OF_ONE.items():
        high[row], low[row], close[row], volume[row] = bar
    mirrored = 200 - close, 200 - low, 200 - high, 200 - close
    down = of_kind(levels.find(*mirrored, volume, np.full(100, NAN), [0, 100]), PIVOT)
    assert (down.price == 104.0).all() and (down.role == levels.RESISTANCE).all()
    for name in ("row", "event", "touches", "formed", "held_share", "strength"):
        np.testing.assert_array_equal(getattr(down, name), getattr(up, name), err_msg=name)


def test_a_halt_confirms_touches_and_breaks_nothing() -> None:
    halted = (0.0, 0.0, 80.0, 0.0)
    assert of_kind(found(LIFE_OF_ONE | {92: halted}, 100), PIVOT).row.tolist() == [90, 93, 97]
    assert of_kind(found(LIFE_OF_ONE | {97: halted}, 100), PIVOT).row.tolist() == [90, 92, 93, 98]
    assert of_kind(found(LIFE_OF_ONE | {90: (NAN, NAN, NAN, 0.0)}, 100), PIVOT).row.tolist() == []


def test_a_turn_at_a_living_level_founds_no_other_until_it_has_grown_too_old() -> None:
    second = LIFE_OF_ONE[85]
    one = of_kind(found({85: second, 105: second}, 300), PIVOT)
    assert one.row.tolist() == [90, 105, 90 + levels.LIFE]
    assert one.event.tolist() == [levels.FORMED, levels.TOUCHED, levels.FORMED]
    assert one.formed.tolist() == [90, 90, 110] and one.age.tolist() == [0, 15, levels.LIFE - 20]
    living = [levels.alive(one, row).formed.tolist() for row in (89, 90, 90 + levels.LIFE, 91 + levels.LIFE, 280, 281)]
    assert living == [[], [90], [90, 110], [110], [110], []]


def test_where_a_level_breaks_one_that_waited_at_a_lower_price_takes_its_place() -> None:
    lower = (102.0, 95.0, 100.0, 1000.0)
    one = of_kind(found({85: LIFE_OF_ONE[85], 105: lower, 115: (102.0, 94.0, 94.0, 1000.0)}, 118), PIVOT)
    assert one.row.tolist() == [90, 105, 115, 115]
    assert one.price.tolist() == [96.0, 96.0, 95.0, 96.0]
    assert one.event.tolist() == [levels.FORMED, levels.TOUCHED, levels.FORMED, levels.BROKEN]
    assert levels.alive(one, 117).price.tolist() == [95.0]


def test_a_round_price_on_either_side_of_the_close_is_a_level() -> None:
    one = of_kind(found({85: LIFE_OF_ONE[85]}, 100, step=5.0), ROUND)
    # at a close of 100 with a tolerance of 1.925, 100 itself has no role
    assert one.row.tolist() == [90, 90] and one.price.tolist() == [95.0, 105.0]
    assert one.role.tolist() == [levels.SUPPORT, levels.RESISTANCE] and one.serial.tolist() == [0, 1]
    assert of_kind(found({85: LIFE_OF_ONE[85]}, 100, step=3.85), ROUND).row.tolist() == []  # zones would meet


def test_a_price_at_which_much_was_traded_is_a_level() -> None:
    busy = {row: (108.5, 107.5, 108.0, 20_000.0) for row in range(60, 66)}
    one = of_kind(found(busy | {85: LIFE_OF_ONE[85]}, 100), VOLUME)
    assert one.row.tolist() == [90] and one.role.tolist() == [levels.RESISTANCE]
    assert 107.5 <= one.price[0] <= 108.5
    assert one.strength[0] > 0.6  # a node of many times the mean bin


def test_what_was_read_a_turn_ago_is_a_candidate_again_only_where_the_market_turned_at_it() -> None:
    at_96, quiet, at_95 = LIFE_OF_ONE[85], (102.0, 97.5, 100.0, 1000.0), (102.0, 94.9, 100.0, 1000.0)

    def supports(second: Bar, row: int = 97, then: float = 100.0) -> list[tuple[int, float]]:
        """Round supports after turns at rows 85 and ``row``, the close on the row that confirms the second being ``then``."""
        high, low, close, volume = (np.full(140, value) for value in QUIET)
        low[:85] = 98.0
        for at, bar in ((85, at_96), (row, second)):
            high[at], low[at], close[at], volume[at] = bar
        close[row + 5], high[row + 5] = then, max(then, 102.0)
        known = candidates(checked(close, high, low, close, volume, [0, 140]), np.full(140, 5.0))
        return [
            (at, price)
            for at, kind, role, price in zip(known.row, known.kind, known.role, known.price, strict=True)
            if (kind, role) == (ROUND, levels.SUPPORT)
        ]

    assert supports(quiet) == [(90, 95.0)]
    assert supports(at_95) == [(90, 95.0), (102, 95.0)]
    # 105 was a resistance a turn ago; the way down from 108 is a turn of its own, and 95 was not next to the close before it
    assert supports(quiet, then=108.0) == [(90, 95.0), (102, 105.0), (107, 95.0)]
    assert supports(quiet, row=106) == [(90, 95.0), (111, 95.0)]  # 21 rows without a turn


def test_a_step_is_half_the_power_of_ten_below() -> None:
    close = [0.07, 1.0, 99.99, 100.0, 1_000.0, 73_400.0, 0.0, -3.0, NAN, float("inf")]
    expected = [0.005, 0.5, 5.0, 50.0, 500.0, 5_000.0, NAN, NAN, NAN, NAN]
    np.testing.assert_allclose(levels.round_steps(close), expected, rtol=1e-12)


@EXAMPLES
@given(data=st.data())
def test_every_event_tells_what_it_says(markets: Any, data: st.DataObject) -> None:
    market = data.draw(markets)
    bars = checked(*market.bars, market.offsets)
    events = levels.find(*market.bars, market.step, market.offsets)
    order = np.lexsort((events.price, events.row))
    np.testing.assert_array_equal(order, np.arange(len(order)))
    begin, end = market.offsets[events.security], market.offsets[events.security + 1]
    assert ((events.formed >= begin + REACH) & (events.row >= events.formed) & (events.row < end)).all()
    assert (events.age == events.row - events.formed).all() and (events.age <= levels.LIFE).all()
    assert ((events.strength >= 0) & (events.strength <= 1)).all() and (events.price > 0).all()
    assert not (events.held_share < 0).any() and not (events.held_share > 1).any()
    away = events.role * (bars.close[events.row] - events.price)
    touched, broken = events.event == levels.TOUCHED, events.event == levels.BROKEN
    assert (away[touched] >= 0).all() and (away[broken] < -events.tolerance[broken]).all()
    reached = np.where(events.role > 0, bars.low[events.row], -bars.high[events.row]) - events.role * events.price
    assert (reached[touched] <= events.tolerance[touched] * (1 + 1e-9)).all()
    assert bars.is_traded[events.row[touched | broken]].all()
    at_birth = (events.event == levels.FORMED) & (events.age == 0)
    assert bars.is_traded[events.row[at_birth]].all() and (events.touches[at_birth] == 0).all()


@EXAMPLES
@given(data=st.data())
def test_a_level_forms_once_first_and_breaks_once_last(markets: Any, data: st.DataObject) -> None:
    market = data.draw(markets)
    events = levels.find(*market.bars, market.step, market.offsets)
    for own in _by_level(events):
        assert own.event[0] == levels.FORMED and (own.event[1:] != levels.FORMED).all()
        assert (own.event[:-1] != levels.BROKEN).all() and (np.diff(own.row) > 0).all()
        assert len({(p, t, r) for p, t, r in zip(own.price, own.tolerance, own.role, strict=True)}) == 1
        touched = (own.event[1:] == levels.TOUCHED).astype(int)
        np.testing.assert_array_equal(np.diff(own.touches), touched)


def _by_level(events: Events) -> list[Events]:
    identity = np.stack((events.formed, events.kind, events.serial), axis=1)
    levels_, at = np.unique(identity, axis=0, return_inverse=True)
    return [events.take(at.ravel() == level) for level in range(len(levels_))]


@EXAMPLES
@given(data=st.data())
def test_living_levels_of_a_kind_do_not_lie_in_each_others_zone(markets: Any, data: st.DataObject) -> None:
    market = data.draw(markets)
    events = levels.find(*market.bars, market.step, market.offsets)
    for row in range(0, len(market.step), 29):
        living = levels.alive(events, row, market.offsets)
        assert (np.diff(living.price) >= 0).all() and (row - living.formed <= levels.LIFE).all()
        # on its last row an old level hands on, and two live
        old = row - living.formed == levels.LIFE
        for kind in range(3):
            own = living.take((living.kind == kind) & ~old)
            for at in range(len(own.row)):
                older = own.formed < own.formed[at]
                assert (np.abs(own.price - own.price[at])[older] > own.tolerance[at]).all()


@EXAMPLES
@given(data=st.data(), seed=st.integers(0, 2**32 - 1))
def test_never_looks_ahead(markets: Any, data: st.DataObject, seed: int) -> None:
    market = data.draw(markets)
    row = data.draw(st.integers(0, max(len(market.step) - 1, 0)))
    events = levels.find(*market.bars, market.step, market.offsets)
    later = market.scrambled_after(row, seed)
    other = levels.find(*later.bars, later.step, later.offsets)
    same(events.take(events.row <= row), other.take(other.row <= row))


@EXAMPLES
@given(data=st.data(), begin=st.integers(1, 600 - levels.LOOKBACK))
def test_a_history_cut_lookback_rows_before_has_the_bits_of_the_whole(
    long_markets: Any, data: st.DataObject, begin: int
) -> None:
    market = data.draw(long_markets)
    whole = levels.find(*market.bars, market.step, market.offsets)
    cut = market.rows(begin, 600)
    part = levels.find(*cut.bars, cut.step, cut.offsets)
    moved = dataclasses.replace(part, row=part.row + begin, formed=part.formed + begin)
    same(whole.take(whole.row >= begin + levels.LOOKBACK), moved.take(part.row >= levels.LOOKBACK))


@EXAMPLES
@given(data=st.data(), power=st.integers(-8, 8))
def test_scaling_prices_by_a_power_of_two_scales_prices_alone(markets: Any, data: st.DataObject, power: int) -> None:
    market, factor = data.draw(markets), 2.0**power
    scaled = market.scaled(factor)
    one = levels.find(*market.bars, market.step, market.offsets)
    other = levels.find(*scaled.bars, scaled.step, scaled.offsets)
    same(one, other, {"price": factor, "tolerance": factor})


@EXAMPLES
@given(data=st.data())
def test_securities_do_not_see_each_other(markets: Any, data: st.DataObject) -> None:
    market = data.draw(markets)
    together = levels.find(*market.bars, market.step, market.offsets)
    for security, (begin, end) in enumerate(zip(market.offsets[:-1], market.offsets[1:], strict=True)):
        one = market.rows(begin, end)
        alone = levels.find(*one.bars, one.step, one.offsets)
        moved = dataclasses.replace(
            alone, row=alone.row + begin, formed=alone.formed + begin, security=alone.security + security
        )
        same(together.take(together.security == security), moved)


def test_a_row_does_not_say_whose_it_is() -> None:
    high, low, close, volume = (np.tile(np.full(100, value), 2) for value in QUIET)
    low[85], low[185] = 96.0, 96.0
    events = levels.find(close, high, low, close, volume, np.full(200, NAN), [0, 100, 200])
    with pytest.raises(Permanent, match="expected offsets"):
        levels.alive(events, 99)
    pivots = of_kind(events, PIVOT)
    assert levels.alive(pivots, 99, [0, 100, 200]).formed.tolist() == [90]
    assert levels.alive(pivots, 100, [0, 100, 200]).formed.tolist() == []
    assert levels.alive(pivots, 199, [0, 100, 200]).formed.tolist() == [190]


def test_without_rows_nothing_happens() -> None:
    empty = np.empty(0)
    assert len(levels.find(empty, empty, empty, empty, empty, empty, [0, 0]).row) == 0
    assert len(follow(checked(*(empty,) * 5, [0]), candidates(checked(*(empty,) * 5, [0]), empty)).row) == 0


def test_a_step_of_another_length_is_refused() -> None:
    with pytest.raises(Permanent, match="round_step"):
        levels.find(*(np.ones(3),) * 5, np.ones(2), [0, 3])
