"""A release is refused while a session that it would show is blocked or was never built, however good the newest day is."""

from datetime import UTC, date, datetime

import pyarrow as pa
import pytest

from assets.audit import judged, refuse_blocked
from market.datasets.ops import checks
from market.errors import Permanent

DAYS = [date(2024, 5, n) for n in (2, 3, 7, 8)]
TABLE = "silver.prices"


def said(*builds):
    """Rows of ops.checks for builds told as (version, first day, last day, passed), days by number."""
    rows = [
        {"session_date": DAYS[last], "session_month": "2024-05", "window_start": DAYS[first], "table": TABLE,
         "version": version, "check": check, "severity": "error", "passed": passed, "expected": "all", "found": "some",
         "n_rows": 9, "n_failed": 0 if passed else 9, "known_at": datetime(2024, 5, 9, n, tzinfo=UTC)}
        for n, (version, first, last, passed) in enumerate(builds) for check in ("table_has_rows", "table_quarantined")
    ]  # fmt: skip
    return pa.Table.from_pylist(rows, schema=checks.TABLE.schema)


def history(*builds, upto=99):
    return judged(said(*builds), TABLE, upto)


def test_a_blocked_day_blocks_under_a_later_good_one():
    builds = ((1, 0, 1, True), (2, 2, 2, False), (3, 3, 3, True))
    with pytest.raises(Permanent, match=r"version 2.*2024-05-07"):
        refuse_blocked(TABLE, history(*builds), DAYS)


def test_a_blocked_day_that_passed_later_blocks_no_more():
    builds = ((1, 0, 1, True), (2, 2, 2, False), (3, 3, 3, True), (4, 2, 2, True))
    assert refuse_blocked(TABLE, history(*builds), DAYS) == []


def test_a_good_day_that_was_built_again_and_blocked_blocks():
    builds = ((1, 0, 3, True), (2, 1, 1, False), (3, 3, 3, True))
    with pytest.raises(Permanent, match=r"version 2.*2024-05-03"):
        refuse_blocked(TABLE, history(*builds), DAYS)


def test_a_session_that_was_never_built_is_told():
    assert refuse_blocked(TABLE, history((1, 0, 1, True), (2, 3, 3, True)), DAYS) == [DAYS[2]]


def test_a_session_between_two_windows_of_one_version_is_told():
    assert refuse_blocked(TABLE, history((1, 0, 1, True), (1, 3, 3, True)), DAYS) == [DAYS[2]]


def test_a_version_that_was_judged_again_and_passed_blocks_no_more():
    assert refuse_blocked(TABLE, history((1, 0, 3, True), (1, 2, 2, False), (1, 2, 2, True)), DAYS) == []
    with pytest.raises(Permanent, match=r"version 1.*2024-05-07"):
        refuse_blocked(TABLE, history((1, 0, 3, True), (1, 2, 2, True), (1, 2, 2, False)), DAYS)


def test_sessions_before_the_first_one_built_are_not_missing():
    assert refuse_blocked(TABLE, history((1, 2, 3, True)), DAYS) == []


def test_a_blocked_head_blocks_even_where_no_session_is_asked_of_it():
    with pytest.raises(Permanent, match="version 1"):
        refuse_blocked(TABLE, history((1, 2, 2, False)), [])


def test_versions_after_the_one_to_be_published_say_nothing_of_it():
    builds = ((1, 0, 3, True), (2, 2, 2, False))
    assert refuse_blocked(TABLE, history(*builds, upto=1), DAYS) == []


def test_outcomes_from_before_windows_were_recorded_speak_of_their_last_session():
    rows = said((1, 0, 3, True))
    at = rows.schema.get_field_index("window_start")
    rows = rows.set_column(at, "window_start", pa.nulls(rows.num_rows, pa.date32()))
    (one,) = judged(rows, TABLE, 1)
    assert (one.start, one.end, one.n_checks, one.n_warnings) == (DAYS[3], DAYS[3], 2, 0)
