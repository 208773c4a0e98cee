"""The online store: what a fill leaves, what a rollback removes, and what serving may import."""

import subprocess
import sys
import threading
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from deltalake import write_deltalake

from lake import feast_repo
from lake import online as online_store
from lake.delta import DeltaLake
from lake.objects import open_store
from lake.online import OnlineFeatures, fill
from lake.releases import Releases
from lake.settings import Settings
from market import registry
from market.errors import Permanent, Transient

ROOT = Path(__file__).resolve().parents[2]
BOTH = ["XKRX:005930", "XNYS:AAPL"]


@pytest.fixture
def online(small_lake, tmp_path):
    settings = small_lake.with_online(tmp_path / "new" / "folder")
    fill(settings, small_lake.after)
    return settings, OnlineFeatures(settings)


def test_online_values_are_the_release_s_newest_row(small_lake, online):
    _, features = online
    rows = DeltaLake(small_lake.settings).read(registry.table("gold.features_daily"), version=1).to_pylist()
    newest = {r["security_id"]: r for r in sorted(rows, key=lambda r: r["session_date"])}
    found = features.get(BOTH).to_pylist()
    assert [row["security_id"] for row in found] == BOTH
    for row in found:
        assert row["session_date"] == date(2024, 5, 3)
        assert row["release_id"] == "r00002"
        expected = {name: newest[row["security_id"]][name] for name in features.names}
        assert {name: row[name] for name in features.names} == {
            n: None if v is None or np.isnan(v) else v for n, v in expected.items()
        }


def test_an_unknown_security_is_nulls_and_the_order_is_the_caller_s(online):
    _, features = online
    found = features.get(["XKRX:999999", *reversed(BOTH)])
    assert found["security_id"].to_pylist() == ["XKRX:999999", *reversed(BOTH)]
    assert found["release_id"].to_pylist() == [None, "r00002", "r00002"]
    assert found["rsi_14"][0].as_py() is None
    assert features.get([]).num_rows == 0


def test_a_table_that_the_release_does_not_have_is_left_out_and_one_without_any_is_refused(small_lake, tmp_path):
    settings, after = small_lake.with_online(tmp_path), small_lake.after
    fill(settings, replace(after, tables={n: v for n, v in after.tables.items() if n != "gold.alpha158"}))
    assert OnlineFeatures(settings).get(BOTH)["release_id"].to_pylist() == ["r00002"] * 2
    assert OnlineFeatures(settings, "gold.alpha158").get(BOTH)["release_id"].to_pylist() == [None] * 2
    with pytest.raises(Permanent, match=r"gold\.alpha158, gold\.features_daily"):
        fill(settings, replace(after, tables={"gold.prices": 1}))


def test_a_rollback_leaves_nothing_newer_and_an_open_reader_sees_it(small_lake, online):
    settings, features = online
    assert fill(settings, small_lake.before) == 6
    found = features.get(BOTH)
    assert found["release_id"].to_pylist() == ["r00001"] * 2
    assert found["session_date"].to_pylist() == [date(2024, 4, 30)] * 2


def test_a_rollback_during_a_fill_is_filled_too(small_lake, tmp_path, monkeypatch):
    """Whoever fills last looks at the pointer after its own write."""
    settings, releases = small_lake.with_online(tmp_path), Releases(open_store(str(tmp_path / "pointer")))
    for release in (small_lake.before, small_lake.after):
        releases.publish(release)
    filled = []

    def fill_and_move(settings, release):
        filled.append(release.release_id)
        if len(filled) == 1:
            releases.rollback("r00001")
        return fill(settings, release)

    monkeypatch.setattr(online_store, "fill", fill_and_move)
    assert online_store.fill_current(settings, releases) == (small_lake.before, 6)
    assert filled == ["r00002", "r00001"]
    assert OnlineFeatures(settings).get(BOTH)["release_id"].to_pylist() == ["r00001"] * 2


def test_a_pointer_that_never_stays_is_an_error_that_a_rerun_may_clear(small_lake, tmp_path, monkeypatch):
    settings, releases = small_lake.with_online(tmp_path), Releases(open_store(str(tmp_path / "pointer")))
    with pytest.raises(Permanent, match="published release"):
        online_store.fill_current(settings, releases)
    for release in (small_lake.before, small_lake.after):
        releases.publish(release)

    def move(settings, release):
        releases.rollback("r00001" if release.release_id == "r00002" else "r00002")
        return 0

    monkeypatch.setattr(online_store, "fill", move)
    with pytest.raises(Transient, match="stay current"):
        online_store.fill_current(settings, releases)


def test_a_security_that_the_release_does_not_have_vanishes(small_lake, online):
    """A row written by hand for a name that the next release lacks must not outlive the next fill."""
    settings, features = online
    store = feast_repo.feature_store(settings)
    row = (
        features.get(BOTH[:1])
        .to_pandas()
        .assign(security_id="XKRX:111111", exchange="XKRX", event_at="2024-05-06T06:30Z")
    )
    row = row.assign(known_at=row["event_at"], session_date=row["session_date"].astype(str))
    store.write_to_online_store(
        "features_daily", row.astype({"event_at": "datetime64[us, UTC]", "known_at": "datetime64[us, UTC]"})
    )
    assert features.get(["XKRX:111111"])["release_id"].to_pylist() == ["r00002"]
    fill(settings, small_lake.after)
    assert features.get(["XKRX:111111"])["release_id"].to_pylist() == [None]


def test_a_release_from_before_a_feature_was_added_fills_it_with_null(small_lake, tmp_path):
    """A rollback past the day on which a feature was added must still refill."""
    lake = small_lake.with_online(tmp_path).model_copy(update={"lake_url": str(tmp_path / "lake")})
    table = registry.table("gold.features_daily")
    rows = DeltaLake(small_lake.settings).read(table, version=0).drop_columns(["rsi_14"])
    write_deltalake(DeltaLake(lake).uri(table), rows, partition_by=["session_month"])
    assert fill(lake, replace(small_lake.before, tables={table.name: 0})) == 6
    found = OnlineFeatures(lake).get(BOTH)
    assert found["rsi_14"].to_pylist() == [None, None]
    assert found["macd"].null_count == 0


def test_a_release_without_features_is_named(small_lake, tmp_path):
    with pytest.raises(Permanent, match="r00001"):
        fill(small_lake.with_online(tmp_path), replace(small_lake.before, tables={"gold.prices": 0}))


def test_readers_never_see_half_a_refill(small_lake, online):
    settings, features = online
    seen: list[set[str | None]] = []
    over = threading.Event()

    def read() -> None:
        while not over.is_set():
            seen.append(set(features.get(BOTH)["release_id"].to_pylist()))

    reader = threading.Thread(target=read)
    reader.start()
    for release in (small_lake.before, small_lake.after) * 3:
        fill(settings, release)
    over.set()
    reader.join()
    assert seen
    assert all(releases in ({"r00001"}, {"r00002"}) for releases in seen)


def test_an_url_of_no_store_that_we_know_is_refused():
    with pytest.raises(Permanent, match="MARKETLAKE_ONLINE_URL"):
        feast_repo.online_config(Settings(online_url="mongodb://host", _env_file=None))


def test_importing_the_online_store_imports_no_pipeline_and_not_even_feast():
    banned = ("pyspark", "dagster", "mlflow", "xgboost", "feast", "ibis")
    check = f"import sys, lake.online; print([m for m in {banned} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", check], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == "[]"


def test_serving_online_features_imports_no_pipeline(small_lake, online):
    settings, _ = online
    check = (
        "import sys; from lake.online import OnlineFeatures; from lake.settings import Settings;"
        f"OnlineFeatures(Settings(lake_url={settings.lake_url!r}, online_url={settings.online_url!r})).get({BOTH});"
        "print([m for m in ('pyspark', 'dagster', 'mlflow', 'xgboost') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", check], cwd=ROOT, capture_output=True, text=True, timeout=120, check=True
    )
    assert done.stdout.strip().splitlines()[-1] == "[]"
