"""Anchored VWAP and divergence: worked by hand, and no more known than could be."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market import levels
from market.errors import Permanent
from market.levels.bars import LOOKBACK, checked
from market.levels.pivots import confirmed
from market.levels.volume import APART, FLOW

EXAMPLES = settings(max_examples=25, deadline=None)
NAN = float("nan")


def bars(high: Any, low: Any, close: Any, volume: Any) -> tuple[np.ndarray, ...]:
    """Open to volume, the open at the close."""
    return tuple(np.array(column, dtype=float) for column in (close, high, low, close, volume))


def test_the_mean_price_since_the_anchor_is_weighted_by_volume() -> None:
    one = bars([12, 24, 0, 36], [9, 18, 0, 27], [9, 18, 18, 27], [100, 200, 0, 100])  # typical prices 10, 20 and 30
    since_first = levels.anchored_vwap(*one, [0, 4], [0])
    assert since_first.tolist() == [10.0, 5_000 / 300, 5_000 / 300, 8_000 / 400]
    np.testing.assert_array_equal(levels.anchored_vwap(*one, [0, 4], [1]), [NAN, 20.0, 20.0, 7_000 / 300])
    np.testing.assert_array_equal(levels.anchored_vwap(*one, [0, 4], [2]), [NAN, NAN, NAN, 30.0])
    assert np.isnan(levels.anchored_vwap(*one, [0, 4], [-1])).all()
    np.testing.assert_array_equal(levels.anchored_vwap(*one, [0, 2, 4], [1, 2]), [NAN, 20.0, NAN, 30.0])


def test_without_an_anchor_it_runs_from_the_newest_pivot_once_that_is_confirmed() -> None:
    rows = np.arange(20)
    high = np.where(rows == 6, 130.0, 110.0 - rows * 0.1)
    one = bars(high, np.full(20, 90.0), np.full(20, 100.0), np.ones(20))
    found = levels.anchored_vwap(*one, [0, 20])
    typical = (high + 90 + 100) / 3
    assert np.isnan(found[:11]).all()
    np.testing.assert_allclose(found[11:], [typical[6 : row + 1].mean() for row in range(11, 20)], rtol=1e-14)


def test_a_pivot_is_forgotten_as_an_anchor_before_its_own_rows_leave_the_lookback() -> None:
    high = np.where(np.arange(300) == 20, 130.0, 110.0)
    one = bars(high, np.full(300, 90.0), np.full(300, 100.0), np.ones(300))
    found = levels.anchored_vwap(*one, [0, 300])
    assert np.flatnonzero(np.isfinite(found)).tolist() == list(
        range(25, 15 + LOOKBACK + 1)
    )  # the pivot reaches back to row 15


@EXAMPLES
@given(data=st.data(), begin=st.integers(1, 600 - LOOKBACK), seed=st.integers(0, 999))
def test_pivot_anchored_it_hangs_on_the_lookback_and_never_on_later_rows(
    long_markets: Any, data: st.DataObject, begin: int, seed: int
) -> None:
    market = data.draw(long_markets)
    whole = levels.anchored_vwap(*market.bars, market.offsets)
    cut = market.rows(begin, 600)
    np.testing.assert_array_equal(levels.anchored_vwap(*cut.bars, cut.offsets)[LOOKBACK:], whole[begin + LOOKBACK :])
    later = levels.anchored_vwap(*market.scrambled_after(begin, seed).bars, market.offsets)
    np.testing.assert_array_equal(later[: begin + 1], whole[: begin + 1])


@EXAMPLES
@given(data=st.data())
def test_the_mean_price_lies_within_the_prices_since_the_anchor(markets: Any, data: st.DataObject) -> None:
    market = data.draw(markets)
    begins, ends = market.offsets[:-1], market.offsets[1:]
    anchor = np.where(begins < ends, begins, -1)
    found = levels.anchored_vwap(*market.bars, market.offsets, anchor)
    traded = checked(*market.bars, market.offsets).is_traded
    low, high = np.where(traded, market.columns["low"], np.inf), np.where(traded, market.columns["high"], -np.inf)
    for begin, end in zip(begins, ends, strict=True):
        lowest, highest = np.minimum.accumulate(low[begin:end]), np.maximum.accumulate(high[begin:end])
        known = np.isfinite(lowest)
        assert (np.isfinite(found[begin:end]) == known).all()
        mean = found[begin:end][known]
        assert (mean >= lowest[known] * (1 - 1e-12)).all() and (mean <= highest[known] * (1 + 1e-12)).all()


@pytest.mark.parametrize(
    ("anchor", "says"),
    [([4], r"security 0"), ([0, 1], r"\(1,\) whole numbers"), ([0.0], "whole numbers"), ([-2], "-2")],
)
def test_an_anchor_outside_its_security_is_refused(anchor: list[float], says: str) -> None:
    with pytest.raises(Permanent, match=says):
        levels.anchored_vwap(*(np.ones(4),) * 5, [0, 4], np.array(anchor))


def two_peaks(second: float, falling: float) -> tuple[np.ndarray, ...]:
    """Peaks of 120 at row 25 and of ``second`` at row 37, closes zigzagging between them with so much volume on days of loss, 100 on others."""
    rows = np.arange(44)
    high = np.full(44, 110.0)
    high[25], high[37] = 120.0, second
    close = np.where(rows % 2 == 0, 101.0, 99.0)
    volume = np.where(rows % 2 == 0, 100.0, falling)
    return bars(high, np.full(44, 90.0), close, volume)


@pytest.mark.parametrize(
    ("second", "falling", "is_bearish"),
    [
        pytest.param(121.0, 101.0, True, id="higher price, less volume behind it"),
        pytest.param(121.0, 99.0, False, id="higher price, more volume behind it"),
        pytest.param(121.0, 100.0, False, id="as much volume on either side"),
        pytest.param(119.0, 101.0, False, id="lower price"),
    ],
)
def test_a_higher_peak_on_falling_balance_of_volume_is_bearish(second: float, falling: float, is_bearish: bool) -> None:
    # six rises and six falls lie between the peaks
    one = two_peaks(second, falling)
    found = levels.divergence(*one, [0, 44])
    assert np.flatnonzero(found.bearish).tolist() == ([42] if is_bearish else [])
    assert not found.bullish.any()
    opened, high, low, close, volume = one
    mirrored = levels.divergence(200 - opened, 200 - low, 200 - high, 200 - close, volume, [0, 44])
    np.testing.assert_array_equal(mirrored.bullish, found.bearish)
    assert not mirrored.bearish.any()


@pytest.mark.parametrize(("apart", "is_bearish"), [(APART, True), (APART + 1, False)])
def test_peaks_too_far_apart_are_not_compared(apart: int, is_bearish: bool) -> None:
    rows = np.arange(100)
    high = np.where(rows == 25, 120.0, np.where(rows == 25 + apart, 121.0, 110.0))
    close, volume = np.where(rows % 2 == 0, 101.0, 99.0), np.where(rows % 2 == 0, 100.0, 150.0)
    found = levels.divergence(*bars(high, np.full(100, 90.0), close, volume), [0, 100])
    assert np.flatnonzero(found.bearish).tolist() == ([30 + apart] if is_bearish else [])


def test_money_flow_is_compared_at_the_two_peaks() -> None:
    # 20 rows to either peak; from row 26 on closes stand lower in their range, so the second peak has less money behind it
    opened, high, low, close, volume = two_peaks(121.0, 100.0)
    assert not levels.divergence(opened, high, low, close, volume, [0, 44], "obv").bearish.any()
    close = np.where(np.arange(44) > 25, close - 3, close)
    found = levels.divergence(opened, high, low, close, volume, [0, 44], "cmf")
    assert np.flatnonzero(found.bearish).tolist() == [42]
    early = tuple(column[10:] for column in (opened, high, low, close, volume))  # 16 rows to the first peak
    assert FLOW > 16 and not levels.divergence(*early, [0, 34], "cmf").bearish.any()


@EXAMPLES
@given(data=st.data(), begin=st.integers(1, 600 - LOOKBACK), seed=st.integers(0, 999))
@pytest.mark.parametrize("gauge", ["obv", "cmf"])
def test_a_divergence_hangs_on_the_lookback_and_never_on_later_rows(
    long_markets: Any, gauge: Any, data: st.DataObject, begin: int, seed: int
) -> None:
    market = data.draw(long_markets)
    cut, later = market.rows(begin, 600), market.scrambled_after(begin, seed)
    whole = levels.divergence(*market.bars, market.offsets, gauge)
    part = levels.divergence(*cut.bars, cut.offsets, gauge)
    other = levels.divergence(*later.bars, later.offsets, gauge)
    for side in ("bullish", "bearish"):
        rows = getattr(whole, side)
        np.testing.assert_array_equal(getattr(part, side)[LOOKBACK:], rows[begin + LOOKBACK :])
        np.testing.assert_array_equal(getattr(other, side)[: begin + 1], rows[: begin + 1])


@EXAMPLES
@given(data=st.data())
def test_a_divergence_stands_on_a_row_that_confirms_a_higher_high_or_a_lower_low(
    markets: Any, data: st.DataObject
) -> None:
    market = data.draw(markets)
    one = checked(*market.bars, market.offsets)
    found, (highs, lows) = levels.divergence(*market.bars, market.offsets), confirmed(one)
    assert (highs[found.bearish] >= 0).all() and (lows[found.bullish] >= 0).all()
    for row in np.flatnonzero(found.bearish):
        before = highs[one.begins[row] : row]
        assert one.high[highs[row]] > one.high[before[before >= 0][-1]]


def test_another_gauge_is_refused() -> None:
    with pytest.raises(Permanent, match="obv, cmf; was 'vwap'"):
        levels.divergence(*(np.ones(4),) * 5, [0, 4], "vwap")  # type: ignore[arg-type]
