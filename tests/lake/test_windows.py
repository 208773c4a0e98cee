"""What a build reads and what it resumes from: the session right before, of the same formulas, with its lookback."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from deltalake import write_deltalake

from lake import windows
from lake.delta import DeltaLake
from lake.settings import Settings
from market import calendars, registry
from market.datasets.gold import features_daily
from market.features.plan import SEEN
from market.table import ARROW, Window

FEATURES, PRICES = registry.table("gold.features_daily"), registry.table("gold.prices")
DAYS = calendars.sessions("XKRX", date(2024, 1, 2), date(2024, 12, 30))[:80]
TODAY = DAYS[70]
LAYOUT = features_daily.program().state_digest


@pytest.fixture
def lake(tmp_path: Path) -> DeltaLake:
    (tmp_path / "lake").mkdir()
    return DeltaLake(Settings(lake_url=str(tmp_path / "lake"), _env_file=None))


def window(start: date = TODAY, end: date = TODAY) -> Window:
    return Window(start, end, datetime(2025, 1, 1, tzinfo=UTC))


def write(lake: DeltaLake, name: str, said: list[dict[str, Any]]) -> None:
    """Rows with what matters here; every other column is null, as the lake's readers never open it."""
    columns = {c.name: ARROW[c.type] for c in registry.table(name).columns}
    usual = {"exchange": "XKRX", "known_at": datetime(2025, 1, 1, tzinfo=UTC)}
    rows = [usual | row | {"session_month": f"{row['session_date']:%Y-%m}"} for row in said]
    filled = [{column: row.get(column) for column in columns} for row in rows]
    table = pa.Table.from_pylist(filled, schema=pa.schema(list(columns.items())))
    write_deltalake(lake.uri(name), table, partition_by=["session_month"])


def prices(security: str, days: list[date]) -> list[dict[str, Any]]:
    return [{"security_id": security, "session_date": day, "close": 100.0} for day in days]


def feature(security: str, day: date, seen: int, layout: str | None = LAYOUT) -> dict[str, Any]:
    state = np.zeros(features_daily.program().state_width)
    state[SEEN] = seen
    return {"security_id": security, "session_date": day, "state": state.tolist(), "state_layout": layout}


def resumed(lake: DeltaLake, asked: Window) -> windows.Resumed:
    found = windows.Resumed.of(FEATURES, asked, lake)
    assert found is not None
    return found


def test_a_table_without_state_resumes_nothing(lake: DeltaLake) -> None:
    assert windows.Resumed.of(PRICES, window(), lake) is None


def test_an_unbroken_series_of_the_same_formulas_goes_on(lake: DeltaLake) -> None:
    write(lake, "gold.prices", prices("XKRX:000001", DAYS[:71]))
    write(lake, "gold.features_daily", [feature("XKRX:000001", day, i + 1) for i, day in enumerate(DAYS[:70])])
    found = resumed(lake, window())
    assert (found.securities, found.needs_whole_series) == ({"XKRX:000001"}, False)
    assert found.rows["session_date"].to_pylist() == [DAYS[69]]


@pytest.mark.parametrize("layout", ["0" * 16, None])
def test_a_state_of_other_formulas_or_of_none_that_is_known_does_not(lake: DeltaLake, layout: str | None) -> None:
    write(lake, "gold.prices", prices("XKRX:000001", DAYS[:71]))
    write(lake, "gold.features_daily", [feature("XKRX:000001", DAYS[69], 70, layout)])
    found = resumed(lake, window())
    assert (found.securities, found.needs_whole_series, found.rows.num_rows) == (set(), True, 0)


def test_a_lake_from_before_layouts_were_stored_starts_from_its_first_rows(lake: DeltaLake) -> None:
    write(lake, "gold.prices", prices("XKRX:000001", DAYS[:71]))
    write(lake, "gold.features_daily", [feature("XKRX:000001", DAYS[69], 70)])
    old = lake.dataset("gold.features_daily").to_table().drop_columns(["state_layout"])
    write_deltalake(
        lake.uri("gold.features_daily"), old, mode="overwrite", schema_mode="overwrite", partition_by=["session_month"]
    )
    found = resumed(lake, window())
    assert (found.securities, found.needs_whole_series) == (set(), True)


def test_a_series_that_missed_the_session_before_begins_anew_and_its_past_is_not_read(lake: DeltaLake) -> None:
    there = [*DAYS[:69], DAYS[70]]
    write(lake, "gold.prices", [*prices("XKRX:000001", there), *prices("XKRX:000002", DAYS[:71])])
    stored = [feature(s, DAYS[68], 69) for s in ("XKRX:000001", "XKRX:000002")]
    write(lake, "gold.features_daily", [*stored, feature("XKRX:000002", DAYS[69], 70)])
    found = resumed(lake, window())
    assert (found.securities, found.needs_whole_series) == ({"XKRX:000001", "XKRX:000002"}, False)
    assert found.rows["security_id"].to_pylist() == ["XKRX:000002"]


def test_a_newly_listed_series_does_not_make_a_day_read_history(lake: DeltaLake) -> None:
    write(lake, "gold.prices", [*prices("XKRX:000001", DAYS[:71]), *prices("XKRX:000003", [TODAY])])
    write(lake, "gold.features_daily", [feature("XKRX:000001", DAYS[69], 70)])
    found = resumed(lake, window())
    assert (found.securities, found.needs_whole_series) == ({"XKRX:000001", "XKRX:000003"}, False)


def test_a_series_whose_features_of_the_session_before_are_not_there_is_read_whole(lake: DeltaLake) -> None:
    write(lake, "gold.prices", [*prices("XKRX:000001", DAYS[:71]), *prices("XKRX:000002", DAYS[:71])])
    write(lake, "gold.features_daily", [feature("XKRX:000002", DAYS[69], 70)])
    found = resumed(lake, window())
    assert (found.securities, found.needs_whole_series) == ({"XKRX:000002"}, True)


def test_a_series_back_from_a_hole_some_sessions_ago_has_a_short_history_and_goes_on(lake: DeltaLake) -> None:
    there = [*DAYS[:50], *DAYS[68:71]]
    write(lake, "gold.prices", prices("XKRX:000001", there))
    write(lake, "gold.features_daily", [feature("XKRX:000001", DAYS[69], 2)])
    assert resumed(lake, window()).securities == {"XKRX:000001"}


def test_a_build_over_the_whole_range_resumes_nothing_and_so_takes_the_formulas_of_now(lake: DeltaLake) -> None:
    write(lake, "gold.prices", prices("XKRX:000001", DAYS[:71]))
    write(lake, "gold.features_daily", [feature("XKRX:000001", day, i + 1) for i, day in enumerate(DAYS[:71])])
    asked = windows.widened(FEATURES, window(DAYS[0], DAYS[5]), lake)
    assert (asked.start, asked.end) == (DAYS[0], DAYS[70])
    found = resumed(lake, asked)
    assert (found.rows.num_rows, found.needs_whole_series) == (0, False)


def test_a_window_is_widened_by_what_a_label_restates_and_goes_on_to_the_last_price(lake: DeltaLake) -> None:
    write(lake, "gold.prices", prices("XKRX:000001", DAYS[:73]))
    asked = windows.widened(registry.table("gold.labels"), window(), lake)
    assert calendars.session_no("XKRX", TODAY) - calendars.session_no("XKRX", asked.start) >= 5
    assert asked.end == DAYS[72]


def test_every_exchange_has_the_sessions_that_a_read_looks_back() -> None:
    # New York was closed on Presidents' Day 2024-02-19, Seoul on 02-09 and 02-12
    back = windows.sessions_back(date(2024, 2, 20), 5)
    for exchange in calendars.EXCHANGES:
        assert len(calendars.sessions(exchange, back, date(2024, 2, 19))) >= 5
