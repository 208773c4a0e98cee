"""Adjustment factors from base prices, worked by hand and against the recorded events of the real exchange."""

from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from market import adjust, calendars

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data"


def bars(*rows):
    names = ["session_no", "close", "open", "base_price", "listed_shares"]
    frame = pd.DataFrame(rows, columns=names).astype("float64")
    return frame.assign(security_id="XKRX:005930", session_date=[date(2018, 5, 2 + i) for i in range(len(rows))])


def test_a_fifty_for_one_split_is_read_from_the_base_price():
    # Samsung Electronics, May 2018: 2,650,000 before, base 53,000 after
    events = adjust.base_price_events(
        bars((0, 2_650_000, 0, 2_650_000, 128_386_494), (1, 51_900, 53_000, 53_000, 6_419_324_700))
    )
    assert events["factor"].tolist() == pytest.approx([0.02])
    assert events["cause"].tolist() == ["split_or_bonus"]
    assert events["confidence"].tolist() == ["high"]


def test_where_the_opening_auction_set_the_base_the_share_ratio_is_the_factor():
    # shares fell to a tenth; base = open holds a market move of -7 % besides
    events = adjust.base_price_events(bars((0, 1_000, 990, 1_000, 1_000_000), (1, 9_500, 9_290, 9_290, 100_000)))
    assert events["factor"].tolist() == pytest.approx([10.0])
    assert events["confidence"].tolist() == ["low"]


def test_a_hole_in_the_sessions_implies_nothing():
    assert adjust.base_price_events(bars((0, 1_000, 1_000, 1_000, 10), (7, 480, 500, 500, 20))).empty


def test_a_base_rounded_to_its_tick_is_no_event():
    assert adjust.base_price_events(bars((0, 2_022, 2_022, 2_022, 10), (1, 2_030, 2_015, 2_025, 10))).empty


def test_an_unknown_base_is_no_event():
    assert adjust.base_price_events(bars((0, 1_000, 1_000, np.nan, 10), (1, 500, 500, np.nan, 20))).empty


def test_the_factor_counts_from_its_ex_date_on():
    ledger = pd.DataFrame(
        {"security_id": ["A", "A"], "session_date": [date(2024, 1, 3), date(2024, 1, 5)], "factor": [0.5, 0.1]}
    )
    days = [date(2024, 1, n) for n in (2, 3, 4, 5, 8)]
    rows = pd.DataFrame({"security_id": ["A"] * 5 + ["B"], "session_date": [*days, days[0]]})
    assert adjust.cumulative_factor(ledger, rows).tolist() == pytest.approx([1.0, 0.5, 0.5, 0.05, 0.05, 1.0])


@given(st.lists(st.floats(0.01, 100), min_size=1, max_size=6), st.integers(2, 30))
def test_a_later_factor_never_changes_an_earlier_product(factors, n):
    days = [d.date() for d in pd.bdate_range("2024-01-01", periods=n + len(factors))]
    rows = pd.DataFrame({"security_id": "A", "session_date": days})
    ledger = pd.DataFrame({"security_id": "A", "session_date": days[n:], "factor": factors})
    whole = adjust.cumulative_factor(ledger, rows)
    for known in range(len(factors)):
        part = adjust.cumulative_factor(ledger.iloc[:known], rows.iloc[: n + known])
        assert np.array_equal(part, whole[: n + known])


@given(st.floats(0.01, 100), st.floats(1, 1e6), st.integers(0, 10**9))
def test_value_traded_does_not_depend_on_the_scale(factor, close, volume):
    rows = pd.DataFrame(
        {name: [close] for name in adjust.PRICE_COLUMNS} | {"volume": [volume], "cumulative_factor": [factor]}
    )
    adjusted = adjust.forward_adjusted(rows)
    assert adjusted["close"][0] * adjusted["volume"][0] == pytest.approx(close * volume)
    assert rows["close"][0] == close  # the input is not changed


@pytest.mark.slow
@pytest.mark.skipif(not SHARED.exists(), reason="../shared/data is absent: the recorded events of KRX are not here")
def test_the_recorded_base_price_events_are_found():
    events = pd.read_csv(SHARED / "krx_marcap_windows" / "derived_base_price_events.csv", dtype={0: str})
    parts = []
    for path in sorted((SHARED / "krx_marcap_windows").glob("marcap-*")):
        part = pd.read_csv(path, dtype={"Code": str}) if path.suffix == ".gz" else pd.read_parquet(path)
        parts.append(part[["Code", "Date", "Open", "Close", "Changes", "Stocks"]])
    rows = pd.concat(parts)
    rows["session_date"] = pd.to_datetime(rows["Date"]).dt.date
    numbers = {day: calendars.session_no("XKRX", day) for day in rows["session_date"].unique()}
    rows = rows.assign(
        security_id=rows["Code"], session_no=rows["session_date"].map(numbers), close=rows["Close"], open=rows["Open"],
        base_price=rows["Close"] - rows["Changes"], listed_shares=rows["Stocks"].astype("float64"),
    ).sort_values(["security_id", "session_date"], ignore_index=True)  # fmt: skip
    found = adjust.base_price_events(rows)
    assert abs(len(found) - len(events)) <= len(events) * 0.05
