"""Figures untangled: quarters out of cumulative figures, each period once, nothing known before its parts, revisions by filing."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market.fundamentals import Figure, Told, figures, fiscal_period, fiscal_start, n_quarters, untangled

YEAR = date(2023, 1, 1)
ENDS = [date(2023, 3, 31), date(2023, 6, 30), date(2023, 9, 30), date(2023, 12, 31)]
STARTS = [YEAR, *(end + timedelta(days=1) for end in ENDS[:3])]


def at(day: int) -> datetime:
    """An instant so many days into the story."""
    return datetime(2023, 1, 1, 21, tzinfo=UTC) + timedelta(days=day)


def told(
    start: date | None, end: date, value: float, day: int, *, rank: int = 0, filed: int | None = None, origin: int = 0
) -> Told:
    return Told(rank, start, end, value, at(day if filed is None else filed), at(day), origin)


def brief(found: Sequence[Figure]) -> list[tuple[Any, ...]]:
    return [(f.span, f.start, f.end, f.value, f.is_derived) for f in found]


def believed(found: Sequence[Figure], now: datetime) -> list[Figure]:
    return [f for f in found if f.known_at <= now and (f.known_until is None or f.known_until > now)]


def test_a_fourth_quarter_is_the_year_less_nine_months_and_known_with_the_year() -> None:
    found = figures([told(YEAR, ENDS[2], 60, 300), told(YEAR, ENDS[3], 100, 400)])
    assert brief(found) == [("year", YEAR, ENDS[3], 100, False), ("quarter", STARTS[3], ENDS[3], 40, True)]
    assert {f.known_at for f in found} == {at(400)}


def test_a_fourth_quarter_follows_from_three_told_quarters_too() -> None:
    quarters = [told(STARTS[n], ENDS[n], 10 * (n + 1), 100 * (n + 1)) for n in range(3)]
    (derived,) = [f for f in figures([*quarters, told(YEAR, ENDS[3], 100, 400)]) if f.is_derived]
    assert (derived.start, derived.value, derived.known_at) == (STARTS[3], 40, at(400))


def test_three_months_come_out_of_cumulative_figures_alone() -> None:
    found = figures([told(YEAR, ENDS[n], value, 100 * (n + 1)) for n, value in enumerate((10, 25, 45, 100))])
    quarters = [f for f in found if f.span == "quarter"]
    assert [(f.start, f.value, f.is_derived) for f in quarters] == [
        (STARTS[0], 10, False), (STARTS[1], 15, True), (STARTS[2], 20, True), (STARTS[3], 55, True),
    ]  # fmt: skip
    assert [f.known_at for f in quarters] == [at(100), at(200), at(300), at(400)]


def test_a_told_quarter_counts_before_a_derived_one_and_half_a_year_is_nobodys_figure() -> None:
    found = figures([told(YEAR, ENDS[0], 10, 100), told(STARTS[1], ENDS[1], 15, 200), told(YEAR, ENDS[1], 26, 200)])
    assert brief(found) == [("quarter", YEAR, ENDS[0], 10, False), ("quarter", STARTS[1], ENDS[1], 15, False)]


def test_a_part_that_comes_late_makes_the_derived_figure_late() -> None:
    (derived,) = [
        f for f in figures([told(YEAR, ENDS[3], 100, 400), told(YEAR, ENDS[2], 60, 700, origin=1)]) if f.is_derived
    ]
    assert (derived.known_at, derived.origin, derived.value) == (at(700), 1, 40)


def test_a_restated_year_revises_the_year_and_what_followed_from_it() -> None:
    found = figures(
        [told(YEAR, ENDS[2], 60, 300), told(YEAR, ENDS[3], 100, 400), told(YEAR, ENDS[3], 90, 450, origin=2)]
    )
    assert [(f.span, f.value, f.known_until) for f in found] == [
        ("year", 100, at(450)), ("quarter", 40, at(450)), ("year", 90, None), ("quarter", 30, None),
    ]  # fmt: skip


def test_the_same_value_again_is_no_version() -> None:
    once = [told(None, ENDS[0], 7, 100), told(YEAR, ENDS[0], 10, 100)]
    assert figures([*once, *(replace(t, known_at=at(500), filed_at=at(500)) for t in once)]) == figures(once)


def test_an_older_filing_corrected_late_does_not_displace_a_newer_one() -> None:
    found = figures(
        [told(YEAR, ENDS[3], 100, 400), told(YEAR, ENDS[3], 90, 800), told(YEAR, ENDS[3], 101, 900, filed=400)]
    )
    assert [f.value for f in found] == [100, 90]


def test_a_filing_corrected_by_the_source_is_a_version_from_then_on() -> None:
    found = figures([told(YEAR, ENDS[3], 100, 400), told(YEAR, ENDS[3], 101, 900, filed=400)])
    assert [(f.value, f.known_at) for f in found] == [(100, at(400)), (101, at(900))]


def test_of_two_concepts_the_first_counts_and_the_second_fills_its_holes() -> None:
    found = figures(
        [told(None, ENDS[0], 5, 100, rank=1), told(None, ENDS[1], 6, 200, rank=1), told(None, ENDS[1], 7, 200)]
    )
    assert [(f.end, f.value) for f in found] == [(ENDS[0], 5), (ENDS[1], 7)]
    again = figures([told(None, ENDS[1], 7, 200), told(None, ENDS[1], 6, 300, rank=1)])
    assert [f.value for f in again] == [7]


def test_no_figure_is_derived_from_two_concepts() -> None:
    found = figures([told(YEAR, ENDS[2], 60, 300, rank=1), told(YEAR, ENDS[3], 100, 400, rank=0)])
    assert brief(found) == [("year", YEAR, ENDS[3], 100, False)]


def test_a_period_that_ends_before_it_begins_comes_as_it_is_for_the_checks() -> None:
    assert brief(figures([told(ENDS[0], YEAR, 3, 100)])) == [("other", ENDS[0], YEAR, 3, False)]


def test_years_of_52_and_53_weeks_have_quarters() -> None:
    start = date(2022, 9, 25)
    ends = [start + timedelta(weeks=weeks, days=-1) for weeks in (13, 26, 39, 53)]
    found = figures([told(start, end, 10 * n, 100 * n) for n, end in enumerate(ends, 1)])
    assert [f.value for f in found if f.span == "quarter"] == [10, 10, 10, 10]
    assert [fiscal_period("quarter", end, start) for end in ends] == ["2023Q1", "2023Q2", "2023Q3", "2023Q4"]


@pytest.mark.parametrize(
    ("start", "end", "n"),
    [(YEAR, ENDS[0], 1), (YEAR, ENDS[1], 2), (YEAR, ENDS[2], 3), (YEAR, ENDS[3], 4), (YEAR, YEAR, 0), (None, YEAR, 0),
     (date(2021, 1, 1), ENDS[3], 0), (date(2020, 2, 1), date(2020, 4, 30), 1), (ENDS[3], YEAR, 0)],
)  # fmt: skip
def test_a_period_is_known_by_its_length(start: date | None, end: date, n: int) -> None:
    assert n_quarters(start, end) == n


def test_a_filing_tells_its_fiscal_year_by_the_longest_period_up_to_its_end() -> None:
    year, prior = date(2020, 2, 1), date(2019, 2, 1)
    nine_months = [(year, date(2020, 10, 31)), (date(2020, 8, 1), date(2020, 10, 31)), (prior, date(2019, 10, 31))]
    assert fiscal_start(nine_months, is_annual=False) == (year, date(2020, 10, 31))
    twelve_months = (date(2019, 11, 1), date(2020, 10, 31))
    assert fiscal_start([*nine_months, twelve_months], is_annual=False) == (year, date(2020, 10, 31))
    assert fiscal_start([(prior, date(2020, 1, 31))], is_annual=True) == (prior, date(2020, 1, 31))
    assert fiscal_start([(YEAR, YEAR)], is_annual=True) is None


@pytest.mark.parametrize(
    ("span", "end", "name"),
    [("quarter", date(2020, 10, 31), "2021Q3"), ("quarter", date(2020, 1, 31), "2020Q4"), ("instant", date(2019, 7, 31), "2020Q2"),
     ("year", date(2021, 1, 31), "2021FY"), ("year", date(2019, 1, 31), "2019FY"), ("year", date(2020, 7, 31), None),
     ("other", date(2020, 7, 31), None), ("instant", None, None)],
)  # fmt: skip
def test_a_period_is_named_by_the_year_in_which_its_fiscal_year_ends(
    span: str, end: date | None, name: str | None
) -> None:
    """Snowflake's year that began on 2020-02-01 is its fiscal 2021."""
    assert fiscal_period(span, end, date(2020, 2, 1)) == name


def test_a_year_that_ends_in_the_first_days_of_january_is_the_old_years() -> None:
    assert fiscal_period("year", date(2021, 1, 2), date(2019, 12, 29)) == "2020FY"


def test_nothing_is_known_without_a_fiscal_year() -> None:
    assert fiscal_period("quarter", ENDS[0], None) is None


@st.composite
def stories(draw: st.DrawFn) -> tuple[list[Told], dict[int, list[int]]]:
    """What a company tells of one to three years: quarters, cumulative figures or both, comparatives, restated years."""
    years = {
        2021 + n: draw(st.lists(st.integers(-500, 500), min_size=4, max_size=4)) for n in range(draw(st.integers(1, 3)))
    }
    out: list[Told] = []
    for year, values in years.items():
        bounds = [date(year, 1, 1), *(date(year, m, 1) for m in (4, 7, 10)), date(year + 1, 1, 1)]
        ends = [day - timedelta(days=1) for day in bounds[1:]]
        for n in range(4):
            day = (ends[n] - date(2021, 1, 1)).days + draw(st.integers(20, 60))
            is_told = draw(st.booleans())
            if n < 3 and is_told:
                out.append(told(bounds[n], ends[n], values[n], day, origin=len(out)))
            if n == 3 or n == 0 or draw(st.booleans()) or not is_told:
                out.append(told(bounds[0], ends[n], sum(values[: n + 1]), day, origin=len(out)))
            for one in [t for t in out if t.end and t.end.year == year - 1 and draw(st.integers(0, 3)) == 0]:
                out.append(told(one.start, one.end or YEAR, one.value, day, origin=len(out)))  # comparatives
        if draw(st.booleans()):
            wrong = draw(st.integers(1, 50))
            out.append(told(bounds[0], ends[3], sum(values) - wrong, day + draw(st.integers(1, 90)), origin=len(out)))
    return draw(st.permutations(out)), years


@settings(max_examples=120, deadline=None)
@given(story=stories())
def test_three_months_add_up_to_the_year(story: tuple[list[Told], dict[int, list[int]]]) -> None:
    said, years = story
    found = believed(figures(said), at(10_000))
    for year in years:
        quarters = [f for f in found if f.span == "quarter" and f.end and f.end.year == year]
        (whole,) = [f for f in found if f.span == "year" and f.end and f.end.year == year]
        assert len(quarters) == 4
        assert sum(f.value for f in quarters) == whole.value
        assert [f.value for f in sorted(quarters, key=lambda f: str(f.end))][:3] == years[year][:3]


@settings(max_examples=120, deadline=None)
@given(story=stories(), day=st.integers(0, 1_600))
def test_no_period_is_counted_twice_at_any_instant(story: tuple[list[Told], Any], day: int) -> None:
    now = believed(figures(story[0]), at(day))
    assert max(Counter((f.span, f.end) for f in now).values(), default=1) == 1
    quarters = sorted((f.start, f.end) for f in now if f.span == "quarter" and f.start and f.end)
    assert all(before[1] < after[0] for before, after in pairwise(quarters))


@settings(max_examples=120, deadline=None)
@given(story=stories(), day=st.integers(0, 1_600))
def test_an_as_of_read_never_sees_a_later_filing(story: tuple[list[Told], Any], day: int) -> None:
    """Which says, too, that nothing derived is known before its parts: without the later ones it is believed all the same."""
    whole, early = figures(story[0]), figures([t for t in story[0] if t.known_at <= at(day)])
    seen = [replace(f, known_until=None) for f in believed(whole, at(day))]
    assert seen == [replace(f, known_until=None) for f in believed(early, at(day))]


@settings(max_examples=60, deadline=None)
@given(story=stories())
def test_the_order_of_telling_within_the_rows_does_not_matter(story: tuple[list[Told], Any]) -> None:
    assert figures(story[0]) == figures(sorted(story[0], key=lambda t: -t.origin))


@settings(max_examples=60, deadline=None)
@given(story=stories())
def test_versions_of_a_period_follow_each_other_without_a_gap_and_say_something_new(
    story: tuple[list[Told], Any],
) -> None:
    by_period: dict[Any, list[Figure]] = {}
    for figure in figures(story[0]):
        by_period.setdefault((figure.span, figure.end), []).append(figure)
    for versions in by_period.values():
        assert versions[-1].known_until is None
        for before, after in pairwise(versions):
            assert before.known_until == after.known_at
            assert before.value != after.value


def test_series_are_untangled_apart_and_keep_their_rows_columns() -> None:
    plain = {
        "basis": "consolidated",
        "currency": "USD",
        "rank": 0,
        "period_start": YEAR,
        "filed_at": pd.Timestamp(at(1)),
    }
    rows = pd.DataFrame([
        {**plain, "security_id": s, "item": i, "period_end": end, "value": v, "known_at": pd.Timestamp(at(d)), "filing_no": n,
         "payload_digest": n, "row_no": 7}
        for s, i, end, v, d, n in (
            ("A", "revenue", ENDS[2], 60.0, 300, "q"), ("A", "revenue", ENDS[3], 100.0, 400, "k"),
            ("B", "revenue", ENDS[3], 70.0, 400, "b"), ("A", "net_income", ENDS[3], 9.0, 400, "k"),
        )
    ])  # fmt: skip
    found = untangled(rows)
    assert found[["security_id", "item", "span", "value", "filing_no", "is_derived"]].to_numpy().tolist() == [
        ["A", "net_income", "year", 9.0, "k", False],
        ["A", "revenue", "year", 100.0, "k", False],
        ["A", "revenue", "quarter", 40.0, "k", True],
        ["B", "revenue", "year", 70.0, "b", False],
    ]
    assert found["parts"].dropna().tolist() == ["k:7 q:7"]
    assert untangled(rows.iloc[:0]).empty
    assert rows["value"].tolist() == [60.0, 100.0, 70.0, 9.0]
