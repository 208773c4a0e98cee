"""A champion that has drifted is trained anew once, as a challenger, and only where nothing waits for a decision already."""

from collections.abc import Callable, Mapping
from pathlib import Path

import dagster as dg
import pytest

from assets import drift, learning
from assets.models import FILES
from jobs.build import build
from lake.lake import Lake
from lake.releases import Release
from lake.settings import Settings
from training import registry, tracking

NAME, OTHER = "return_rank_5d", "direction_5d"
Look = Callable[[str | None], dg.SensorResult]


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """A published release and two versions, of which the first is champion."""
    lake = Lake(
        Settings(lake_url=str(tmp_path / "lake"), mlflow_tracking_uri=f"sqlite:///{tmp_path}/mlflow.db", _env_file=None)
    )
    publish(lake, 1, "2024-05-02")
    uri = learning.tracking_uri(lake)
    client = tracking.client(uri)
    run = client.create_run(client.create_experiment("tried"))
    client.create_registered_model(NAME)
    for _ in range(2):
        client.create_model_version(NAME, run.info.artifact_uri, run.info.run_id)
    registry.promote(uri, NAME, 1, force=True)
    return lake


def publish(lake: Lake, number: int, last: str) -> None:
    now = learning.EPOCH
    lake.releases.publish(Release(f"r{number:05d}", "data", now, now, "0" * 40, False, "krx-1", {}, "2024-01-02", last))


@pytest.fixture
def look(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> Look:
    """One look of the sensor; both models have drifted, and the other one has no champion."""
    found: Mapping[str, tuple[str, ...]] = {
        NAME: ("live rank IC -0.0100", "rsi_14 has moved"),
        OTHER: ("live rank IC -0.0200",),
    }
    monkeypatch.setattr(drift, "drifted", lambda lake: found)
    definitions = build(lake.settings, lake)
    sensor = definitions.resolve_sensor_def("retrain_what_drifted")
    assert sensor.default_status is dg.DefaultSensorStatus.STOPPED

    def evaluate(cursor: str | None) -> dg.SensorResult:
        with dg.DagsterInstance.ephemeral() as instance:
            context = dg.build_sensor_context(
                cursor=cursor,
                instance=instance,
                resources={"lake": lake},
                repository_def=definitions.get_repository_def(),
            )
            return sensor.evaluate_tick(context)

    return evaluate


def test_a_drifted_champion_is_trained_anew_as_a_challenger_alone(look: Look) -> None:
    (request,) = look(None).run_requests
    assert request.asset_selection == [dg.AssetKey(["models", NAME])]
    assert request.tags[FILES] == "version 1 has drifted: live rank IC -0.0100; rsi_14 has moved"
    assert request.job_name in (None, "train")


def test_it_is_asked_for_once_by_champion_and_session_however_often_one_looks(look: Look, lake: Lake) -> None:
    first = look(None)
    again = look(first.cursor)
    assert not again.run_requests
    publish(lake, 2, "2024-05-02")  # the day's second publication
    assert not look(again.cursor).run_requests
    publish(lake, 3, "2024-05-03")
    next_day = look(again.cursor)
    assert len(next_day.run_requests) == 1
    registry.promote(learning.tracking_uri(lake), NAME, 2, force=True)
    assert len(look(next_day.cursor).run_requests) == 1, "another champion is another question"


def test_nothing_is_trained_while_a_challenger_waits_for_a_decision(look: Look, lake: Lake) -> None:
    registry.file(learning.tracking_uri(lake), NAME, 2, "a run of the sensor")
    waits = look(None)
    assert not waits.run_requests
    assert "waits for a decision" in str(waits.skip_message)
