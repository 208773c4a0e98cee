"""silver.prices and silver.corporate_actions from Yahoo: later splits undone, what no split touched exact, a rescale no revision."""

from datetime import date
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from expectations.judge import judge
from market import registry


def float32(value: float) -> float:
    """A figure as Yahoo sends it: a float32, widened."""
    return float(pd.Series([value], dtype="float32").astype("float64").iloc[0])


def bar(close: float, **more: Any) -> dict[str, Any]:
    """A bar with one price."""
    return {"open": close, "high": close, "low": close, "close": close, **more}


def closes(silver: Any, *told: pa.Table) -> list[float]:
    return silver("silver.prices", *told)["close"].tolist()


@pytest.mark.parametrize("close", [621_345.67, 123.4567, 0.012345, 28.875, 1_234_567.89])
def test_a_price_without_later_splits_is_exactly_what_was_delivered(close: float, answer: Any, silver: Any) -> None:
    assert closes(silver, answer("bronze.yahoo_chart", "2024-05-03 22:00", bar(close))) == [close]


@pytest.mark.parametrize("close", [189.99, 2_785.58, 0.07, 45_123.45])
def test_a_float32_stands_for_the_figure_at_the_decimals_that_are_meant(close: float, answer: Any, silver: Any) -> None:
    assert float32(close) != close
    assert closes(silver, answer("bronze.yahoo_chart", "2024-05-03 22:00", bar(float32(close)))) == [close]


@pytest.mark.parametrize(
    ("close", "ratio"), [(180.12, 4.0), (2_785.58, 20.0), (100.01, 3.0), (5.01, 0.125), (645.57, 7.0)]
)
def test_a_later_split_is_undone_to_the_price_of_the_day_and_is_no_revision(
    close: float, ratio: float, answer: Any, silver: Any
) -> None:
    before = bar(close, volume=1_001.0)
    after = bar(float32(round(close / ratio, 6)), volume=float(round(1_001 * ratio)), later_splits=ratio)
    first = answer("bronze.yahoo_chart", "2024-05-03 22:00", before)
    again = answer("bronze.yahoo_chart", "2024-09-03 22:00", after)
    rows = silver("silver.prices", first, again)
    assert rows["close"].tolist() == [close]
    assert rows["volume"].tolist() == [1_001]
    assert closes(silver, again) == pytest.approx([close], rel=1e-6)


def test_a_price_below_a_cent_is_not_rounded_to_one(answer: Any, silver: Any) -> None:
    # 1.50 after a consolidation of 100 to 1 was 0.015 on the day
    told = answer("bronze.yahoo_chart", "2024-09-03 22:00", bar(1.5, later_splits=0.01))
    assert closes(silver, told) == pytest.approx([0.015], rel=1e-9)


def test_a_reverse_split_does_not_alter_a_volume_told_before_it(answer: Any, silver: Any) -> None:
    # 1,001 shares are delivered as 125 after one for eight, which undone are 1,000
    first = answer("bronze.yahoo_chart", "2024-05-03 22:00", bar(5.01, volume=1_001.0))
    again = answer("bronze.yahoo_chart", "2024-09-03 22:00", bar(40.08, volume=125.0, later_splits=0.125))
    third = answer("bronze.yahoo_chart", "2024-10-03 22:00", bar(80.16, volume=63.0, later_splits=0.0625))
    rows = silver("silver.prices", first, again, third)
    assert rows["volume"].tolist() == [1_001]


def test_a_revision_that_comes_with_a_rescale_is_one(answer: Any, silver: Any) -> None:
    first = answer("bronze.yahoo_chart", "2024-05-03 22:00", bar(180.12))
    again = answer("bronze.yahoo_chart", "2024-09-03 22:00", bar(45.28, later_splits=4.0, volume=4_000.0))
    assert closes(silver, first, again) == [180.12, 181.12]


def test_without_a_split_a_hundredth_is_a_revision(answer: Any, silver: Any) -> None:
    first = answer("bronze.yahoo_chart", "2024-05-03 22:00", bar(621_345.67))
    again = answer("bronze.yahoo_chart", "2024-05-04 22:00", bar(621_345.68))
    assert closes(silver, first, again) == [621_345.67, 621_345.68]


def test_a_volume_that_no_whole_number_holds_is_refused_and_the_others_stay(answer: Any, silver: Any) -> None:
    table = registry.table("silver.prices")
    told = answer("bronze.yahoo_chart", "2024-05-03 22:00", {"volume": 1e25}, {"symbol": "MSFT"})
    rows = silver("silver.prices", told)
    verdict = judge(table, table.conform(pa.Table.from_pandas(rows, preserve_index=False)))
    (position, reason), *others = verdict.reasons
    assert not others
    assert rows["symbol"].iloc[position] == "AAPL"
    assert "volume 1e+25" in reason


def test_a_dividend_is_as_paid_on_the_day_and_a_rescale_of_it_no_revision(answer: Any, silver: Any) -> None:
    first = answer("bronze.yahoo_chart", "2024-05-03 22:00", {"kind": "dividend", "dividend": 0.82})
    again = answer(
        "bronze.yahoo_chart", "2024-09-03 22:00", {"kind": "dividend", "dividend": 0.273333, "later_splits": 3.0}
    )
    assert silver("silver.corporate_actions", first, again)["amount"].tolist() == [0.82]
    assert silver("silver.corporate_actions", again)["amount"].tolist() == [0.82]


SPLIT = {"kind": "split", "numerator": 4.0, "denominator": 1.0}


def test_an_event_that_a_later_chart_of_the_session_no_longer_has_is_taken_back(answer: Any, silver: Any) -> None:
    first = answer("bronze.yahoo_chart", "2024-05-03 22:00", bar(45.0), SPLIT)
    silent = answer("bronze.yahoo_chart", "2024-05-06 22:00", bar(180.0))
    (row,) = silver("silver.corporate_actions", first, silent).itertuples()
    assert (row.price_factor, row.known_until) == (0.25, pd.Timestamp("2024-05-06 22:00", tz="UTC"))
    ledger = silver("silver.adjustments", first, silent)
    believed = ledger[(ledger["exchange"] == "XNYS") & ledger["known_until"].isna()]
    assert believed.empty or (believed["factor"] == 1.0).all()


def test_an_event_that_is_told_again_is_believed_again(answer: Any, silver: Any) -> None:
    first = answer("bronze.yahoo_chart", "2024-05-03 22:00", bar(45.0), SPLIT)
    silent = answer("bronze.yahoo_chart", "2024-05-06 22:00", bar(180.0))
    again = answer("bronze.yahoo_chart", "2024-05-07 22:00", bar(45.0, open=44.9), SPLIT)
    rows = silver("silver.corporate_actions", first, silent, again)
    assert rows["known_until"].isna().tolist() == [False, True]


def test_a_chart_of_another_session_says_nothing_of_an_event(answer: Any, silver: Any) -> None:
    first = answer("bronze.yahoo_chart", "2024-05-03 22:00", bar(45.0), SPLIT)
    other = answer("bronze.yahoo_chart", "2024-05-07 22:00", bar(46.0), day=date(2024, 5, 6))
    assert silver("silver.corporate_actions", first, other)["known_until"].isna().all()


def test_a_dividend_that_moved_is_one_row_that_is_believed(answer: Any, silver: Any) -> None:
    paid = {"kind": "dividend", "dividend": 0.5}
    first = answer("bronze.yahoo_chart", "2024-05-03 22:00", bar(45.0), paid)
    moved = [
        answer("bronze.yahoo_chart", "2024-05-07 22:00", bar(45.0)),
        answer("bronze.yahoo_chart", "2024-05-07 22:00", bar(46.0), paid, day=date(2024, 5, 6)),
    ]
    rows = silver("silver.corporate_actions", first, *moved)
    assert rows.loc[rows["known_until"].isna(), "session_date"].tolist() == [date(2024, 5, 6)]
