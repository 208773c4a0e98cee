"""What the calendar says of a session, to formulas: known before it, and nothing of what comes after."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from market import calendars
from market.errors import Permanent
from market.features.algebra import col, cs_demean, equal, where
from market.features.definition import Feature
from market.features.inputs import CALENDAR, inputs_of
from market.features.sections import compile_features


def rows_of(exchange: str, days: list[date]) -> pd.DataFrame:
    bar = dict.fromkeys(("open", "high", "low", "close"), 100.0)
    return pd.DataFrame({"exchange": exchange, "session_date": days}).assign(**bar, volume=10, cumulative_factor=1.0)


def told(exchange: str, days: list[date], name: str) -> list[float]:
    program = compile_features([Feature("x", col(name) + 0, "Under test.", "1", "ours")])
    return list(inputs_of(program, rows_of(exchange, days))[name])


@pytest.mark.parametrize(
    ("exchange", "day", "expected"),
    [
        # the Lunar New Year of 2024: Friday 9 to Monday 12 February closed
        ("XKRX", date(2024, 2, 13), {"weekday": 1, "month": 2, "days_since_session": 5, "session_of_month": 7}),
        ("XKRX", date(2024, 2, 1), {"weekday": 3, "month": 2, "days_since_session": 1, "session_of_month": 1}),
        # Presidents' Day
        ("XNYS", date(2024, 2, 20), {"weekday": 1, "month": 2, "days_since_session": 4, "session_of_month": 13}),
    ],
)
def test_the_calendar_of_a_session(exchange: str, day: date, expected: dict[str, float]) -> None:
    assert {name: told(exchange, [day], name)[0] for name in CALENDAR} == expected


def test_a_formula_may_read_the_calendar_beside_prices() -> None:
    days = calendars.sessions("XKRX", date(2024, 4, 1), date(2024, 4, 30))
    program = compile_features(
        [Feature("x", where(equal(col("weekday"), 0), col("close"), 0), "Mondays.", "price", "ours")]
    )
    rows = rows_of("XKRX", days)
    found = program.run(inputs_of(program, rows), np.array([0, len(rows)])).values["x"]
    assert list(found) == [100.0 if day.weekday() == 0 else 0.0 for day in days]


def test_what_comes_later_changes_nothing() -> None:
    days = calendars.sessions("XKRX", date(2024, 1, 2), date(2024, 3, 29))
    for name in CALENDAR:
        assert told("XKRX", days, name)[:20] == told("XKRX", days[:20], name)


def test_a_sector_holds_from_the_session_that_told_it_and_neutral_means_within_it() -> None:
    days = calendars.sessions("XKRX", date(2024, 4, 1), date(2024, 4, 3))
    parts = [
        rows_of("XKRX", days).assign(security_id=name, close=close)
        for name, close in zip("abcd", (10.0, 20.0, 40.0, 5.0), strict=True)
    ]
    rows = pd.concat(parts, ignore_index=True)
    begins = [("a", 0, "steel"), ("b", 0, "steel"), ("c", 0, "chips"), ("b", 2, "chips")]
    told = pd.DataFrame([
        {"security_id": s, "session_date": days[at], "sector_scheme": "krx", "sector": name, "known_at": calendars.close_at("XKRX", days[at])}
        for s, at, name in begins
    ])  # fmt: skip
    program = compile_features([Feature("x", cs_demean(col("close"), by="sector"), "Neutral.", "price", "ours")])
    offsets, numbers = np.arange(0, 13, 3), np.tile(np.arange(3), 4)
    found = program.run(inputs_of(program, rows, told), offsets, session_numbers=numbers).values["x"]
    np.testing.assert_array_equal(
        found.reshape(4, 3), [[-5.0, -5.0, 0.0], [5.0, 5.0, -10.0], [0.0, 0.0, 10.0], [np.nan] * 3]
    )
    late = told.assign(known_at=[calendars.close_at("XKRX", days[1])] * 2 + list(told["known_at"][2:]))
    found = program.run(inputs_of(program, rows, late), offsets, session_numbers=numbers).values["x"]
    np.testing.assert_array_equal(
        found.reshape(4, 3)[0], [np.nan, -5.0, 0.0], "a sector that was told later is not used before"
    )
    with pytest.raises(Permanent, match="sectors beside the prices"):
        inputs_of(program, rows)
