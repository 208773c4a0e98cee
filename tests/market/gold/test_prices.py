"""gold.prices: a row is known once everything in it is: the bar, every factor up to it, and the count of headlines."""

from datetime import UTC, date, datetime
from typing import Any

import pandas as pd
import pytest

from market import calendars, registry
from market.datasets.gold import prices

SPLIT, LATE = date(2024, 5, 3), datetime(2024, 6, 10, 6, 30, tzinfo=UTC)
WITH_NEWS = {"n_headlines": "float64", "news_known_at": "timestamp"}


@pytest.fixture
def built(rows_of: Any, window: Any) -> Any:
    """``built(bars, factors)``: gold rows by security and session."""

    def run(bars: list[dict[str, Any]], factors: list[dict[str, Any]]) -> pd.DataFrame:
        frames = {
            "silver.prices": rows_of("silver.prices", bars, **WITH_NEWS),
            "silver.adjustments": rows_of("silver.adjustments", factors),
        }
        made = prices.build(frames, window([bar["session_date"] for bar in bars])).to_pandas()
        return made.set_index(["security_id", "session_date"]).sort_index()

    return run


def close_of(day: date) -> datetime:
    return calendars.close_at("XKRX", day)


def test_a_row_is_not_known_before_every_factor_in_its_product(built: Any, days: Any) -> None:
    bars = [{"session_date": day} for day in days if date(2024, 5, 2) <= day <= date(2024, 5, 8)]
    rows = built(bars, [{"session_date": SPLIT, "factor": 0.5, "known_at": LATE}]).loc["XKRX:005930"]
    assert rows["cumulative_factor"].to_list() == [1.0, 0.5, 0.5, 0.5]
    assert rows["factor"].to_list() == [1.0, 0.5, 1.0, 1.0]
    assert rows["known_at"].to_list() == [close_of(date(2024, 5, 2)), LATE, LATE, LATE]


def test_a_factor_told_late_outlasts_a_later_one_told_in_time(built: Any, days: Any) -> None:
    later = date(2024, 5, 7)
    factors = [{"session_date": later, "factor": 2.0}, {"session_date": SPLIT, "factor": 0.5, "known_at": LATE}]
    rows = built([{"session_date": date(2024, 5, 8)}], factors).loc["XKRX:005930"]
    assert (rows["cumulative_factor"].item(), rows["known_at"].item()) == (1.0, LATE)


def test_another_security_s_factor_and_a_later_one_say_nothing(built: Any) -> None:
    factors = [
        {"session_date": SPLIT, "factor": 0.5, "known_at": LATE, "security_id": "XKRX:000660"},
        {"session_date": date(2024, 5, 9), "factor": 0.5, "known_at": LATE},
    ]
    rows = built([{"session_date": date(2024, 5, 8)}], factors).loc["XKRX:005930"]
    assert rows["known_at"].item() == close_of(date(2024, 5, 8))


def test_a_bar_told_after_its_factors_keeps_its_own_instant(built: Any) -> None:
    told = datetime(2024, 7, 1, 9, tzinfo=UTC)
    rows = built([{"session_date": date(2024, 5, 8), "known_at": told}], [{"session_date": SPLIT, "factor": 0.5}])
    assert rows["known_at"].item() == told


def test_a_count_of_headlines_fetched_late_makes_the_row_late(built: Any) -> None:
    days = [date(2024, 5, 7), date(2024, 5, 8)]
    bars: list[dict[str, Any]] = [{"session_date": day, "n_headlines": 3.0, "news_known_at": LATE} for day in days[:1]]
    rows = built([*bars, {"session_date": days[1]}], []).loc["XKRX:005930"]
    assert rows["known_at"].to_list() == [LATE, close_of(days[1])]
    assert rows["n_headlines"].to_list()[0] == 3.0
    assert rows["n_headlines"].isna().to_list() == [False, True]


def test_the_contract_asks_for_the_news_with_their_instant() -> None:
    news = next(read for read in registry.table("gold.prices").reads if read.role == "join")
    assert news.joined == {"n_headlines": "n_headlines", "news_known_at": "known_at"}


def test_rows_built_one_session_at_a_time_are_the_rows_of_all_at_once(rows_of: Any, window: Any, days: Any) -> None:
    some = [day for day in days if date(2024, 5, 2) <= day <= date(2024, 5, 20)]
    bars = [{"session_date": day, "security_id": s} for s in ("XKRX:005930", "XKRX:000660") for day in some]
    factors = [
        {"session_date": some[1], "factor": 0.5, "known_at": LATE},
        {"session_date": some[4], "factor": 2.0},
        {"session_date": some[2], "factor": 3.0, "security_id": "XKRX:000660"},
    ]
    ledger = rows_of("silver.adjustments", factors)

    def run(of: list[date]) -> pd.DataFrame:
        told = rows_of("silver.prices", [bar for bar in bars if bar["session_date"] in of], **WITH_NEWS)
        return prices.build({"silver.prices": told, "silver.adjustments": ledger}, window(of)).to_pandas()

    parts, key = pd.concat([run([day]) for day in some]), ["security_id", "session_date"]
    whole = run(some).sort_values(key, ignore_index=True)
    pd.testing.assert_frame_equal(parts.sort_values(key, ignore_index=True), whole)
