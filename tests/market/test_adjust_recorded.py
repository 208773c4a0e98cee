"""Our factors against an independent adjuster: Naver's adjusted closes of the same days. Every disagreement is named in docs/adjustment.md.

What does not belong here: the events as the exchange's base prices imply them (`test_adjust`).
"""

import json
import re
from datetime import datetime
from math import prod
from pathlib import Path

import pandas as pd
import pytest

from market import adjust, calendars
from tests.market.test_adjust import SHARED, recorded

WINDOWS = SHARED / "krx_marcap_windows"
ADJUSTED = SHARED / "krx_daily_2019_2025" / "prices_all.parquet"
PAGE = Path(__file__).resolve().parents[2] / "docs" / "adjustment.md"
N_ANNOUNCED, N_LEVELS, N_DIFFERING = 86, 2_211, 17
MOVED = 0.01  # a change of raw / adjusted above it, and above what whole won can tell, is a factor of theirs

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not SHARED.exists(), reason="../shared/data is absent: the recorded prices of KRX are not here"),
]


@pytest.fixture(scope="module")
def raw() -> pd.DataFrame:
    """Raw rows of the six windows."""
    return recorded()


@pytest.fixture(scope="module")
def events(raw: pd.DataFrame) -> pd.DataFrame:
    """Our factors of the six windows."""
    return adjust.base_price_events(adjust.beside_session_before(raw))


@pytest.fixture(scope="module")
def compared(raw: pd.DataFrame, events: pd.DataFrame) -> pd.DataFrame:
    """Events of either side on consecutive sessions that both have: `ours` and `theirs`, null where one has none."""
    adjusted = pd.read_parquet(ADJUSTED, columns=["Code", "Date", "Close"])
    adjusted["session_date"] = pd.to_datetime(adjusted["Date"]).dt.date
    adjusted = adjusted.rename(columns={"Code": "security_id", "Close": "adjusted"})
    key = ["security_id", "session_date"]
    rows = raw.merge(adjusted[[*key, "adjusted"]], on=key).sort_values(["security_id", "session_no"])
    rows["ratio"] = rows["close"] / rows["adjusted"]
    before = rows.groupby("security_id")[["ratio", "session_no", "adjusted"]].shift().add_suffix("_before")
    rows = rows.join(before)
    rows = rows[rows["session_no_before"] == rows["session_no"] - 1]
    rows["theirs"] = rows["ratio"] / rows["ratio_before"]
    told = MOVED + 0.6 / rows["adjusted"] + 0.6 / rows["adjusted_before"]
    rows["theirs"] = rows["theirs"].where((rows["theirs"] - 1).abs() > told)
    rows = rows.merge(events[[*key, "factor"]].rename(columns={"factor": "ours"}), on=key, how="left")
    return rows[rows["ours"].notna() | rows["theirs"].notna()]


def test_of_the_123_base_prices_that_moved_every_factor_is_found_and_none_is_made_up(raw, events):
    listed = pd.read_csv(WINDOWS / "derived_base_price_events.csv", dtype={"Code": str})
    told = {(row.Code, f"{row.Date[:10]}"): row for row in listed.itertuples()}
    ours = {(row.security_id, f"{row.session_date}"): row.factor for row in events.itertuples()}
    assert (len(told), len(ours), len(ours.keys() - told.keys())) == (123, 103, 0), "precision 103 of 103"
    left = [told[key] for key in told.keys() - ours.keys()]
    assert len(left) == 20
    assert all(row.base_is_open for row in left), "an auction made the base, and shares did not say otherwise"
    announced = {key: row for key, row in told.items() if not row.base_is_open}
    assert announced.keys() <= ours.keys(), "recall of what the exchange announced: all"
    errors = [abs(ours[key] / (row.base / row.prev_close) - 1) for key, row in announced.items()]
    assert (len(announced), max(errors)) == (N_ANNOUNCED, 0.0)


def test_from_each_derived_level_of_raw_over_adjusted_our_factors_lead_to_that_of_the_window_s_end(raw, events):
    """The file has the level of each code's first day in a window where it is not one; between two windows anything may have happened."""
    levels = pd.read_csv(WINDOWS / "derived_raw_over_adjusted_factor.csv", dtype={"Code": str})
    levels["first"], levels["year"] = pd.to_datetime(levels["Date"]).dt.date, levels["Date"].str[:4]
    adjusted = pd.read_parquet(ADJUSTED, columns=["Code", "Date", "Close"])
    adjusted["session_date"] = pd.to_datetime(adjusted["Date"]).dt.date
    held = raw.merge(
        adjusted.rename(columns={"Code": "security_id", "Close": "adjusted"}), on=["security_id", "session_date"]
    )
    held["year"] = held["session_date"].astype(str).str[:4]
    held = held[["security_id", "year", "session_date", "close", "adjusted"]]
    last = held.sort_values("session_date").groupby(["security_id", "year"], as_index=False).last()
    ends = levels.merge(last, left_on=["Code", "year"], right_on=["security_id", "year"])
    ranges = zip(ends["security_id"], ends["first"], ends["session_date"], strict=True)
    by = {code: list(zip(of["session_date"], of["factor"], strict=True)) for code, of in events.groupby("security_id")}
    ends["ours"] = [prod(f for day, f in by.get(code, []) if first < day <= end) for code, first, end in ranges]
    ends["theirs"] = (ends["close"] / ends["adjusted"]) / ends["factor"]
    told = MOVED + 0.6 / ends["adjusted"] + 0.6 / ends["Close_adj"]
    differing = ends[(ends["ours"] / ends["theirs"] - 1).abs() > told]
    on_page = {(code, day[:4]) for code, day in named_on_the_page()} | {(code, "2021") for code in across_the_hole()}
    assert len(ends) == N_LEVELS
    assert set(zip(differing["Code"], differing["year"], strict=True)) <= on_page
    assert len(differing) == N_DIFFERING


def test_samsung_s_split_of_2018_is_a_fiftieth_from_its_raw_rows():
    """As KRX answered for 2018-04-27 to 2018-05-04: three sessions of a halt, then base 53,000 after a close of 2,650,000."""
    body = json.loads((SHARED / "krx_http_cassettes" / "bodies" / "MDCSTAT01701_0aad82794999.json").read_text())
    won = {name: [int(row[name].replace(",", "")) for row in body["output"]] for name in body["output"][0] if name != "TRD_DD"
           and name not in ("FLUC_TP_CD", "FLUC_RT")}  # fmt: skip
    days = [datetime.strptime(row["TRD_DD"], "%Y/%m/%d").date() for row in body["output"]]
    rows = pd.DataFrame({
        "security_id": "XKRX:005930", "session_date": days, "session_no": [calendars.session_no("XKRX", day) for day in days],
        "open": won["TDD_OPNPRC"], "close": won["TDD_CLSPRC"], "listed_shares": won["LIST_SHRS"], "market": "KOSPI",
        "known_at": pd.to_datetime([calendars.close_at("XKRX", day) for day in days]),
    })  # fmt: skip
    rows["base_price"] = rows["close"] - pd.Series(won["CMPPREVDD_PRC"])
    rows["is_halted"] = rows["open"] == 0
    rows["known_until"] = pd.Series(pd.NaT, rows.index, dtype="datetime64[ns, UTC]")
    [found] = adjust.base_price_events(adjust.beside_session_before(rows)).to_dict("records")
    assert (f"{found['session_date']}", found["factor"], found["cause"]) == ("2018-05-04", 0.02, "split_or_bonus")
    assert found["confidence"] == "high"
    ordered = rows.sort_values("session_date", ignore_index=True)
    own = adjust.cumulative_factor(pd.DataFrame([found]), ordered)
    assert (ordered["close"] * own[-1] / own).tolist() == [53_000.0, 53_000.0, 53_000.0, 53_000.0, 51_900.0]


def test_of_naver_s_75_changes_67_are_found_and_3_that_it_lacks(compared):
    both = compared["ours"].notna() & compared["theirs"].notna()
    counts = both.sum(), (compared["ours"].isna()).sum(), (compared["theirs"].isna()).sum()
    assert counts == (67, 8, 3)


def test_where_both_have_one_the_factors_are_equal_but_for_the_auctions(compared):
    both = compared.dropna(subset=["ours", "theirs"])
    error = (both["ours"] / both["theirs"] - 1).abs()
    agreeing = error < 0.0025  # whole won of an adjusted close
    assert agreeing.sum() == 62
    auctions = both[~agreeing]
    assert len(auctions) == 5 and (auctions["base_price"] == auctions["open"]).all()


def test_every_disagreement_is_explained_on_the_page(compared):
    error = (compared["ours"] / compared["theirs"] - 1).abs()
    differing = compared[~(error < 0.0025)]
    wanted = {(row.security_id, f"{row.session_date}") for row in differing.itertuples()}
    assert named_on_the_page() == wanted


def across_the_hole() -> list[str]:
    """Codes that the page says moved while the session of 2021-01-22 is missing: there is no close before."""
    [text] = re.findall(r"2021-01-22 is missing: (.+?) moved", PAGE.read_text(), re.DOTALL)
    return re.findall(r"\w{6}", text)


def named_on_the_page() -> set[tuple[str, str]]:
    """(code, ex-date) of every disagreement that the page tells."""
    return set(re.findall(r"^\| (\w{6}) \| (\d{4}-\d\d-\d\d) \|", PAGE.read_text(), re.MULTILINE))
