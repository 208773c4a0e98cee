"""Every cache of answers does the same: one suite over SQLite and a real Redis 8."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis.client import Pipeline

from lake.cache import VARIANTS, Backend, Editions, SharedCache, Slot, open_backend
from lake.cache.circuit import LONGEST_REST_S
from lake.cache.redis import RedisCache
from lake.cache.sqlite import SWEEP_EVERY, SqliteCache
from lake.releases import Release
from lake.settings import Settings
from market.errors import Permanent, Transient

PRICE = Slot("stock:price:XKRX:005930", 30)


@dataclass
class Subject:
    """A cache, and how it is taken away and given back."""

    cache: Backend
    take_away: Callable[[], Any]
    give_back: Callable[[], Any]
    other: Callable[[], Backend]


@pytest.fixture(params=["sqlite", "redis"])
def subject(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Subject]:
    if request.param == "redis":
        server = request.getfixturevalue("redis_server")
        with server.client() as client:
            client.flushall()
        url, takes = server.url(), (server.stop, server.start)
    else:
        file = tmp_path / "folder" / "cache.db"
        url, takes = f"sqlite:///{file}", (lambda: _break(made, file), lambda: _mend(file))
    made = open_backend(Settings(cache_url=url, _env_file=None))
    yield Subject(made, *takes, lambda: open_backend(Settings(cache_url=url, _env_file=None)))
    made.close()


def _break(cache: Backend, file: Path) -> None:
    cache.close()
    for path in file.parent.glob("cache.db*"):
        path.unlink()
    file.mkdir()


def _mend(file: Path) -> None:
    file.rmdir()


BYTES = st.binary(max_size=300) | st.just(bytes(range(256)))
TEXTS = st.text(st.characters(exclude_categories=("Cs",)), max_size=40)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(key=TEXTS.filter(bool), variant=TEXTS, value=BYTES)
def test_what_is_put_is_got_whatever_its_bytes(subject, key, variant, value):
    slot = Slot(key, 30)
    subject.cache.put(slot, variant, value)
    assert subject.cache.get(slot, variant) == value
    assert subject.cache.get(slot, variant + "x") is None


def test_a_later_value_takes_the_place_of_the_one_before_for_every_process(subject):
    other = subject.other()
    subject.cache.put(PRICE, "limit=250", b"first")
    other.put(PRICE, "limit=250", b"second")
    assert subject.cache.get(PRICE, "limit=250") == other.get(PRICE, "limit=250") == b"second"
    other.close()


def test_each_value_ends_at_its_own_time(subject):
    short = replace(PRICE, ttl_s=1)
    subject.cache.put(short, "early", b"1")
    time.sleep(0.6)
    subject.cache.put(short, "late", b"2")
    time.sleep(0.6)
    assert (subject.cache.get(short, "early"), subject.cache.get(short, "late")) == (None, b"2")
    time.sleep(0.6)
    assert subject.cache.get(short, "late") is None


def test_a_key_never_holds_more_than_its_variants(subject):
    for i in range(VARIANTS + 10):
        subject.cache.put(PRICE, f"v{i}", b"x")
    held = [i for i in range(VARIANTS + 10) if subject.cache.get(PRICE, f"v{i}")]
    assert len(held) <= VARIANTS
    assert VARIANTS + 9 in held, "the newest is there"


def test_away_is_an_error_that_a_rerun_may_clear_and_it_comes_back_by_itself(subject):
    subject.cache.put(PRICE, "v", b"before")
    subject.take_away()
    try:
        with pytest.raises(Transient, match="cache"):
            subject.cache.get(PRICE, "v")
        with pytest.raises(Transient, match="cache"):
            subject.cache.put(PRICE, "v", b"x")
    finally:
        subject.give_back()
    subject.cache.put(PRICE, "v", b"after")
    assert subject.cache.get(PRICE, "v") == b"after"


def test_many_threads_share_one_cache(subject):
    failures: list[str] = []

    def work(number: int) -> None:
        for i in range(30):
            slot = Slot(f"k{number}", 30)
            subject.cache.put(slot, "v", f"{number}-{i}".encode())
            if subject.cache.get(slot, "v") != f"{number}-{i}".encode():
                failures.append(f"{number}-{i}")

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_the_shared_cache_never_gives_an_answer_of_another_edition(subject):
    cache = SharedCache(subject.cache)
    cache.put(PRICE, "v", b"r00001 aa", b'{"data":\n[]}')
    assert cache.get(PRICE, "v", b"r00001 aa") == b'{"data":\n[]}'
    assert cache.get(PRICE, "v", b"r00002 bb") is None
    assert cache.get(PRICE, "v", b"r00001") is None
    cache.put(PRICE, "v", b"r00002 bb", b"{}")
    assert cache.get(PRICE, "v", b"r00001 aa") is None


def test_an_answer_that_is_too_large_is_not_kept(subject):
    cache = SharedCache(subject.cache)
    cache.put(PRICE, "v", b"r", b"x" * (1 << 20))
    assert cache.get(PRICE, "v", b"r") == b"x" * (1 << 20)
    cache.put(PRICE, "w", b"r", b"x" * ((1 << 20) + 1))
    assert cache.get(PRICE, "w", b"r") is None


def test_a_cache_that_is_away_costs_one_failure_and_then_nothing_until_it_is_back(subject):
    outcomes: list[str] = []
    cache = SharedCache(subject.cache, outcomes.append)
    cache.put(PRICE, "v", b"r", b"{}")
    subject.take_away()
    try:
        assert [cache.get(PRICE, "v", b"r") for _ in range(5)] == [None] * 5
        assert outcomes == ["error", *["skipped"] * 4]
        assert not cache.circuit.is_closed
    finally:
        subject.give_back()
    ends = time.monotonic() + LONGEST_REST_S + 2
    while not cache.circuit.is_closed and time.monotonic() < ends:
        cache.put(PRICE, "v", b"r", b"{}")
        time.sleep(0.05)
    assert cache.get(PRICE, "v", b"r") == b"{}"


def test_a_frozen_redis_costs_two_tenths_of_a_second_once(redis_server):
    cache = SharedCache(RedisCache(redis_server.url()))
    cache.put(PRICE, "v", b"r", b"{}")
    redis_server.freeze()
    try:
        began = time.monotonic()
        assert cache.get(PRICE, "v", b"r") is None
        waited = time.monotonic() - began
        began = time.monotonic()
        for _ in range(100):
            cache.get(PRICE, "v", b"r")
        assert 0.15 < waited < 0.6
        assert time.monotonic() - began < 0.1
    finally:
        redis_server.thaw()
    cache.close()


def test_redis_keys_and_times_are_those_that_are_documented(redis_server):
    cache = RedisCache(redis_server.url())
    for slot in (PRICE, Slot("stock:indicators:XKRX:005930:all", 300), Slot("market:summary", 60)):
        cache.put(slot, "limit=250", b"r00001 x\n{}")
        with redis_server.client() as client:
            assert client.type(slot.key) == b"hash"
            assert client.hget(slot.key, "limit=250").startswith(b"r00001 ")
            assert 0 <= slot.ttl_s * 1000 - client.hpttl(slot.key, "limit=250")[0] < 2000
            assert 0 < client.ttl(slot.key) <= slot.ttl_s, "the key too, so that Redis may put it out"
    cache.close()


def test_a_cache_in_sqlite_stays_within_its_bytes_and_forgets_what_is_over(tmp_path):
    now = [1000.0]
    cache = SqliteCache(tmp_path / "cache.db", max_total=10_000, clock=lambda: now[0])
    cache.put(Slot("old", 10), "v", b"x" * 5000)
    now[0] += 20
    for i in range(1, SWEEP_EVERY):  # the sweep comes with the last
        cache.put(Slot(f"k{i}", 30), "v", b"y" * 1000)
    with cache._file.opened() as connection:
        (total,), (old,) = (
            connection.execute(q).fetchone()
            for q in ("SELECT sum(length(value)) FROM answers", "SELECT count(*) FROM answers WHERE key = 'old'")
        )
    assert (total <= 10_000, old) == (True, 0)
    assert cache.get(Slot(f"k{SWEEP_EVERY - 1}", 30), "v"), "the newest stays"
    cache.close()


@pytest.mark.parametrize("url", ["memcached://host", "sqlite://relative", "", "redis:/x", "redis://host:port"])
def test_an_url_of_no_cache_is_refused_with_the_setting_s_name(url):
    with pytest.raises(Permanent, match="MARKETLAKE_CACHE_URL"):
        open_backend(Settings(_env_file=None).model_copy(update={"cache_url": url}))


def test_a_password_is_in_no_message(redis_server):
    wrong = redis_server.url().replace("a-password", "another-password")
    cache = RedisCache(wrong)
    with pytest.raises(Transient) as caught:
        cache.get(PRICE, "v")
    assert "another-password" not in str(caught.value)
    with pytest.raises(Permanent) as refused:
        RedisCache("redis://:secret@host:port/0")
    assert "secret" not in str(refused.value)


def test_an_edition_differs_with_the_lake_the_release_and_what_it_pins(release):
    same = replace(release, tables=dict(reversed(list(release.tables.items()))))
    assert Editions("a").of(release) == Editions("a").of(same)
    others = (
        Editions("b").of(release),
        Editions("a").of(replace(release, tables={"gold.prices": 2, "gold.x": 1})),
        Editions("a").of(replace(release, release_id="r00002")),
    )
    assert len({Editions("a").of(release), *others}) == 4
    assert Editions("a").of(release).startswith(b"r00001 ")


@pytest.fixture
def release() -> Release:
    from datetime import UTC, datetime

    at = datetime(2024, 5, 3, tzinfo=UTC)
    return Release("r00001", "data", at, at, "0" * 40, False, "krx-1", {"gold.prices": 1, "gold.x": 1}, "a", "b")


def test_a_redis_without_the_command_is_named_once_and_costs_no_answer(redis_server, monkeypatch):
    backend = RedisCache(redis_server.url())
    monkeypatch.setattr(Pipeline, "hsetex", lambda pipe, *_, **__: pipe.execute_command("HSETEX.OF.LATER"))
    with pytest.raises(Permanent, match=r"MARKETLAKE_CACHE_URL: expected Redis 8\.0 or later, or Valkey 9\.0 or later"):
        backend.put(PRICE, "v", b"{}")
    cache = SharedCache(backend)
    cache.put(PRICE, "v", b"r", b"{}")
    assert not cache.circuit.is_closed
    cache.close()
