"""What holds of everything found: levels, order, pivots, once, no look-ahead, cut histories, scale, halts, and what is refused."""

from collections.abc import Iterator
from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.lib.stride_tricks import sliding_window_view

from market import patterns
from market.errors import Permanent
from market.patterns import boundaries, flags, gaps, pivots, reversals
from tests.market.patterns.drawn import drawn, found_in, only
from tests.market.patterns.planted import Bars, walk

EXAMPLES = settings(max_examples=15, deadline=None)  # the first example also compiles the kernels
SEEDS = st.integers(0, 10_000)
DOUBLE = {0: 240, 40: 100, 60: 160, 80: 100, 120: 220}


def some_bars(seed: int, rows: int = 900) -> Bars:
    """A walk with the odd halt, in whole prices, so that some lie level."""
    rng = np.random.default_rng(seed)
    bars = Bars(*(np.round(column) for column in walk(rng, rows, rng.uniform(0.01, 0.05))))
    for row in rng.choice(rows, 2, replace=False):
        for column in bars[:3]:
            column[row] = 0.0
        bars.volume[row] = 0.0
    return bars


def rows_of(
    found: patterns.Found, *, since: int = 0, until: int | None = None, shift: int = 0
) -> list[tuple[object, ...]]:
    """What is confirmed in some rows, to be compared bit for bit; rows moved by ``shift``."""
    kept = (found.row >= since) & (found.row < (np.inf if until is None else until))
    table = []
    for at in np.flatnonzero(kept):
        values = {field.name: getattr(found, field.name)[at].tolist() for field in fields(found)}
        values["pivots"] = [row + shift if row >= 0 else -1 for row in values["pivots"]]
        table.append((*(values | {"start": values["start"] + shift, "row": values["row"] + shift}).items(),))
    return [tuple((name, tuple(value) if isinstance(value, list) else value) for name, value in row) for row in table]


def each(found: patterns.Found) -> Iterator[int]:
    return iter(range(len(found)))


@EXAMPLES
@given(seed=SEEDS)
def test_levels_lie_on_their_sides_of_the_close(seed: int) -> None:
    bars = some_bars(seed)
    found = found_in(bars)
    side, close = found.direction, bars.close[found.row]
    assert len(found) and (found.start < found.row).all()
    assert (side * found.failure < side * close).all() and (side * close < side * found.target).all()
    assert (found.target > 0).all()
    assert ((found.confidence >= 0) & (found.confidence <= 1)).all()
    for at in each(found):
        assert patterns.PATTERNS[found.kind[at]].direction in (0, found.direction[at])


@EXAMPLES
@given(seed=SEEDS)
def test_rows_rise_and_nothing_is_told_twice(seed: int) -> None:
    found = found_in(some_bars(seed))
    keys = list(zip(found.row.tolist(), found.kind.tolist(), found.direction.tolist(), strict=True))
    assert keys == sorted(set(keys))
    for kind, side in {key[1:] for key in keys if not key[1].endswith("gap")}:
        rows = found.row[(found.kind == kind) & (found.direction == side)]
        assert (np.diff(rows) > patterns.QUIET).all()


@EXAMPLES
@given(seed=SEEDS)
def test_pivots_are_pivots_that_were_known_when_they_confirmed(seed: int) -> None:
    bars = some_bars(seed)
    found = found_in(bars)
    for at in each(found):
        made = found.pivots[at][found.pivots[at] >= 0]
        assert found.pivots.shape[1] == patterns.PIVOTS and (found.pivots[at][len(made) :] == -1).all()
        if found.kind[at].endswith("gap"):
            assert not len(made) and found.start[at] == found.row[at] - 1
            continue
        assert made[0] == found.start[at] and (np.diff(made) >= 0).all()
        assert made[-1] + pivots.PIVOT_ROWS <= found.row[at]
        for row in made:
            near = np.r_[row - pivots.PIVOT_ROWS : row, row + 1 : row + pivots.PIVOT_ROWS + 1]
            assert (bars.high[row] > bars.high[near]).all() or (bars.low[row] < bars.low[near]).all()
        assert (bars.low[found.start[at] : found.row[at] + 1] > 0).all()  # it spans no halt


@EXAMPLES
@given(seed=SEEDS, row=st.integers(100, 890))
def test_never_looks_ahead(seed: int, row: int) -> None:
    bars = some_bars(seed)
    found = found_in(bars)
    other = walk(np.random.default_rng(seed + 1), 900)
    scrambled = Bars(
        *(np.concatenate((mine[: row + 1], its[row + 1 :])) for mine, its in zip(bars, other, strict=True))
    )
    assert rows_of(found_in(scrambled), until=row + 1) == rows_of(found, until=row + 1)
    assert rows_of(found_in(Bars(*(column[: row + 1] for column in bars)))) == rows_of(found, until=row + 1)


@EXAMPLES
@given(seed=SEEDS, cut=st.integers(1, 640))
def test_a_cut_history_gives_the_same_rows(seed: int, cut: int) -> None:
    bars = some_bars(seed)
    since = cut + patterns.LOOKBACK
    part = found_in(Bars(*(column[cut:] for column in bars)))
    assert rows_of(part, since=patterns.LOOKBACK, shift=cut) == rows_of(found_in(bars), since=since)


@pytest.mark.parametrize("seed", [1, 2])
def test_each_row_is_told_from_its_lookback_alone(seed: int) -> None:
    bars, wide = some_bars(seed), patterns.LOOKBACK + 1
    windows = [sliding_window_view(column, wide).ravel() for column in bars]
    found = patterns.find(*windows, np.arange(0, len(windows[0]) + 1, wide))
    told = []
    for at in np.flatnonzero(found.row % wide == patterns.LOOKBACK):
        shift = -int(found.row[at] // wide) * patterns.LOOKBACK  # window i begins in row i
        told += [
            row for row in rows_of(found, since=found.row[at], until=found.row[at] + 1, shift=shift) if row not in told
        ]
    assert told == rows_of(found_in(bars), since=patterns.LOOKBACK)


def test_the_widest_double_bottom_is_told_from_its_lookback_alone() -> None:
    # lows 128 rows apart, the fall began 50 rows before the first, the breakout comes 39 rows after the second
    bars = drawn({0: 100, 130: 170, 180: 100, 244: 160, 308: 100, 350: 167.2})
    assert only(found_in(bars), "double_bottom")["row"] == 347
    for reach, is_told in ((patterns.LOOKBACK, True), (200, False)):
        cut = Bars(*(column[347 - reach : 348] for column in bars))
        assert ("double_bottom" in found_in(cut).kind) == is_told


def test_the_lookback_is_long_enough_for_the_longest_pattern() -> None:
    before = pivots.UNIT_ROWS + 1
    longest = {
        reversals: reversals.WIDTH + reversals.WAIT + reversals.BEFORE,
        boundaries: boundaries.WIDTH + boundaries.WAIT + pivots.PIVOT_ROWS,
        flags: flags.FLAG + flags.POLE + flags.WAIT + before,
        gaps: gaps.RANGE_ROWS + before,
    }
    assert max(longest.values()) + patterns.QUIET <= patterns.LOOKBACK


@EXAMPLES
@given(seed=SEEDS, power=st.integers(-20, 20))
def test_prices_on_another_scale_move_the_levels_alone(seed: int, power: int) -> None:
    bars = some_bars(seed)
    found = found_in(bars)
    scaled = found_in(Bars(*(column * 2.0**power for column in bars[:4]), bars.volume))
    for field in fields(found):
        expected = getattr(found, field.name)
        if field.name in ("target", "failure"):
            expected = expected * 2.0**power
        np.testing.assert_array_equal(getattr(scaled, field.name), expected, err_msg=field.name)


@EXAMPLES
@given(seeds=st.lists(SEEDS, min_size=1, max_size=4))
def test_securities_do_not_know_each_other(seeds: list[int]) -> None:
    securities = [some_bars(seed, 400) for seed in seeds]
    together = patterns.find(
        *(np.concatenate(column) for column in zip(*securities, strict=True)), np.arange(len(seeds) + 1) * 400
    )
    apart = [row for i, bars in enumerate(securities) for row in rows_of(found_in(bars), shift=400 * i)]
    assert rows_of(together) == apart


def test_every_kind_is_found_in_random_walks() -> None:
    bars = [walk(np.random.default_rng(seed), 1250) for seed in range(20)]
    found = patterns.find(*(np.concatenate(column) for column in zip(*bars, strict=True)), np.arange(21) * 1250)
    assert set(found.kind.tolist()) == set(patterns.PATTERNS)
    both = {kind for kind in patterns.PATTERNS if set(found.direction[found.kind == kind].tolist()) == {1, -1}}
    assert both == {kind for kind, pattern in patterns.PATTERNS.items() if pattern.direction == 0}


@pytest.mark.parametrize("missing", [float("nan"), 0.0], ids=["not known", "halted"])
@pytest.mark.parametrize("row", [40, 50, 70, 101], ids=["a pivot", "inside", "later inside", "the breakout"])
def test_a_row_without_prices_breaks_the_pattern(row: int, missing: float) -> None:
    bars = drawn(DOUBLE)
    for column in (bars.open, bars.high, bars.low):  # one array more than once: drawn bars open at the close
        column[row] = missing
    bars.volume[row] = 0.0
    assert "double_bottom" not in found_in(bars).kind


def test_a_row_whose_volume_is_not_known_breaks_the_pattern() -> None:
    bars = drawn(DOUBLE)
    bars.volume[70] = np.nan
    assert "double_bottom" not in found_in(bars).kind


def test_an_untraded_row_with_prices_is_a_row() -> None:
    bars = drawn(DOUBLE)
    bars.volume[70] = 0.0
    assert only(found_in(bars), "double_bottom")["row"] == 101


def test_a_pattern_does_not_span_two_runs() -> None:
    bars = drawn(DOUBLE)
    assert "double_bottom" not in patterns.find(*bars, [0, 70, 121]).kind


def test_no_rows_hold_nothing() -> None:
    for offsets in ([0], [0, 0], [0, 0, 0]):
        assert len(patterns.find([], [], [], [], [], offsets)) == 0
    assert len(found_in(Bars(*np.full((5, 300), np.nan)))) == 0
    assert len(found_in(Bars(*np.full((5, 300), 7.0)))) == 0


def test_columns_are_left_as_they_were() -> None:
    bars = some_bars(1)
    before = [column.copy() for column in bars]
    found_in(bars)
    for column, old in zip(bars, before, strict=True):
        np.testing.assert_array_equal(column, old)


def test_prices_that_contradict_each_other_do_no_harm() -> None:
    rng = np.random.default_rng(0)
    found = found_in(Bars(*rng.integers(0, 4, (5, 2000)).astype(float)))
    assert (found.start < found.row).all()


@pytest.mark.parametrize(
    ("volume", "offsets", "says"),
    [
        pytest.param([1.0] * 3, [0, 4], "column open", id="columns of two lengths"),
        pytest.param([[1.0] * 4], [0, 4], "column open", id="a table for a column"),
        pytest.param([1.0] * 4, [0, 3], "rising from 0 to 4", id="rows of no series"),
        pytest.param([1.0] * 4, [0, 3, 2, 4], "rising from 0 to 4", id="offsets that fall"),
        pytest.param([1.0] * 4, [], "rising from 0 to 4", id="no offsets"),
    ],
)
def test_what_does_not_fit_is_refused(volume: list[float], offsets: list[int], says: str) -> None:
    price = [5.0] * 4
    with pytest.raises(Permanent, match=says):
        patterns.find(price, price, price, price, volume, offsets)
