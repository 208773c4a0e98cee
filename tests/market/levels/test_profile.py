"""Volume profiles: nothing lost, the middle of the market found, and no more rows read than said."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market.errors import Permanent
from market.levels.bars import checked
from market.levels.profile import BINS, Profiles, profiles

EXAMPLES = settings(max_examples=25, deadline=None)


def of(*bars: tuple[float, float, float], n: int = 60) -> Profiles:
    """The profile at the last of bars given as low, high and volume."""
    low, high, volume = (np.array(column, dtype=float) for column in zip(*bars, strict=True))
    return profiles(checked(low, high, low, high, volume, [0, len(bars)]), [len(bars) - 1], n)


def test_volume_is_spread_evenly_over_the_range_of_its_bar() -> None:
    # bins of 1: 500 shares over 100 to 150, 300 over 120 to 130, 40 over 120 to 122
    found = of((100, 150, 500), (120, 130, 300), (120, 122, 40))
    expected = np.full(BINS, 10.0)
    expected[20:30] += 30.0
    expected[20:22] += 20.0
    np.testing.assert_allclose(found.volume[0], expected, rtol=1e-12)
    assert (found.lowest[0], found.width[0], found.prices[0, 20]) == (100.0, 1.0, 120.5)


def test_control_value_area_and_nodes_by_hand() -> None:
    # bins 20 to 21 hold 60 each, 22 to 29 40 each, the others 10: 840 in all, of which 588 are wanted
    found = of((100, 150, 500), (120, 130, 300), (120, 122, 40))
    assert found.point_of_control[0] == 120.5
    # 60 + (60 + 40) + (40 + 40) * 3 + (40 + 10), all above: bins 20 to 30 hold 450, and from there equal pairs of 20 are taken above:
    # seven more make 590
    assert (found.value_low[0], found.value_high[0]) == (120.0, 145.0)
    assert np.flatnonzero(found.is_node[0]).tolist() == [20]  # of two equal bins the lower; the mean bin holds 16.8


def test_the_value_area_goes_down_where_more_was_traded_there_and_stops_at_the_edge() -> None:
    # 50 bins: 10 in each, 90 more in the top one, 30 more in the two below it
    found = of((100, 150, 500), (149, 150, 90), (147, 149, 60))
    assert found.point_of_control[0] == 149.5
    # wanted 455 of 650: 100 + 80 below, then 14 pairs of 20
    assert (found.value_low[0], found.value_high[0]) == (119.0, 150.0)


def test_two_prices_that_traded_much_are_two_nodes() -> None:
    found = of((100, 150, 500), (109, 112, 300), (140, 143, 400))
    assert np.flatnonzero(found.is_node[0]).tolist() == [9, 40]


@pytest.mark.parametrize(("more", "is_node"), [(4, False), (6, True)])
def test_a_node_holds_half_as_much_again_as_the_mean_bin(more: float, is_node: bool) -> None:
    # 14 against 10.08, 16 against 10.12
    assert of((100, 150, 500), (120, 121, more)).is_node.any() == is_node


def test_where_all_trade_at_one_price_it_is_the_whole_profile() -> None:
    found = of((100, 100, 5), (100, 100, 7))
    assert found.volume[0].tolist() == [12.0] + [0.0] * (BINS - 1)
    assert found.point_of_control[0] == found.value_low[0] == found.value_high[0] == 100.0


def test_a_bar_of_one_price_lies_in_one_bin_the_highest_in_the_last() -> None:
    found = of((100, 150, 50), (150, 150, 7), (100, 100, 9))
    np.testing.assert_allclose(found.volume[0, [0, 1, -2, -1]], [10.0, 1.0, 1.0, 8.0], rtol=1e-12)


def test_where_nothing_traded_there_is_no_price() -> None:
    found = of((100, 150, 0), (100, 150, 0))
    assert np.isnan(found.point_of_control[0]) and np.isnan(found.prices).all()
    assert not found.volume.any() and not found.is_node.any()


def test_rows_older_than_the_window_do_not_count() -> None:
    assert of((1, 900, 10), (100, 150, 50), n=1).volume.sum() == pytest.approx(50.0, rel=1e-12)


@EXAMPLES
@given(data=st.data(), n=st.integers(1, 80))
def test_bins_add_up_to_the_volume_of_the_window(markets: Any, data: st.DataObject, n: int) -> None:
    market = data.draw(markets)
    bars = checked(*market.bars, market.offsets)
    rows = np.arange(0, len(bars.close), 7)
    found = profiles(bars, rows, n)
    traded = np.where(bars.is_traded, bars.volume, 0.0)
    expected = [traded[max(bars.begins[row], row - n + 1) : row + 1].sum() for row in rows]
    np.testing.assert_allclose(found.volume.sum(axis=1), expected, rtol=1e-12)
    assert (found.volume >= 0).all()
    is_known = np.isfinite(found.point_of_control)
    low, control, high = found.value_low[is_known], found.point_of_control[is_known], found.value_high[is_known]
    assert (low <= control).all() and (control <= high).all()
    middles = found.prices[is_known]
    held = np.where((middles >= low[:, None]) & (middles <= high[:, None]), found.volume[is_known], 0.0).sum(axis=1)
    assert (held >= 0.7 * found.volume[is_known].sum(axis=1) * (1 - 1e-12)).all()


@EXAMPLES
@given(data=st.data(), power=st.integers(-6, 9))
def test_scaling_prices_by_a_power_of_two_scales_them_exactly(
    long_markets: Any, data: st.DataObject, power: int
) -> None:
    market, rows = data.draw(long_markets), np.arange(0, 600, 11)
    scaled = market.scaled(2.0**power)
    one, other = (profiles(checked(*m.bars, m.offsets), rows) for m in (market, scaled))
    np.testing.assert_array_equal(other.volume, one.volume)
    np.testing.assert_array_equal(other.is_node, one.is_node)
    for name in ("lowest", "width", "point_of_control", "value_low", "value_high"):
        np.testing.assert_array_equal(getattr(other, name), getattr(one, name) * 2.0**power, err_msg=name)


@EXAMPLES
@given(data=st.data())
def test_hangs_on_the_rows_of_the_window_alone(long_markets: Any, data: st.DataObject) -> None:
    market, row = data.draw(long_markets), data.draw(st.integers(60, 599))
    whole = profiles(checked(*market.bars, market.offsets), [row])
    alone = market.rows(row - 59, row + 1)
    cut = profiles(checked(*alone.bars, alone.offsets), [59])
    for name in ("volume", "lowest", "width", "point_of_control", "value_low", "value_high", "is_node"):
        np.testing.assert_array_equal(getattr(cut, name), getattr(whole, name), err_msg=name)


@pytest.mark.parametrize(("row", "n"), [(2, 5), (-1, 5), (0, 0)])
def test_a_row_that_is_not_there_and_an_empty_window_are_refused(row: int, n: int) -> None:
    bars = checked(*([1.0, 1.0],) * 5, [0, 2])
    with pytest.raises(Permanent, match="volume profile"):
        profiles(bars, [row], n)
