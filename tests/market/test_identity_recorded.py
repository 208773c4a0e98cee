"""Identity on real listings: renames and transfers of six winters counted, no code taken for another company's, tickers used again.

What does not belong here: the rules one by one (`test_identity`).
"""

import re
from datetime import date, timedelta

import pandas as pd
import pytest

from market import identity, lookup
from tests.market.test_adjust import SHARED

WINDOWS, LISTINGS = SHARED / "krx_marcap_windows", SHARED / "krx_listing_fdr"
LEAN = SHARED / "us_lean_raw_with_factors" / "map_files"
pytestmark = pytest.mark.skipif(
    not SHARED.exists(), reason="../shared/data is absent: the recorded listings are not here"
)


@pytest.fixture(scope="module")
def snapshots() -> pd.DataFrame:
    """Every code of KRX on 181 sessions of the Januaries and Februaries of 2021 to 2026, delisted ones included."""
    columns = ["Code", "Name", "Market", "Date"]
    old = [pd.read_csv(WINDOWS / f"marcap-{y}.csv.gz", dtype=str, usecols=columns) for y in range(2021, 2026)]
    rows = pd.concat([*old, pd.read_parquet(WINDOWS / "marcap-2026.parquet", columns=columns)], ignore_index=True)
    rows.columns = ["symbol", "name", "market", "session_date"]
    return rows.assign(session_date=pd.to_datetime(rows["session_date"]).dt.date).sort_values(
        ["symbol", "session_date"]
    )


@pytest.fixture(scope="module")
def delisted() -> pd.DataFrame:
    return pd.read_csv(LISTINGS / "listing_delisting_2026-03-20.csv", dtype=str)


@pytest.fixture(scope="module")
def listings(snapshots: pd.DataFrame, delisted: pd.DataFrame) -> pd.DataFrame:
    """First session of each name and board of a code, with the listing date that the lists of 2026-03-20 tell."""
    now = pd.read_csv(LISTINGS / "listing_desc_2026-03-20.csv", dtype=str).rename(columns={"Code": "symbol"})
    dates = pd.concat(
        [now[["symbol", "ListingDate"]], delisted.rename(columns={"Symbol": "symbol"})[["symbol", "ListingDate"]]]
    )
    listed = pd.to_datetime(dates.drop_duplicates("symbol").set_index("symbol")["ListingDate"]).dt.date
    rows = snapshots.assign(market=identity.board(snapshots["market"]), name_en=None)
    rows = rows[~rows.duplicated(["symbol", "name", "market"])]
    last_market = rows.groupby("symbol")["market"].transform("last")
    list_date = rows["symbol"].map(listed).where(rows["market"] == last_market, date(1990, 1, 1))
    return rows.assign(list_date=list_date, fetched_at=pd.Timestamp("2026-03-20", tz="UTC")).reset_index(drop=True)


def test_renames_and_transfers_are_counted(snapshots):
    rows = snapshots.assign(board=identity.board(snapshots["market"]))
    before = rows.groupby("symbol")[["name", "market", "board"]].shift()
    seen = before["name"].notna()
    moved = rows.assign(before=before["board"])[seen & (before["board"] != rows["board"])]
    assert int((seen & (before["name"] != rows["name"])).sum()) == 539
    assert moved.groupby(["before", "board"]).size().to_dict() == {("KONEX", "KOSDAQ"): 29, ("KOSDAQ", "KOSPI"): 9}
    assert int((seen & (before["market"] != rows["market"])).sum()) - len(moved) == 83, (
        "segments of KOSDAQ, no transfers"
    )


def test_no_code_of_3186_is_taken_for_another_companys(listings):
    """38 codes have a later listing than their first session: each moved to a higher board, ten of them under a new name."""
    assert listings["symbol"].nunique() == 3186
    ids = identity.listed_ids("XKRX", listings)
    assert not ids.str.contains("~").any()
    first = listings.groupby("symbol")["session_date"].transform("min")
    anew = listings[listings["list_date"] > first]
    assert anew["symbol"].nunique() == 38
    names = listings[listings["symbol"].isin(anew["symbol"])].groupby("symbol")["name"].nunique()
    assert int((names > 1).sum()) == 10


def test_krx_has_given_no_listed_or_delisted_code_to_another_company(delisted):
    """Of 4,104 delistings twelve codes come twice: six double rows, six issues of new shares of one company."""
    listed = pd.read_csv(LISTINGS / "listing_krx_2026-03-20.csv", dtype=str)["Code"]
    assert len(delisted) == 4104
    assert not set(delisted["Symbol"]) & set(listed)
    twice = delisted[delisted.duplicated("Symbol", keep=False)]
    same_day = twice.groupby("Symbol")[["ListingDate", "DelistingDate"]].nunique().max(axis=1) == 1
    assert (len(same_day), int(same_day.sum())) == (12, 6)
    assert all(re.search(r"1(신)?$", name) for name in twice.loc[~twice["Symbol"].map(same_day), "Name"])


def test_a_name_means_one_code_on_each_day_although_twelve_passed_to_another(snapshots):
    assert not snapshots.duplicated(["name", "session_date"]).any()
    holders = snapshots.drop_duplicates(["name", "symbol"]).groupby("name")["symbol"].nunique()
    assert int((holders > 1).sum()) == 12
    rows = snapshots.drop_duplicates(["symbol", "name"]).copy()
    rows["known_at"] = pd.to_datetime(rows["session_date"], utc=True)
    rows["known_until"] = rows.groupby("symbol")["known_at"].shift(-1)
    rows["security_id"] = identity.security_id("XKRX", rows["symbol"])
    rows = rows.assign(**{name: None for name in lookup.IDENTIFIERS if name not in rows})
    before, after = (
        lookup.resolve(rows, "포스코 ICT", pd.Timestamp(day, tz="UTC")) for day in ("2023-02-14", "2024-01-02")
    )
    assert (before.kind, before.rows["security_id"].tolist(), after.kind) == ("found", ["XKRX:022100"], "former")


def test_the_common_share_of_each_preferred_one_is_listed(snapshots, delisted):
    now = pd.read_csv(LISTINGS / "listing_krx_2026-03-20.csv", dtype=str)["Code"]
    codes = set(snapshots["symbol"]) | set(now)
    common = {code: identity.common_code(code, None) for code in codes}
    preferred = {code: of for code, of in common.items() if of}
    assert len(preferred) == 126
    assert {code for code, of in preferred.items() if of not in codes | set(delisted["Symbol"])} == set()


def test_lean_s_tickers_used_again_are_other_securities():
    """Five tickers of its map files had two holders; each is told from the other by its listing and name."""
    spans = []
    for path in sorted(LEAN.glob("*.csv")):
        lines = [line.split(",") for line in path.read_text().split()]
        begin = date.fromisoformat(lines[0][0])
        for end, ticker, *_ in lines[1:]:
            spans.append((ticker, path.stem, begin, date.fromisoformat(end)))
            begin = date.fromisoformat(end) + timedelta(1)
    told = [
        {"symbol": ticker, "session_date": day, "list_date": begin, "name": who, "name_en": None, "market": "US",
         "fetched_at": pd.Timestamp(begin, tz="UTC")}
        for ticker, who, begin, end in spans for day in (begin, min(end, date(2026, 1, 2)))
    ]  # fmt: skip
    rows = pd.DataFrame(told)
    rows["security_id"] = identity.listed_ids("XNYS", rows)
    holders = (
        rows.drop_duplicates(["symbol", "name"]).groupby("symbol").agg(names=("name", list), ids=("security_id", list))
    )
    again = holders[holders["names"].str.len() > 1]
    assert set(again.index) == {"aaa", "fb", "goog", "twx", "vxx"}
    assert all(len(set(row.ids)) == len(row.names) for row in again.itertuples())
    assert set(again.loc["goog", "ids"]) == {"XNYS:goog", "XNYS:goog~20140403"}, (
        "from one day to the next, to another class of shares"
    )
