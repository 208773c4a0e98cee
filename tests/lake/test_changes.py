"""A past session restated: what reads it is built again, and nothing else; the rows are those of a build of everything."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from lake import changes
from lake.delta import DeltaLake
from lake.explain_commits import commit_note
from lake.settings import Settings
from lake.windows import between, bounds
from market import calendars, registry
from market.table import Window

NOW = datetime(2024, 12, 2, tzinfo=UTC)
DAYS = calendars.sessions("XKRX", date(2024, 1, 2), date(2024, 11, 29))[:180]
PRICES, FEATURES = registry.table("gold.prices"), registry.table("gold.alpha158")
LOOKBACK = 60


@dataclass
class Desk:
    """A lake with prices and the features made of them."""

    delta: DeltaLake
    prices: pd.DataFrame

    def write_prices(self, first: date) -> None:
        """What gold.prices does: everything from that session on."""
        rows = PRICES.conform(
            pa.Table.from_pandas(self.prices[self.prices["session_date"] >= first], preserve_index=False)
        )
        window = Window(first, DAYS[-1], NOW)
        self.delta.replace(PRICES, rows, window, commit_note(PRICES, "0" * 40, window))

    def build(self, asked: Window) -> Window:
        """Features of the window with what follows; the window."""
        read = changes.versions_read(FEATURES, self.delta)
        window = changes.followed(FEATURES, asked, self.delta)
        self.delta.replace(FEATURES, self.made(window), window, commit_note(FEATURES, "0" * 40, window, read))
        return window

    def made(self, window: Window) -> pa.Table:
        """Rows of the window, from the rows that its contract reads."""
        main = changes.followed_read(FEATURES)
        limits = bounds(main, window)
        assert limits is not None and FEATURES.build is not None
        frames = {
            "gold.prices": self.delta.read(PRICES, where=between(*limits)),
            "silver.sessions": self.delta.read(registry.table("silver.sessions")),
        }
        return FEATURES.build(frames, window)

    def stored(self) -> pa.Table:
        """All rows of the features."""
        return self.delta.read(FEATURES).sort_by([("security_id", "ascending"), ("session_date", "ascending")])


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """All of it built; the features' commit says of which version."""
    delta = DeltaLake(Settings(_env_file=None, lake_url=str(tmp_path / "lake")))
    sessions = registry.table("silver.sessions")
    window = Window(DAYS[0], DAYS[-1], NOW)
    assert sessions.build is not None
    delta.replace(sessions, sessions.conform(sessions.build({}, window)), window)
    made = Desk(delta, _bars())
    made.write_prices(DAYS[0])
    assert made.build(window) == window
    return made


def _bars() -> pd.DataFrame:
    rng, frames = np.random.default_rng(5), []
    for code in ("000660", "005930"):
        close = np.round(50_000 * np.exp(np.cumsum(rng.normal(0, 0.02, len(DAYS)))))
        columns = {
            name: close + step for name, step in {"open": 0.0, "high": 300.0, "low": -300.0, "close": 0.0}.items()
        }
        frames.append(pd.DataFrame({
            "security_id": f"XKRX:{code}", "symbol": code, "exchange": "XKRX", "market": "KOSPI", "currency": "KRW", "session_date": DAYS,
            "session_month": [f"{day:%Y-%m}" for day in DAYS], **columns, "volume": rng.integers(1_000, 9_000, len(DAYS)), "value": close * 5e3,
            "base_price": close, "factor": 1.0, "cumulative_factor": 1.0, "is_halted": False,
            "known_at": [pd.Timestamp(day, tz="UTC") + pd.Timedelta(hours=7) for day in DAYS],
        }))  # fmt: skip
    rows = pd.concat(frames, ignore_index=True)
    return rows.reindex(columns=[column.name for column in PRICES.columns])


def corrected(rows: pd.DataFrame, at: int) -> None:
    is_it = (rows["security_id"] == "XKRX:005930") & (rows["session_date"] == DAYS[at])
    rows.loc[is_it, "close"] += 100.0


def split(rows: pd.DataFrame, at: int) -> None:
    later = (rows["security_id"] == "XKRX:005930") & (rows["session_date"] >= DAYS[at])
    rows.loc[later, "cumulative_factor"] = 0.5


@pytest.mark.parametrize(("change", "last"), [(corrected, 50 + LOOKBACK), (split, len(DAYS) - 1)])
def test_a_restated_session_is_followed_as_far_as_it_is_read_and_gives_the_rows_of_a_whole_build(
    desk: Desk, change: Callable[[pd.DataFrame, int], None], last: int
) -> None:
    change(desk.prices, 50)
    desk.write_prices(DAYS[50])
    asked = Window(DAYS[50], DAYS[50], NOW)
    assert desk.build(asked) == replace(asked, end=DAYS[last])
    whole = desk.made(Window(DAYS[0], DAYS[-1], NOW)).sort_by(
        [("security_id", "ascending"), ("session_date", "ascending")]
    )
    assert desk.stored().equals(whole)
    assert desk.build(asked) == asked, "nothing has changed since"


def test_what_changed_while_a_build_did_not_end_is_made_up_for(desk: Desk) -> None:
    corrected(desk.prices, 50)
    desk.write_prices(DAYS[50])  # and no features
    asked = Window(DAYS[-1], DAYS[-1], NOW)
    desk.write_prices(DAYS[-1])
    assert desk.build(asked) == Window(DAYS[50], DAYS[-1], NOW)
    assert desk.stored().equals(
        desk.made(Window(DAYS[0], DAYS[-1], NOW)).sort_by([("security_id", "ascending"), ("session_date", "ascending")])
    )


def test_a_day_after_the_others_is_built_alone(desk: Desk) -> None:
    desk.write_prices(DAYS[-1])
    asked = Window(DAYS[-1], DAYS[-1], NOW)
    assert changes.changes(FEATURES, asked, desk.delta) == changes.Changes()
    assert desk.build(asked) == asked


@pytest.mark.parametrize("note", ["", commit_note(FEATURES, "0" * 40, Window(DAYS[0], DAYS[-1], NOW))])
def test_where_no_commit_says_what_it_read_everything_later_is_built(desk: Desk, note: str) -> None:
    whole = Window(DAYS[0], DAYS[-1], NOW)
    desk.delta.replace(FEATURES, desk.made(whole), whole, note)
    asked = Window(DAYS[50], DAYS[50], NOW)
    assert desk.build(asked) == replace(asked, end=DAYS[-1])


def test_a_commit_of_prices_that_says_nothing_counts_as_a_change_of_everything(desk: Desk) -> None:
    window = Window(DAYS[50], DAYS[-1], NOW)
    rows = desk.delta.read(PRICES, where=between(DAYS[50], DAYS[-1]))
    desk.delta.replace(PRICES, rows, window, "")
    asked = Window(DAYS[50], DAYS[50], NOW)
    assert desk.build(asked) == replace(asked, end=DAYS[-1])


def test_tables_that_follow_read_one_table_back_and_keep_no_state() -> None:
    following = [table for table in registry.tables().values() if table.follows]
    assert {table.name for table in following} == {"gold.alpha158", "gold.patterns", "gold.levels"}
    for table in following:
        roles = [read.role for read in table.reads]
        assert roles.count("main") == 1 and "state" not in roles and not table.carries
        assert changes.followed_read(table).history is not None
