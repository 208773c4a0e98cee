"""Who is searched for: every name on the sessions on which a security had it."""

from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import write_deltalake

from assets.ingestion import companies
from lake.delivery import Company
from lake.lake import Lake
from lake.settings import Settings
from market import registry
from market.table import ARROW

LISTING = registry.table("bronze.krx_listing")
DAYS = [date(2024, 5, n) for n in (7, 8, 9, 10, 13)]


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(Settings(lake_url=str(tmp_path / "lake"), state_dir=tmp_path / "var", _env_file=None))


def listed(lake: Lake, *told: tuple[date, dict[str, str | None]]) -> None:
    """The listing of those days, each fetched after the one before: name by code."""
    columns = {column.name: ARROW[column.type] for column in LISTING.columns}
    rows = [
        {
            "session_date": day,
            "session_month": f"{day:%Y-%m}",
            "ISU_SRT_CD": code,
            "ISU_ABBRV": name,
            "fetched_at": datetime(2024, 6, 1, n, tzinfo=UTC),
        }
        for n, (day, names) in enumerate(told)
        for code, name in names.items()
    ]
    filled = [{name: row.get(name) for name in columns} for row in rows]
    write_deltalake(lake.delta.uri(LISTING), pa.Table.from_pylist(filled, schema=pa.schema(list(columns.items()))))


def test_a_renamed_security_is_searched_for_by_the_name_of_each_session(lake: Lake) -> None:
    listed(lake, *((day, {"000001": "Old" if day < DAYS[2] else "New", "000002": "Other"}) for day in DAYS))
    assert companies(lake, DAYS) == [
        Company("000001", "Old", DAYS[0], DAYS[1]),
        Company("000001", "New", DAYS[2], DAYS[4]),
        Company("000002", "Other", DAYS[0], DAYS[4]),
    ]
    assert companies(lake, DAYS[:1]) == [
        Company("000001", "Old", *DAYS[:1] * 2),
        Company("000002", "Other", *DAYS[:1] * 2),
    ]


def test_a_security_is_searched_for_while_it_is_listed(lake: Lake) -> None:
    listed(lake, *((day, {"1": "Gone"} if day < DAYS[2] else {"2": "Come"}) for day in DAYS))
    assert companies(lake, DAYS) == [Company("1", "Gone", DAYS[0], DAYS[1]), Company("2", "Come", DAYS[2], DAYS[4])]


def test_a_session_without_a_listing_takes_the_one_before_or_the_first(lake: Lake) -> None:
    listed(lake, (DAYS[1], {"1": "Old"}), (DAYS[3], {"1": "New", "2": None}))
    assert companies(lake, DAYS) == [Company("1", "Old", DAYS[0], DAYS[2]), Company("1", "New", DAYS[3], DAYS[4])]


def test_a_name_that_was_corrected_is_the_last_one_told(lake: Lake) -> None:
    listed(lake, (DAYS[0], {"1": "Name"}), (DAYS[1], {"1": "Nane"}), (DAYS[1], {"1": "Name"}))
    assert companies(lake, DAYS[:2]) == [Company("1", "Name", DAYS[0], DAYS[1])]


def test_a_lake_without_a_listing_knows_no_company(lake: Lake) -> None:
    assert companies(lake, DAYS) == []
