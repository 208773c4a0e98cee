"""What a day's run does to the lake when nothing is wrong: repeats change nothing, one day at a time equals all at once."""

import shutil
from datetime import date

import pyarrow.dataset as ds
import pytest

from jobs import run
from jobs.run import Runner
from lake import spark
from market import registry
from market.errors import Permanent
from tests.pipeline.conftest import spoilt

SECTORS = "silver.sectors"

# Yahoo answers with the whole series at every request, so the payload that first told a bar differs between the two ways.
# DART adds a remark to a filing once it is corrected, so what a list tells depends on the day of asking.
PROVENANCE = ("payload_digest", "row_no", "landing_path", "request", "remarks")


def test_a_backfill_ends_in_a_release_of_every_layer(backfilled, sessions):
    release = backfilled.lake.releases.current()
    assert release is not None
    assert release.last_session == str(sessions[-4])
    built = {t.name for t in registry.tables().values() if t.layer in ("silver", "gold") and t.build is not None}
    assert built <= set(release.tables)
    assert release.checks["checks"] > 100


def test_every_delivered_price_row_ends_in_silver_or_in_quarantine(backfilled):
    delivered = len(backfilled.rows("bronze.krx_daily"))
    delivered += sum(row["kind"] == "bar" for row in backfilled.rows("bronze.yahoo_chart"))
    kept = len(backfilled.rows("silver.prices"))
    refused = [row for row in backfilled.rows("ops.quarantine") if row["table"] == "silver.prices"]
    assert delivered == kept + len(refused)
    assert delivered > 500


@pytest.mark.slow
def test_running_a_day_twice_changes_nothing(a_day_later, sessions, settings_at, tmp_path):
    settings = settings_at(tmp_path).model_copy(update={"quarantine_limit": a_day_later.settings.quarantine_limit})
    shutil.copytree(a_day_later.settings.lake_url, settings.lake_url)
    again = type(a_day_later)(Runner(settings), a_day_later.server, settings)
    with spoilt(again.server, sessions[-3]):
        again.runner.day(sessions[-3])
    assert again.digests() == a_day_later.digests()
    for table in ("bronze.krx_daily", "ops.quarantine"):
        assert len(again.rows(table)) == len(a_day_later.rows(table))


@pytest.mark.slow
def test_running_an_older_session_again_changes_nothing(desk, sessions):
    before = desk.digests(without=PROVENANCE, layers=("silver", "gold"))
    desk.runner.day(sessions[-12])
    assert desk.digests(without=PROVENANCE, layers=("silver", "gold")) == before


@pytest.mark.slow
def test_one_day_at_a_time_gives_the_bits_of_a_backfill_in_parts(desk, sessions, settings_at, tmp_path, monkeypatch):
    """The lake of the days began as one run."""
    for day in sessions[-3:]:
        desk.runner.day(day)
    monkeypatch.setattr(run, "TOGETHER", 700)
    whole_settings = settings_at(tmp_path / "whole")
    whole = type(desk)(Runner(whole_settings), desk.server, whole_settings)
    whole.runner.backfill(sessions[0], sessions[-1])
    assert len([one for one in whole.lake.releases.list() if one.kind == "data"]) > 1, "several parts"
    daily, at_once = (d.digests(without=PROVENANCE, layers=("silver", "gold")) for d in (desk, whole))
    del daily[SECTORS], at_once[SECTORS]
    assert sectors(desk) == sectors(whole) != []
    assert daily == at_once
    assert "gold.features_daily" in daily


def sectors(desk):
    """Rows of silver.sectors; of the American ones not since when they are known: SIC is known from the first fetch on, which came later."""
    kept = [name for name in registry.table(SECTORS).digested if name not in PROVENANCE]
    dated = ("session_date", "session_month", "known_at")
    return sorted(
        [str({k: row[k] for k in kept if row["exchange"] == "XKRX" or k not in dated}) for row in desk.rows(SECTORS)]
    )


def test_a_second_backfill_takes_nothing(desk, sessions):
    assert desk.runner.backfill(sessions[0], sessions[-4]) == []


@pytest.mark.slow
def test_a_kernel_sees_whole_series_however_arrow_cuts_them(desk, sessions):
    before = desk.digests(layers=("gold",))["gold.features_daily"]
    table = registry.table("gold.features_daily")
    shutil.rmtree(desk.lake.delta.uri(table))
    session = desk.lake.spark.session
    usual = session.conf.get("spark.sql.execution.arrow.maxRecordsPerBatch")
    session.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", "97")
    try:
        desk.runner.run("build", sessions[0], sessions[-4])
    finally:
        session.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", usual)
    assert desk.digests(layers=("gold",))["gold.features_daily"] == before


def test_a_session_without_news_coverage_has_no_count(backfilled):
    rows = backfilled.rows("gold.prices")
    korean = [row["n_headlines"] for row in rows if row["exchange"] == "XKRX"]
    american = [row["n_headlines"] for row in rows if row["exchange"] == "XNYS"]
    assert all(count is None for count in american)
    assert any(count == 0 for count in korean)


def test_a_day_on_which_nothing_trades_is_refused_with_each_calendars_reason(desk):
    with pytest.raises(Permanent, match="Sunday"):
        desk.runner.day(date(2024, 6, 23))


def test_a_korean_holiday_is_still_a_day_for_new_york(desk, sessions):
    holiday = date(2024, 6, 6)  # Memorial Day in Seoul
    assert holiday in sessions
    rows = desk.lake.delta.read(registry.table("silver.prices"), where=ds.field("session_date") == holiday)
    assert set(rows["exchange"].to_pylist()) == {"XNYS"}


def test_one_spark_session_serves_the_whole_process(backfilled, desk):
    assert backfilled.lake.spark.session is desk.lake.spark.session
    assert spark.CONF.exists()
