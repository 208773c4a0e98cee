"""The rulebook against every price of recorded market days of KRX, January and February of 2021 to 2026."""

import gzip
import json
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from market import rulebook
from market.rules.line import BOARDS

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data"
DAYS, LISTINGS = SHARED / "krx_marcap_windows", SHARED / "krx_listing_fdr"
pytestmark = pytest.mark.skipif(not DAYS.exists(), reason="../shared/data is absent: no recorded market days are here")
STOPPED = (
    "050540",
    pd.Timestamp("2022-01-24"),
)  # liquidation trading that was stopped after two days; the list has its second
NEW_TICKS, MID_PRICES = pd.Timestamp("2023-01-25"), pd.Timestamp("2025-03-04")


@pytest.fixture(scope="module")
def prices() -> pd.DataFrame:
    """Every row: code, board, day, open, high, low, close, base, volume; all prices whole won."""
    columns = ["Code", "Market", "Date", "Open", "High", "Low", "Close", "Changes", "Volume"]
    files = sorted(DAYS.glob("marcap-*"))
    read = [pd.read_parquet(f, columns=columns) if f.suffix == ".parquet" else pd.read_csv(f, usecols=columns, dtype={"Code": str})
            for f in files]  # fmt: skip
    rows = pd.concat(read, ignore_index=True)
    rows["Date"] = pd.to_datetime(rows["Date"])
    rows["Market"] = rows["Market"].str.split().str[0]  # "KOSDAQ GLOBAL" is KOSDAQ's
    rows["Base"] = rows["Close"] - rows["Changes"]
    assert len(rows) == 489_645
    return rows


def asked(rows: pd.DataFrame, price: str, question) -> np.ndarray:
    """The rulebook's answer for each row; asked once per board, ticks and price."""
    board, is_new = rows["Market"].map(BOARDS.index).to_numpy(), (rows["Date"] >= NEW_TICKS).to_numpy()
    unique, number = np.unique(rows[price].astype(int).to_numpy() * 6 + board * 2 + is_new, return_inverse=True)
    days = (date(2022, 5, 3), date(2024, 1, 24))
    return np.array([question(days[key % 2], BOARDS[key % 6 // 2], key // 6) for key in unique.tolist()])[number]


def test_every_price_of_every_fund_of_a_recorded_day_is_on_its_ticks():
    file = SHARED / "krx_http_cassettes" / "bodies" / "MDCSTAT04301_41d9402bc686.json.gz"
    if not file.exists():
        pytest.skip("this recorded day of ETFs is absent")
    [rows] = [rows for rows in json.loads(gzip.decompress(file.read_bytes())).values() if isinstance(rows, list)]
    columns = ("TDD_OPNPRC", "TDD_HGPRC", "TDD_LWPRC", "TDD_CLSPRC")
    prices = [
        price for row in rows for name in columns if (price := int(row[name].replace(",", "").replace("-", "") or 0))
    ]
    assert len(prices) == 1823
    assert all(price % rulebook.tick_size(date(2021, 3, 25), "ETF", price) == 0 for price in prices)


@pytest.mark.parametrize("column", ["Open", "High", "Low", "Close"])
def test_every_trade_is_on_the_ticks_and_since_mid_price_orders_on_half_of_them(prices, column):
    rows = prices[prices[column] > 0]
    tick = asked(rows, column, rulebook.tick_size)
    off = rows[column] % tick != 0
    half = np.isin(rows[column] % tick, (tick / 2, np.floor(tick / 2)))
    assert len(rows) > 400_000
    assert rows["Date"][off].min() >= MID_PRICES and set(rows["Market"][off]) <= {"KOSPI", "KOSDAQ"}
    assert (half | ~off).all() and 10 < off.sum() < 300


def test_every_trade_is_within_the_limits_but_in_liquidation_and_on_a_first_day_and_they_are_reached(prices):
    rows = prices[(prices["Volume"] > 0) & (prices["Low"] > 0) & (prices["Base"] > 0)]
    lower, upper = asked(rows, "Base", rulebook.limit_prices).T
    beyond = rows[(rows["High"] > upper) | (rows["Low"] < lower)]
    reached = (rows["High"] == upper).sum() + (rows["Low"] == lower).sum()
    assert 60 < len(beyond) < 120 and reached > 4_500

    gone = pd.read_csv(LISTINGS / "listing_delisting_2026-03-20.csv", dtype=str, encoding="utf-8-sig")
    spans = beyond.merge(gone, left_on="Code", right_on="Symbol")
    begins, ends = (pd.to_datetime(spans[name]) for name in ("ArrantEnforceDate", "ArrantEndDate"))
    in_liquidation = set(
        spans[(begins <= spans["Date"]) & (spans["Date"] <= ends)][["Code", "Date"]].itertuples(index=False, name=None)
    )
    in_liquidation.add(STOPPED)
    listed = pd.read_csv(LISTINGS / "listing_desc_2026-03-20.csv", dtype=str, encoding="utf-8-sig")
    listed_on = dict(zip(listed["Code"], pd.to_datetime(listed["ListingDate"]), strict=True))
    ordinary = [
        row
        for row in beyond.itertuples()
        if (row.Code, row.Date) not in in_liquidation and listed_on.get(row.Code) != row.Date
    ]
    assert ordinary == []

    first = [row for row in beyond.itertuples() if listed_on.get(row.Code) == row.Date]
    for row in first:
        low, high = rulebook.limit_prices(row.Date.date(), row.Market, row.Base, "first_day")
        assert low <= row.Low and row.High <= high
    assert (
        sum(
            row.High == rulebook.limit_prices(row.Date.date(), row.Market, row.Base, "first_day").upper for row in first
        )
        > 1
    )
