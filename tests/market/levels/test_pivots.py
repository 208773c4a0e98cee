"""Pivots: strict, confirmed late, stopped by halts."""

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from market.levels.bars import checked
from market.levels.pivots import SPAN, confirmed, last_confirmed

EXAMPLES = settings(max_examples=25, deadline=None)


def found(high: list[float], halted: int | None = None) -> tuple[list[int], list[int]]:
    """Confirmed highs and lows of bars with these highs and lows one below."""
    columns = [np.array(high) - 0.5, np.array(high), np.array(high) - 1, np.array(high) - 0.5, np.ones(len(high))]
    if halted is not None:
        columns[4][halted] = 0.0
    highs, lows = confirmed(checked(*columns, [0, len(high)]))
    return highs.tolist(), lows.tolist()


PEAK = [10.0, 11, 12, 13, 14, 20, 14, 13, 12, 11, 10]


def test_a_peak_is_known_five_rows_later_and_not_before() -> None:
    assert found(PEAK) == ([-1] * 10 + [5], [-1] * 11)
    assert found(PEAK[:-1]) == ([-1] * 10, [-1] * 10)
    assert found([100 - price for price in PEAK]) == ([-1] * 11, [-1] * 10 + [5])


def test_an_equal_high_within_the_span_makes_none() -> None:
    assert found([*PEAK[:8], 20.0, *PEAK[9:]])[0] == [-1] * 11
    assert found([20.0, *PEAK[1:]])[0] == [-1] * 11


def test_a_halt_among_its_rows_makes_none() -> None:
    for halted in range(11):
        assert found(PEAK, halted)[0] == [-1] * 11


def test_the_newest_pivot_is_remembered_for_so_long_and_within_its_security() -> None:
    pivots = np.array([-1, 0, -1, -1, -1, 2, -1, -1, -1])
    assert last_confirmed(pivots, np.array([0, 7, 9]), 2).tolist() == [-1, 0, 0, 0, -1, 2, 2, -1, -1]


@EXAMPLES
@given(data=st.data())
def test_never_looks_ahead_and_needs_no_more_than_its_span(long_markets: Any, data: st.DataObject) -> None:
    market, row = data.draw(long_markets), data.draw(st.integers(SPAN * 2, 590))
    whole = confirmed(checked(*market.bars, market.offsets))
    later = market.scrambled_after(row, 1)
    for side, other in zip(whole, confirmed(checked(*later.bars, later.offsets)), strict=True):
        np.testing.assert_array_equal(other[: row + 1], side[: row + 1])
    cut = market.rows(row - 2 * SPAN, 600)
    for side, other in zip(whole, confirmed(checked(*cut.bars, cut.offsets)), strict=True):
        moved = np.where(other >= 0, other + row - 2 * SPAN, -1)
        np.testing.assert_array_equal(moved[2 * SPAN :], side[row:])


@EXAMPLES
@given(data=st.data())
def test_agrees_with_the_definition(markets: Any, data: st.DataObject) -> None:
    market = data.draw(markets)
    bars = checked(*market.bars, market.offsets)
    highs, _ = confirmed(bars)
    for begin, end in zip(market.offsets[:-1], market.offsets[1:], strict=True):
        for row in range(begin + 2 * SPAN, end):
            window = slice(row - 2 * SPAN, row + 1)
            others = np.delete(bars.high[window], SPAN)
            is_pivot = bars.is_traded[window].all() and (bars.high[row - SPAN] > others).all()
            assert highs[row] == (row - SPAN if is_pivot else -1)
