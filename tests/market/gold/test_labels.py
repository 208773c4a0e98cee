"""gold.labels: a label needs a row one could enter at and one exactly five sessions later, and is known once both are."""

from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market import calendars
from market.datasets.gold import labels

EXAMPLES = settings(max_examples=25, deadline=None)
LATE = datetime(2024, 12, 31, 6, 30, tzinfo=UTC)
HALT: dict[str, Any] = {"is_halted": True, "open": None, "high": None, "low": None, "volume": 0}


@pytest.fixture(scope="module")
def built(rows_of: Any, sessions: Any, window: Any, days: Any) -> Any:
    """``built(bars, days)``: labels by place of the session in the calendar of the test (0 is its first day)."""
    calendar, place = sessions(days), {day: i for i, day in enumerate(days)}

    def run(bars: list[dict[str, Any]], of: list[date]) -> pd.DataFrame:
        made: pa.Table = labels.build(
            {"gold.prices": rows_of("gold.prices", bars), "silver.sessions": calendar}, window(of)
        )
        frame = made.to_pandas()
        frame["at"] = np.array([place[day] for day in frame["session_date"]], dtype=np.int64)
        return frame.set_index("at").sort_index()

    return run


def bars_of(days: list[date], closes: dict[int, float]) -> list[dict[str, Any]]:
    return [{"session_date": days[at], "close": close} for at, close in closes.items()]


def test_a_halt_of_three_sessions_and_a_fall_after_it(built: Any, days: Any) -> None:
    # halted on 3, 4, 5 at the last close; back on 6 at 30 % less
    closes = {at: 100.0 if at < 6 else 70.0 for at in range(12)}
    bars = bars_of(days, closes)
    for at in (3, 4, 5):
        bars[at] |= HALT
    found = built(bars, days[:12])
    assert found.index.to_list() == [0, 1, 2, 6], "nobody enters a halt, and the last five outcomes are not there yet"
    np.testing.assert_allclose(found["forward_return_5d"], [0.0, -0.3, -0.3, 0.0], atol=1e-12)
    assert found.at[1, "known_at"] == calendars.close_at("XKRX", days[6])


def test_no_label_reaches_across_a_hole(built: Any, days: Any) -> None:
    closes = {at: 100.0 + at for at in range(14) if at != 6}
    found = built(bars_of(days, closes), days[:14])
    assert found.index.to_list() == [0, 7, 8]
    np.testing.assert_allclose(found["forward_return_5d"], [105 / 100 - 1, 112 / 107 - 1, 113 / 108 - 1])


def test_a_delisted_security_s_last_five_sessions_have_no_label(built: Any, days: Any) -> None:
    gone = bars_of(days, {at: 100.0 + at for at in range(8)})
    stays = [bar | {"security_id": "XKRX:000660"} for bar in bars_of(days, dict.fromkeys(range(14), 50.0))]
    found = built([*stays, *gone], days[:14])
    assert found[found["security_id"] == "XKRX:005930"].index.to_list() == [0, 1, 2]
    assert found[found["security_id"] == "XKRX:000660"].index.to_list() == list(range(9))


def test_a_split_on_the_way_is_no_loss(built: Any, days: Any) -> None:
    bars = bars_of(days, {at: 100.0 if at < 3 else 55.0 for at in range(6)})
    for bar in bars[3:]:
        bar["cumulative_factor"] = 0.5
    np.testing.assert_allclose(built(bars, days[:6])["forward_return_5d"], [0.10])


def test_a_label_is_known_when_the_later_told_of_its_two_closes_is(built: Any, days: Any) -> None:
    bars = bars_of(days, dict.fromkeys(range(8), 100.0))
    bars[1]["known_at"], bars[7]["known_at"] = LATE, LATE
    known = built(bars, days[:8])["known_at"].to_list()
    assert known == [calendars.close_at("XKRX", days[5]), LATE, LATE]


def test_only_the_window_s_sessions_are_made(built: Any, days: Any) -> None:
    bars = bars_of(days, {at: 100.0 + at for at in range(12)})
    assert built(bars, days[2:5]).index.to_list() == [2, 3, 4]
    assert built(bars[:4], days[:4]).empty


@EXAMPLES
@given(
    missing=st.sets(st.integers(0, 29), max_size=10),
    halted=st.sets(st.integers(0, 29), max_size=10),
    cut=st.integers(5, 29),
)
def test_a_day_s_window_has_the_bits_of_the_whole(
    built: Any, days: Any, missing: set[int], halted: set[int], cut: int
) -> None:
    rng = np.random.default_rng(3)
    bars = bars_of(days, {at: close for at, close in enumerate(rng.uniform(50, 200, 30)) if at not in missing})
    bars = [bar | HALT if bar["session_date"] in {days[at] for at in halted} else bar for bar in bars]
    reach = [bar for bar in bars if days[cut - 5] <= bar["session_date"]]
    whole, part = built(bars, days[:30]), built(reach, days[cut - 5 : 30])
    pd.testing.assert_frame_equal(part, whole[whole.index >= cut - 5])
