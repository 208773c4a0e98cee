"""Tables without a JVM, over a folder and over S3."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.fs as pafs
import pytest

from lake.delta import TABLE_PROPERTIES, DeltaLake
from lake.settings import Settings
from market import registry
from market.errors import Permanent, Transient
from market.table import Column, Window

TABLE = registry.table("ops.requests")


@pytest.fixture(params=["folder", "s3"])
def delta(request: pytest.FixtureRequest, tmp_path: Path, make: Callable[..., Settings]) -> DeltaLake:
    """An empty lake of either kind."""
    if request.param == "folder":
        return DeltaLake(make(lake_url=str(tmp_path)))
    return DeltaLake(make(**request.getfixturevalue("on_s3")))


def rows(*days: date) -> pa.Table:
    """One request a day."""
    at = datetime(2024, 5, 7, 9, 0, 0, 123456, tzinfo=UTC)
    return pa.Table.from_pylist(
        [
            {
                "request_id": f"{day}", "source": "krx", "session_date": day, "session_month": f"{day:%Y-%m}",
                "request": "GET /", "status": None, "outcome": "ok", "attempts": 1, "size_bytes": 3,
                "quota_date": day, "fetched_at": at, "known_at": at,
            }
            for day in days
        ],
        schema=TABLE.schema,
    )  # fmt: skip


MARCH, APRIL, MAY = date(2024, 3, 29), date(2024, 4, 30), date(2024, 5, 2)


def test_a_table_that_was_never_made_reads_as_no_rows_with_the_contracts_columns(delta: DeltaLake) -> None:
    found = delta.read(TABLE)
    assert found.num_rows == 0
    assert found.column_names == [column.name for column in TABLE.columns]
    assert not delta.exists(TABLE)
    assert delta.version(TABLE) is None


def test_opening_a_table_that_was_never_made_says_where_it_was_looked_for(delta: DeltaLake) -> None:
    with pytest.raises(Permanent, match="ops/requests"):
        delta.open(TABLE)


def test_appended_rows_come_back_with_utc_microseconds(delta: DeltaLake) -> None:
    delta.append(TABLE, rows(APRIL, MAY), app_id="a", app_version=1)
    found = delta.read(TABLE).sort_by("session_date")
    assert found.equals(rows(APRIL, MAY).cast(found.schema))
    assert found.schema.field("fetched_at").type == pa.timestamp("us", tz="UTC")


def test_a_repeated_transaction_is_skipped_and_logged(delta: DeltaLake, logged: list[str]) -> None:
    first = delta.append(TABLE, rows(APRIL), app_id="a", app_version=1)
    assert delta.append(TABLE, rows(APRIL), app_id="a", app_version=1) is None
    assert delta.version(TABLE) == first
    assert any("already committed" in line and "ops.requests" in line for line in logged)
    assert delta.append(TABLE, rows(MAY), app_id="a", app_version=2) == (first or 0) + 1


def test_every_table_keeps_its_history_for_years(delta: DeltaLake) -> None:
    delta.append(TABLE, rows(APRIL), app_id="a", app_version=1)
    found = delta.open(TABLE).metadata()
    assert found.partition_columns == ["session_month"]
    assert TABLE_PROPERTIES.items() <= found.configuration.items()


def test_a_version_is_read_as_it_was(delta: DeltaLake) -> None:
    first = delta.append(TABLE, rows(APRIL), app_id="a", app_version=1)
    delta.append(TABLE, rows(MAY), app_id="b", app_version=1)
    assert delta.read(TABLE, version=first).num_rows == 1
    assert delta.read(TABLE).num_rows == 2


def test_a_filter_and_columns_narrow_what_is_read(delta: DeltaLake) -> None:
    delta.append(TABLE, rows(APRIL, MAY), app_id="a", app_version=1)
    found = delta.read(TABLE, where=ds.field("session_month") == "2024-05", columns=["source", "session_date"])
    assert found.to_pylist() == [{"source": "krx", "session_date": MAY}]


def test_a_datasets_files_are_read_without_python(delta: DeltaLake) -> None:
    """DuckDB holds the GIL while a scan begins; a read that waited for the GIL then would hang for ever."""
    delta.append(TABLE, rows(APRIL), app_id="day", app_version=1)
    found = delta.dataset(TABLE)
    assert type(found.filesystem.base_fs) in (pafs.LocalFileSystem, pafs.S3FileSystem)
    assert found.to_table(columns=["session_date"]).to_pylist() == [{"session_date": APRIL}]


@pytest.mark.parametrize("address", ["localhost:9000", "127.0.0.1:9000", "s3://bucket"])
def test_an_endpoint_without_its_scheme_is_refused_and_never_taken_for_aws(
    tmp_path: Path, make: Callable[..., Settings], address: str
) -> None:
    here = DeltaLake(make(lake_url=str(tmp_path)))
    here.append(TABLE, rows(APRIL), app_id="day", app_version=1)
    elsewhere = DeltaLake(make(lake_url="s3://bucket/lake", s3_endpoint_url=address))
    with pytest.raises(Permanent, match=r"MARKETLAKE_S3_ENDPOINT_URL.*https?://"):
        elsewhere.dataset(TABLE, opened=here.open(TABLE))


BUILT = replace(TABLE, commits="replace")


def within(first: date, last: date) -> Window:
    return Window(first, last, datetime(2024, 5, 7, tzinfo=UTC))


def days(delta: DeltaLake) -> list[str]:
    return sorted(str(day) for day in delta.read(BUILT)["session_date"].to_pylist())


def test_a_table_is_appended_to_or_replaced_as_its_contract_says(delta: DeltaLake) -> None:
    with pytest.raises(Permanent, match="commits that replace; was one to append"):
        delta.append(BUILT, rows(APRIL), app_id="a", app_version=1)
    with pytest.raises(Permanent, match="commits that append; was one to replace"):
        delta.replace(TABLE, rows(APRIL), within(APRIL, APRIL))


def test_replacing_a_window_leaves_the_other_sessions(delta: DeltaLake) -> None:
    first = delta.replace(BUILT, rows(MARCH, APRIL, MAY), within(MARCH, MAY))
    told = rows(APRIL, APRIL).set_column(4, "request", pa.array(["GET /a", "GET /b"]))
    assert delta.replace(BUILT, told, within(APRIL, MAY)) == first + 1
    found = delta.read(BUILT).sort_by([("session_date", "ascending"), ("request", "ascending")])
    assert list(zip(found["session_date"].to_pylist(), found["request"].to_pylist(), strict=True)) == [
        (MARCH, "GET /"), (APRIL, "GET /a"), (APRIL, "GET /b"),
    ]  # fmt: skip
    assert found["fetched_at"][0].as_py().microsecond == 123456


def test_replacing_by_no_rows_removes_the_window(delta: DeltaLake) -> None:
    delta.replace(BUILT, rows(MARCH, APRIL), within(MARCH, APRIL))
    delta.replace(BUILT, rows(), within(APRIL, APRIL))
    assert days(delta) == [f"{MARCH}"]


def test_rows_outside_of_their_window_are_not_committed(delta: DeltaLake) -> None:
    first = delta.replace(BUILT, rows(APRIL), within(APRIL, APRIL))
    with pytest.raises(
        Permanent, match="sessions from 2024-04-30 to 2024-04-30, each in its month; was some from 2024-05-02"
    ):
        delta.replace(BUILT, rows(MAY), within(APRIL, APRIL))
    assert (delta.version(BUILT), days(delta)) == (first, [f"{APRIL}"])


def test_a_session_that_is_null_or_in_another_month_is_not_committed(delta: DeltaLake) -> None:
    place = TABLE.schema.get_field_index("session_month")
    for told in (
        rows(APRIL).set_column(place, "session_month", pa.array(["2024-05"])),
        rows(APRIL).set_column(
            TABLE.schema.get_field_index("session_date"), "session_date", pa.array([None], pa.date32())
        ),
    ):
        with pytest.raises(Permanent, match="null, or in another month"):
            delta.replace(BUILT, told, within(APRIL, MAY))
    assert not delta.exists(BUILT)


class Beaten(DeltaLake):
    """Somebody else commits between its look at the table and its commit."""

    def __init__(self, lake: DeltaLake, rival: Callable[[], object]) -> None:
        super().__init__(lake._settings)
        self._rival = rival

    def _commit_window(self, *given: Any) -> None:
        self._rival()
        super()._commit_window(*given)


def test_of_two_that_replace_a_whole_table_at_once_one_is_told_so(delta: DeltaLake) -> None:
    whole = registry.table("silver.symbols")
    values = {"string": "x", "date": APRIL, "timestamp": datetime(2024, 5, 7, tzinfo=UTC)}
    one = pa.Table.from_pylist([{c.name: values[c.type] for c in whole.columns}], schema=whole.schema)
    for told in (one, one.slice(0, 0)):
        with pytest.raises(Transient, match="another writer first"):
            Beaten(delta, lambda: delta.replace(whole, one, within(APRIL, MAY))).replace(
                whole, told, within(APRIL, MAY)
            )
        assert delta.read(whole).num_rows == 1


def test_the_version_is_the_own_commits_whoever_was_first(delta: DeltaLake) -> None:
    first = delta.replace(BUILT, rows(MARCH), within(MARCH, MARCH))
    beaten = Beaten(delta, lambda: delta.replace(BUILT, rows(MAY), within(MAY, MAY)))
    assert beaten.replace(BUILT, rows(APRIL), within(APRIL, APRIL)) == first + 2
    assert days(delta) == [f"{MARCH}", f"{APRIL}", f"{MAY}"]


def test_a_table_without_sessions_is_replaced_whole(delta: DeltaLake) -> None:
    whole = registry.table("silver.symbols")
    values = {"string": "x", "date": APRIL, "timestamp": datetime(2024, 5, 7, tzinfo=UTC)}
    one = pa.Table.from_pylist([{c.name: values[c.type] for c in whole.columns}], schema=whole.schema)
    delta.replace(whole, pa.concat_tables([one, one]), within(APRIL, APRIL))
    delta.replace(whole, one, within(MAY, MAY))
    assert delta.read(whole).num_rows == 1


def test_a_commit_says_what_it_was_told_to_and_keeps_the_tables_settings(delta: DeltaLake) -> None:
    delta.replace(BUILT, rows(APRIL), within(APRIL, APRIL), note="who")
    opened = delta.open(BUILT)
    assert opened.history(1)[0]["userMetadata"] == "who"
    assert TABLE_PROPERTIES.items() <= opened.metadata().configuration.items()


def test_a_replaced_table_grows_by_a_nullable_column(delta: DeltaLake) -> None:
    delta.replace(BUILT, rows(APRIL), within(APRIL, APRIL))
    grown = replace(GROWN, commits="replace")
    delta.replace(grown, rows(MAY).append_column("region", pa.array(["kr"])), within(MAY, MAY))
    found = delta.read(grown, columns=["session_date", "region"]).sort_by("session_date").to_pylist()
    assert [(row["session_date"], row["region"]) for row in found] == [(APRIL, None), (MAY, "kr")]


GROWN = replace(TABLE, columns=(*TABLE.columns, Column("region", "string", "where it was asked from", nullable=True)))


def test_a_table_grows_by_a_nullable_column_with_its_next_rows(delta: DeltaLake) -> None:
    first = delta.append(TABLE, rows(APRIL), app_id="a", app_version=1)
    told = rows(MAY).append_column("region", pa.array(["kr"]))
    assert delta.append(GROWN, told, app_id="b", app_version=1) == (first or 0) + 1
    assert delta.append(GROWN, told, app_id="b", app_version=1) is None, "the transaction went with it"
    assert delta.append(GROWN, told, app_id="c", app_version=1) == (first or 0) + 2
    found = delta.read(GROWN, columns=["session_date", "region"]).sort_by("session_date").to_pylist()
    assert [(row["session_date"], row["region"]) for row in found] == [(APRIL, None), (MAY, "kr"), (MAY, "kr")]
    assert delta.read(TABLE).equals(delta.read(GROWN).drop_columns(["region"]))
    assert TABLE_PROPERTIES.items() <= delta.open(GROWN).metadata().configuration.items()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda c: (*c, Column("region", "string", "where")), "new column region that is not nullable"),
        (lambda c: tuple(replace(x, type="string") if x.name == "attempts" else x for x in c), "attempts stored as"),
        (lambda c: tuple(replace(x, name="tries") if x.name == "attempts" else x for x in c), "no attempts in the contract"),
    ],
    ids=["not nullable", "another type", "renamed"],
)  # fmt: skip
def test_any_other_change_of_the_contract_is_refused(delta: DeltaLake, change: Callable, words: str) -> None:
    delta.append(TABLE, rows(APRIL), app_id="a", app_version=1)
    changed = replace(TABLE, columns=change(TABLE.columns))
    told = pa.table(
        {c.name: pa.array(["1"] * 1) if c.name in ("region", "tries") else rows(MAY)[c.name] for c in changed.columns}
    )
    told = told.cast(changed.schema) if words.startswith("attempts") else told
    with pytest.raises(Permanent, match=words):
        delta.append(changed, told.cast(changed.schema), app_id="b", app_version=1)
    assert delta.read(TABLE).num_rows == 1


def test_no_rows_are_no_commit(delta: DeltaLake) -> None:
    assert delta.append(TABLE, rows(), app_id="a", app_version=1) is None
    assert not delta.exists(TABLE)
