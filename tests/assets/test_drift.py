"""A planted shift in one feature is noticed and named, a quiet world is not, and scores are held against what came."""

import json
import shutil
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import dagster as dg
import numpy as np
import pandas as pd
import pytest

from assets import drift, drift_checks, learning
from lake.lake import Lake
from lake.model_drift import kept
from lake.releases import Release
from lake.settings import Settings
from market import calendars, registry, rulebook
from market.errors import Permanent
from tests.assets.conftest import write_version
from training.catalogue import models
from training.digests import digests
from training.drift import WINDOW
from training.export import signature_of
from training.lock import DataLock
from training.panel import prepare

MODEL = models()["return_rank_5d"]
N_SECURITIES, N_TRAINED, N_SINCE = 30, 160, 25
DAYS = calendars.sessions("XKRX", date(2023, 1, 2), calendars.LAST)[: N_TRAINED + N_SINCE]
NOW = datetime(2024, 1, 2, tzinfo=learning.EPOCH.tzinfo)
SHIFTED = "rsi_14"


def world(days: tuple[date, ...] = DAYS) -> pd.DataFrame:
    """Independent features and outcomes, one row per security and session."""
    rng = np.random.default_rng(7)
    keys = {
        "session_date": np.repeat(np.array(days, dtype=object), N_SECURITIES),
        "security_id": [f"XKRX:{i:06d}" for i in range(N_SECURITIES)] * len(days),
        "exchange": "XKRX",
    }
    frame = pd.DataFrame(keys)
    frame["state"] = [[]] * len(frame)
    for name in (*MODEL.features, MODEL.label):
        frame[name] = rng.standard_normal(len(frame))
    frame["session_month"] = pd.to_datetime(frame["session_date"]).dt.strftime("%Y-%m")
    frame["known_at"] = pd.to_datetime(frame["session_date"]).dt.tz_localize("UTC")
    return frame


def is_since(frame: pd.DataFrame) -> pd.Series:
    return frame["session_date"] > DAYS[N_TRAINED - 1]


def publish(lake: Lake, number: int, **tables: pd.DataFrame) -> Release:
    """The frames as a release of that number, on top of the tables that the one before had."""
    before = lake.releases.current()
    versions = dict(before.tables) if before else {}
    for name, frame in tables.items():
        versions[f"gold.{name}"] = write_version(lake, f"gold.{name}", frame)
    last = max(frame["session_date"].max() for frame in tables.values())
    told = (f"r{number:05d}", "data", NOW, NOW, "0123abc", False, rulebook.version(), versions, f"{DAYS[0]}", f"{last}")
    return lake.releases.publish(Release(*told))


def promise(lake: Lake, frame: pd.DataFrame, release: Release, version: int = 1) -> None:
    """A champion fitted on the frame, exported as promotion does, with what its walk-forward promised."""
    booster = MODEL.fit(frame, {"n_rounds": 10}, 7)
    lock = DataLock(
        release.release_id, release.rulebook, "0" * 40, False, 7, "d" * 64, MODEL.name, dict(MODEL.parameters), MODEL.features,
        frame["session_date"].min(), frame["session_date"].max(), dict(release.tables),
    )  # fmt: skip
    metrics = {"rank_ic_mean": 0.05, "rank_ic_lower": 0.03, "rank_ic_sessions": 100.0}
    panel = prepare("test", frame, MODEL.features, MODEL.label)
    signature = signature_of(MODEL, lock, f"run{version}", version, metrics, digests(MODEL, booster, panel))
    folder = f"models/{MODEL.name}"
    lake.store.put(f"{folder}/{version}/{MODEL.algorithm.file}", booster)
    lake.store.put(f"{folder}/{version}/signature.json", json.dumps(signature).encode())
    lake.store.put(f"{folder}/champion.json", json.dumps({"version": version}).encode())


def open_at(folder: Path) -> Lake:
    return Lake(Settings(lake_url=str(folder / "lake"), state_dir=folder / "var", _env_file=None))


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a lake with a champion trained on r00001, and r00002 with 25 quiet sessions more; never changed by a test."""
    folder = tmp_path_factory.mktemp("quiet")
    made = open_at(folder)
    frame = world()
    trained = frame[~is_since(frame)]
    release = publish(made, 1, features_daily=trained, labels=trained)
    promise(made, trained, release)
    publish(made, 2, features_daily=frame)
    return folder


@pytest.fixture
def lake(quiet: Path, tmp_path: Path) -> Lake:
    """A copy of it."""
    shutil.copytree(quiet / "lake", tmp_path / "lake")
    return open_at(tmp_path)


def measured(lake: Lake, name: str = MODEL.name) -> drift.Measurement:
    found = drift.measure(lake, name, NOW)
    assert found is not None
    return found


def verdicts(found: drift.Measurement, metric: str = "psi") -> dict[str, str]:
    return {row["quantity"]: row["verdict"] for row in found.rows if row["metric"] == metric}


def test_a_quiet_world_has_not_drifted(lake: Lake) -> None:
    found = measured(lake)
    assert set(verdicts(found)) == {*MODEL.features, "score"}
    assert set(verdicts(found).values()) == set(verdicts(found, "ks").values()) == {"steady"}
    assert verdicts(found, "rank_ic") == {"score": "unknown"}, "nothing was scored yet"
    assert drift.drifted(lake) == {}


def test_a_planted_shift_is_noticed_and_named(lake: Lake) -> None:
    frame = world()
    frame.loc[is_since(frame), SHIFTED] += 1.5
    publish(lake, 3, features_daily=frame)
    found = measured(lake)
    assert verdicts(found)[SHIFTED] == "drifted" and verdicts(found, "ks")[SHIFTED] == "moved"
    assert [name for name, verdict in verdicts(found).items() if verdict == "drifted"] == [SHIFTED]
    (reason,) = drift.drifted(lake)[MODEL.name]
    assert reason.startswith(f"{SHIFTED}: PSI ") and "the median is at 9" in reason


def test_nulls_where_there_were_none_are_a_shift(lake: Lake) -> None:
    frame = world()
    frame.loc[is_since(frame) & (frame.index % 3 > 0), SHIFTED] = np.nan
    publish(lake, 3, features_daily=frame)
    (reason,) = drift.drifted(lake)[MODEL.name] if measured(lake) else ()
    assert reason.startswith(SHIFTED) and "66.7% null (then 0.0%)" in reason


def test_the_current_release_is_measured_and_its_newest_sessions_alone(lake: Lake) -> None:
    frame = world()
    frame.loc[is_since(frame) & (frame["session_date"] < DAYS[-WINDOW]), SHIFTED] += 50.0
    publish(lake, 3, features_daily=frame)
    found = measured(lake)
    assert verdicts(found)[SHIFTED] == "steady"
    assert {(row["n_reference"], row["n_current"]) for row in found.rows if row["metric"] == "psi"} == {(160, WINDOW)}
    assert {row["release_id"] for row in found.rows} == {"r00003"}


def test_a_measurement_is_recorded_once_for_a_version_and_release(lake: Lake) -> None:
    first = measured(lake)
    again = drift.measure(lake, MODEL.name, NOW + timedelta(days=1))
    stored = lake.delta.read(registry.table(drift.MODEL_DRIFT)).to_pylist()
    assert len(stored) == len(first.rows) == 2 * (len(MODEL.features) + 1) + 1
    assert again is not None and [row["value"] for row in again.rows] == [row["value"] for row in first.rows]
    frame = world()
    publish(lake, 3, features_daily=frame)
    measured(lake)
    rows = lake.delta.read(registry.table(drift.MODEL_DRIFT))
    assert rows.num_rows == 2 * len(stored)
    table = registry.table(drift.MODEL_DRIFT)
    assert rows.group_by(list(table.key)).aggregate([]).num_rows == rows.num_rows


def test_what_the_fit_saw_is_read_once_and_needs_no_old_version_then(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = measured(lake)
    monkeypatch.setattr(drift, "_scored_by_month", None)
    assert [row["value"] for row in measured(lake).rows] == [row["value"] for row in first.rows]


def test_another_champion_has_not_been_measured_yet(lake: Lake) -> None:
    frame = world()
    frame.loc[is_since(frame), SHIFTED] += 3.0
    release = publish(lake, 3, features_daily=frame, labels=frame)
    measured(lake)
    assert kept(lake.store, MODEL.name, 1) and drift.drifted(lake)
    promise(lake, frame, release, version=2)
    assert drift.kept(lake.store, MODEL.name) == [] and drift.drifted(lake) == {}
    assert set(verdicts(measured(lake)).values()) == {"steady"}, "it was fitted on what the other had not seen"


def predictions(frame: pd.DataFrame, score: np.ndarray, version: int = 1) -> pd.DataFrame:
    rows = frame[is_since(frame)]
    told = {"model": MODEL.name, "model_version": version, "run_id": "run", "data_release": "r00002", "rank": 0.5}
    return rows.assign(score=score, known_at=rows["known_at"] + pd.Timedelta(hours=20), **told)


def outcomes(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(known_at=frame["known_at"] + pd.Timedelta(days=7))


@pytest.mark.parametrize(("sign", "verdict"), [(1.0, "steady"), (-1.0, "drifted")])
def test_scores_are_held_against_outcomes_and_what_the_walk_forward_promised(
    lake: Lake, sign: float, verdict: str
) -> None:
    frame = world()
    own = frame.loc[is_since(frame), MODEL.label].to_numpy()
    score = sign * own + 2.0 * np.random.default_rng(1).standard_normal(own.size)
    publish(lake, 3, predictions=predictions(frame, score), labels=outcomes(frame))
    found = measured(lake)
    (row,) = [row for row in found.rows if row["metric"] == "rank_ic"]
    assert row["verdict"] == verdict and row["n_current"] == N_SINCE and row["value"] * sign > 0.2
    assert row["lower"] < row["value"] < row["upper"] and (row["moved_at"], row["drifted_at"]) == (0.05, 0.03)
    assert bool(drift.drifted(lake)) == (verdict == "drifted")


def test_scores_of_another_version_and_outcomes_after_the_release_do_not_count(lake: Lake) -> None:
    frame = world()
    own = frame.loc[is_since(frame), MODEL.label].to_numpy()
    publish(lake, 3, predictions=predictions(frame, own, version=2), labels=outcomes(frame))
    assert measured(lake).daily.empty
    known = outcomes(frame)
    known["known_at"] = known["known_at"].where(
        known["session_date"] < DAYS[-3], pd.Timestamp(NOW) + pd.Timedelta("1h")
    )
    publish(lake, 4, predictions=predictions(frame, own), labels=known)
    assert len(measured(lake).daily) == N_SINCE - 3


def test_no_champion_is_nothing_and_a_feature_that_is_gone_is_named(lake: Lake) -> None:
    assert drift.measure(lake, "direction_5d", NOW) is None
    path = f"models/{MODEL.name}/1/signature.json"
    signature = json.loads(lake.store.get(path))
    signature["features"][0]["name"] = "beta_of_old"
    lake.store.put(path, json.dumps(signature).encode())
    with pytest.raises(Permanent, match="beta_of_old"):
        drift.measure(lake, MODEL.name, NOW)


def test_a_model_that_reads_headlines_has_nothing_to_measure(lake: Lake) -> None:
    signature = json.loads(lake.store.get(f"models/{MODEL.name}/1/signature.json"))
    lake.store.put("models/headlines/1/signature.json", json.dumps({**signature, "flavour": "bert"}).encode())
    lake.store.put("models/headlines/champion.json", b'{"version": 1}')
    assert drift.measure(lake, "headlines", NOW) is None
    assert drift.champions(lake.store) == ["headlines", MODEL.name]


@pytest.fixture
def checked(lake: Lake) -> Callable[[], dg.AssetCheckResult]:
    """Runs the model's check on the lake, as Dagster does."""
    held = SimpleNamespace(
        **{name: getattr(lake, name) for name in ("store", "delta", "releases")},
        world=SimpleNamespace(clock=lambda: lambda: NOW),
    )

    def run() -> dg.AssetCheckResult:
        (check,) = [c for c in drift_checks.checks() if c.check_key.asset_key.path[-1] == MODEL.name]
        job = dg.define_asset_job("drift", selection=dg.AssetSelection.checks(check))
        defs = dg.Definitions(asset_checks=[check], jobs=[job], resources={"lake": held})
        result = defs.resolve_job_def("drift").execute_in_process(instance=dg.DagsterInstance.ephemeral())
        assert result.success
        (found,) = result.get_asset_check_evaluations()
        return found

    return run


def test_the_check_warns_of_what_moved_and_blocks_nothing(
    lake: Lake, checked: Callable[[], dg.AssetCheckResult]
) -> None:
    before = checked()
    assert before.passed and before.metadata["verdict"].value == "steady" and not before.blocking
    frame = world()
    frame.loc[is_since(frame), SHIFTED] += 1.5
    publish(lake, 3, features_daily=frame)
    found = checked()
    assert not found.passed and found.severity == dg.AssetCheckSeverity.ERROR and not found.blocking
    assert SHIFTED in found.metadata["reasons"].value
    assert found.metadata["pictures"].value.count("](data:image/png;base64,") == 4
    assert f"| {SHIFTED} | psi |" in found.metadata["measured"].value


def test_a_measurement_that_fails_is_told_and_fails_no_run(
    lake: Lake, checked: Callable[[], dg.AssetCheckResult]
) -> None:
    for file in Path(lake.delta.uri(drift.FEATURES)).glob("*.parquet"):
        file.unlink()
    found = checked()
    assert not found.passed and found.severity == dg.AssetCheckSeverity.WARN
    assert "the table versions of its lock" in found.metadata["not_measured"].value
