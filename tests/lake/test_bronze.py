"""Taking deliveries: once only, whole sessions only, every payload kept."""

import hashlib
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Any

import pyarrow as pa
import pytest

from exchange.server import Server
from lake.bronze import Bronze
from lake.clients import client
from lake.delivery import Delivery
from lake.pace import quota_day
from lake.settings import Settings
from market import registry
from market.digest import digest
from market.errors import Transient
from market.sources import SOURCES

ALL = tuple(SOURCES)
TABLES = [table.name for table in registry.layer("bronze")]


def digests(intake: Any) -> dict[str, str]:
    """Digest of every bronze table."""
    found = {}
    for name in TABLES:
        table = registry.table(name)
        found[name] = digest(intake.delta.read(table), table.key, table.digested)
    return found


@pytest.mark.parametrize("source", ALL)
def test_every_row_says_which_kept_payload_it_came_in(intake: Any, source: str) -> None:
    sessions = intake.sessions(source)[-5 if source != "krx_market" else -16 :]  # on most days nothing is delisted
    taken = intake.take(source, sessions)
    assert taken.new_rows > 0
    assert taken.sessions <= set(sessions)
    for name in client(source).TABLES:
        for row in intake.delta.read(registry.table(name)).to_pylist():
            payload = intake.store.get(row["landing_path"])
            assert hashlib.sha256(payload).hexdigest() == row["payload_digest"]
            assert row["known_at"] == row["fetched_at"]
            assert row["session_month"] == f"{row['session_date']:%Y-%m}"
            assert row["landing_path"].startswith(f"landing/{source}/")


@pytest.mark.parametrize("source", ALL)
def test_keys_identify_rows(intake: Any, source: str) -> None:
    intake.take(source, intake.sessions(source)[-8:])
    for name in client(source).TABLES:
        table = registry.table(name)
        rows = intake.delta.read(table).select(list(table.key))
        assert rows.group_by(list(table.key)).aggregate([]).num_rows == rows.num_rows


@pytest.mark.parametrize("source", ALL)
def test_running_a_day_twice_adds_nothing(intake: Any, source: str) -> None:
    sessions = intake.sessions(source)[-3:]
    first = intake.take(source, sessions)
    versions = {name: intake.delta.version(name) for name in TABLES}
    before = digests(intake)
    again = intake.take(source, sessions)
    assert (again.new_rows, again.repeated_rows) == (0, first.new_rows)
    assert digests(intake) == before
    assert {name: intake.delta.version(name) for name in TABLES} == versions
    assert not again.sessions


@pytest.mark.parametrize("source", ["krx", "naver", "daum", "krx_market"])
def test_day_by_day_gives_the_same_sessions_and_rows_as_a_backfill(
    intake: Any, exchange: Server, make: Callable[..., Settings], tmp_path: Any, source: str
) -> None:
    sessions = intake.sessions(source)[-4:] if source != "krx_market" else intake.sessions(source)[-16:]
    backfill = intake.take(source, sessions)
    assert backfill.new_rows > 0
    other = type(intake)(make(lake_url=str(tmp_path / "daily"), exchange_url=exchange.url), intake.companies)
    days = [other.take(source, [day]) for day in sessions]
    assert sum(day.new_rows for day in days) == backfill.new_rows


def test_a_changed_answer_adds_a_version_and_keeps_the_old_one(intake: Any, exchange: Server) -> None:
    day = intake.sessions("krx")[-3]
    intake.take("krx", [day])
    exchange.set_faults([f"late-revision:date={day},at={exchange.world.end.isoformat()},source=krx"])
    taken = intake.take("krx", [day])
    rows = intake.delta.read(registry.table("bronze.krx_daily")).to_pylist()
    closes = [row["TDD_CLSPRC"] for row in rows if row["ISU_CD"] == "005930"]
    assert taken.sessions == {day}
    assert len(closes) == 2
    assert len(set(closes)) == 2


def test_a_source_that_goes_back_to_what_it_said_first_adds_a_version_each_time(intake: Any, exchange: Server) -> None:
    day, end = intake.sessions("krx")[-3], exchange.world.end
    revision = f"late-revision:date={day},at={end.isoformat()},source=krx"
    taken = []
    for n, faults in enumerate(([], [revision], [], [revision], [])):
        exchange.set_clock(end + timedelta(hours=n))
        exchange.set_faults(faults)
        taken.append(intake.take("krx", [day]).new_rows)
        assert intake.take("krx", [day]).new_rows == 0
    rows = intake.delta.read(registry.table("bronze.krx_daily")).to_pylist()
    told = sorted((row["fetched_at"], row["TDD_CLSPRC"]) for row in rows if row["ISU_CD"] == "005930")
    first, other = told[0][1], told[1][1]
    assert [close for _, close in told] == [first, other, first, other, first]
    assert all(n > 0 for n in taken)


def test_have_tells_the_sessions_that_were_taken_whole_from_every_source(intake: Any) -> None:
    sessions = intake.sessions("krx")[-5:]
    intake.take("krx", sessions[:2])
    intake.take("dart", sessions[:3])
    assert intake.bronze.have(["krx"], sessions) == set(sessions[:2])
    assert intake.bronze.have(["krx", "dart"], sessions) == set(sessions[:2])
    assert intake.bronze.have(["krx", "naver"], sessions) == set()


def test_a_session_without_a_row_is_taken_all_the_same_and_marked_once(intake: Any) -> None:
    day = intake.sessions("dart")[-1]
    for _ in range(2):
        intake.bronze.mark("dart", [day])
    assert intake.bronze.have(["dart"], [day]) == {day}
    assert intake.delta.read(registry.table("ops.ingested")).num_rows == 1


class Killed(BaseException):
    """Stands for a SIGKILL: nothing catches it."""


@pytest.mark.parametrize("source", ALL)
def test_killed_between_landing_and_append_the_day_runs_again_to_the_same_rows(
    intake: Any, exchange: Server, make: Callable[..., Settings], tmp_path: Any, source: str
) -> None:
    sessions = intake.sessions(source)[-3:]
    calm = type(intake)(make(lake_url=str(tmp_path / "calm"), exchange_url=exchange.url), intake.companies)
    calm.take(source, sessions)

    class Dying(Bronze):
        """Dies after the payloads are kept; where there are several tables, between two commits."""

        appended = 0

        def _append(self, table: Any, rows: pa.Table) -> Any:
            if Dying.appended == min(1, len(client(source).TABLES) - 1):
                raise Killed
            Dying.appended += 1
            return super()._append(table, rows)

    with pytest.raises(Killed):
        Dying(intake.delta, intake.store).take(client(source).deliveries(sessions, intake.context()))
    assert intake.store.list("landing/")
    assert intake.bronze.have([source], sessions) == set()
    intake.take(source, sessions)
    assert digests(intake) == digests(calm)


def test_where_it_breaks_off_within_a_session_the_sessions_before_are_kept_whole(intake: Any) -> None:
    sessions = intake.sessions("krx")[-3:]
    ctx = intake.context()

    def cut() -> Iterator[Delivery]:
        for delivery in client("krx").deliveries(sessions, ctx):
            if delivery.session_date == sessions[1] and delivery.ends_unit:
                raise Transient("the line", found="cut")
            yield delivery

    with pytest.raises(Transient, match="the line"):
        intake.bronze.take(cut(), requests=ctx.requests)
    assert intake.bronze.have(["krx"], sessions) == {sessions[0]}
    assert any(path.startswith(f"landing/krx/{sessions[1]}/") for path in intake.store.list("landing/"))
    assert intake.bronze.calls_made("krx", exchange_day(intake)) > 0


def exchange_day(intake: Any) -> date:
    """The quota day of the world's clock."""
    return quota_day(intake.world.clock()())


def test_when_it_was_asked_last_is_told_by_the_clock_of_the_sources(intake: Any) -> None:
    day = intake.sessions("krx")[-1]
    assert intake.bronze.asked_last(f"{day:%Y-%m}", ["krx", "dart"]) is None
    intake.take("krx", [day])
    assert intake.bronze.asked_last(f"{day:%Y-%m}", ["krx", "dart"]) == intake.world.clock()()
    assert intake.bronze.asked_last(f"{day:%Y-%m}", ["dart"]) is None
    assert intake.bronze.asked_last("2999-01", ["krx"]) is None


def test_requests_are_stored_and_count_against_the_quota_of_the_next_run(intake: Any) -> None:
    day = intake.sessions("krx")[-1:]
    taken = intake.take("krx", day)
    rows = intake.delta.read(registry.table("ops.requests"))
    assert rows.num_rows == taken.requests
    assert set(rows.column("outcome").to_pylist()) == {"ok"}
    tight = intake.with_settings(krx_quota_per_day=taken.requests)
    with pytest.raises(Exception, match="MARKETLAKE_KRX_QUOTA_PER_DAY"):
        tight.take("krx", day)


def test_a_lake_on_s3_gets_the_same_rows_as_one_in_a_folder(
    intake: Any, exchange: Server, make: Callable[..., Settings], on_s3: dict[str, str]
) -> None:
    days = intake.sessions("krx")[-1:]
    remote = make(**on_s3, exchange_url=exchange.url)
    other = type(intake)(remote, intake.companies)
    assert intake.take("krx", days).new_rows == other.take("krx", days).new_rows
    assert other.take("krx", days).new_rows == 0
    assert digests(other) == digests(intake)
    assert other.store.list("landing/") == intake.store.list("landing/")


def test_progress_hears_of_every_delivery(intake: Any) -> None:
    heard: list[Delivery] = []
    sessions = intake.sessions("krx")[-2:]
    taken = intake.bronze.take(client("krx").deliveries(sessions, intake.context()), progress=heard.append)
    assert len({delivery.request for delivery in heard}) == taken.requests
