"""What Prometheus reads of jobs, sources and releases: one text file, written anew when a run ends, whoever started the run.

A run is over before anybody could scrape it, so the numbers are kept in `<state>/metrics/marketlake.prom`, where node_exporter's
textfile collector takes them. All of them come from what is on record (Dagster's runs, the lake's tables and releases), none from
the process that ran. What does not belong here: the API's own numbers (`serving.metrics`).
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
from dagster import AssetKey, DagsterError, DagsterInstance, DagsterRunStatus, MetadataValue, RunRecord, RunsFilter
from deltalake.exceptions import DeltaError
from loguru import logger
from prometheus_client import CollectorRegistry, generate_latest, write_to_textfile
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy.exc import SQLAlchemyError

from assets.audit import Judged, judged
from jobs.due import held
from jobs.names import BUILD, FRESH, INGEST, SCORE, TRAIN
from lake import watch
from lake.clients import names
from lake.lake import Lake
from lake.pace import quota_day
from lake.settings import Settings
from lake.watch import Watch
from lake.watching import n_calls, quota_of, requests_of, watched
from market import calendars, registry
from market.errors import MarketlakeError
from market.sources import session_due_at

JOBS = (*INGEST.values(), BUILD, TRAIN, SCORE, FRESH)
ENDED = [DagsterRunStatus.SUCCESS, DagsterRunStatus.FAILURE, DagsterRunStatus.CANCELED]
MISHAPS = (MarketlakeError, OSError, DeltaError, DagsterError, SQLAlchemyError, pa.ArrowException)
LOOK_AHEAD = timedelta(days=14)
"""No exchange rests longer."""


def path_of(settings: Settings) -> Path:
    """Where the numbers are kept."""
    return settings.path(settings.state_dir) / "metrics" / "marketlake.prom"


def text(lake: Lake, instance: DagsterInstance) -> bytes:
    """Every number in Prometheus's text format, as they are now."""
    return bytes(generate_latest(_registry(lake, instance)))


def write(lake: Lake, instance: DagsterInstance) -> Path:
    """The numbers into their file, whole or not at all."""
    target = path_of(lake.settings)
    target.parent.mkdir(parents=True, exist_ok=True)
    write_to_textfile(str(target), _registry(lake, instance))
    return target


def keep(lake: Lake, instance: DagsterInstance) -> None:
    """`write` and `watch_sources` at the end of a run: one that fails is logged, and no second failure of the run."""
    for what, do in (("metrics", lambda: write(lake, instance)), ("the watch", lambda: watch_sources(lake))):
        try:
            do()
        except MISHAPS as error:
            logger.warning(f"{what} not written", reason=str(error).splitlines()[0] if str(error) else repr(error))


def watch_sources(lake: Lake) -> Watch:
    """What is to be known about each source now, stored for the web page and the command line."""
    found = watched(lake.world, lake.delta, lake.world.clock()())
    watch.keep(lake.store, found)
    return found


def _registry(lake: Lake, instance: DagsterInstance) -> CollectorRegistry:
    made = CollectorRegistry()
    for collector in (Runs(instance), Rows(instance), Checks(lake), Published(lake), Outside(lake)):
        made.register(collector)
    return made


class Runs(Collector):
    """The last run of each job that has ended."""

    def __init__(self, instance: DagsterInstance) -> None:
        self._instance = instance

    def collect(self) -> Iterator[Metric]:
        """Whether it succeeded, when it ended, how long it and each of its steps took."""
        good = _gauge("marketlake_run_succeeded", "1 where the job's last run succeeded.", "job")
        ended = _gauge("marketlake_run_ended_timestamp_seconds", "When the job's last run ended.", "job")
        lasted = _gauge("marketlake_run_seconds", "How long the job's last run took.", "job")
        steps = _gauge("marketlake_step_seconds", "How long each step of the job's last run took.", "job", "step")
        for job, record in self._last().items():
            good.add_metric([job], float(record.dagster_run.status is DagsterRunStatus.SUCCESS))
            if record.end_time is not None and record.start_time is not None:
                ended.add_metric([job], record.end_time)
                lasted.add_metric([job], record.end_time - record.start_time)
            for step in self._instance.get_run_step_stats(record.dagster_run.run_id):
                if step.start_time is not None and step.end_time is not None:
                    steps.add_metric([job, step.step_key], step.end_time - step.start_time)
        yield from (good, ended, lasted, steps)

    def _last(self) -> dict[str, RunRecord]:
        found = {job: self._instance.get_run_records(RunsFilter(job_name=job, statuses=ENDED), limit=1) for job in JOBS}
        return {job: records[0] for job, records in found.items() if records}


class Rows(Collector):
    """What the last materialisation of each table wrote."""

    def __init__(self, instance: DagsterInstance) -> None:
        self._instance = instance

    def collect(self) -> Iterator[Metric]:
        """Rows by table, rows refused by table, and new rows by source."""
        rows = _gauge("marketlake_rows_written", "Rows that the table's last build wrote.", "table")
        refused = _gauge("marketlake_rows_quarantined", "Rows that the table's last build refused.", "table")
        taken = _gauge("marketlake_rows_taken", "New rows of the source's last ingestion.", "source")
        sources: dict[str, float] = {}
        for name, table in registry.tables().items():
            event = self._instance.get_latest_materialization_event(AssetKey(name.split(".")))
            made = event.asset_materialization if event is not None else None
            if made is None:
                continue
            told = _numbers(made.metadata)
            if table.layer == "bronze":
                sources[table.source] = told.get(
                    "new_rows", 0.0
                )  # counted for the source: the same at each table of it
                continue
            rows.add_metric([name], told.get("dagster/row_count", 0.0))
            refused.add_metric([name], told.get("quarantined_rows", 0.0))
        for source, n in sources.items():
            taken.add_metric([source], n)
        yield from (rows, refused, taken)


class Checks(Collector):
    """What the checks said that still counts."""

    def __init__(self, lake: Lake) -> None:
        self._lake = lake

    def collect(self) -> Iterator[Metric]:
        """Failed checks by table: those that keep sessions out of a release, and warnings of the newest version."""
        blocked = _gauge("marketlake_checks_blocking", "Failed checks that keep sessions out of a release.", "table")
        warned = _gauge("marketlake_checks_warning", "Failed checks of the newest version that only warn.", "table")
        said = self._lake.delta.read(registry.table("ops.checks"))
        for name in sorted(set(said["table"].to_pylist())):
            versions = judged(said, name, 2**62)
            blocked.add_metric([name], float(n_blocking(versions, registry.table(name).is_partitioned)))
            warned.add_metric([name], float(versions[0].n_warnings - len(versions[0].blocking)))
        yield from (blocked, warned)


class Published(Collector):
    """The release that people see, as the pointer says."""

    def __init__(self, lake: Lake) -> None:
        self._lake = lake

    def collect(self) -> Iterator[Metric]:
        """Its number, when it was made, and how often the pointer moved."""
        moves, release = self._lake.releases.head()
        number = _gauge("marketlake_release_number", "Number of the current release: 12 of r00012.")
        made = _gauge("marketlake_release_created_timestamp_seconds", "When the current release was made.")
        moved = _gauge("marketlake_release_moves", "Moves of the pointer, publications and rollbacks.")
        if release is not None:
            number.add_metric([], float(release.release_id.lstrip("r")))
            made.add_metric([], release.created_at.timestamp())
        moved.add_metric([], float(moves))
        yield from (number, made, moved)


class Outside(Collector):
    """What the outside owes and allows, by its own clock."""

    def __init__(self, lake: Lake) -> None:
        self._lake = lake

    def collect(self) -> Iterator[Metric]:
        """Lag behind the sessions, calls made and left; without an answer of the outside only that there is none."""
        up = _gauge("marketlake_outside_answers", "1 where the outside's clock and sessions are known.")
        live = _gauge(
            "marketlake_outside_is_live", "1 where sessions are due by this machine's clock, 0 in a simulated world."
        )
        written = _gauge("marketlake_metrics_written_timestamp_seconds", "When these numbers were taken.")
        written.add_metric([], datetime.now(UTC).timestamp())
        try:
            now = self._lake.world.clock()()
            is_live = not self._lake.world.is_simulated
            found = [*self._lag(now), *self._quota(now)]
        except MarketlakeError as error:
            logger.warning("the outside is not known to the metrics", reason=str(error))
            now, is_live, found = None, False, []
        up.add_metric([], float(now is not None))
        live.add_metric([], float(is_live))
        yield from (up, live, written, *found)

    def _lag(self, now: datetime) -> Iterator[Metric]:
        lag = _gauge(
            "marketlake_session_lag_seconds", "How long ago the first due and missing session was due.", "exchange"
        )
        due = _gauge(
            "marketlake_session_due_timestamp_seconds", "When the first session not yet held is due.", "exchange"
        )
        newest = _gauge(
            "marketlake_session_published_timestamp_seconds", "When the newest session held was published.", "exchange"
        )
        have = held(self._lake)
        for exchange in (name for name in calendars.EXCHANGES if _is_covered(self._lake, name)):
            days = [day for name, day in have if name == exchange]
            since = max(days) + timedelta(days=1) if days else self._lake.settings.first_session
            coming = self._coming(exchange, since, now)
            lag.add_metric([exchange], lag_seconds(coming, now))
            if coming:
                due.add_metric([exchange], session_due_at(coming[0]).timestamp())
            published = self._published(max(days)) if days else None
            if published is not None:
                newest.add_metric([exchange], published.timestamp())
        yield from (lag, due, newest)

    def _coming(self, exchange: str, since: date, now: datetime) -> list[date]:
        """The covered sessions from that day on; of a live world, which covers none before its day, also the next one."""
        found = self._lake.world.sessions(exchange, since, now.date() + LOOK_AHEAD)
        if not found and not self._lake.world.is_simulated:
            found = [calendars.next_session(exchange, max(since - timedelta(days=1), now.date()))]
        return found

    def _published(self, day: date) -> datetime | None:
        """When a release first showed the session; rolled back ones count, since people saw them."""
        showing = [release.created_at for release in self._lake.releases.list() if release.last_session >= f"{day}"]
        return min(showing, default=None)

    def _quota(self, now: datetime) -> Iterator[Metric]:
        calls = _gauge("marketlake_source_calls_today", "Calls that count for today in Seoul.", "source")
        left = _gauge(
            "marketlake_source_quota_left", "Calls that the source still allows today; absent: no limit.", "source"
        )
        asked = requests_of(self._lake.delta, quota_day(now))
        for source in names():
            made = n_calls(asked, source)
            calls.add_metric([source], float(made))
            limit = quota_of(self._lake.world, source)
            if limit is not None:
                left.add_metric([source], float(max(0, limit - made)))
        yield from (calls, left)


def n_blocking(versions: Sequence[Judged], is_partitioned: bool) -> int:
    """Blocking outcomes on sessions that no later build has judged anew; newest version first."""
    seen: set[date] = set()
    total = 0
    for one in versions if is_partitioned else versions[:1]:
        days = {one.start + timedelta(days=n) for n in range((one.end - one.start).days + 1)}
        total += len(one.blocking) if days - seen else 0
        seen |= days
    return total


def lag_seconds(coming: Sequence[date], now: datetime) -> float:
    """Seconds since the first of the sessions that are not held was due; 0 where it is not due yet, or there is none."""
    return max(0.0, (now - session_due_at(coming[0])).total_seconds()) if coming else 0.0


def _is_covered(lake: Lake, exchange: str) -> bool:
    return lake.world.covers_exchange(exchange)


def _gauge(name: str, meaning: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, meaning, labels=labels)


def _numbers(metadata: Mapping[str, MetadataValue[Any]]) -> dict[str, float]:
    values = {name: told.value for name, told in metadata.items()}
    return {name: float(value) for name, value in values.items() if isinstance(value, int | float)}
