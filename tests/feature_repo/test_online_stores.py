"""Every online store does the same: one suite over SQLite and a real Redis 8, through our reader and through Feast's SDK."""

import sys
import threading
import time
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from feast import FeatureStore
from hypothesis import given
from hypothesis import strategies as st

from lake import feast_repo, online_redis
from lake.online import OnlineFeatures, fill
from lake.online_redis import key_of
from lake.online_rows import NO_DAY, Packed, Rows, Unreadable, chunks, columns, pack, unpack
from lake.online_stores import HEAD, OnlineRows, open_online
from lake.online_views import feature_tables, view_name
from lake.settings import ROOT, Settings
from market.errors import Permanent, Transient

BOTH = ["XKRX:005930", "XNYS:AAPL"]
VIEW = "features_daily"
SLOW = pytest.mark.timeout(120)


@dataclass
class Subject:
    """A store of the test's own, empty; `take_away` and `give_back` its server or file."""

    settings: Settings
    take_away: Any
    give_back: Any

    def open(self) -> OnlineRows:
        return open_online(self.settings.online_url, ROOT)


@pytest.fixture(params=["sqlite", "redis"])
def subject(request: pytest.FixtureRequest, small_lake: Any, tmp_path: Path) -> Subject:
    if request.param == "sqlite":
        file = tmp_path / "online" / "online.db"
        settings = small_lake.with_online(file.parent)
        return Subject(settings, lambda: _break(file), lambda: file.rmdir())
    server = request.getfixturevalue("redis_server")
    with server.client() as client:
        client.flushall()
    return Subject(small_lake.settings.model_copy(update={"online_url": server.url()}), server.stop, server.start)


def _break(file: Path) -> None:
    for path in file.parent.glob("online.db*"):
        path.unlink()
    file.mkdir(parents=True, exist_ok=True)


def read_by_feast(settings: Settings, ids: list[str]) -> dict[str, list[Any]]:
    """What Feast's SDK says."""
    store = feast_repo.feature_store(settings)
    return asked_of(store, ids)


def asked_of(store: FeatureStore, ids: list[str]) -> dict[str, list[Any]]:
    names = [field.name for field in feast_repo.view_of("gold.features_daily").features]
    rows = [{"security_id": security} for security in ids]
    return store.get_online_features([f"{VIEW}:{name}" for name in names], rows).to_dict()


def test_a_store_that_was_never_filled_has_nothing(subject):
    found = OnlineFeatures(subject.settings).get(BOTH)
    assert found["security_id"].to_pylist() == BOTH
    assert all(found[name].null_count == 2 for name in found.column_names if name != "security_id")


def test_every_store_gives_the_same_rows_after_a_fill_a_rollback_and_a_refill(subject, small_lake, tmp_path):
    """The reference is SQLite in a file of its own, so that each store is compared with it, and it with itself."""
    reference = small_lake.with_online(tmp_path / "reference")
    ids = [*BOTH, "XKRX:999999", "XKRX:035420"]
    for release in (small_lake.after, small_lake.before, small_lake.after):
        assert fill(subject.settings, release) == fill(reference, release) == 6
        ours, theirs = (OnlineFeatures(one).get(ids) for one in (subject.settings, reference))
        assert ours.equals(theirs)
        assert ours["release_id"].to_pylist() == [release.release_id] * 2 + [None, release.release_id]
        assert read_by_feast(subject.settings, ids) == read_by_feast(reference, ids)
        (held,), (expected,) = (
            open_online(one.online_url, ROOT).read([VIEW], ids) for one in (subject.settings, reference)
        )
        assert held == expected, "the stores keep the same bytes"


def test_feast_s_sdk_reads_what_serving_reads(subject, small_lake):
    fill(subject.settings, small_lake.after)
    ids = [*reversed(BOTH), "XKRX:999999"]
    ours, feast = OnlineFeatures(subject.settings).get(ids), read_by_feast(subject.settings, ids)
    for name in OnlineFeatures(subject.settings).names:
        assert ours[name].to_pylist() == feast[name], name
    assert feast["session_date"] == ["2024-05-03", "2024-05-03", None]
    assert feast["release_id"] == ["r00002", "r00002", None]
    assert feast["exchange"] == ["XNYS", "XKRX", None]


def test_feast_s_own_redis_store_gives_equal_values(redis_server, small_lake, tmp_path):
    """Double precision throughout: equal is equal in bits."""
    ours = small_lake.with_online(tmp_path)
    fill(ours, small_lake.after)
    store = feast_repo.feature_store(ours)
    own = FeatureStore(config=store.config.model_copy(update={"online_config": {
        "type": "redis", "connection_string": f"127.0.0.1:{redis_server.port},password={redis_server.client().connection_pool.connection_kwargs['password']},db=3"}}))  # fmt: skip
    feast_repo_view = feast_repo.view_of("gold.features_daily")
    own.registry.apply_entity(feast_repo.security(), feast_repo.PROJECT)
    own.registry.apply_feature_view(feast_repo_view, feast_repo.PROJECT)
    rows = asked_of(store, BOTH)
    import pandas as pd

    frame = pd.DataFrame(rows).assign(
        event_at=pd.Timestamp("2024-05-03T06:30Z"), known_at=pd.Timestamp("2024-05-04T00:00Z")
    )
    own.write_to_online_store(VIEW, frame)
    assert own.provider.online_store.__class__.__name__ == "RedisOnlineStore"
    assert asked_of(own, BOTH) == rows


def test_a_row_that_feast_writes_is_read_and_does_not_outlive_the_next_fill(subject, small_lake):
    fill(subject.settings, small_lake.after)
    store, features = feast_repo.feature_store(subject.settings), OnlineFeatures(subject.settings)
    row = features.get(BOTH[:1]).to_pandas().assign(security_id="XKRX:111111", exchange="XKRX")
    row = row.assign(event_at="2024-05-06T06:30Z", known_at="2024-05-06T07:00Z", rsi_14=0.1 + 0.2)
    row = row.assign(session_date=row["session_date"].astype(str))
    row = row.astype({"event_at": "datetime64[us, UTC]", "known_at": "datetime64[us, UTC]"})
    store.write_to_online_store(VIEW, row)
    found = features.get(["XKRX:111111", *BOTH])
    assert found["rsi_14"][0].as_py() == 0.1 + 0.2
    assert found["release_id"].null_count == 0, "the others are still there"
    fill(subject.settings, small_lake.after)
    assert features.get(["XKRX:111111"])["release_id"].to_pylist() == [None]


@SLOW
def test_readers_never_see_half_a_refill_or_none(subject, small_lake):
    fill(subject.settings, small_lake.after)
    features, seen, over = OnlineFeatures(subject.settings), [], threading.Event()
    ids = [*BOTH, "XKRX:035420", "XKRX:000660"]

    def read() -> None:
        while not over.is_set():
            seen.append(set(features.get(ids)["release_id"].to_pylist()))

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    for release in (small_lake.before, small_lake.after) * 5:
        fill(subject.settings, release)
    over.set()
    for reader in readers:
        reader.join()
    assert len(seen) > 20
    assert {frozenset(one) for one in seen} <= {frozenset({"r00001"}), frozenset({"r00002"})}


class Dying(dict[str, bytes]):
    """Rows of a fill whose process dies in the middle."""

    def items(self) -> Any:
        yield from list(super().items())[:1]
        raise KeyboardInterrupt


def test_a_fill_that_dies_leaves_what_was_there(subject, small_lake):
    fill(subject.settings, small_lake.after)
    before = OnlineFeatures(subject.settings).get(BOTH)
    store = subject.open()
    with pytest.raises(KeyboardInterrupt):
        store.replace({VIEW: Packed(b'{"layout":1,"features":[],"others":[]}', Dying({"XKRX:005930": b"", "x": b""}))})
    assert OnlineFeatures(subject.settings).get(BOTH).equals(before)
    store.close()


def test_two_views_move_together(subject):
    store = subject.open()
    for number in (1.0, 2.0):
        store.replace({view: pack(_rows(["XKRX:005930"], ("a",), [[number]])) for view in ("one", "two")})
        found = [unpack(*blobs, ["XKRX:005930"]) for blobs in store.read(["one", "two"], ["XKRX:005930"])]
        assert [rows.values[0, 0] for rows in found] == [number, number]
    store.close()


def test_rows_of_other_features_are_refused_beside_those_that_are_there(subject):
    store = subject.open()
    store.replace({"one": pack(_rows(["XKRX:005930"], ("a",), [[1.0]]))})
    with pytest.raises(Permanent, match="Fill the view anew"):
        store.write("one", pack(_rows(["XNYS:AAPL"], ("b",), [[1.0]])))
    store.forget("one")
    store.write("one", pack(_rows(["XNYS:AAPL"], ("b",), [[1.0]])))
    store.close()


def test_a_store_that_is_away_is_an_error_that_a_rerun_may_clear(subject, small_lake):
    subject.take_away()
    features = OnlineFeatures(subject.settings)
    try:
        with pytest.raises(Transient, match="online store"):
            features.get(BOTH)
        with pytest.raises(Transient, match="online store"):
            fill(subject.settings, small_lake.after)
    finally:
        subject.give_back()
    fill(subject.settings, small_lake.after)
    assert features.get(BOTH)["release_id"].to_pylist() == ["r00002"] * 2, "the reader was never closed"


def test_in_redis_a_view_is_one_key_that_never_expires_and_a_dead_fill_one_that_does(redis_server, small_lake):
    settings = small_lake.settings.model_copy(update={"online_url": redis_server.url(5)})
    store = open_online(settings.online_url, ROOT)
    with redis_server.client(5) as client:
        client.flushdb()
        fill(settings, small_lake.after)
        kept = {key_of(view_name(table)).encode() for table in feature_tables()}
        assert set(client.keys()) == kept and key_of(VIEW).encode() in kept
        assert client.ttl(key_of(VIEW)) == -1
        with pytest.raises(ZeroDivisionError):
            store.replace({VIEW: pack(_rows(["XKRX:005930"], ("a",), [[1.0]])), "broken": _Broken()})
        (left,) = set(client.keys()) - kept
        assert 0 < client.ttl(left) <= 600
    store.close()


def test_a_fill_whose_key_vanished_on_the_way_leaves_what_was_there(redis_server, small_lake, monkeypatch):
    """Its time was over, or Redis needed the memory: what was sent afterwards is a part, and would look whole."""
    settings = small_lake.settings.model_copy(update={"online_url": redis_server.url(5)})
    fill(settings, small_lake.before)

    def vanishing(items, size):
        for part in chunks(items, 2):
            yield part
            with redis_server.client(5) as client:
                client.delete(*client.keys("*filling*")) if HEAD in part else None

    monkeypatch.setattr(online_redis, "chunks", vanishing)
    with pytest.raises(Transient, match="expected 7 fields of an unfinished fill in Redis; was 5"):
        fill(settings, small_lake.after)
    assert OnlineFeatures(settings).get(BOTH)["release_id"].to_pylist() == ["r00001"] * 2


class _Broken:
    head = b""

    @property
    def rows(self) -> Any:
        raise ZeroDivisionError


def test_serving_reads_features_without_feast(subject, small_lake):
    """In a process of its own, since this one has imported it."""
    import subprocess

    fill(subject.settings, small_lake.after)
    code = (
        "import sys; from lake.online import OnlineFeatures; from lake.settings import Settings;"
        f"OnlineFeatures(Settings(online_url={subject.settings.online_url!r}, _env_file=None)).get({BOTH});"
        "print([m for m in ('feast', 'pyspark', 'dagster', 'mlflow', 'xgboost') if m in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    assert ran.stdout.strip() == "[]"


FLOATS = st.floats(allow_nan=True, allow_infinity=True, width=64)


@given(st.lists(st.lists(FLOATS, min_size=3, max_size=3), min_size=0, max_size=5), st.data())
def test_packing_keeps_every_bit_and_the_caller_s_order(values, data):
    ids = [f"X:{i}" for i in range(len(values))]
    packed = pack(_rows(ids, ("a", "b", "c"), values))
    asked = data.draw(st.permutations([*ids, "X:unknown"]))
    found = unpack(packed.head, [packed.rows.get(one) for one in asked], asked)
    for i, security in enumerate(asked):
        expected = values[ids.index(security)] if security in ids else [np.nan] * 3
        assert found.values[i].view(np.int64).tolist() == np.array(expected).view(np.int64).tolist()
        assert found.sessions[i] == (NO_DAY if security == "X:unknown" else (date(2024, 5, 3) - date(1970, 1, 1)).days)
    np.testing.assert_array_equal(columns(found, ("c", "new", "a"))[:, 0], found.values[:, 2])
    assert np.isnan(columns(found, ("c", "new", "a"))[:, 1]).all()


GOOD = b'{"layout":1,"features":["a"],"others":["b"]}'


@pytest.mark.parametrize(
    ("head", "row"),
    [(b'{"layout":99}', None), (b"[]", None), (b"{}", None), (b"\xff", None), (b'{"layout":1}', None), (GOOD, b"short"),
     (GOOD, b"x" * 32), (GOOD, b"x" * 32 + b"[]")],
)  # fmt: skip
def test_what_is_no_row_of_this_layout_is_one_error_that_says_what_to_do(head, row):
    with pytest.raises(Unreadable, match="Fill it again"):
        unpack(head, [row], ["X:1"])


def _rows(ids: list[str], names: tuple[str, ...], values: list[list[float]]) -> Rows:
    n = len(ids)
    day = np.full(n, (date(2024, 5, 3) - date(1970, 1, 1)).days, np.int64)
    matrix = np.array(values, np.float64).reshape(n, len(names))
    return Rows(ids, names, matrix, day, day * 86_400_000_000, day * 86_400_000_000, {"release_id": ["r00001"] * n})


def test_a_read_takes_one_turn_at_the_store(redis_server, small_lake):
    """Fifty securities are one command, whatever their number."""
    settings = small_lake.settings.model_copy(update={"online_url": redis_server.url(6)})
    fill(settings, small_lake.after)
    features = OnlineFeatures(settings)
    features.get(BOTH)
    with redis_server.client() as client:
        before = client.info("stats")["total_commands_processed"]
        features.read(BOTH * 25)
        time.sleep(0.01)
        assert client.info("stats")["total_commands_processed"] - before == 2, "one, and the question itself"
