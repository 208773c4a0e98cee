"""What Prometheus reads: requests, the cache, queries, the release, the champions. One registry per app.

Of several processes on one port a scrape reaches one, and that one answers for all: each counts into files of a common folder
(prometheus_client's multiprocess mode). A single process counts in its memory.
"""

import os
import shutil
from collections.abc import Iterator, Sized
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

from lake.cache import HIT, MISS, OUTCOMES, SharedCache

if TYPE_CHECKING:
    from lake.sql import Current
    from serving.champions import Champions

OURS = "LAKEHOUSE_API_COUNTS"
"""The variable by which this process's children know the common folder. Not the library's own, which Feast sets to a folder of its own."""

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""The variable by which prometheus_client is told of the common folder; it looks when it is imported."""

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
ONLINE = ("store", "lake")
_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


def count_together(folder: Path) -> None:
    """Let the processes that this one starts count into the folder; what others counted there is forgotten."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    os.environ |= {FOLDER: str(folder), OURS: str(folder)}


class Metrics:
    """Counts requests by method, route template and status; never by path, which has no bound."""

    def __init__(self, current: "Current", champions: "Champions") -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "marketlake_http_requests", "Requests answered.", ["method", "route", "status"], registry=self._registry
        )
        self._seconds = Histogram(
            "marketlake_http_request_seconds", "Time to the whole answer.", ["method", "route"], buckets=_BUCKETS,
            registry=self._registry,
        )  # fmt: skip
        self._running = self._gauge("marketlake_http_requests_running", "Requests under way.")
        self._queries = self._gauge("marketlake_queries_running", "Queries that make answers for the cache, under way.")
        cached = Counter(
            "marketlake_cache_requests", "Looks into the cache by level: l1 in this process, l2 shared.",
            ["level", "outcome"], registry=self._registry,
        )  # fmt: skip
        self._online = Counter(
            "marketlake_online_reads", "Online features by where they came from; lake: the store was away or at another release.",
            ["source"], registry=self._registry,
        )  # fmt: skip
        outcomes = [*(("l1", outcome) for outcome in (HIT, MISS)), *(("l2", outcome) for outcome in OUTCOMES)]
        self._looks = {each: cached.labels(*each) for each in outcomes}  # all of them: a rate needs its zero
        for source in ONLINE:
            self._online.labels(source)
        self._answered: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}
        self._levels: _Levels | None = None
        self._workers = _Workers(Path(os.environ[OURS])) if OURS in os.environ else None
        self._told = CollectorRegistry() if self._workers else self._registry
        self._told.register(_Served(current, champions))
        if self._workers:
            MultiProcessCollector(self._told)  # type: ignore[no-untyped-call]  # the library's, without types
            self._told.register(self._workers)
        else:
            ProcessCollector(registry=self._told)

    @contextmanager
    def request(self) -> Iterator[None]:
        """A request is under way in this block."""
        self._running.inc()
        try:
            yield
        finally:
            self._running.dec()

    @contextmanager
    def query(self) -> Iterator[None]:
        """A query is under way in this block."""
        self._queries.inc()
        try:
            yield
        finally:
            self._queries.dec()

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one answer."""
        known = method if method in ("GET", "POST", "HEAD", "OPTIONS") else "other"
        found = self._answered.get((known, route, status))
        if found is None:  # looking labels up costs more than counting
            found = (self._requests.labels(known, route, str(status)), self._seconds.labels(known, route))
            self._answered[known, route, status] = found
        found[0].inc()
        found[1].observe(seconds)

    def cached(self, level: str, outcome: str) -> None:
        """Count one look into a level of the cache."""
        self._looks[level, outcome].inc()
        if self._levels and (level, outcome) != ("l1", HIT):  # what is found changes neither
            self._levels.take()

    def online(self, source: str) -> None:
        """Count one read of online features, from the `store` or from the `lake`."""
        self._online.labels(source).inc()

    def watch_cache(self, front: "Kept", shared: SharedCache) -> None:
        """Tell how much the first level holds and whether the second answers."""
        answers = self._gauge("marketlake_cache_answers", "Answers that l1 holds.")
        n_bytes = self._gauge("marketlake_cache_bytes", "Bytes that l1 holds, about.")
        up = Gauge(
            "marketlake_cache_up", "1 where l2 answered when last asked.", ["backend"], registry=self._registry,
            multiprocess_mode="livemin",
        )  # fmt: skip
        self._levels = _Levels(front, shared, answers, n_bytes, up.labels(shared.name))
        self._levels.take()  # a gauge begins at 0, which would tell that the second is away

    def text(self) -> bytes:
        """Everything in Prometheus's text format, of all processes that count together."""
        if self._levels:
            self._levels.take()
        if self._workers:
            self._workers.forget_dead()
        return bytes(generate_latest(self._told))

    def _gauge(self, name: str, meaning: str) -> Gauge:
        """Of several processes the sum of those that live."""
        return Gauge(name, meaning, registry=self._registry, multiprocess_mode="livesum")


class Kept(Sized, Protocol):
    """What holds answers in memory."""

    n_bytes: int


class _Levels:
    """The cache of this process. Taken at its own scrapes and after each miss, since another process may be scraped."""

    def __init__(self, front: Kept, shared: SharedCache, answers: Gauge, n_bytes: Gauge, up: Gauge) -> None:
        self._front, self._shared = front, shared
        self._answers, self._bytes, self._up = answers, n_bytes, up

    def take(self) -> None:
        """Answers and bytes of the first level as they are; 1 where the second answers."""
        self._answers.set(len(self._front))
        self._bytes.set(self._front.n_bytes)
        self._up.set(float(self._shared.circuit.is_closed))


class _Workers(Collector):
    """The processes that count into the folder, known by their files of gauges."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def forget_dead(self) -> None:
        """A process that was killed has no request under way; what it counted stays in the sum."""
        for pid in self._pids():
            if not _is_alive(pid):
                with suppress(FileNotFoundError):  # another was scraped at the same time
                    mark_process_dead(pid, str(self._folder))  # type: ignore[no-untyped-call]  # as above

    def collect(self) -> Iterator[Metric]:
        """Memory, time and files of each, by process id: their sum would fall when one ends."""
        found: dict[str, Metric] = {}
        for pid in filter(_is_alive, self._pids()):
            for family in ProcessCollector(pid=partial(int, pid), registry=None).collect():
                kept = found.setdefault(family.name, Metric(family.name, family.documentation, family.type))
                for sample in family.samples:
                    kept.add_sample(sample.name, {**sample.labels, "pid": f"{pid}"}, sample.value)
        yield from found.values()

    def _pids(self) -> list[int]:
        return sorted({int(file.stem.rsplit("_", 1)[1]) for file in self._folder.glob("gauge_live*.db")})


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # another user's
        return True
    return True


class _Served(Collector):
    """What is served at the moment of the scrape."""

    def __init__(self, current: "Current", champions: "Champions") -> None:
        self._current, self._champions = current, champions

    def collect(self) -> Iterator[Metric]:
        """The release, its age, whether the last switch failed, and the champions."""
        info = GaugeMetricFamily(
            "marketlake_release_info", "The release served.", labels=["release_id", "kind", "rulebook"]
        )
        age = GaugeMetricFamily("marketlake_release_age_seconds", "Seconds since the release was made.")
        failed = GaugeMetricFamily(
            "marketlake_release_switch_failed", "1 where the current release could not be opened."
        )
        failed.add_metric([], float(bool(self._current.failure)))
        release = self._current.release
        if release:
            info.add_metric([release.release_id, release.kind, release.rulebook], 1.0)
            age.add_metric([], (datetime.now(UTC) - release.created_at).total_seconds())
        models = GaugeMetricFamily("marketlake_champion_version", "Version of the champion served.", labels=["model"])
        for champion in self._champions.all():
            models.add_metric([champion.name], float(champion.version))
        yield from (info, age, failed, models)
