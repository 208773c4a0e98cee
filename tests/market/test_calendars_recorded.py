"""The calendars against recordings: KRX's closures, whole-market days, index histories, and bars of both exchanges.

A day on which they differ is listed with its reason; the calendar is not bent to a recording.
"""

import json
import zipfile
from collections.abc import Iterable
from datetime import date, timedelta
from pathlib import Path

import pandas as pd
import pytest

from market import calendars

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data"
pytestmark = pytest.mark.skipif(not SHARED.exists(), reason="../shared/data is absent: no recordings are here")

NO_BAR = {  # closed by every index history, open by the library: recordings of these years are for looking back alone
    date(1990, 12, 29): "a Saturday in the year's last week, when the market had closed for the year on the 26th",
    date(1991, 12, 28): "a Saturday in the year's last week, when the market had closed for the year on the 26th",
    date(1995, 2, 2): "not known: one index alone reaches back to it",
    date(1995, 2, 3): "not known: one index alone reaches back to it",
    date(1995, 6, 27): "local elections",
    date(1995, 12, 28): "the year's last session was the 27th",
    date(1996, 4, 11): "general elections",
    date(1996, 11, 23): "not known; the price limit went from 6 to 8 % with the Monday after this Saturday",
    date(1996, 12, 28): "the year's last session was the 27th, at 651.22",
    date(1998, 6, 4): "local elections",
}
NO_SESSION = {
    date(1992, 12, 28),
    date(1993, 7, 7),
    date(1994, 1, 3),
    date(1994, 2, 14),
    date(1994, 5, 20),
}  # bars on days the library has as holidays
NOT_IN_YAHOO = {
    date(2007, 3, 2),
    date(2017, 9, 22),
    date(2017, 12, 20),
    date(2022, 1, 3),
    date(2022, 5, 9),
}  # KOSPI has a bar on each


def differences(exchange: str, recorded: Iterable[date]) -> tuple[set[date], set[date]]:
    """Sessions without a recorded day, and recorded days without a session, from the first recorded day to the last."""
    days = {day for day in recorded if day >= calendars.FIRST}
    sessions = set(calendars.sessions(exchange, min(days), max(days)))
    return sessions - days, days - sessions


def dates(column: pd.Series) -> set[date]:
    return set(pd.to_datetime(column).dt.date)


def index_days(name: str) -> set[date]:
    files = (SHARED / "krx_listing_fdr" / "index").glob(f"{name}_*.csv")
    return set().union(*(dates(pd.read_csv(file, encoding="utf-8-sig", usecols=["Date"])["Date"]) for file in files))


def test_every_weekday_of_2016_to_2026_agrees_with_the_exchange():
    closures = json.loads((SHARED / "krx_calendar" / "krx_closures_2016_2026.json").read_text())
    closed = {day for days in closures.values() for day in days}
    days = (date(2016, 1, 1) + timedelta(days=n) for n in range((date(2026, 12, 31) - date(2016, 1, 1)).days + 1))
    differ = [d for d in days if d.weekday() < 5 and calendars.is_session("XKRX", d) == (f"{d:%Y%m%d}" in closed)]
    assert differ == []


def test_the_market_traded_on_these_1719_sessions_from_2019_to_2025():
    days = dates(
        pd.Series(
            pd.read_parquet(SHARED / "krx_daily_2019_2025" / "prices_all.parquet", columns=["Date"])["Date"].unique()
        )
    )
    assert len(days) == 1719 and differences("XKRX", days) == (set(), set())


@pytest.mark.parametrize("year", range(2021, 2027))
def test_whole_market_days_are_sessions_and_one_file_is_known_to_lack_one(year):
    (file,) = (SHARED / "krx_marcap_windows").glob(f"marcap-{year}.*")
    read = pd.read_parquet(file, columns=["Date"]) if file.suffix == ".parquet" else pd.read_csv(file, usecols=["Date"])
    missing = {date(2021, 1, 22)} if year == 2021 else set()
    assert differences("XKRX", dates(pd.Series(read["Date"].unique()))) == (missing, set())


@pytest.mark.parametrize("name", ["ks11", "kq11", "ks200"])
def test_an_index_has_a_bar_on_each_session_since_1999_and_before_but_on_listed_days(name):
    days = index_days(name)
    assert len(days) > 7_000 and max(days) == date(2026, 3, 20)
    no_bar, no_session = differences("XKRX", days)
    assert no_bar == {day for day in NO_BAR if day >= min(days)}
    assert no_session == {day for day in NO_SESSION if day >= min(days)}


def test_yahoo_fills_korean_holidays_without_volume_and_lacks_five_sessions_that_the_index_has():
    holidays_with_volume = set()
    for file in sorted((SHARED / "us_kr_daily_yahoo_2000_2023" / "KR").glob("*.csv")):
        bars = pd.read_csv(file)
        bars.index = pd.to_datetime(bars["Date"]).dt.date
        lacking, filled = differences("XKRX", bars.index)
        assert lacking == {day for day in NOT_IN_YAHOO if day > bars.index[0]}, file.name
        assert max(filled, default=date(2000, 1, 1)) <= date(2015, 8, 14)
        holidays_with_volume |= set(bars.index[bars.index.isin(list(filled)) & (bars["Volume"] > 0)])
    assert holidays_with_volume == {date(2006, 5, 31)}  # local elections: bars of the 29th once more; KOSPI has none
    assert index_days("ks11") >= NOT_IN_YAHOO and date(2006, 5, 31) not in index_days("ks11")


def test_yahoo_has_a_bar_of_each_us_stock_on_each_session_of_new_york_and_on_no_other_day():
    files = sorted((SHARED / "us_kr_daily_yahoo_2000_2023" / "US").glob("*.csv"))
    assert len(files) == 20
    for file in files:
        assert differences("XNYS", dates(pd.read_csv(file, usecols=["Date"])["Date"])) == (set(), set()), file.name


# These lack sessions: a ticker that another company had before (bno, fb, uso, wm, aaa), Nasdaq's own QQQQ of 2004 to 2011 (qqq), days
# without a trade of what was small then (eem).
WITH_HOLES = {"aaa", "bno", "eem", "fb", "qqq", "uso", "wm"}


def test_raw_us_bars_of_1998_to_2021_are_on_sessions_and_whole_where_a_ticker_stayed_one_company():
    files = sorted((SHARED / "us_lean_raw_with_factors" / "daily").glob("*.zip"))
    assert len(files) == 21
    for file in files:
        with zipfile.ZipFile(file) as archive:
            texts = [archive.read(name).decode() for name in archive.namelist()]
        days = {date.fromisoformat(line[:8]) for text in texts for line in text.splitlines()}
        lacking, no_session = differences("XNYS", days)
        assert no_session == set() and bool(lacking) == (file.stem in WITH_HOLES), file.name
