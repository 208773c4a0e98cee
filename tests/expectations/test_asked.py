"""A share of refused rows is taken session by session, of what is still true, and every session asked for must have rows."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime

import pyarrow as pa

from expectations.asked import Asked
from expectations.judge import judge
from market.table import Column, Table

Bars = Callable[..., pa.Table]
THURSDAY, FRIDAY, TUESDAY = date(2024, 5, 2), date(2024, 5, 3), date(2024, 5, 7)


def blocking(*args: object, **more: object) -> set[str]:
    return {outcome.check for outcome in judge(*args, **more).blocking}  # type: ignore[arg-type]


def days(n: int, *told: date) -> list[object]:
    return [day for day in told for _ in range(n)]


def test_a_session_refused_whole_blocks_however_long_the_window_is(contract: Table, make_bars: Bars) -> None:
    ids = [f"XKRX:{i:06d}" for i in range(50)] * 3
    volume = [-1] * 50 + [1000] * 100  # a third of all, under a limit of a half; all of Thursday
    frame = make_bars(150, session_date=days(50, THURSDAY, FRIDAY, TUESDAY), security_id=ids, volume=volume)
    verdict = judge(contract, frame, limit=0.5)
    assert {outcome.check for outcome in verdict.blocking} == {
        "volume_between",
        "volume_at_least_odd_lot",
        "table_quarantined",
    }
    assert "over the limit on XKRX 2024-05-02: 50 of 50 rows" in verdict.blocking[-1].found


def test_a_bad_share_of_one_session_among_many_is_set_aside(contract: Table, make_bars: Bars) -> None:
    ids = [f"XKRX:{i:06d}" for i in range(50)] * 3
    frame = make_bars(
        150, session_date=days(50, THURSDAY, FRIDAY, TUESDAY), security_id=ids, volume=[-1] * 6 + [1000] * 144
    )
    assert judge(contract, frame).passed  # 4 % of all, 12 % of Thursday
    assert not judge(contract, frame.slice(0, 50)).passed  # Thursday alone


def test_where_a_session_may_be_empty_the_share_is_of_all_rows(contract: Table, make_bars: Bars) -> None:
    ids = [f"XKRX:{i:06d}" for i in range(41)]
    dates = [THURSDAY, *days(20, FRIDAY, TUESDAY)]
    frame = make_bars(41, session_date=dates, security_id=ids, volume=[-1] + [1000] * 40)
    assert blocking(contract, frame) != set()
    assert blocking(replace(contract, may_be_empty=True), frame) == set()


def test_every_session_asked_for_must_have_a_good_row(contract: Table, make_bars: Bars) -> None:
    asked = Asked(THURSDAY, FRIDAY, {"XKRX": [THURSDAY, FRIDAY], "XNYS": []})
    verdict = judge(contract, make_bars(3), asked=asked)
    assert [(o.check, o.found) for o in verdict.blocking] == [("table_has_rows", "no rows of XKRX 2024-05-02")]
    both = make_bars(4, session_date=days(2, THURSDAY, FRIDAY))
    assert judge(contract, both, asked=asked).passed


def test_an_answer_for_another_day_is_refused_and_leaves_its_session_empty(contract: Table, make_bars: Bars) -> None:
    stale = make_bars(60, session_date=days(60, THURSDAY))
    verdict = judge(contract, stale, asked=Asked(FRIDAY, FRIDAY, {"XKRX": [FRIDAY]}))
    assert verdict.n_quarantined == 60
    assert "claims 2024-05-02, outside the sessions asked for" in verdict.reasons[0][1]
    assert {outcome.check for outcome in verdict.blocking} == {"table_has_rows", "table_quarantined"}


def test_a_bad_row_that_was_corrected_does_not_count(contract: Table, make_bars: Bars) -> None:
    known = replace(
        contract, columns=(*contract.columns, Column("known_until", "timestamp", "when replaced", nullable=True))
    )
    later = datetime(2024, 5, 8, tzinfo=UTC)
    frame = make_bars(
        6, security_id=[f"XKRX:{i:06d}" for i in (0, 1, 2, 3, 4, 5)], volume=[-1, -1, 5, 5, 5, 5], odd_lot=[0] * 6
    )
    corrected = frame.append_column(
        "known_until", pa.array([later, later, None, None, None, None], pa.timestamp("us", "UTC"))
    )
    verdict = judge(known, corrected)
    assert verdict.n_quarantined == 2
    assert verdict.passed
