"""Halts, administrative issues, listings, delistings and liquidations of a world, found again from what the exchange answered while every fault struck."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from bench.without_spark import silver_of
from exchange.faults.catalogue import FAULTS
from exchange.server import Server, serve
from market.errors import MarketlakeError
from tests.lake.conftest import Intake

pytestmark = pytest.mark.slow  # some four thousand requests

SESSIONS, AT_ONCE = 150, 8
TROUBLE = {
    "rate-limit": ":retry_after=0,first=2", "server-errors": ":first=2", "slow": ":delay=0.01", "cut": ":first=2",
    "truncated": ":first=2", "html": ":first=2", "bad-rows": ":share=0.2", "clock-skew": ":seconds=3600",
}  # fmt: skip


@pytest.fixture(scope="module")
def eventful() -> Iterator[Server]:
    """A world in which companies are halted, listed, liquidated and merged away."""
    with serve("synthetic:3", symbols=200, us_symbols=1, sessions=SESSIONS) as server:
        yield server


def fault(name: str, day: date) -> str:
    """That fault, a revision of the session's closes."""
    if name == "late-revision":
        return f"{name}:date={day},at=2020-01-01T00:00:00+00:00,code=all"
    return name + TROUBLE.get(name, "")


def listings_of(intake: Intake, sessions: list[date]) -> pd.DataFrame:
    """What silver.listings believes of everything that bronze holds."""
    rows = silver_of(intake.delta, ("silver.listings",), sessions)["silver.listings"]
    return rows[rows["known_until"].isna()]


def found(rows: pd.DataFrame, status: str) -> set[tuple[str, date, date | None]]:
    ours = rows[rows["status"] == status]
    lasts = [None if pd.isna(day) else day for day in ours["last_session"]]
    return set(zip(ours["security_id"].str.removeprefix("XKRX:"), ours["first_session"], lasts, strict=True))


def true_spells(world: Any, kind: str) -> set[tuple[str, date, date | None]]:
    """Spells of the truth within the world's sessions; one that reaches its last session goes on."""
    days = world.daily.sessions
    told = set()
    for event in world.truth["krx"][kind]:
        first, last = max(date.fromisoformat(event["date"]), days[0]), date.fromisoformat(event["last_date"])
        told.add((event["code"], first, None if last >= days[-1] else last))
    return told


def true_begins(world: Any) -> dict[str, date]:
    """First days of the codes that were listed within the world."""
    return {event["code"]: date.fromisoformat(event["date"]) for event in world.truth["krx"]["listings"]}


def true_listings(world: Any) -> set[tuple[str, date, date | None]]:
    """From the first session to the last of every code, by the truth's listings and delistings."""
    days = world.daily.sessions
    begins = true_begins(world)
    ends = {e["code"]: days[days.index(date.fromisoformat(e["date"])) - 1] for e in world.truth["krx"]["delistings"]}
    told = {world.daily.codes[at] for at in world.daily.code.tolist()}
    return {(code, begins.get(code, days[0]), ends.get(code)) for code in told}


def test_the_truth_is_found_again_with_every_fault_on_and_none_is_wrong(
    eventful: Server, make: Any, tmp_path: Path
) -> None:
    intake = Intake(make(lake_url=str(tmp_path), exchange_url=eventful.url, http_attempts=4))
    sessions, names = intake.sessions("krx"), sorted(FAULTS)
    chunks = [sessions[at : at + AT_ONCE] for at in range(0, len(sessions), AT_ONCE)]
    assert len(chunks) >= len(names)
    stopped: set[str] = set()
    for n, days in enumerate(chunks):
        name = names[n % len(names)]
        eventful.set_faults([fault(name, days[0])])
        try:
            intake.take("krx", days)
        except MarketlakeError:
            stopped.add(name)
    eventful.set_faults([])
    intake.take("krx", sessions)  # asked again once the trouble is over, as a person does
    rows = listings_of(intake, sessions)
    counts = {
        "listed": (found(rows, "listed"), true_listings(eventful.world)),
        "first_day": (
            found(rows, "first_day"),
            {(code, day, day) for code, day in true_begins(eventful.world).items()},
        ),
        "halted": (found(rows, "halted"), true_spells(eventful.world, "halts")),
        "administrative": (found(rows, "administrative"), true_spells(eventful.world, "administrative")),
        "liquidation": (found(rows, "liquidation"), true_spells(eventful.world, "liquidations")),
    }
    assert {"schema-drift", "empty-day", "stale-day"} <= stopped
    assert {name: len(ours ^ truth) for name, (ours, truth) in counts.items()} == dict.fromkeys(counts, 0)
    assert all(len(truth) > least for least, (_, truth) in zip((190, 0, 12, 0, 1), counts.values(), strict=True))
    delisted = {code for code, _, last in counts["listed"][1] if last}
    assert len(delisted) == 3 and len(counts["liquidation"][1]) == 2  # one was merged away
