"""A vacuum takes what nothing pins and nothing else, in a folder and on a real S3 server."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow.compute as pc
import pytest
from deltalake import write_deltalake
from hypothesis import given
from hypothesis import settings as drawn
from hypothesis import strategies as st

from lake import aws
from lake.delta import DeltaLake
from lake.objects import Store, lake_store
from lake.releases import Releases
from lake.settings import Settings
from lake.vacuum import HEAD, RECENT, Files, Rule, release_pins, sweep
from market import registry
from market.digest import digest
from market.errors import Permanent
from tests.support.s3_server import place_settings, s3_server
from tests.support.small_lake import SmallLake, small_lake

TABLE = registry.table("gold.prices")
OTHER = registry.table("silver.prices")
NONE = timedelta(0)


@dataclass
class Pinned:
    """A lake whose table has versions 0, 1 and 3 in releases, 2 in a model at most, and 4 as its newest."""

    settings: Settings
    store: Store
    delta: DeltaLake

    @property
    def model(self) -> dict[str, dict[str, int]]:
        return {"model return_rank_5d 1": {TABLE.name: 2}}

    def digest(self, version: int) -> str:
        return digest(self.delta.read(TABLE, version=version), TABLE.key, TABLE.digested)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> SmallLake:
    return small_lake(tmp_path_factory.mktemp("vacuum"))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[object]:
    with s3_server(tmp_path_factory.mktemp("s3")) as place:
        yield place


@pytest.fixture(params=["folder", "s3"])
def pinned(request: pytest.FixtureRequest, source: SmallLake, tmp_path: Path) -> Pinned:
    if request.param == "folder":
        target = source.settings.model_copy(update={"lake_url": str(tmp_path / "lake")})
        shutil.copytree(source.settings.lake_url, tmp_path / "lake")
    else:
        target = place_settings(request.getfixturevalue("server"), tmp_path.name)
        bucket, prefix = aws.bucket_and_prefix(target)
        client, root = aws.client(target, "s3"), Path(source.settings.lake_url)
        for file in (path for path in root.rglob("*") if path.is_file()):
            client.put_object(Bucket=bucket, Key=f"{prefix}{file.relative_to(root)}", Body=file.read_bytes())
    made = Pinned(target, lake_store(target), DeltaLake(target))
    for close in (1.0, 2.0, 3.0):  # versions 2, 3 and 4 of the table
        rewrite(made, close)
    releases = Releases(made.store)
    current = releases.current()
    assert current is not None and current.tables[TABLE.name] == 1
    tables = {**current.tables, TABLE.name: 3}
    releases.publish(replace(current, release_id="r00003", tables=tables, parent=current.release_id))
    return made


def rewrite(lake: Pinned, close: float) -> None:
    """One more version of the table, with another price everywhere."""
    rows = lake.delta.read(TABLE)
    at = rows.schema.get_field_index("close")
    rows = rows.set_column(at, rows.schema.field(at), pc.add(pc.multiply(rows["close"], 0.0), close))
    write_deltalake(
        lake.delta.uri(TABLE), rows, mode="overwrite", partition_by=[TABLE.partition],
        storage_options=lake.delta.storage_options,
    )  # fmt: skip


def now() -> Rule:
    """Nothing is too recent and nothing too young."""
    return Rule(datetime.now(UTC) + timedelta(seconds=2), NONE, NONE)


def files(lake: Pinned, version: int) -> set[str]:
    return set(lake.delta.open(TABLE, version).file_uris())


def there(lake: Pinned) -> set[str]:
    folder = TABLE.name.replace(".", "/")
    root = lake.delta.uri(TABLE).removesuffix(folder)
    return {root + entry.path for entry in Files(lake.settings).below(f"{folder}/") if "_delta_log" not in entry.path}


def test_what_releases_models_and_the_newest_version_pin_stays_readable(pinned: Pinned) -> None:
    before = {version: pinned.digest(version) for version in (0, 1, 2, 3, 4)}
    private = files(pinned, 1) - files(pinned, 2)
    orphan, staged = f"{TABLE.name.replace('.', '/')}/part-of-nothing.parquet", "staging/job/rows.parquet"
    pinned.store.put(orphan, b"of a commit that never came")
    pinned.store.put(staged, b"of a job that ended")
    reports = {report.what: report for report in sweep(pinned.settings, pinned.model, now())}
    kept = {version: pinned.digest(version) for version in (0, 1, 2, 3, 4)}
    assert kept == before
    assert private <= there(pinned)
    assert {entry.path for entry in reports[TABLE.name].removed} == {orphan}
    assert [entry.path for entry in reports["staging"].removed] == [staged]
    assert not pinned.store.exists(orphan) and not pinned.store.exists(staged)


def test_an_unpinned_versions_own_files_are_gone_and_no_other(pinned: Pinned) -> None:
    expected = {version: pinned.digest(version) for version in (0, 1, 3, 4)}
    gone = files(pinned, 2)
    log = [path for path in pinned.store.list(f"{TABLE.name.replace('.', '/')}/_delta_log/")]
    (report,) = sweep(pinned.settings, {}, now(), only=TABLE.name)
    assert report.removed and report.removed_bytes > 0
    assert {pinned.delta.uri(TABLE).removesuffix("gold/prices") + entry.path for entry in report.removed} == gone
    assert not there(pinned) & gone
    assert {version: pinned.digest(version) for version in (0, 1, 3, 4)} == expected
    assert pinned.store.list(f"{TABLE.name.replace('.', '/')}/_delta_log/") == log
    held = {hold.version: hold.holders for hold in report.holds}
    assert held == {4: (HEAD,), 3: ("release r00003",), 1: ("release r00002",), 0: ("release r00001",)}
    assert not next(iter(sweep(pinned.settings, {}, now(), only=TABLE.name))).removed


def test_a_dry_run_tells_the_same_and_removes_nothing(pinned: Pinned) -> None:
    before = there(pinned)
    (told,) = sweep(pinned.settings, {}, now(), only=TABLE.name, dry_run=True)
    assert there(pinned) == before
    (done,) = sweep(pinned.settings, {}, now(), only=TABLE.name)
    assert told == done and there(pinned) == before - files(pinned, 2)


def test_versions_of_the_last_days_and_young_files_stay(pinned: Pinned) -> None:
    at = datetime.now(UTC) + timedelta(seconds=2)
    (recent,) = sweep(pinned.settings, {}, Rule(at, timedelta(days=1), NONE), only=TABLE.name)
    assert not recent.removed and (RECENT,) in {hold.holders for hold in recent.holds}
    (young,) = sweep(pinned.settings, {}, Rule(at, NONE, timedelta(days=1)), only=TABLE.name)
    assert not young.removed and len(young.waiting) == len(files(pinned, 2))
    assert pinned.digest(2)


def test_a_table_whose_pinned_files_are_missing_is_left_alone(pinned: Pinned) -> None:
    root = pinned.delta.uri(TABLE).removesuffix("gold/prices")
    pinned.store.delete(min(files(pinned, 1)).removeprefix(root))
    before = there(pinned)
    with pytest.raises(Permanent, match=r"version 1, held by release r00002.*1 missing"):
        list(sweep(pinned.settings, {}, now(), only=TABLE.name))
    assert there(pinned) == before


def test_a_release_that_is_about_to_become_current_pins_already(pinned: Pinned) -> None:
    current = Releases(pinned.store).current()
    assert current is not None
    tables = {**current.tables, TABLE.name: 2}
    pinned.store.put("releases/r00009.json", replace(current, release_id="r00009", tables=tables).to_json())
    assert "release r00009" in release_pins(pinned.store)
    (report,) = sweep(pinned.settings, {}, now(), only=TABLE.name)
    assert not report.removed


def test_a_checksum_file_goes_with_its_file(source: SmallLake, tmp_path: Path) -> None:
    shutil.copytree(source.settings.lake_url, tmp_path / "lake")
    settings = source.settings.model_copy(update={"lake_url": str(tmp_path / "lake")})
    folder = tmp_path / "lake" / OTHER.name.replace(".", "/")
    kept = Path(DeltaLake(settings).open(OTHER).file_uris()[0])
    (kept.parent / f".{kept.name}.crc").write_bytes(b"sum")
    for name in ("part-x.parquet", ".part-x.parquet.crc"):
        (folder / name).write_bytes(b"x")
    os.utime(folder / "part-x.parquet", (0, 0))
    (report,) = sweep(settings, {}, now(), only=OTHER.name)
    assert {Path(entry.path).name for entry in report.removed} == {"part-x.parquet", ".part-x.parquet.crc"}
    assert (kept.parent / f".{kept.name}.crc").exists()


@drawn(max_examples=12)
@given(pins=st.sets(st.integers(0, 5), max_size=4))
def test_whatever_is_pinned_reads_the_same_after_a_vacuum(
    source: SmallLake, tmp_path_factory: pytest.TempPathFactory, pins: set[int]
) -> None:
    folder = tmp_path_factory.mktemp("drawn") / "lake"
    folder.mkdir()
    settings = source.settings.model_copy(update={"lake_url": str(folder)})
    delta = DeltaLake(settings)
    rows = DeltaLake(source.settings).read(TABLE).slice(0, 40)
    for version in range(6):  # overwrites and appends in turn: files shared by some versions, private to others
        write_deltalake(
            delta.uri(TABLE), rows.slice(version, 20), mode="append" if version % 2 else "overwrite",
            partition_by=[TABLE.partition],
        )  # fmt: skip
    pinned = {f"model m {version}": {TABLE.name: version} for version in pins}
    before = {version: delta.read(TABLE, version=version) for version in {*pins, 5}}
    (report,) = sweep(settings, pinned, now(), only=TABLE.name)
    assert all(delta.read(TABLE, version=version).equals(rows) for version, rows in before.items())
    needed = set().union(*(delta.open(TABLE, version).file_uris() for version in before))
    assert {str(path) for path in (folder / "gold/prices").rglob("*.parquet")} == needed
    assert report.kept_files == len(needed)
