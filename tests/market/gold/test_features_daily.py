"""gold.features_daily: a hole in a series starts it anew, whole history and one resumed day alike, and old formulas end."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market import calendars
from market.datasets.gold import features_daily
from market.errors import Permanent
from market.features.algebra import col, delta, maximum, wilder
from market.features.catalogue import catalogue
from market.features.definition import Feature
from market.features.sections import compile_features

EXAMPLES = settings(max_examples=8, deadline=None)
PAIR = ("XKRX:000660", "XKRX:005930")
LATE = datetime(2024, 12, 31, 6, 30, tzinfo=UTC)


@pytest.fixture(scope="module")
def build(rows_of: Any, sessions: Any, window: Any, days: Any) -> Any:
    """``build(bars, days, stored)``: features of the days, resumed from the stored rows."""
    calendar = sessions(days)

    def run(bars: pa.Table | list[dict[str, Any]], of: Sequence[date], stored: pa.Table | None = None) -> pa.Table:
        rows = bars if isinstance(bars, pa.Table) else rows_of("gold.prices", bars)
        state = features_daily.TABLE.schema.empty_table() if stored is None else stored
        frames = {"gold.prices": rows, "gold.features_daily": state, "silver.sessions": calendar}
        return features_daily.build(frames, window(of))

    return run


@pytest.fixture(scope="module")
def one_day(build: Any) -> Any:
    """``one_day(bars, features so far, day)``: what a daily run makes, reading what the contract says and no more."""

    def run(bars: pa.Table, made: pa.Table, day: date) -> pa.Table:
        first = day
        for _ in range(features_daily.CONTEXT):
            first = calendars.previous_session("XKRX", first)
        stored = made.filter(pc.equal(made["session_date"], calendars.previous_session("XKRX", day)))
        recent = bars.filter(pc.and_(pc.greater_equal(bars["session_date"], first), upto(bars, day)))
        context = recent.filter(pc.less(recent["session_date"], day))
        counts = dict(pd.Series(context["security_id"].to_pylist(), dtype=object).value_counts())
        able = pa.array(sorted(features_daily.resumes(stored, counts)), pa.string())
        older = bars.filter(pc.and_(pc.less(bars["session_date"], first), upto(bars, day)))
        older = older.filter(pc.invert(pc.is_in(older["security_id"], able)))
        return build(pa.concat_tables([older, recent]), [day], stored.filter(pc.is_in(stored["security_id"], able)))

    return run


def upto(rows: pa.Table, day: date) -> pa.ChunkedArray:
    return pc.less_equal(rows["session_date"], day)


def walk(days: Sequence[date], security: str = PAIR[1], seed: int = 5) -> list[dict[str, Any]]:
    """A seeded random walk; a session's bar does not depend on which others are there."""
    close = 1e4 * np.exp(np.cumsum(np.random.default_rng(seed).normal(0, 0.02, len(days))))
    return [
        {
            "session_date": day, "security_id": security, "open": c, "high": c * 1.01, "low": c * 0.99, "close": c,
            "volume": 1000 + i, "value": c * (1000 + i),
        }
        for i, (day, c) in enumerate(zip(days, close, strict=True))
    ]  # fmt: skip


def in_order(rows: pa.Table) -> pa.Table:
    return rows.sort_by([("security_id", "ascending"), ("session_date", "ascending")])


def assert_same_bits(found: pa.Table, expected: pa.Table) -> None:
    found, expected = in_order(found), in_order(expected)
    assert found.schema == expected.schema
    for name in expected.column_names:
        was, of = found[name].combine_chunks(), expected[name].combine_chunks()
        if name == "state":
            assert was.offsets.equals(of.offsets)
            was, of = was.flatten(), of.flatten()
        if pa.types.is_floating(of.type):
            np.testing.assert_array_equal(was.to_numpy(False), of.to_numpy(False), err_msg=name)
        else:
            assert was.equals(of), name


def test_a_return_is_not_taken_across_a_hole(build: Any, days: Any) -> None:
    there = [*days[:2], *days[5:7]]
    bars = [{"session_date": d, "close": c} for d, c in zip(there, (100.0, 101.0, 500.0, 505.0), strict=True)]
    found = build(bars, there)
    np.testing.assert_allclose(found["return_1d"].to_numpy(), [np.nan, 0.01, np.nan, 0.01], rtol=1e-12)


def test_a_holiday_is_no_hole(build: Any, days: Any) -> None:
    around = [day for day in days if date(2024, 4, 8) <= day <= date(2024, 4, 12)]
    assert date(2024, 4, 10) not in around
    found = build([{"session_date": d, "close": 100.0 + i} for i, d in enumerate(around)], around)
    assert found["return_1d"].is_null().to_pylist() == [True, False, False, False]


def test_a_halt_is_no_hole(build: Any, days: Any) -> None:
    bars: list[dict[str, Any]] = [{"session_date": day, "close": 100.0} for day in days[:5]]
    bars[2] |= {"is_halted": True, "open": None, "high": None, "low": None, "volume": 0}
    bars[4] |= {"close": 110.0}
    returns = build(bars, days[:5])["return_1d"].to_numpy()
    np.testing.assert_allclose(returns, [np.nan, 0.0, 0.0, 0.0, 0.10])


def test_after_a_hole_a_series_is_as_if_newly_listed(build: Any, days: Any) -> None:
    bars = walk(days[:120])
    holed = [*bars[:50], *bars[51:]]  # one session missed
    assert_same_bits(build(holed, days[51:120]), build(bars[51:], days[51:120]))
    assert_same_bits(build(holed, days[:50]), build(bars[:50], days[:50]))


def test_a_hole_of_one_security_is_none_of_the_other(build: Any, days: Any) -> None:
    whole, holed = walk(days[:80], PAIR[0]), walk(days[:80], PAIR[1], seed=9)
    found = build([*whole, *holed[:40], *holed[41:]], days[:80])
    found = found.filter(pc.equal(found["security_id"], PAIR[0]))
    assert_same_bits(found, build(whole, days[:80]))


@EXAMPLES
@given(missing=st.sets(st.tuples(st.integers(0, 89), st.sampled_from(PAIR)), max_size=25), first=st.integers(70, 88))
def test_one_day_at_a_time_has_the_bits_of_all_at_once_holes_or_not(
    build: Any, one_day: Any, rows_of: Any, days: Any, missing: set[tuple[int, str]], first: int
) -> None:
    some = days[:90]
    gone = {(some[at], security) for at, security in missing}
    bars = [*walk(some, PAIR[0], 1), *walk(some, PAIR[1], 2)]
    bars = [bar for bar in bars if (bar["session_date"], bar["security_id"]) not in gone]
    for at, bar in enumerate(bars):
        bar["known_at"] = LATE if at == 40 else calendars.close_at("XKRX", bar["session_date"])
    rows = rows_of("gold.prices", bars)
    made = build(rows.filter(upto(rows, some[first - 1])), some[:first])
    for day in some[first:]:
        made = pa.concat_tables([made, one_day(rows, made, day)])
    assert_same_bits(made, build(rows, some))


def test_a_row_is_known_when_its_run_of_sessions_is(build: Any, days: Any) -> None:
    bars: list[dict[str, Any]] = [{"session_date": days[i], "close": 100.0} for i in (0, 1, 2, 5, 6)]
    bars[1]["known_at"] = LATE
    known = build(bars, days[:7])["known_at"].to_pylist()
    closes = [calendars.close_at("XKRX", days[i]) for i in (0, 5, 6)]
    assert known == [closes[0], LATE, LATE, closes[1], closes[2]], "what is after the hole does not hang on it"


def test_a_price_of_a_session_that_is_not_there_is_named(build: Any, days: Any) -> None:
    with pytest.raises(Permanent, match=r"silver\.sessions.*XKRX 2024-03-29"):
        build([{"session_date": date(2024, 3, 29)}], days[:9])


def catalogue_with(n: int) -> tuple[Feature, ...]:
    """The catalogue with an RSI over n sessions under its name: a state of equal width, of another formula."""
    move = delta(col("close"), 1)
    gain, loss = wilder(maximum(move, 0), n), wilder(maximum(-move, 0), n)
    changed = Feature("rsi_14", 100 * gain / (gain + loss), "Under test.", "percent", "ours")
    return tuple((catalogue() | {"rsi_14": changed}).values())


def test_a_changed_formula_does_not_go_on_from_the_old_one_s_state(
    build: Any, one_day: Any, rows_of: Any, days: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    of_14, of_20 = (compile_features(catalogue_with(n)) for n in (14, 20))
    assert of_14.state_width == of_20.state_width
    rows = rows_of("gold.prices", walk(days[:101]))
    monkeypatch.setattr(features_daily, "program", lambda: of_14)
    made = build(rows.filter(upto(rows, days[99])), days[:100])
    last, context = made.slice(99), {PAIR[1]: 60}
    assert features_daily.resumes(last, context) == {PAIR[1]}
    monkeypatch.setattr(features_daily, "program", lambda: of_20)
    assert features_daily.resumes(last, context) == set()
    assert_same_bits(one_day(rows, made, days[100]), build(rows, days[100:101]))


def test_a_state_of_before_layouts_were_stored_is_not_resumed(build: Any, days: Any) -> None:
    last = build(walk(days[:70]), days[:70]).slice(69)
    at = last.column_names.index("state_layout")
    old = last.set_column(at, "state_layout", pa.nulls(1, pa.string()))
    assert features_daily.resumes(last, {PAIR[1]: 60}) == {PAIR[1]}
    assert features_daily.resumes(old, {PAIR[1]: 60}) == set()


def test_a_context_shorter_than_the_run_and_the_lookback_is_not_enough(build: Any, days: Any) -> None:
    made = build(walk(days[:70]), days[:70])
    assert features_daily.resumes(made.slice(69), {PAIR[1]: 59}) == set()
    assert features_daily.resumes(made.slice(3, 1), {PAIR[1]: 4}) == {PAIR[1]}, "all there is of a young series"
    assert features_daily.resumes(made.slice(3, 1), {}) == set()
