"""The parity certificate: equal bits pass, one changed bit is found and named, in the tables and in the online store."""

import shutil
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from deltalake import write_deltalake

from lake import parity
from lake.delta import DeltaLake
from lake.online import fill
from lake.releases import Release
from lake.settings import Settings
from market import registry
from tests.support.small_lake import SmallLake

NOW = datetime(2024, 5, 7, tzinfo=UTC)
FEATURES = registry.table("gold.features_daily")


@pytest.fixture
def place(small_lake: SmallLake, tmp_path: Path) -> tuple[Settings, DeltaLake, Release]:
    """A copy of the small lake, its newest release online."""
    shutil.copytree(small_lake.settings.lake_url, tmp_path / "lake")
    online = f"sqlite:///{tmp_path}/online.db"
    settings = small_lake.settings.model_copy(update={"lake_url": str(tmp_path / "lake"), "online_url": online})
    fill(settings, small_lake.after)
    return settings, DeltaLake(settings), small_lake.after


def test_what_is_stored_is_what_whole_histories_give_and_what_is_online(place) -> None:
    settings, delta, release = place
    found = parity.of_release(settings, delta, release, NOW, every=True)
    assert [(one.table, one.kind) for one in found] == [
        (table, kind)
        for table in ("gold.alpha158", "gold.features_daily", "gold.sentiment")
        for kind in ("batch", "online")
    ]
    assert all(one.passed and one.n_securities >= 2 and one.n_values >= 20 for one in found), found


@pytest.mark.parametrize("column", ["rsi_14", "state", "known_at"])
def test_one_bit_that_differs_is_named(place, column: str) -> None:
    _, delta, _ = place
    stored = delta.read(FEATURES)
    last = max(stored["session_date"].to_pylist())
    rows = stored.to_pylist()
    spoilt = next(row for row in rows if row["session_date"] == last and row["security_id"] == "XKRX:005930")
    if column == "rsi_14":
        spoilt[column] = float(np.nextafter(spoilt[column] or 0.0, 1e9))
    elif column == "state":
        spoilt[column] = [spoilt[column][0] + 1, *spoilt[column][1:]]
    else:
        spoilt[column] = datetime(2024, 1, 1, tzinfo=UTC)
    found = parity.of_batch(delta, FEATURES, pa.Table.from_pylist(rows, schema=stored.schema), NOW, every=True)
    assert (found.passed, found.n_different) == (False, 1)
    assert f"XKRX:005930 {column}: " in found.found


def test_a_row_that_only_one_of_both_has_is_named(place) -> None:
    _, delta, _ = place
    stored = delta.read(FEATURES)
    rows = [
        row | {"security_id": row["security_id"].replace("XKRX:005930", "XKRX:123450")} for row in stored.to_pylist()
    ]
    found = parity.of_batch(delta, FEATURES, pa.Table.from_pylist(rows, schema=stored.schema), NOW, every=True)
    assert "XKRX:123450: has a row in one of both alone" in found.found


def test_a_store_that_holds_another_release_or_other_values_differs(place, small_lake: SmallLake) -> None:
    settings, delta, release = place
    fill(settings, small_lake.before)
    assert not parity.of_online(settings, delta, FEATURES, release).passed
    fill(settings, release)
    rows = delta.read(FEATURES).to_pylist()
    for row in rows:
        row["return_1d"] = 0.25
    write_deltalake(
        delta.uri(FEATURES), pa.Table.from_pylist(rows, schema=delta.read(FEATURES).schema), mode="overwrite"
    )
    moved = replace(release, tables={**release.tables, FEATURES.name: delta.open(FEATURES).version()})
    found = parity.of_online(settings, delta, FEATURES, moved)
    assert "return_1d: 0.25, again " in found.found and found.n_different == found.n_securities


def test_a_sample_is_the_same_each_time_and_another_each_session() -> None:
    ids = [f"XKRX:{n:06d}" for n in range(500)]
    one = parity.sampled(ids, date(2024, 5, 3))
    assert one == parity.sampled(ids[::-1], date(2024, 5, 3)) and len(one) == parity.SAMPLE
    seen = {found for day in range(1, 29) for found in parity.sampled(ids, date(2024, 2, day))}
    assert len(seen) > 250, "a month sees most of the market"
    assert parity.sampled(ids[:3], date(2024, 5, 3)) == ids[:3]


def test_certificates_are_rows_of_their_table(place) -> None:
    settings, delta, release = place
    made = parity.of_release(settings, delta, release, NOW, every=False)
    rows = parity.to_rows(made, NOW)
    table = registry.table("ops.parity")
    assert rows.schema.names == [column.name for column in table.columns] and rows.num_rows == len(made)
    assert set(rows["session_month"].to_pylist()) == {"2024-05"}
    assert parity.to_rows([], NOW).num_rows == 0
