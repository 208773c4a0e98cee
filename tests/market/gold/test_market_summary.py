"""gold.market_summary: a board's session, known once its bars and the returns over them are."""

from datetime import UTC, date, datetime
from typing import Any

import numpy as np

from market import calendars, registry
from market.datasets.gold import market_summary

DAY, LATE = date(2024, 5, 7), datetime(2024, 6, 10, 6, 30, tzinfo=UTC)
JOINED = {"return_1d": "float64", "features_known_at": "timestamp"}


def summary(rows_of: Any, window: Any, said: list[dict[str, Any]]) -> dict[str, Any]:
    bars = [{"session_date": DAY, "security_id": f"XKRX:00000{i}", **row} for i, row in enumerate(said)]
    rows = market_summary.build({"gold.prices": rows_of("gold.prices", bars, **JOINED)}, window([DAY]))
    (row,) = rows.to_pylist()
    return row


def test_counts_and_returns_worked_by_hand(rows_of: Any, window: Any) -> None:
    # capitalisations before: 110 / 1.1 = 100 and 285 / 0.95 = 300; weighted (10 - 15) / 400
    said = [
        {"return_1d": 0.10, "market_cap": 110.0},
        {"return_1d": -0.05, "market_cap": 285.0},
        {"return_1d": 0.0, "is_halted": True, "volume": 0},
    ]
    row = summary(rows_of, window, said)
    counted = [row[f"n_{name}"] for name in ("securities", "advanced", "declined", "unchanged", "halted")]
    assert counted == [3, 1, 1, 0, 1]
    np.testing.assert_allclose([row["median_return"], row["weighted_return"]], [0.025, -5 / 400])


def test_a_security_back_from_a_hole_has_no_return_to_count(rows_of: Any, window: Any) -> None:
    row = summary(rows_of, window, [{"return_1d": 0.10, "market_cap": 110.0}, {"return_1d": None}])
    assert (row["n_securities"], row["n_advanced"], row["n_declined"], row["n_unchanged"]) == (2, 1, 0, 0)
    np.testing.assert_allclose([row["median_return"], row["weighted_return"]], [0.10, 0.10])


def test_it_is_known_when_the_last_of_its_inputs_is(rows_of: Any, window: Any) -> None:
    close = calendars.close_at("XKRX", DAY)
    plain: dict[str, Any] = {"return_1d": 0.1, "features_known_at": close}
    assert summary(rows_of, window, [plain, plain])["known_at"] == close
    assert summary(rows_of, window, [plain, plain | {"features_known_at": LATE}])["known_at"] == LATE
    assert summary(rows_of, window, [plain, plain | {"known_at": LATE}])["known_at"] == LATE
    features = next(read for read in registry.table("gold.market_summary").reads if read.role == "join")
    assert features.joined["features_known_at"] == "known_at"
