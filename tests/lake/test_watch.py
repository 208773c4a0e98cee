"""What is known about each source: drift since its first session, whether it still comes, calls left, days of a key."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest
from deltalake import write_deltalake

from exchange.server import Server
from lake.clients import client
from lake.delivery import SchemaDrift, noting, text_rows
from lake.watch import Drift, Watch, Watched, keep, kept, told_of
from lake.watching import drifts, seen_after_s, watched
from market import registry
from market.datasets.ops.drift import FORMAT, UNKNOWN
from market.errors import Permanent
from market.table import ARROW

TODAY = date(2024, 6, 28)
PLAIN = Watched("krx", "live", (), "2024-06-27", "2024-06-28", 10, 10_000, "", True, (), "")
TOLD_BY_KRX = [table for table in client("krx").TABLES if table != "bronze.krx_services"]  # which we write ourselves


def drift_rows(intake: Any) -> list[dict[str, Any]]:
    return intake.delta.read(registry.table("ops.drift")).to_pylist()


def look(intake: Any, source: str, now: datetime | None = None) -> Watched:
    found = watched(intake.world, intake.delta, now or intake.world.clock(source)())
    return next(one for one in found.sources if one.source == source)


@pytest.mark.parametrize("source", ["krx", "dart", "naver", "daum", "sec", "yahoo"])
def test_a_good_world_sends_nothing_unexpected(intake: Any, source: str) -> None:
    intake.take(source, intake.sessions(source)[-2:])
    assert drift_rows(intake) == []
    found = look(intake, source)
    assert found.warnings(TODAY) == []
    assert found.last_session == f"{intake.sessions(source)[-1]}"
    assert found.calls_made > 0 and found.calls_left is None  # the exchange has no limit


def test_an_unknown_column_is_taken_note_of_once_a_session_and_stops_nothing(intake: Any, monkeypatch: Any) -> None:
    days = intake.sessions("krx")[-3:]
    intake.take("krx", days[:1])
    with_new_column(monkeypatch)
    assert intake.take("krx", days[1:]).new_rows > 0
    assert {(row["session_date"], row["table"], row["kind"], row["found"]) for row in drift_rows(intake)} == {
        (day, table, UNKNOWN, "NEW_COLUMN") for day in days[1:] for table in TOLD_BY_KRX
    }
    found = look(intake, "krx")
    assert [(d.found, d.first_seen, d.n_sessions, d.is_open) for d in found.drifts] == [
        ("NEW_COLUMN", f"{days[1]}", 2, True)
    ] * len(TOLD_BY_KRX)
    assert "NEW_COLUMN is unknown, since" in found.warnings(TODAY)[0]
    n = len(drift_rows(intake))
    intake.take("krx", days[1:])
    assert len(drift_rows(intake)) == n


def test_an_unknown_column_that_comes_no_more_is_over(intake: Any, monkeypatch: Any) -> None:
    days = intake.sessions("krx")[-2:]
    with monkeypatch.context() as patched:
        with_new_column(patched)
        intake.take("krx", days[:1])
    intake.take("krx", days[1:])
    found = look(intake, "krx")
    assert found.drifts and not any(drift.is_open for drift in found.drifts)
    assert found.warnings(TODAY) == []


@pytest.mark.parametrize("source", ["krx", "dart", "naver", "daum", "sec", "yahoo"])
def test_another_format_stops_the_session_and_is_open_until_it_is_taken(
    intake: Any, exchange: Server, source: str
) -> None:
    days = intake.sessions(source)[-20:]
    exchange.set_faults([f"schema-drift:source={source}"])
    with pytest.raises(SchemaDrift):
        intake.take(source, days)
    (drift,) = look(intake, source).drifts
    assert (drift.kind, drift.is_open, drift.n_sessions) == (FORMAT, True, 1)
    assert f"{days[0]}" <= drift.first_seen == drift.last_seen <= f"{days[-1]}"
    assert drift.expected and drift.found and "expected" in look(intake, source).warnings(TODAY)[0]
    exchange.set_faults(())
    intake.take(source, days)
    assert not look(intake, source).drifts[0].is_open
    assert look(intake, source).warnings(TODAY) == []


def test_a_refused_key_is_a_warning_until_a_call_succeeds(intake: Any, exchange: Server) -> None:
    day = intake.sessions("dart")[-1:]
    exchange.set_faults(["expired-key:source=dart"])
    with pytest.raises(Permanent):
        intake.take("dart", day)
    assert look(intake, "dart").warnings(TODAY) == ["refused: HTTP 200 to GET /api/list.json"]
    exchange.set_faults(())
    intake.take("dart", day)
    assert look(intake, "dart").warnings(TODAY) == []


def test_calls_left_and_days_of_a_key_come_from_the_settings(intake: Any) -> None:
    limited = intake.with_settings(krx_quota_per_day=60, krx_key_ends=date(2024, 7, 5))
    limited.take("krx", limited.sessions("krx")[-4:])
    found = look(limited, "krx")
    assert found.calls_left == 60 - found.calls_made
    assert found.key_days(TODAY) == 7
    assert "its key ends in 7 days" in found.warnings(TODAY)
    assert look(limited, "krx", intake.world.clock()() + timedelta(days=1)).calls_made == 0  # a new day in Seoul


def test_the_last_day_of_the_marketplaces_password_comes_from_the_settings(intake: Any) -> None:
    member = intake.with_settings(krx_market_key_ends=date(2024, 7, 5))
    assert look(member, "krx_market").key_days(TODAY) == 7
    assert look(member, "yahoo").key_days(TODAY) is None  # it has no key


def test_how_long_after_its_publication_a_headline_was_seen(intake: Any) -> None:
    """The median of the newest session's first versions: a changed headline is dated by its fetch."""
    early, late = datetime(2024, 6, 26, 1, tzinfo=UTC), datetime(2024, 6, 27, 1, tzinfo=UTC)
    told = [(early, 90, 0), (late, 2, 0), (late, 4, 0), (late, 9, 0), (late, 300, 300)]
    contract = registry.table("silver.news")
    rows = [
        {
            "session_date": at.date(), "session_month": "2024-06", "source": "naver", "published_at": at,
            "known_at": at + timedelta(hours=known), "first_seen_at": at + timedelta(hours=seen),
        }
        for at, seen, known in told
    ]  # fmt: skip
    empty = [{name: None for name in contract.schema.names} | row for row in rows]
    nullable = pa.schema([field.with_nullable(True) for field in contract.schema])
    assert seen_after_s(intake.delta, "naver", TODAY) is None
    write_deltalake(intake.delta.uri(contract), pa.Table.from_pylist(empty, schema=nullable))
    assert seen_after_s(intake.delta, "naver", TODAY) == 4 * 3600
    assert seen_after_s(intake.delta, "daum", TODAY) is None


@pytest.mark.parametrize(
    ("changes", "warnings"),
    [
        ({}, []),
        ({"calls_made": 9_001}, ["999 of 10,000 calls left on 2024-06-28"]),
        ({"calls_made": 10_500}, ["0 of 10,000 calls left on 2024-06-28"]),
        ({"key_ends": "2024-07-28"}, []),
        ({"key_ends": "2024-07-27"}, ["its key ends in 29 days"]),
        ({"key_ends": "2024-06-27"}, ["its key ended on 2024-06-27"]),
        ({"key_ends": "2024-06-27", "state": "off"}, []),
    ],
)
def test_what_wants_a_look(changes: dict[str, Any], warnings: list[str]) -> None:
    assert replace(PLAIN, **changes).warnings(TODAY) == warnings


def test_the_watch_is_read_as_it_was_kept(intake: Any) -> None:
    assert kept(intake.store) is None
    drift = Drift("bronze.krx_daily", UNKNOWN, "the columns", "NEW", "2024-06-27", "2024-06-28", 2, True)
    watch = Watch("2024-06-28T09:00:00+00:00", (replace(PLAIN, drifts=(drift,), key_missing=("krx_api_key",)),))
    keep(intake.store, watch)
    assert kept(intake.store) == watch
    assert told_of(drift) == "bronze.krx_daily: NEW is unknown, since 2024-06-27 (2 sessions)"


def test_the_same_thing_of_many_sessions_is_one_drift() -> None:
    days = [date(2024, 6, 24), date(2024, 6, 25), date(2024, 6, 27)]
    contract = registry.table("ops.drift")
    told = {"source": "krx", "session_month": "2024-06", "table": "bronze.krx_daily", "kind": UNKNOWN, "expected": "x",
            "found": "NEW", "request": "GET /x", "known_at": datetime(2024, 6, 28)}  # fmt: skip
    rows = pa.Table.from_pylist([{**told, "session_date": day} for day in days], schema=contract.schema)
    (one,) = drifts(rows, [*days, date(2024, 6, 28)], "XKRX")
    assert (one.first_seen, one.last_seen, one.n_sessions, one.is_open) == ("2024-06-24", "2024-06-27", 5, False)


def test_what_a_contract_does_not_know_is_noted_beside_the_rows() -> None:
    schema = pa.schema([("a", ARROW["string"])])
    rows = text_rows([{"a": "1"}, {"a": "2", "b": "3", "c\nd": "4"}], schema, "here")
    assert rows.schema.metadata == {b"unknown": b"b\nc d"}
    assert noting(rows.replace_schema_metadata(), ()).schema.metadata is None


def with_new_column(monkeypatch: Any) -> None:
    """Every record that is read from now on has one column more."""
    from lake.clients import krx

    real = krx._records
    monkeypatch.setattr(krx, "_records", lambda answer: [{**row, "NEW_COLUMN": "1"} for row in real(answer)])
