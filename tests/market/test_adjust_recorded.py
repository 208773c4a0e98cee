"""Our factors against an independent adjuster: Naver's adjusted closes of the same days. Every disagreement is named in docs/adjustment.md.

What does not belong here: the events as the exchange's base prices imply them (`test_adjust`).
"""

import re
from pathlib import Path

import pandas as pd
import pytest

from market import adjust
from tests.market.test_adjust import SHARED, recorded

ADJUSTED = SHARED / "krx_daily_2019_2025" / "prices_all.parquet"
PAGE = Path(__file__).resolve().parents[2] / "docs" / "adjustment.md"
MOVED = 0.01  # a change of raw / adjusted above it, and above what whole won can tell, is a factor of theirs

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not SHARED.exists(), reason="../shared/data is absent: the recorded prices of KRX are not here"),
]


@pytest.fixture(scope="module")
def compared() -> pd.DataFrame:
    """Events of either side on consecutive sessions that both have: `ours` and `theirs`, null where one has none."""
    raw = recorded()
    events = adjust.base_price_events(adjust.beside_session_before(raw))
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
    told = set(re.findall(r"^\| (\w{6}) \| (\d{4}-\d\d-\d\d) \|", PAGE.read_text(), re.MULTILINE))
    assert told == wanted
