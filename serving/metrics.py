"""What Prometheus reads: requests, their time, the release, the champions. One registry per app: nothing is shared."""

from collections.abc import Iterator
from datetime import UTC, datetime

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from lake.sql import Current
from serving.champions import Champions

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
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
        self._registry.register(_Served(current, champions))
        ProcessCollector(registry=self._registry)

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one answer."""
        known = method if method in ("GET", "POST", "HEAD", "OPTIONS") else "other"
        self._requests.labels(known, route, str(status)).inc()
        self._seconds.labels(known, route).observe(seconds)

    def text(self) -> bytes:
        """Everything in Prometheus's text format."""
        return bytes(generate_latest(self._registry))


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
