"""gold.alpha158: a day reads what windows reach and no more, with the bits of a build of all sessions at once."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from market import calendars
from market.datasets.gold import alpha158
from market.errors import Permanent

PAIR = ("XKRX:000660", "XKRX:005930")
LATE = datetime(2025, 6, 30, 6, 30, tzinfo=UTC)
REACH = alpha158.program().lookback


@pytest.fixture(scope="module")
def build(rows_of: Any, sessions: Any, window: Any, days: Any) -> Any:
    """``build(bars, days)``: features of the days from those bars."""
    calendar = sessions(days)

    def run(bars: pa.Table | list[dict[str, Any]], of: Sequence[date]) -> pa.Table:
        rows = bars if isinstance(bars, pa.Table) else rows_of("gold.prices", bars)
        made = alpha158.build({"gold.prices": rows, "silver.sessions": calendar}, window(of))
        return made.sort_by([("session_date", "ascending"), ("security_id", "ascending")])

    return run


def walk(days: Sequence[date], security: str = PAIR[1], seed: int = 5) -> list[dict[str, Any]]:
    """A seeded random walk with a halt and a split in it."""
    close = 1e4 * np.exp(np.cumsum(np.random.default_rng(seed).normal(0, 0.02, len(days))))
    bars = [
        {
            "session_date": day, "security_id": security, "open": c * 0.997, "high": c * 1.01, "low": c * 0.99, "close": c,
            "volume": 1000 + 7 * i % 90, "value": c * (1000 + 7 * i % 90), "known_at": calendars.close_at("XKRX", day),
            "cumulative_factor": 1.0 if i < 65 else 0.5,
        }
        for i, (day, c) in enumerate(zip(days, close, strict=True))
    ]  # fmt: skip
    bars[40] |= {"is_halted": True, "open": None, "high": None, "low": None, "volume": 0, "value": 0.0}
    return bars


def test_a_day_reads_sixty_sessions_and_has_the_bits_of_the_whole(build: Any, rows_of: Any, days: Any) -> None:
    some = days[:90]
    gone = {(some[77], PAIR[0]), (some[80], PAIR[1]), (some[30], PAIR[1])}
    bars = [*walk(some, PAIR[0], 1), *walk(some, PAIR[1], 2)]
    bars = [bar for bar in bars if (bar["session_date"], bar["security_id"]) not in gone]
    bars[12]["known_at"] = bars[120]["known_at"] = LATE
    rows = rows_of("gold.prices", bars)
    whole = build(rows, some)
    for at in range(62, 90):
        read = pc.and_(
            pc.greater_equal(rows["session_date"], some[at - REACH]), pc.less_equal(rows["session_date"], some[at])
        )
        one = build(rows.filter(read), [some[at]])
        assert one.equals(whole.filter(pc.equal(whole["session_date"], some[at]))), some[at]


def test_values_are_kept_in_single_precision(build: Any, days: Any) -> None:
    made = build(walk(days[:70]), days[:70])
    bars = walk(days[:70])
    assert made.schema.field("ma5").type == pa.float32()
    expected = np.float32(
        np.mean([bar["close"] / bar["cumulative_factor"] for bar in bars[65:70]]) / (bars[69]["close"] / 0.5)
    )
    assert made["ma5"][69].as_py() == pytest.approx(expected, rel=1e-7)


def test_a_row_is_known_when_the_last_price_that_its_windows_reach_is(build: Any, days: Any) -> None:
    bars = walk(days[:75])
    bars[2]["known_at"] = LATE
    known = build(bars, days[:75])["known_at"].to_pylist()
    assert known[1] == bars[1]["known_at"]
    assert known[2 : 2 + REACH + 1] == [LATE] * (REACH + 1)
    assert known[2 + REACH + 1] == bars[2 + REACH + 1]["known_at"]


def test_a_hole_starts_a_series_anew(build: Any, days: Any) -> None:
    bars = walk(days[:80])
    after = build([*bars[:50], *bars[51:]], days[51:80])
    assert after.equals(build(bars[51:], days[51:80]))


def test_no_rows_make_no_rows_and_a_session_that_is_not_there_is_named(build: Any, rows_of: Any, days: Any) -> None:
    assert build(rows_of("gold.prices", []), days[:3]).num_rows == 0
    with pytest.raises(Permanent, match=r"gold\.alpha158.*XKRX 2024-03-29"):
        build([{"session_date": date(2024, 3, 29)}], days[:9])
