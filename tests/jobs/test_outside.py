"""The checks of the sources warn, never block, run at night alone, and leave the watch where it is shown."""

from datetime import UTC, date, datetime
from pathlib import Path

import dagster as dg
import pytest

from jobs import outside
from jobs.build import build
from jobs.names import FRESH, INGEST
from lake.clients import names
from lake.lake import Lake
from lake.pace import Requested
from lake.settings import Settings
from lake.watch import kept
from lake.world import World
from market.sources import SOURCES

NOW = datetime(2024, 5, 7, 9, 0, tzinfo=UTC)
LIVE = {source.setting("base_url"): "live" for source in SOURCES.values()}


class Still(World):
    """The live world, whose clock stands."""

    def clock(self, source: str = ""):  # type: ignore[no-untyped-def]
        return lambda: NOW


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    settings = Settings(lake_url=str(tmp_path / "lake"), krx_quota_per_day=4, naver_key_ends=date(2024, 5, 20), krx_api_key="k",
                        _env_file=None, **LIVE)  # fmt: skip
    made = Lake(settings)
    made.__dict__["world"] = Still("live", "raw", frozenset(), {}, {}, settings)
    return made


def test_each_source_is_judged_by_what_the_lake_holds_and_only_warns(lake: Lake) -> None:
    log = lake.bronze.request_log()
    log.ended(Requested("krx", date(2024, 5, 7), "GET /x", 200, "ok", 4, 10, NOW))
    log.ended(Requested("sec", date(2024, 5, 7), "GET /y?z=1", 403, "permanent", 1, 10, NOW))
    lake.bronze.take([], requests=log)
    defs = dg.Definitions(
        asset_checks=outside.checks(),
        jobs=[dg.define_asset_job("look", outside.selection())],
        resources={"lake": lake},
    )
    with dg.DagsterInstance.ephemeral() as instance:
        result = defs.resolve_job_def("look").execute_in_process(instance=instance)
    assert result.success
    told = {one.asset_key.path[-1]: one for one in result.get_asset_check_evaluations()}
    assert len(told) == len(names())
    assert {one.severity for one in told.values()} == {dg.AssetCheckSeverity.WARN}
    warned = {name: one.metadata["warnings"].value for name, one in told.items() if not one.passed}
    assert warned == {
        "krx_daily": "0 of 4 calls left on 2024-05-07",
        "naver_news": "its key ends in 13 days",
        "sec_tickers": "refused: HTTP 403 to GET /y",
    }
    watch = kept(lake.store)
    assert watch is not None and {one.source for one in watch.sources} == set(names())


def test_they_run_at_night_and_cost_an_ingestion_nothing() -> None:
    defs = build(Settings(_env_file=None))
    looked = {node for node in defs.resolve_job_def(FRESH).graph.node_dict if outside.NAME in node}
    assert len(looked) == len(names())
    for job in INGEST.values():
        assert not [node for node in defs.resolve_job_def(job).graph.node_dict if outside.NAME in node]
