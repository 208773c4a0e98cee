"""The numbers of jobs, sources and releases: what a run did, what the lake lacks, what the sources still allow."""

import os
import shutil
import stat
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import dagster as dg
import pyarrow as pa
import pytest
from prometheus_client.parser import text_string_to_metric_families

from assets.audit import Judged
from jobs import metrics
from jobs.alerts import measure_on_success
from jobs.names import BUILD
from lake.lake import Lake
from lake.pace import Requested, quota_day
from lake.settings import Settings
from lake.watching import quota_of
from lake.world import World
from market import calendars, registry
from market.sources import SOURCES, session_due_at
from tests.support.small_lake import LAST, LAST_BEFORE, NOW, SmallLake, small_lake

LIVE = {source.setting("base_url"): "live" for source in SOURCES.values()}


class Stopped(World):
    """The live world, whose clock stands at an instant of the small lake's."""

    def clock(self, source: str = ""):  # type: ignore[no-untyped-def]
        return lambda: NOW


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> SmallLake:
    return small_lake(tmp_path_factory.mktemp("metrics"))


@pytest.fixture
def lake(source: SmallLake, tmp_path: Path) -> Lake:
    """A copy of the small lake, seen at the instant of its last release."""
    shutil.copytree(source.settings.lake_url, tmp_path / "lake")
    settings = Settings(lake_url=str(tmp_path / "lake"), state_dir=tmp_path / "var", us_symbols="AAPL", krx_api_key="k" * 40,
                        krx_quota_per_day=100, naver_quota_per_day=1, _env_file=None, **LIVE)  # fmt: skip
    made = Lake(settings)
    made.__dict__["world"] = Stopped("live", "raw", frozenset(), {}, {}, settings)
    return made


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as made:
        yield made


def read(lake: Lake, instance: dg.DagsterInstance) -> dict[str, dict[tuple[str, ...], float]]:
    """Values by metric, then by the labels' values."""
    found: dict[str, dict[tuple[str, ...], float]] = {}
    for family in text_string_to_metric_families(metrics.text(lake, instance).decode()):
        for sample in family.samples:
            found.setdefault(sample.name, {})[tuple(sample.labels.values())] = sample.value
    return found


def built(rows: int, *, fails: bool = False) -> dg.Definitions:
    """A job of ours by name, with one table as ours tell of it."""

    @dg.asset(key=["gold", "prices"])
    def gold_prices() -> dg.MaterializeResult:
        if fails:
            raise RuntimeError("a mistake")
        return dg.MaterializeResult(metadata={"dagster/row_count": rows, "quarantined_rows": 3})

    @dg.asset(key=["bronze", "krx_daily"])
    def krx_daily() -> dg.MaterializeResult:
        return dg.MaterializeResult(metadata={"dagster/row_count": 900, "new_rows": 22})

    return dg.Definitions(assets=[gold_prices, krx_daily], jobs=[dg.define_asset_job(BUILD)])


def execute(definitions: dg.Definitions, instance: dg.DagsterInstance) -> None:
    definitions.resolve_job_def(BUILD).execute_in_process(instance=instance, raise_on_error=False)


def test_a_run_tells_rows_seconds_and_success(lake: Lake, instance: dg.DagsterInstance) -> None:
    execute(built(rows=7), instance)
    told = read(lake, instance)
    assert told["marketlake_rows_written"] == {("gold.prices",): 7}
    assert told["marketlake_rows_quarantined"] == {("gold.prices",): 3}
    assert told["marketlake_rows_taken"] == {("krx",): 22}
    assert told["marketlake_run_succeeded"] == {(BUILD,): 1}
    assert {step for _, step in told["marketlake_step_seconds"]} == {"gold__prices", "bronze__krx_daily"}
    assert all(0 <= seconds < 60 for seconds in told["marketlake_step_seconds"].values())
    assert told["marketlake_run_ended_timestamp_seconds"][(BUILD,)] <= datetime.now(UTC).timestamp()


def test_a_failed_run_replaces_the_success_before_it(lake: Lake, instance: dg.DagsterInstance) -> None:
    execute(built(rows=7), instance)
    execute(built(rows=0, fails=True), instance)
    told = read(lake, instance)
    assert told["marketlake_run_succeeded"] == {(BUILD,): 0}
    assert told["marketlake_rows_written"] == {("gold.prices",): 7}  # what is there is what the last good build wrote


def test_the_release_is_told_by_number_and_instant(lake: Lake, instance: dg.DagsterInstance) -> None:
    told = read(lake, instance)
    current = lake.releases.current()
    assert current is not None
    assert told["marketlake_release_number"] == {(): 2}
    assert told["marketlake_release_created_timestamp_seconds"] == {(): current.created_at.timestamp()}
    assert told["marketlake_release_moves"] == {(): 2}
    lake.releases.rollback("r00001")
    again = read(lake, instance)
    assert (again["marketlake_release_number"][()], again["marketlake_release_moves"][()]) == (1, 3)


def test_the_lag_is_since_the_first_missing_session_was_due(lake: Lake, instance: dg.DagsterInstance) -> None:
    told = read(lake, instance)
    coming = {exchange: calendars.next_session(exchange, LAST) for exchange in ("XKRX", "XNYS")}
    assert coming == {"XKRX": date(2024, 5, 7), "XNYS": date(2024, 5, 6)}  # the sixth is a holiday in Seoul
    due = {(exchange,): session_due_at(day).timestamp() for exchange, day in coming.items()}
    assert told["marketlake_session_due_timestamp_seconds"] == due
    assert told["marketlake_session_lag_seconds"] == {("XKRX",): 0, ("XNYS",): 0}
    assert told["marketlake_outside_is_live"] == {(): 1}
    assert told["marketlake_session_published_timestamp_seconds"][("XKRX",)] == NOW.timestamp()
    lake.releases.rollback("r00001")  # the sessions of May are gone, the first of them was due four days ago
    again = read(lake, instance)["marketlake_session_lag_seconds"][("XKRX",)]
    assert again == (NOW - session_due_at(calendars.next_session("XKRX", LAST_BEFORE))).total_seconds() > 3 * 86_400


def test_nothing_lags_before_it_is_due_and_everything_after() -> None:
    day = date(2024, 5, 7)
    due = session_due_at(day)
    assert metrics.lag_seconds([], due) == 0
    assert metrics.lag_seconds([day], due - timedelta(seconds=1)) == 0
    assert metrics.lag_seconds([day, date(2024, 5, 8)], due + timedelta(hours=2)) == 7200


def test_calls_made_are_taken_from_the_quota(lake: Lake, instance: dg.DagsterInstance) -> None:
    log = lake.bronze.request_log()
    for n in range(3):
        log.ended(Requested("krx", LAST, f"GET /{n}", 200, "ok", 2, 10, NOW))
    log.ended(Requested("naver", LAST, "GET /news", 200, "ok", 5, 10, NOW))
    lake.bronze.take([], requests=log)
    assert lake.bronze.calls_made("krx", quota_day(NOW)) == 6
    told = read(lake, instance)
    assert told["marketlake_source_calls_today"][("krx",)] == 6
    assert told["marketlake_source_quota_left"][("krx",)] == 94
    assert told["marketlake_source_quota_left"][("naver",)] == 0  # never less than none
    assert ("yahoo",) not in told["marketlake_source_quota_left"]


def test_a_live_sources_own_quota_counts_where_the_settings_say_nothing(lake: Lake) -> None:
    open_ended = lake.settings.model_copy(update={"krx_quota_per_day": None, "dart_quota_per_day": None})
    seen = Lake(open_ended)
    seen.__dict__["world"] = replace(lake.world, settings=open_ended)
    assert quota_of(seen.world, "krx") == 10_000
    assert quota_of(seen.world, "dart") is None  # without a key it is not asked at all
    seen.__dict__["world"] = replace(seen.world, simulated=frozenset({"krx"}))
    assert quota_of(seen.world, "krx") is None


def verdict(version: int, start: int, end: int, *blocking: str) -> Judged:
    return Judged(version, date(2024, 5, start), date(2024, 5, end), 5, len(blocking), blocking)


def test_a_blocked_session_counts_until_it_is_judged_anew() -> None:
    blocked, next_day = verdict(1, 2, 2, "unique", "complete"), verdict(2, 3, 3)
    assert metrics.n_blocking([blocked], True) == 2
    assert metrics.n_blocking([next_day, blocked], True) == 2  # the good day after it does not hide it
    assert metrics.n_blocking([verdict(3, 2, 2), next_day, blocked], True) == 0
    assert metrics.n_blocking([verdict(2, 3, 3), blocked], False) == 0  # written whole each time


def test_checks_are_counted_by_table(lake: Lake, instance: dg.DagsterInstance) -> None:
    table = registry.table("ops.checks")
    common = {"session_date": LAST, "session_month": f"{LAST:%Y-%m}", "window_start": LAST, "table": "gold.prices", "version": 2,
              "expected": "", "found": "", "n_rows": 1, "n_failed": 1, "known_at": NOW}  # fmt: skip
    said = [("unique", "error", False), ("fresh", "warn", False), ("complete", "error", True)]
    rows = [{**common, "check": name, "severity": severity, "passed": passed} for name, severity, passed in said]
    lake.delta.append(table, pa.Table.from_pylist(rows, schema=table.schema), app_id="test", app_version=1)
    told = read(lake, instance)
    assert told["marketlake_checks_blocking"][("gold.prices",)] == 1
    assert told["marketlake_checks_warning"][("gold.prices",)] == 1


def test_without_the_outside_everything_else_is_told(lake: Lake, instance: dg.DagsterInstance) -> None:
    away = Lake(lake.settings.model_copy(update={"krx_base_url": "", "exchange_url": "http://127.0.0.1:9"}))
    told = read(away, instance)
    assert told["marketlake_outside_answers"] == {(): 0} == told["marketlake_outside_is_live"]
    assert told["marketlake_release_number"] == {(): 2}
    assert "marketlake_session_lag_seconds" not in told


def test_the_file_is_replaced_whole_and_for_the_collector_to_read(lake: Lake, instance: dg.DagsterInstance) -> None:
    first = metrics.write(lake, instance)
    assert first == lake.settings.path(lake.settings.state_dir) / "metrics" / "marketlake.prom"
    before = first.stat().st_ino
    metrics.write(lake, instance)
    assert first.stat().st_ino != before and os.listdir(first.parent) == [first.name]
    assert first.stat().st_mode & stat.S_IROTH


def test_numbers_that_cannot_be_written_are_no_second_failure(lake: Lake, instance: dg.DagsterInstance) -> None:
    target = metrics.path_of(lake.settings)
    target.parent.parent.mkdir(parents=True, exist_ok=True)
    target.parent.write_text("a file where the folder should be")
    metrics.keep(lake, instance)
    assert target.parent.read_text().startswith("a file")


def test_a_run_from_the_ui_is_measured_by_the_sensor(lake: Lake, instance: dg.DagsterInstance) -> None:
    definitions = built(rows=7)
    result = definitions.resolve_job_def(BUILD).execute_in_process(instance=instance)
    context = dg.build_run_status_sensor_context(
        "measure_on_success", result.get_run_success_event(), instance, result.dagster_run, resources={"lake": lake}
    )
    measure_on_success(context)
    assert f'marketlake_run_succeeded{{job="{BUILD}"}} 1.0' in metrics.path_of(lake.settings).read_text()
