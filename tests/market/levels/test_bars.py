"""Which rows are bars, and the two scales, worked by hand."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market.errors import Permanent
from market.levels.bars import SCALE, checked, mean_true_range, relative_volume

NAN = float("nan")
EXAMPLES = settings(max_examples=25, deadline=None)  # the first example also compiles the kernels


def flat(rows: int) -> dict[str, np.ndarray]:
    prices = {"open": 100.0, "high": 102.0, "low": 98.0, "close": 100.0, "volume": 1000.0}
    return {name: np.full(rows, value) for name, value in prices.items()}


def test_a_halted_or_unknown_row_is_no_bar() -> None:
    columns = flat(6)
    for name in ("open", "high", "low", "volume"):
        columns[name][1] = 0.0
    columns["high"][2] = NAN
    columns["volume"][3] = 0.0
    columns["high"][4], columns["low"][4] = 98.0, 102.0
    assert checked(**columns, offsets=[0, 6]).is_traded.tolist() == [True, False, False, False, False, True]


def test_the_mean_true_range_takes_in_the_close_before() -> None:
    columns = flat(23)
    columns["high"][21], columns["low"][21], columns["close"][21] = 110.0, 104.0, 108.0  # from 100 to 110
    columns["high"][22], columns["low"][22], columns["close"][22] = 107.0, 105.0, 106.0  # from 108 down to 105
    found = mean_true_range(checked(**columns, offsets=[0, 23]))
    assert np.isnan(found[:SCALE]).all()
    assert found[20:].tolist() == [4.0, (19 * 4 + 10) / 20, (18 * 4 + 10 + 3) / 20]


def test_halted_rows_are_left_out_of_the_mean_true_range_until_they_are_the_most() -> None:
    columns = flat(40)
    columns["volume"][21:35] = 0.0
    found = mean_true_range(checked(**columns, offsets=[0, 40]))
    assert found[30] == 4.0 and np.isnan(found[31:40]).tolist() == [True] * 9


def test_the_relative_volume_is_that_over_the_mean_of_the_rows_before() -> None:
    columns = flat(22)
    columns["volume"][20], columns["volume"][21] = 3000.0, 1100.0
    found = relative_volume(checked(**columns, offsets=[0, 22]))
    assert found.tolist() == [1.0] * 20 + [3.0, 1.0]  # the mean before the last is (19 * 1000 + 3000) / 20 = 1100


def test_a_security_does_not_see_the_one_before_it() -> None:
    columns = flat(60)
    bars = checked(**columns, offsets=[0, 30, 30, 60])
    assert np.isnan(mean_true_range(bars)[30:50]).all() and mean_true_range(bars)[50] == 4.0
    assert bars.begins.tolist() == [0] * 30 + [30] * 30


@EXAMPLES
@given(data=st.data())
def test_the_scales_hang_on_their_own_rows_alone(long_markets: Any, data: st.DataObject) -> None:
    market = data.draw(long_markets)
    begin = data.draw(st.integers(1, 500))
    whole, cut = (checked(*m.bars, m.offsets) for m in (market, market.rows(begin, 600)))
    for scale in (mean_true_range, relative_volume):
        np.testing.assert_array_equal(scale(cut)[SCALE + 1 :], scale(whole)[begin + SCALE + 1 :])


@pytest.mark.parametrize("offsets", [[], [1, 5], [0, 3, 2, 5], [0, 4]])
def test_offsets_that_do_not_cover_the_rows_are_refused(offsets: list[int]) -> None:
    with pytest.raises(Permanent, match=r"market\.levels"):
        checked(**flat(5), offsets=offsets)


def test_a_column_of_another_length_is_refused_by_name() -> None:
    columns = flat(5) | {"low": np.ones(4)}
    with pytest.raises(Permanent, match=r"low: expected shape \(5,\); was \(4,\)"):
        checked(**columns, offsets=[0, 5])
