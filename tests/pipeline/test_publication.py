"""What may become current: only versions that the checks let through, one publisher at a time, and back again."""

import threading
from dataclasses import replace
from pathlib import Path

import pyarrow.dataset as ds
import pytest

from assets.audit import audited
from assets.building import keep
from assets.publish import publish
from jobs.due import due_sessions
from lake.objects import LocalStore
from lake.releases import POINTER, Releases
from market import registry
from market.errors import Permanent, Transient
from market.sources import session_due_at
from market.table import Window


def test_a_version_that_no_check_has_judged_is_refused(desk, sessions):
    before = desk.lake.releases.current()
    table = registry.table("gold.labels")
    window = Window(sessions[0], sessions[-1], session_due_at(sessions[-4]))
    unjudged = desk.lake.replace(table, desk.lake.delta.read(table), window)
    with pytest.raises(Permanent, match=rf"gold.labels version {unjudged}.*no outcome on record"):
        publish(desk.lake, "data")
    assert desk.lake.releases.current() == before


def test_a_version_that_nobody_judged_is_not_hidden_by_a_later_good_day(desk, sessions):
    table = registry.table("gold.labels")

    def rows(day):
        return desk.lake.delta.read(table, where=ds.field("session_date") == day)

    day, later = (Window(day, day, session_due_at(sessions[-4])) for day in sessions[-20:-18])
    unjudged = desk.lake.replace(table, rows(day.start), day)
    keep(desk.lake, table, rows(later.start), later)
    with pytest.raises(Permanent, match=rf"gold.labels version {unjudged}.*{day.start}.*no outcome on record"):
        publish(desk.lake, "data")
    keep(desk.lake, table, rows(day.start), day)
    release, is_new = publish(desk.lake, "data")
    assert is_new and release.tables["gold.labels"] == unjudged + 2


def test_a_rollback_during_a_publication_is_not_undone_by_it(desk, sessions, monkeypatch):
    earlier = desk.lake.releases.current()
    later = replace(earlier, release_id=desk.lake.releases.next_id(), parent=earlier.release_id)
    desk.lake.releases.publish(later)
    table = registry.table("gold.labels")
    window = Window(sessions[0], sessions[-4], session_due_at(sessions[-4]))
    keep(desk.lake, table, desk.lake.delta.read(table), window)

    def while_a_person_rolls_back(lake, tables):
        Releases(desk.lake.store).rollback()
        return audited(lake, tables)

    monkeypatch.setattr("assets.publish.audited", while_a_person_rolls_back)
    with pytest.raises(Transient, match="another one was first"):
        publish(desk.lake, "data")
    assert desk.lake.releases.current() == earlier
    assert [release.release_id for release in desk.lake.releases.list()][:2] == [later.release_id, earlier.release_id]


@pytest.mark.slow
def test_a_good_day_does_not_hide_the_blocked_one_before_it(desk, sessions):
    before, (bad, good) = desk.lake.releases.current(), sessions[-3:-1]
    desk.server.set_faults([{"name": "bad-rows", "source": "krx", "date": f"{bad}", "share": "0.9"}])
    with pytest.raises(Permanent, match="blocked"):
        desk.runner.day(bad)
    with pytest.raises(Permanent, match=f"silver.prices.*{bad}"):
        desk.runner.day(good)
    assert desk.lake.releases.current() == before
    assert due_sessions(desk.lake, session_due_at(good)) == [bad, good]
    desk.server.set_faults([])
    desk.runner.day(bad)  # the source has corrected it
    assert desk.lake.releases.current().last_session == f"{good}"
    assert due_sessions(desk.lake, session_due_at(good)) == []


@pytest.mark.slow
def test_a_rollback_shows_the_release_before_and_the_next_day_goes_on_from_there(desk, sessions):
    before = desk.lake.releases.current()
    desk.runner.day(sessions[-3])
    published = desk.lake.releases.current()
    assert published.parent == before.release_id
    assert desk.lake.releases.rollback().release_id == before.release_id
    assert desk.lake.releases.current() == before
    desk.runner.day(sessions[-2])
    after = desk.lake.releases.current()
    assert after.parent == before.release_id
    assert after.release_id > published.release_id
    assert after.last_session == f"{sessions[-2]}"
    moves = [(move.action, move.release_id) for move in desk.lake.releases.generations()][-3:]
    assert moves == [
        ("publish", published.release_id), ("rollback", before.release_id), ("publish", after.release_id)
    ]  # fmt: skip


def test_of_two_publishers_one_wins_and_the_other_may_try_again(backfilled, tmp_path):
    release = backfilled.lake.releases.current()
    meet = threading.Barrier(2, timeout=20)

    class Meeting(LocalStore):
        """Lets both publishers look at the pointer before either moves it."""

        def put_if_absent(self, path: str, payload: bytes) -> bool:
            if path.startswith(POINTER):
                meet.wait()
            return super().put_if_absent(path, payload)

    ended: dict[str, object] = {}

    def try_to_publish(release_id: str) -> None:
        try:
            ended[release_id] = Releases(Meeting(str(tmp_path))).publish(replace(release, release_id=release_id))
        except Transient as error:
            ended[release_id] = error

    publishers = [threading.Thread(target=try_to_publish, args=(name,)) for name in ("r00001", "r00002")]
    for publisher in publishers:
        publisher.start()
    for publisher in publishers:
        publisher.join()
    lost = [name for name, outcome in ended.items() if isinstance(outcome, Transient)]
    assert len(lost) == 1
    assert "another one was first" in str(ended[lost[0]])
    current = Releases(LocalStore(str(tmp_path))).current()
    assert current.release_id != lost[0]
    assert len(Releases(LocalStore(str(tmp_path))).generations()) == 1


def test_the_same_id_cannot_be_published_twice(backfilled, tmp_path: Path):
    releases = Releases(LocalStore(str(tmp_path)))
    release = backfilled.lake.releases.current()
    releases.publish(release)
    with pytest.raises(Transient, match="another one was first"):
        releases.publish(release)
    assert releases.current() == release
