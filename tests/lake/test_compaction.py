"""A table of many days has few files, and nobody sees it but by the time that reading takes."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable
from deltalake.exceptions import CommitFailedError

from lake import compaction
from lake.delta import DeltaLake
from lake.explain_commits import commit_note, writer_of, written_since
from lake.settings import Settings
from market import registry
from market.digest import digest
from market.table import Table, Window

APPENDED, REPLACED = registry.table("ops.requests"), registry.table("silver.sessions")
FIRST, N = date(2024, 1, 1), 75
DAYS = [FIRST + timedelta(days=n) for n in range(N)]
NOW = datetime(2024, 7, 1, tzinfo=UTC)


def lake_at(folder: Path) -> DeltaLake:
    return DeltaLake(Settings(_env_file=None, lake_url=str(folder)))  # type: ignore[call-arg]


@pytest.fixture(scope="module")
def delta(tmp_path_factory: pytest.TempPathFactory) -> DeltaLake:
    """A table to which each day appended its rows."""
    made = lake_at(tmp_path_factory.mktemp("appended"))
    appended(made)
    return made


@pytest.fixture(scope="module")
def daily(tmp_path_factory: pytest.TempPathFactory) -> tuple[DeltaLake, list[int]]:
    """A table of which each day replaced its own session, and the versions that the days made."""
    made = lake_at(tmp_path_factory.mktemp("replaced"))
    return made, replaced(made)


def requests(day: date) -> pa.Table:
    told = {"request_id": f"{day}", "source": "krx", "session_date": day, "session_month": f"{day:%Y-%m}", "request": "GET /",
            "status": None, "outcome": "ok", "attempts": 1, "size_bytes": 3, "quota_date": day, "fetched_at": NOW, "known_at": NOW}  # fmt: skip
    return pa.Table.from_pylist([told], schema=APPENDED.schema)


def appended(delta: DeltaLake, days: list[date] = DAYS) -> None:
    for day in days:
        delta.append(APPENDED, requests(day), app_id=f"{day}", app_version=1)


def replaced(delta: DeltaLake) -> list[int]:
    """Versions of a table of which each day replaced its own session."""
    assert REPLACED.build is not None
    made = []
    for day in DAYS:
        window = Window(day, day, NOW)
        rows = REPLACED.conform(REPLACED.build({}, window))
        made.append(delta.replace(REPLACED, rows, window, commit_note(REPLACED, f"{day:%Y%m%d}" + "0" * 32, window)))
    return made


def n_files(delta: DeltaLake, name: str) -> dict[str, int]:
    months = pa.table(delta.open(name).get_add_actions(flatten=True))["partition.session_month"].to_pylist()
    return {month: months.count(month) for month in set(months)}


def test_a_closed_month_has_few_files_and_the_newest_no_more_than_its_days_need(delta: DeltaLake) -> None:
    found = n_files(delta, APPENDED.name)
    newest = found.pop(max(found))
    assert set(found.values()) <= set(range(1, compaction.CLOSED + 1)), found
    assert newest <= compaction.OPEN + 1
    assert sum(pa.table(delta.open(APPENDED).get_add_actions(flatten=True))["num_records"].to_pylist()) == N


def test_the_rows_are_those_of_a_table_whose_files_were_left(
    delta: DeltaLake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compaction, "crowded", lambda target: [])
    other = lake_at(tmp_path)
    appended(other)
    assert len(other.open(APPENDED).file_uris()) == N > len(delta.open(APPENDED).file_uris())
    one, two = (digest(lake.read(APPENDED), APPENDED.key, APPENDED.digested) for lake in (delta, other))
    assert one == two


def test_each_version_still_shows_what_it_showed_and_the_newest_is_one_that_wrote_rows(
    daily: tuple[DeltaLake, list[int]],
) -> None:
    delta, versions = daily
    assert versions[-1] == delta.version(REPLACED) > N, "some commits gathered files"
    last = delta.open(REPLACED).history(1)[0]
    assert last["operation"] == "WRITE"
    seen = [set(delta.read(REPLACED, version=version)["session_date"].to_pylist()) for version in versions]
    sessions = sorted(seen[-1])
    assert sessions
    for day, days in zip(DAYS, seen, strict=True):
        assert sorted(days) == [one for one in sessions if one <= day]


def test_who_wrote_a_row_is_still_known(daily: tuple[DeltaLake, list[int]]) -> None:
    delta, versions = daily
    for day, version in zip(DAYS, versions, strict=True):
        found = writer_of(delta, REPLACED, versions[-1], day)
        assert found is not None and (found.version, found.start) == (version, day)
    assert [one.version for one in written_since(delta, REPLACED, versions[-1], versions[0])] == versions[:0:-1]


def test_an_append_tried_again_is_known_after_its_file_was_gathered(delta: DeltaLake) -> None:
    before = delta.version(APPENDED)
    appended(delta, DAYS[:3])
    assert delta.version(APPENDED) == before


def test_the_same_append_made_by_another_while_files_are_gathered_is_not_made_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    delta = lake_at(tmp_path)
    appended(delta, DAYS[:2])

    def meanwhile(target: DeltaTable, table: str) -> None:
        monkeypatch.undo()
        appended(lake_at(tmp_path), DAYS[2:3])
        target.update_incremental()

    monkeypatch.setattr(compaction, "gather", meanwhile)
    assert delta.append(APPENDED, requests(DAYS[2]), app_id=f"{DAYS[2]}", app_version=1) is None
    assert delta.read(APPENDED).num_rows == 3


def test_a_writer_that_was_quicker_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    delta = lake_at(tmp_path)
    appended(delta, DAYS[:31])
    quicker: list[int] = []

    class Lost:
        def compact(self, **_: object) -> dict[str, int]:
            quicker.append(1)
            raise CommitFailedError("a concurrent transaction deleted data this operation read")

    monkeypatch.setattr(DeltaTable, "optimize", Lost())
    appended(delta, DAYS[31:34])
    assert quicker and delta.read(APPENDED).num_rows == 34


def test_numbers_with_a_fraction_are_written_without_a_dictionary_and_words_with_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    delta, table = lake_at(tmp_path), registry.table("gold.market_summary")
    floats = [column.name for column in table.columns if column.type.startswith("float")]
    assert floats
    for day in DAYS[:6]:
        row = {column.name: 1.5 for column in table.columns if column.name in floats}
        row |= {"session_date": day, "session_month": f"{day:%Y-%m}", "exchange": "XKRX", "known_at": NOW}
        rows = table.conform(
            pa.Table.from_pylist([{column.name: row.get(column.name, _some(column.type)) for column in table.columns}])
        )
        delta.replace(table, rows, Window(day, day, NOW), "")
    written(delta, table, floats)
    monkeypatch.setattr(compaction, "OPEN", 1)
    compaction.gather(delta.open(table), table.name)
    assert len(delta.open(table).file_uris()) == 1
    written(delta, table, floats)


def written(delta: DeltaLake, table: Table, floats: list[str]) -> None:
    for uri in delta.open(table).file_uris():
        group = pq.ParquetFile(uri).metadata.row_group(0)
        columns = {group.column(i).path_in_schema: group.column(i) for i in range(group.num_columns)}
        assert not any(columns[name].has_dictionary_page for name in floats)
        assert columns["exchange"].has_dictionary_page


def _some(type_: str) -> object:
    return {"string": "KOSPI", "int64": 3, "date": DAYS[0], "timestamp": NOW, "bool": True}.get(type_, 1.5)
