"""Both stores behave alike: the same tests over a folder and over S3."""

import threading
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, NoCredentialsError

from lake import objects
from lake.host import Refused
from lake.landing import land
from lake.objects import LocalStore, Missing, S3Store, Store, lake_store, open_store
from lake.settings import Settings
from market.errors import Permanent, Transient


@pytest.fixture(params=["folder", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """An empty store of either kind."""
    if request.param == "folder":
        return open_store(str(tmp_path / "store"))
    return lake_store(Settings(**request.getfixturevalue("on_s3"), _env_file=None))


def test_what_is_put_comes_back(store: Store) -> None:
    store.put("a/b/one.json", b"1")
    assert store.get("a/b/one.json") == b"1"
    assert store.exists("a/b/one.json")


def test_put_replaces(store: Store) -> None:
    store.put("one", b"1")
    store.put("one", b"2")
    assert store.get("one") == b"2"


def test_put_if_absent_keeps_the_first(store: Store) -> None:
    assert store.put_if_absent("g/1", b"first")
    assert not store.put_if_absent("g/1", b"second")
    assert store.get("g/1") == b"first"


def test_put_if_absent_has_one_winner_among_many_writers(store: Store) -> None:
    won: list[int] = []
    start = threading.Barrier(8)

    def write(n: int) -> None:
        start.wait()
        if store.put_if_absent("pointer", str(n).encode()):
            won.append(n)

    threads = [threading.Thread(target=write, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [store.get("pointer")] == [str(n).encode() for n in won]


def test_a_missing_file_is_an_error_that_names_it(store: Store) -> None:
    assert not store.exists("nowhere")
    with pytest.raises(Missing, match="nowhere"):
        store.get("nowhere")


def test_list_gives_the_paths_under_a_prefix_in_order(store: Store) -> None:
    for path in ("x/2", "x/1", "x/10/deep", "y/1", "x-other/1"):
        store.put(path, b"")
    assert store.list("x/") == ["x/1", "x/10/deep", "x/2"]
    assert store.list("x/1") == ["x/1", "x/10/deep"]
    assert len(store.list()) == 5
    assert store.list("nothing/") == []


def test_delete_removes_and_may_be_repeated(store: Store) -> None:
    store.put("one", b"1")
    store.delete("one")
    store.delete("one")
    assert not store.exists("one")


@pytest.mark.parametrize("path", ["../out", "/etc/passwd", "a/../../b", ""])
def test_a_path_never_leaves_the_root(store: Store, path: str) -> None:
    with pytest.raises(Permanent, match="path"):
        store.put(path, b"")


def test_a_half_written_file_is_never_seen(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    (tmp_path / ".tmp-left-behind").write_bytes(b"half")
    store.put("whole", b"1")
    assert store.list() == ["whole"]


class Answers:
    """An S3 server that answers conditional writes by these statuses, one after the other, and then as it should."""

    def __init__(self, *statuses: int) -> None:
        self.left, self.held = list(statuses), {}

    def put_object(self, *, Key: str, Body: bytes, **_: Any) -> None:
        if self.left:
            raise self._refusal(self.left.pop(0))
        self.held[Key] = Body

    def get_object(self, *, Key: str, **_: Any) -> Any:
        raise self._refusal(404)

    def _refusal(self, status: int) -> ClientError:
        return ClientError({"Error": {"Code": "no"}, "ResponseMetadata": {"HTTPStatusCode": status}}, "PutObject")


@pytest.fixture
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(objects, "_CONFLICT_PAUSES_S", (0.0, 0.0, 0.0))


def test_a_write_beside_another_one_is_tried_again(short_pauses: None) -> None:
    server = Answers(409, 409)
    assert S3Store("s3://bucket/lake", server).put_if_absent("one", b"1")
    assert server.held == {"lake/one": b"1"}


def test_a_payload_is_never_said_to_be_landed_where_it_is_not(short_pauses: None) -> None:
    payload = Refused("krx", date(2024, 5, 2), "stocks", b"1")
    for server in (Answers(409, 409, 409, 409), Answers(412)):  # 412: gone again when looked at
        with pytest.raises(Transient, match="landing/krx"):
            land(S3Store("s3://bucket/lake", server), payload)
        assert server.held == {}
    digest, path = land(S3Store("s3://bucket/lake", server), payload)
    assert server.held == {f"lake/{path}": payload.payload} and path.split("/")[-1].startswith(digest[:16])


def test_keys_that_are_not_there_are_permanent_and_named() -> None:
    class Keyless:
        def get_object(self, **_: Any) -> Any:
            raise NoCredentialsError

    with pytest.raises(Permanent, match="MARKETLAKE_S3_ACCESS_KEY_ID"):
        S3Store("s3://bucket/lake", Keyless()).get("one")
