"""What a run does when a source misbehaves: it stops or sets rows aside, keeps the payload, and the last good release stays."""

from datetime import timedelta

import pytest

from assets.tables import LIFTED
from jobs.names import BUILD
from market.errors import Permanent, Transient
from market.sources import session_due_at


@pytest.fixture
def day(sessions):
    return sessions[-3]


def blocked(desk, day, fault, error, *words):
    """The day fails with that error and words in it, and people go on seeing what they saw."""
    before = desk.lake.releases.current()
    desk.server.set_faults([fault])
    with pytest.raises(error) as raised:
        desk.runner.day(day)
    assert desk.lake.releases.current() == before
    for word in words:
        assert word in str(raised.value), str(raised.value)
    return str(raised.value)


def landed(desk, day):
    return [path for path in desk.lake.store.list("landing/") if f"/{day}/" in path]


def test_a_renamed_column_stops_before_silver_and_the_payload_is_kept(desk, day):
    told = blocked(desk, day, {"name": "schema-drift", "source": "krx"}, Permanent, "columns", "krx")
    assert "payload is kept at landing/krx" in told
    assert landed(desk, day)
    assert not [row for row in desk.rows("silver.prices") if row["session_date"] == day]


def test_an_expired_key_fails_at_once_and_names_the_setting(desk, day):
    blocked(desk, day, {"name": "expired-key", "source": "krx"}, Permanent, "MARKETLAKE_KRX_API_KEY")


def test_an_empty_answer_for_a_session_that_is_due_is_blocked_with_the_reason(desk, day):
    blocked(desk, day, {"name": "empty-day", "source": "krx"}, Permanent, "blocked", "due since")


def test_rows_on_a_holiday_are_blocked_with_the_calendars_reason(desk, sessions):
    after_holiday = next(d for d in sessions if f"{d}" == "2024-06-07")  # the day after Memorial Day
    blocked(desk, after_holiday, {"name": "holiday-rows", "source": "krx"}, Permanent, "2024-06-06", "holiday")


def test_a_server_that_stays_down_is_a_transient_failure(desk, day):
    blocked(desk, day, {"name": "server-errors", "source": "krx"}, Transient, "503")


def test_a_few_bad_rows_go_to_quarantine_and_the_day_is_published(a_day_later, day):
    refused = [row for row in a_day_later.rows("ops.quarantine") if row["table"] == "silver.prices"]
    assert refused
    assert all(row["reason"] and row["payload_digest"] for row in refused)
    assert a_day_later.lake.releases.current().last_session == f"{day}"


@pytest.mark.slow  # four builds; the gate itself is judged by row in tests/expectations
def test_too_many_bad_rows_block_the_release_until_a_person_lifts_the_limit(desk, day):
    told = blocked(desk, day, {"name": "bad-rows", "source": "krx", "date": f"{day}", "share": "0.5"}, Permanent)
    assert "blocked" in told
    held = [row for row in desk.rows("ops.quarantine") if row["table"] == "silver.prices"]
    assert held
    desk.runner.run(BUILD, day, day, {LIFTED: "silver.prices"})
    assert desk.lake.releases.current().last_session == f"{day}"
    assert len([row for row in desk.rows("ops.quarantine") if row["table"] == "silver.prices"]) == len(held)


def test_a_row_delivered_twice_is_kept_once(desk, day):
    desk.server.set_faults([{"name": "duplicates", "source": "krx", "date": f"{day}"}])
    with pytest.raises(Permanent, match="blocked"):  # half of the rows are repeats, over the limit
        desk.runner.day(day)
    rows = [row for row in desk.rows("silver.prices") if row["session_date"] == day and row["exchange"] == "XKRX"]
    assert len(rows) == len({row["security_id"] for row in rows})
    assert any("repeats row" in row["reason"] for row in desk.rows("ops.quarantine"))


@pytest.mark.slow  # five days; what a revision does to silver and gold is in test_revision
def test_a_revision_is_a_new_row_and_the_old_value_is_still_there_before_it(desk, sessions):
    revised, later = sessions[-3], sessions[-2]
    desk.runner.day(revised)
    instant = session_due_at(later) - timedelta(minutes=1)
    desk.server.set_faults(
        [{"name": "late-revision", "source": "krx", "date": f"{revised}", "at": instant.isoformat(), "code": "005930"}]
    )
    desk.runner.day(later)
    desk.runner.day(revised)
    versions = [
        row for row in desk.rows("silver.prices")
        if row["session_date"] == revised and row["security_id"] == "XKRX:005930"
    ]  # fmt: skip
    assert len(versions) == 2
    old, new = sorted(versions, key=lambda row: row["known_at"])
    assert old["known_until"] == new["known_at"]
    assert new["known_until"] is None
    assert new["close"] != old["close"]
    gold = {row["session_date"]: row for row in desk.rows("gold.prices") if row["security_id"] == "XKRX:005930"}
    assert gold[revised]["close"] == new["close"]
    assert gold[later]["cumulative_factor"] == gold[sessions[-4]]["cumulative_factor"]  # a correction is no split
    features = {r["session_date"]: r for r in desk.rows("gold.features_daily") if r["security_id"] == "XKRX:005930"}
    assert features[later]["known_at"] >= new["known_at"]
    assert features[later]["return_1d"] == pytest.approx(gold[later]["close"] / new["close"] - 1)

    desk.server.set_faults([])
    desk.runner.day(sessions[-1])  # time passes
    desk.runner.day(revised)  # the source goes back to what it said first
    versions = [
        row for row in desk.rows("silver.prices")
        if row["session_date"] == revised and row["security_id"] == "XKRX:005930"
    ]  # fmt: skip
    assert next(row for row in versions if row["known_until"] is None)["close"] == old["close"]
