"""A new champion among the models of headlines reads all of them, once."""

import json

import dagster as dg
import pytest

from assets import learning, sentiment
from jobs.build import build
from lake.lake import Lake
from lake.releases import Release
from lake.settings import Settings

NAME = "headline_sentiment"


@pytest.fixture
def lake(tmp_path) -> Lake:
    return Lake(Settings(lake_url=str(tmp_path / "lake"), _env_file=None))


def crown(lake: Lake, version: int) -> None:
    lake.store.put(f"models/{NAME}/champion.json", json.dumps({"version": version}).encode())


def publish(lake: Lake) -> None:
    now = learning.EPOCH
    lake.releases.publish(Release("r00001", "data", now, now, "0" * 40, False, "krx-1", {}, "2024-01-02", "2024-05-02"))


def look(lake: Lake, cursor: str | None) -> dg.SensorResult:
    definitions = build(lake.settings, lake)
    with dg.DagsterInstance.ephemeral() as instance:
        context = dg.build_sensor_context(
            cursor=cursor, instance=instance, resources={"lake": lake}, repository_def=definitions.get_repository_def()
        )
        return definitions.resolve_sensor_def("react_to_new_reader").evaluate_tick(context)


def test_nothing_is_read_before_there_is_a_release_and_a_champion(lake):
    assert "no release" in look(lake, None).skip_message
    publish(lake)
    assert "no new champion" in look(lake, None).skip_message


def test_each_new_champion_reads_every_session_once(lake):
    publish(lake)
    crown(lake, 1)
    first = look(lake, None)
    [request] = first.run_requests
    assert request.tags["dagster/asset_partition_range_start"] == "2024-01-02"
    assert request.tags["dagster/asset_partition_range_end"] == "2024-05-02"
    assert request.tags["marketlake/model"] == f"{NAME}@1"
    assert not look(lake, first.cursor).run_requests
    crown(lake, 2)
    [again] = look(lake, first.cursor).run_requests
    assert again.run_key != request.run_key


def test_a_champion_that_has_read_everything_does_not_read_again(lake, monkeypatch):
    publish(lake)
    crown(lake, 1)
    monkeypatch.setattr(sentiment, "is_waiting", lambda lake: False)
    told = look(lake, None)
    assert not told.run_requests and told.cursor == f"{NAME}@1-r00001"
