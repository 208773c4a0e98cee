"""Commits on S3 when an answer is lost, and when two writers come at once: nothing is lost, nothing is doubled."""

import multiprocessing
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime

import pyarrow as pa
import pytest

from lake.delta import DeltaLake
from lake.objects import lake_store
from lake.releases import Release, Releases
from lake.settings import Settings
from market import registry
from marketlake.stack.place import HOST, Place
from tests.support.faulty_proxy import Proxy, proxy

TABLE = registry.table("ops.requests")
COMMIT = r"_delta_log/\d+\.json"


@dataclass
class Unreliable:
    """A lake whose S3 server is reached through a proxy."""

    settings: Settings
    proxy: Proxy


@pytest.fixture
def unreliable(on_s3: dict[str, str], s3_place: Place, make: Callable[..., Settings]) -> Iterator[Unreliable]:
    with proxy(HOST, s3_place.settings.s3_port) as running:
        yield Unreliable(make(**{**on_s3, "s3_endpoint_url": running.url}), running)


def rows(name: str) -> pa.Table:
    """One request of that name."""
    at = datetime(2024, 5, 7, 9, 0, tzinfo=UTC)
    row = {
        "request_id": name, "source": "krx", "session_date": date(2024, 5, 3), "session_month": "2024-05", "request": "GET /",
        "status": None, "outcome": "ok", "attempts": 1, "size_bytes": 3, "quota_date": date(2024, 5, 3), "fetched_at": at,
        "known_at": at,
    }  # fmt: skip
    return pa.Table.from_pylist([row], schema=TABLE.schema)


def release(name: str) -> Release:
    """A release that pins nothing."""
    at = datetime(2024, 5, 7, 9, 0, tzinfo=UTC)
    return Release(name, "data", at, at, "sha", False, "1", {}, "2024-05-03", "2024-05-03")


def append(settings: Settings, name: str) -> None:
    """What one of two processes does."""
    DeltaLake(settings).append(TABLE, rows(name), app_id=name, app_version=1)


def test_a_writer_whose_answer_was_lost_knows_that_it_won(unreliable: Unreliable) -> None:
    store = lake_store(unreliable.settings)
    unreliable.proxy.set(lose="g/1", times=1)
    assert store.put_if_absent("g/1", b"mine")
    assert unreliable.proxy.seen().lost and not store.put_if_absent("g/1", b"another's")
    assert store.get("g/1") == b"mine"


def test_a_release_is_published_once_although_the_answers_were_lost(unreliable: Unreliable) -> None:
    releases = Releases(lake_store(unreliable.settings))
    unreliable.proxy.set(lose="releases/", times=4)
    releases.publish(release(releases.next_id()))
    assert len(unreliable.proxy.seen().lost) >= 2
    assert [one.release_id for one in releases.list()] == ["r00001"] and len(releases.generations()) == 1


def test_an_append_whose_answer_was_lost_is_there_once(unreliable: Unreliable) -> None:
    delta = DeltaLake(unreliable.settings)
    delta.append(TABLE, rows("first"), app_id="a", app_version=1)
    unreliable.proxy.set(lose=COMMIT, times=1)
    delta.append(TABLE, rows("second"), app_id="a", app_version=2)
    assert unreliable.proxy.seen().lost
    assert sorted(delta.read(TABLE)["request_id"].to_pylist()) == ["first", "second"]


def test_two_appends_at_once_are_both_there(unreliable: Unreliable) -> None:
    delta = DeltaLake(unreliable.settings)
    delta.append(TABLE, rows("first"), app_id="first", app_version=1)
    unreliable.proxy.set(meet=COMMIT)
    spawn = multiprocessing.get_context("spawn")
    writers = [spawn.Process(target=append, args=(unreliable.settings, name)) for name in ("left", "right")]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(120)
    assert [writer.exitcode for writer in writers] == [0, 0]
    there = sorted(delta.read(TABLE)["request_id"].to_pylist())
    assert there == ["first", "left", "right"]
    refused = [path for path, status in unreliable.proxy.seen().puts if status == 412]
    assert refused, "the two never met, so that nothing was shown"


def test_the_endpoint_of_the_settings_wins_over_one_of_the_environment(
    unreliable: Unreliable, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")  # where nobody answers; another's server, as it may be
    delta = DeltaLake(unreliable.settings)
    delta.append(TABLE, rows("first"), app_id="a", app_version=1)
    assert delta.read(TABLE).num_rows == rows("first").num_rows
    assert any(path.endswith(".json") for path, _ in unreliable.proxy.seen().puts)
