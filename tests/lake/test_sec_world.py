"""SEC at the exchange, taken into bronze: a backfill is the sum of its days, and every filing and figure of the world is there."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from exchange.server import Server, serve
from lake.clients import sec
from market import edgar, registry
from tests.lake.conftest import Intake


@pytest.fixture(scope="module")
def spring() -> Iterator[Server]:
    """A world that reaches back to the reports of April and May."""
    with serve("synthetic:7", symbols=12, us_symbols=3, sessions=50) as server:
        yield server


def test_day_by_day_gives_what_a_backfill_gives(spring: Server, make: Any, tmp_path: Path) -> None:
    lakes = [Intake(make(lake_url=str(tmp_path / name), exchange_url=spring.url)) for name in ("whole", "daily")]
    sessions = [day for day in lakes[0].sessions("sec") if date(2024, 5, 1) <= day <= date(2024, 5, 9)]
    lakes[0].take("sec", sessions)
    for day in sessions:
        lakes[1].take("sec", [day])
    for name in sec.TABLES[1:]:
        table = registry.table(name)
        own = [c.name for c in table.columns if c.name not in ("fetched_at", "known_at", "landing_path")]
        both = [lake.delta.read(table).select(own).sort_by([(c, "ascending") for c in own]) for lake in lakes]
        assert both[0].num_rows > 0
        assert both[0].equals(both[1])


def test_every_filing_and_figure_of_the_world_is_delivered_with_its_true_instant(
    spring: Server, make: Any, tmp_path: Path
) -> None:
    intake = Intake(make(lake_url=str(tmp_path), exchange_url=spring.url))
    sessions = intake.sessions("sec")
    intake.take("sec", sessions)
    registrants = spring.world.registrants.values()
    accepted = {f.accession: datetime.fromtimestamp(f.accepted_at, UTC) for r in registrants for f in r.filings}
    due = {number: at for number, at in accepted.items() if edgar.session_of(at) >= sessions[0]}
    filings, figures = (intake.delta.read(registry.table(name)).to_pylist() for name in sec.TABLES[1:])
    assert {row["accessionNumber"]: row["accepted_at"] for row in filings} == due
    told = {
        (row["accn"], row["concept"], row["start"], row["end"]): (row["val"], row["accepted_at"]) for row in figures
    }
    assert len(told) == len(figures) > 40
    assert told == {
        (f.accession, f.concept, f.start and f.start.isoformat(), f.end.isoformat()): (f.value, due[f.accession])
        for r in registrants for f in r.reported if f.accession in due
    }  # fmt: skip
