"""What Prometheus reads: requests, the cache, queries, the release, the champions. One registry per app: nothing is shared.

Of several processes on one port a scrape reaches one; each counts for itself.
"""

from collections.abc import Iterator, Sized
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Protocol

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from lake.cache import HIT, MISS, OUTCOMES, SharedCache
from lake.sql import Current
from serving.champions import Champions

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
ONLINE = ("store", "lake")
_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """Counts requests by method, route template and status; never by path, which has no bound."""

    def __init__(self, current: Current, champions: Champions) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "marketlake_http_requests", "Requests answered.", ["method", "route", "status"], registry=self._registry
        )
        self._seconds = Histogram(
            "marketlake_http_request_seconds", "Time to the whole answer.", ["method", "route"], buckets=_BUCKETS,
            registry=self._registry,
        )  # fmt: skip
        self._running = Gauge("marketlake_http_requests_running", "Requests under way.", registry=self._registry)
        self._queries = Gauge(
            "marketlake_queries_running", "Queries that make answers for the cache, under way.", registry=self._registry
        )
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
        self._registry.register(_Served(current, champions))
        ProcessCollector(registry=self._registry)

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

    def online(self, source: str) -> None:
        """Count one read of online features, from the `store` or from the `lake`."""
        self._online.labels(source).inc()

    def watch_cache(self, front: "Kept", shared: SharedCache) -> None:
        """Tell at each scrape how much the first level holds and whether the second answers."""
        self._registry.register(_Levels(front, shared))

    def text(self) -> bytes:
        """Everything in Prometheus's text format."""
        return bytes(generate_latest(self._registry))


class Kept(Sized, Protocol):
    """What holds answers in memory."""

    n_bytes: int


class _Levels(Collector):
    """The cache at the moment of the scrape."""

    def __init__(self, front: Kept, shared: SharedCache) -> None:
        self._front, self._shared = front, shared

    def collect(self) -> Iterator[Metric]:
        """Answers and bytes of the first level; 1 where the second answers."""
        yield GaugeMetricFamily("marketlake_cache_answers", "Answers that l1 holds.", float(len(self._front)))
        yield GaugeMetricFamily("marketlake_cache_bytes", "Bytes that l1 holds, about.", float(self._front.n_bytes))
        up = GaugeMetricFamily("marketlake_cache_up", "1 where l2 answered when last asked.", labels=["backend"])
        up.add_metric([self._shared.name], float(self._shared.circuit.is_closed))
        yield up


class _Served(Collector):
    """What is served at the moment of the scrape."""

    def __init__(self, current: Current, champions: Champions) -> None:
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
