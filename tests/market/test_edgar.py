"""EDGAR's clock: both conventions of a filer are told apart by the hours at which EDGAR is closed; in doubt nothing is known early."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market import calendars, edgar

DAYS = st.dates(date(2010, 1, 4), date(2026, 6, 30))
OPEN = st.integers(6 * 3600, 22 * 3600 - 1)


def local(day: date, second: int) -> datetime:
    return datetime.combine(day, time(), edgar.NEW_YORK) + timedelta(seconds=second)


def as_utc(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.000Z"


def as_new_york(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%S}.000Z"


@settings(max_examples=100, deadline=None)
@given(filings=st.lists(st.tuples(DAYS, OPEN), max_size=20), day=DAYS)
def test_a_filer_with_an_early_and_a_late_filing_is_read_right_in_either_convention(
    filings: list[tuple[date, int]], day: date
) -> None:
    accepted = [local(day, 7 * 3600), local(day, 21 * 3600), *(local(*one) for one in filings)]
    for write in (as_utc, as_new_york):
        read = edgar.instants([write(at) for at in accepted])
        assert read == [at.astimezone(UTC) for at in accepted]


@settings(max_examples=60, deadline=None)
@given(filings=st.lists(st.tuples(DAYS, OPEN), min_size=1, max_size=5))
def test_nothing_counts_as_known_before_it_was_accepted_where_a_filer_writes_new_yorks_clock(
    filings: list[tuple[date, int]],
) -> None:
    accepted = [local(*one) for one in filings]
    assert all(
        read >= at for read, at in zip(edgar.instants([as_new_york(at) for at in accepted]), accepted, strict=True)
    )


def test_an_older_page_is_judged_by_the_filers_newest_filings() -> None:
    noon = "2022-11-30T16:42:36.000Z"
    assert edgar.instants([noon], ["2024-05-04T01:30:00.000Z"]) == [datetime(2022, 11, 30, 16, 42, 36, tzinfo=UTC)]
    assert edgar.instants([noon], ["2024-05-03T06:10:00.000Z"]) == [datetime(2022, 11, 30, 21, 42, 36, tzinfo=UTC)]
    assert edgar.instants([noon]) == [datetime(2022, 11, 30, 21, 42, 36, tzinfo=UTC)]


@pytest.mark.parametrize("text", ["yesterday", "2024-05-03T06:10:00", ""])
def test_a_text_that_is_no_instant_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"expected|Invalid"):
        edgar.instants([text])


@settings(max_examples=60, deadline=None)
@given(day=DAYS, second=OPEN)
def test_every_filing_belongs_to_the_first_session_from_its_day_in_new_york_on(day: date, second: int) -> None:
    session = edgar.session_of(local(day, second).astimezone(UTC))
    assert calendars.is_session("XNYS", session)
    assert session >= day
    assert not calendars.sessions("XNYS", day, session)[:-1]


def test_a_day_ends_when_edgar_closes_in_summer_and_in_winter() -> None:
    assert edgar.end_of(date(2024, 5, 3)) == datetime(2024, 5, 4, 2, tzinfo=UTC)
    assert edgar.end_of(date(2024, 1, 5)) == datetime(2024, 1, 6, 3, tzinfo=UTC)
