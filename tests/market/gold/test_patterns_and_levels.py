"""gold.patterns and gold.levels: a day reads what can be in a pattern or level and no more; prices are those of the session."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from market import calendars, registry
from market.table import Window

PAIR = ("XKRX:000660", "XKRX:005930")
DAYS = calendars.sessions("XKRX", date(2022, 7, 1), date(2024, 12, 30))[:420]
SPLIT = 330
NOW = datetime(2025, 1, 2, tzinfo=UTC)
TABLES = ["gold.patterns", "gold.levels"]


def walk(security: str, seed: int) -> list[dict[str, Any]]:
    """A seeded random walk of 420 sessions with a halt, a session missed, and a split in two at session 330."""
    rng = np.random.default_rng(seed)
    close = 1e4 * np.exp(np.cumsum(rng.normal(0, 0.02, len(DAYS))))
    spread, volume = rng.uniform(0.002, 0.02, (2, len(DAYS))), rng.integers(1000, 9000, len(DAYS))
    bars = []
    for i, day in enumerate(DAYS):
        raw = close[i] / (1 if i < SPLIT else 2)
        bars.append({
            "session_date": day, "security_id": security, "open": raw, "high": raw * (1 + spread[0, i]), "low": raw * (1 - spread[1, i]),
            "close": raw, "volume": int(volume[i]), "cumulative_factor": 1.0 if i < SPLIT else 0.5, "known_at": calendars.close_at("XKRX", day),
        })  # fmt: skip
    bars[200] |= {"is_halted": True, "open": None, "high": None, "low": None, "volume": 0}
    return [bar for i, bar in enumerate(bars) if (i, security) != (120, PAIR[0])]


@pytest.fixture(scope="module")
def bars(rows_of: Any) -> pa.Table:
    return rows_of("gold.prices", [*walk(PAIR[0], 3), *walk(PAIR[1], 4)])


@pytest.fixture(scope="module")
def build(sessions: Any) -> Any:
    """``build(table, bars, days)``: its rows of the days, in the order of its key."""
    calendar = sessions(DAYS)

    def run(name: str, bars: pa.Table, of: Sequence[date]) -> pa.Table:
        table = registry.table(name)
        assert table.build is not None
        made = table.build({"gold.prices": bars, "silver.sessions": calendar}, Window(min(of), max(of), NOW))
        return made.sort_by([(key, "ascending") for key in ("session_date", *table.key)])

    return run


@pytest.fixture(scope="module")
def whole(build: Any, bars: pa.Table) -> dict[str, pa.Table]:
    return {name: build(name, bars, DAYS) for name in TABLES}


@pytest.mark.parametrize("name", TABLES)
def test_a_day_that_reads_its_history_has_the_bits_of_the_whole(
    build: Any, bars: pa.Table, whole: Any, name: str
) -> None:
    history = next(read.history for read in registry.table(name).reads if read.role == "main")
    assert registry.table(name).follows, "a factor of long ago rescales, and dates, what is told now"
    found = 0
    for at in range(history + 20, len(DAYS), 3):
        read = pc.and_(
            pc.greater_equal(bars["session_date"], DAYS[at - history]), pc.less_equal(bars["session_date"], DAYS[at])
        )
        one = build(name, bars.filter(read), [DAYS[at]])
        assert one.equals(whole[name].filter(pc.equal(whole[name]["session_date"], DAYS[at]))), DAYS[at]
        found += one.num_rows
    assert found


@pytest.mark.parametrize("name", TABLES)
def test_what_is_known_later_changes_nothing_that_was_told(build: Any, bars: pa.Table, whole: Any, name: str) -> None:
    early = bars.filter(pc.less_equal(bars["session_date"], DAYS[300]))
    upto = whole[name].filter(pc.less_equal(whole[name]["session_date"], DAYS[300]))
    assert build(name, early, DAYS[:301]).equals(upto) and upto.num_rows > 5


def test_a_pattern_s_prices_are_those_of_its_session_and_its_pivots_lie_before_it(bars: pa.Table, whole: Any) -> None:
    rows = whole["gold.patterns"].to_pandas()
    raw = bars.to_pandas().set_index(["security_id", "session_date"])["close"]
    assert (rows["session_date"] >= DAYS[SPLIT]).any() and (rows["session_date"] < DAYS[SPLIT]).any()
    for row in rows.itertuples():
        assert row.close == raw[row.security_id, row.session_date]
        assert row.failure_level * row.direction < row.close * row.direction < row.target * row.direction
        pivots = [day for n in range(1, 6) if (day := getattr(row, f"pivot_{n}_date")) is not None]
        assert [row.start_date, *pivots, row.session_date] == sorted([row.start_date, *pivots, row.session_date])
    assert set(rows["pattern"]) <= set(registry.table("gold.patterns").column("pattern").rules[0].values)


def test_a_level_keeps_its_adjusted_price_and_tells_it_on_the_scale_of_each_session(whole: Any) -> None:
    rows = whole["gold.levels"].to_pandas()
    assert (rows.groupby(["security_id", "level_id"])["adjusted_price"].nunique() == 1).all()
    after = rows["session_date"] >= DAYS[SPLIT]
    np.testing.assert_array_equal(rows.loc[after, "price"], rows.loc[after, "adjusted_price"] * 0.5)
    np.testing.assert_array_equal(rows.loc[~after, "price"], rows.loc[~after, "adjusted_price"])
    lived_through = rows[after & (rows["formed_date"] < DAYS[SPLIT])]
    assert len(lived_through), "levels from before the split are touched and broken after it"
    broken = rows[rows["event"] == "broken"].set_index(["security_id", "level_id"])["session_date"]
    last = rows.groupby(["security_id", "level_id"])["session_date"].max()
    assert (last[broken.index] == broken).all(), "nothing happens to a level that is broken"


@pytest.mark.parametrize("name", TABLES)
def test_a_row_is_known_when_the_last_bar_that_it_was_found_in_is(
    build: Any, rows_of: Any, whole: Any, name: str
) -> None:
    late = datetime(2026, 1, 1, tzinfo=UTC)
    told = [bar | ({"known_at": late} if bar["session_date"] == DAYS[150] else {}) for bar in walk(PAIR[1], 4)]
    rows = build(name, rows_of("gold.prices", told), DAYS).to_pandas()
    within = (rows["session_date"] >= DAYS[150]) & (rows["session_date"] <= DAYS[400])
    assert (rows.loc[within, "known_at"] == late).all() and within.any()
    assert (rows.loc[~within, "known_at"] != late).all()
