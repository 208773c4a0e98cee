"""Seven recorded years of the market, 2019 to 2025, adjusted by Naver: halts as halts, and off-tick prices explained by adjustment.

What does not belong here: that the recorded days are the calendar's sessions (`test_calendars_recorded`), and that raw prices are on
their ticks (`test_rulebook_recorded`).
"""

import numpy as np
import pandas as pd
import pytest

from market import listings, rulebook
from market.datasets.bronze.krx_daily import halted
from market.listings import HELD, NOT
from tests.market.test_adjust import SHARED, recorded
from tests.market.test_rulebook_recorded import MID_PRICES, asked

DAILY = SHARED / "krx_daily_2019_2025"
MOVED_TO_KOSPI = {"066970", "108320"}
QUOTED = ["Open", "High", "Low", "Close"]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not SHARED.exists(), reason="../shared/data is absent: the recorded prices of KRX are not here"),
]


@pytest.fixture(scope="module")
def daily() -> pd.DataFrame:
    """Every row with its board of 2026 and the number of its session."""
    rows = pd.read_parquet(DAILY / "prices_all.parquet").astype({"Code": "string"})
    boards = pd.read_parquet(DAILY / "stock_list.parquet", columns=["Code", "Market"]).astype("string")
    rows = rows.merge(boards, on="Code")
    rows["Market"] = rows["Market"].str.split().str[0].astype(object)
    rows["Date"] = pd.to_datetime(rows["Date"])
    rows["session"] = rows["Date"].rank(method="dense").astype(int)
    assert len(rows) == 4_060_192
    return rows


def test_75_844_rows_of_614_securities_are_halts_and_three_hold_trades_after_hours(daily):
    is_halted = halted(daily[["Open", "High", "Low"]])
    assert (is_halted.sum(), daily.loc[is_halted, "Code"].nunique()) == (75_844, 614)
    assert (daily.loc[is_halted, "Close"] > 0).all()
    assert (daily.loc[is_halted, "Volume"] > 0).sum() == 3
    assert (daily.loc[~is_halted, "Volume"] == 0).sum() == 14_900  # quoted and not traded: no halts


def test_the_spells_of_the_halts_hold_these_rows_and_no_other(daily):
    is_halted = halted(daily[["Open", "High", "Low"]])
    ever = daily[daily["Code"].isin(daily.loc[is_halted, "Code"])].assign(says=np.where(is_halted, HELD, NOT)[
        daily["Code"].isin(daily.loc[is_halted, "Code"])])  # fmt: skip
    n_rows, n_spells, n_open = 0, 0, 0
    for _, rows in ever.groupby("Code"):
        known_at = rows["Date"].to_numpy("datetime64[us]")
        session = rows["session"].to_numpy()
        believed = [v for v in listings.versions(session, rows["says"].to_numpy(), known_at) if v.known_until is None]
        for spell in believed:
            within = (session >= spell.first) & (session <= (spell.last or session.max()))
            assert (rows["says"].to_numpy()[within] == HELD).all()
            n_rows += within.sum()
        n_spells, n_open = n_spells + len(believed), n_open + sum(v.last is None for v in believed)
    assert n_rows == 75_844
    assert (n_spells, n_open) == (995, 70)


@pytest.fixture(scope="module")
def off_tick(daily) -> pd.DataFrame:
    """Rows of which a price is no multiple of its tick, `half` where every such price is half-way between two ticks."""
    off, half = np.zeros(len(daily), bool), np.ones(len(daily), bool)
    for column in QUOTED:
        priced = (daily[column] > 0).to_numpy()
        tick, price = asked(daily[priced], column, rulebook.tick_size), daily.loc[priced, column].to_numpy()
        rest = price % tick
        off[priced] |= rest != 0
        half[priced] &= (rest == 0) | (rest == tick / 2) | (rest == np.floor(tick / 2))
    return daily.assign(half=half)[off]


@pytest.fixture(scope="module")
def beside_raw(daily) -> pd.DataFrame:
    """Every row of which a raw one is there, with whether a price of it was adjusted."""
    raw = recorded()[["Code", "session_date", "Open", "High", "Low", "Close"]]
    raw["Date"] = pd.to_datetime(raw["session_date"])
    both = daily.merge(raw.drop(columns="session_date"), on=["Code", "Date"], suffixes=("", "_raw"))
    both["is_adjusted"] = np.any([both[n].ne(both[f"{n}_raw"]) for n in QUOTED], axis=0)
    return both


def test_every_off_tick_price_that_a_raw_one_stands_beside_was_adjusted(off_tick, beside_raw):
    assert len(off_tick) == 720_850 and off_tick["Code"].nunique() == 1_890
    told = off_tick.merge(beside_raw[["Code", "Date", "is_adjusted"]], on=["Code", "Date"])
    plain = told[~told["is_adjusted"]]
    assert (len(beside_raw), len(told), len(plain)) == (354_078, 57_103, 77)
    assert set(plain["Code"]) == MOVED_TO_KOSPI  # on KOSDAQ's ticks then, judged by KOSPI's


def test_most_of_the_others_lie_beside_an_adjusted_day_and_the_rest_where_no_raw_price_tells(
    daily, off_tick, beside_raw
):
    """Naver's factor holds from one event to the next: off-tick rows between two raw days belong to whichever was adjusted."""
    rows = daily[["Code", "Date", "session"]].merge(
        beside_raw[["Code", "Date", "is_adjusted"]], how="left", on=["Code", "Date"]
    )
    rows = rows.sort_values(["Code", "Date"])
    told = rows["is_adjusted"].astype("float64").groupby(rows["Code"])
    rows["explained"] = (told.bfill() == 1) | (told.ffill() == 1)
    rows["has_before"] = told.ffill().notna()
    off = off_tick.merge(rows[["Code", "Date", "explained", "has_before"]], on=["Code", "Date"])
    rest = off[~off["explained"]]
    between = rest[rest["has_before"]]
    assert (off["explained"].sum(), (~rest["has_before"]).sum()) == (669_720, 48_214)
    assert (
        between["Date"] >= MID_PRICES
    ).sum() == 2_235  # no raw day of that time is here: mid prices, and later events
    left = between.loc[between["Date"] < MID_PRICES, "Code"]
    assert len(left) == 681 and left.nunique() == 10 and left.isin(MOVED_TO_KOSPI).sum() == 544
