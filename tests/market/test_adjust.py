"""Adjustment factors from base prices, worked by hand and against the recorded events of the real exchange."""

from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from market import adjust, calendars, rulebook

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data"


FIELDS = ["session_no", "close", "open", "base_price", "listed_shares"]


def events(*rows, markets=None):
    """The events of one security's rows, each told at its close; an open of 0 is a halt; on KOSPI unless told otherwise."""
    frame = pd.DataFrame(rows, columns=FIELDS).astype("float64")
    frame["security_id"], frame["is_halted"] = "XKRX:005930", frame["open"] == 0
    frame["market"] = markets or "KOSPI"
    frame["known_at"] = [pd.Timestamp(f"2018-05-{2 + i:02}T06:30Z") for i in range(len(rows))]
    frame["known_until"] = pd.Series(pd.NaT, frame.index, dtype="datetime64[ns, UTC]")
    return adjust.base_price_events(adjust.beside_session_before(frame))


def across(*rows):
    """The splits that the rows of one security show across the sessions that they lack."""
    frame = pd.DataFrame(rows, columns=FIELDS).astype("float64")
    frame["security_id"], frame["is_halted"], frame["market"] = "XKRX:005930", frame["open"] == 0, "KOSPI"
    frame["known_at"] = [pd.Timestamp("2018-05-02T06:30Z") + pd.Timedelta(days=no) for no in frame["session_no"]]
    frame["known_until"] = pd.Series(pd.NaT, frame.index, dtype="datetime64[ns, UTC]")
    return adjust.splits_across_holes(adjust.beside_session_before_hole(frame))


@pytest.mark.parametrize("hole", range(1, adjust.LONGEST_HOLE + 2))
def test_a_split_whose_ex_date_has_no_row_is_seen_in_the_shares_and_the_price(hole):
    # 2,650,000 before; behind the hole the base is the close of a session that is not there
    found = across((0, 2_650_000, 2_640_000, 2_650_000, 128_386_494), (hole + 1, 51_000, 52_100, 51_900, 6_419_324_700))
    if hole > adjust.LONGEST_HOLE:
        assert found.empty
        return
    assert found["factor"].tolist() == pytest.approx([0.02])
    assert found[["session_no", "cause", "confidence"]].values.tolist() == [[hole + 1, "split_or_bonus", "low"]]
    assert f"{hole} sessions without a row" in found["evidence"].iloc[0]


@pytest.mark.parametrize(
    ("base", "shares"),
    [(950, 1_000), (700, 1_000), (850, 1_200), (1_000, 2_000), (700, 500)],
    ids=[
        "nothing",
        "a fall alone",
        "a fifth more shares",
        "shares sold at the market",
        "shares and price against each other",
    ],
)
def test_across_a_hole_a_market_move_or_new_shares_alone_are_no_split(base, shares):
    assert across((0, 1_000, 1_000, 1_000, 1_000), (2, base, base, base, shares)).empty


def test_where_no_session_is_missing_nothing_is_told_across_holes():
    assert across((0, 1_000, 1_000, 1_000, 100), (1, 100, 100, 100, 1_000), (2, 101, 100, 100, 1_000)).empty


def test_a_fifty_for_one_split_is_read_from_the_base_price():
    # Samsung Electronics, May 2018: 2,650,000 before, base 53,000 after; it opened at the base, which fits its shares
    found = events((0, 2_650_000, 0, 2_650_000, 128_386_494), (1, 51_900, 53_000, 53_000, 6_419_324_700))
    assert found["factor"].tolist() == pytest.approx([0.02])
    assert found["cause"].tolist() == ["split_or_bonus"]
    assert found["confidence"].tolist() == ["high"]


def test_where_the_opening_auction_set_the_base_the_share_ratio_is_the_factor():
    # shares fell to a tenth; base = open holds a market move of -7 % besides
    found = events((0, 1_000, 990, 1_000, 1_000_000), (1, 9_500, 9_290, 9_290, 100_000))
    assert found["factor"].tolist() == pytest.approx([10.0])
    assert found["confidence"].tolist() == ["low"]


@pytest.mark.parametrize(
    ("previous_close", "base"),
    [(945, 1_593), (2_425, 3_965), (2_135, 3_100), (9_340, 11_700), (4_480, 2_240)],
    ids=["117670", "419270", "466910", "101140", "138360"],
)
def test_the_market_move_of_a_relisting_after_a_halt_is_no_factor(previous_close, base):
    # as recorded: halted the day before, opened at the base that its own auction set, shares as they were
    assert events((0, previous_close, 0, previous_close, 10**7), (1, base + 5, base, base, 10**7)).empty


def test_a_relisting_after_a_consolidation_has_the_share_ratio_even_where_the_auction_came_close_to_it():
    # 007460, 2023-01-19: 572 before, base = open = 1,720 (x 3.007), shares to a third
    found = events((0, 572, 0, 572, 300), (1, 1_645, 1_720, 1_720, 100))
    assert found["factor"].tolist() == [3.0]
    assert found["cause"].tolist() == ["consolidation"]


@pytest.mark.parametrize(
    ("previous_close", "base", "shares_before", "shares"),
    [(18_750, 17_930, 25_210_438, 18_932_713), (36_400, 28_000, 986_349, 740_737), (5_730, 4_880, 88_500_234, 56_156_301)],
    ids=["003070", "003075", "033290"],
)  # fmt: skip
def test_a_spin_off_has_the_ratio_of_its_base_since_the_shares_went_with_what_they_stood_for(
    previous_close, base, shares_before, shares
):
    found = events((0, previous_close, 0, previous_close, shares_before), (1, base - 5, base, base, shares))
    assert found["factor"].tolist() == pytest.approx([base / previous_close])
    assert (found["cause"].tolist(), found["confidence"].tolist()) == (["spin_off"], ["low"])


def test_a_consolidation_whose_auction_moved_far_is_no_spin_off():
    # 043590, 2024-01-19: shares to three quarters, 1,064 before, base = open = 1,300
    found = events((0, 1_064, 0, 1_064, 36_161_850), (1, 1_690, 1_300, 1_300, 27_121_387))
    assert found["cause"].tolist() == ["consolidation"] and found["factor"].tolist() == pytest.approx([4 / 3], rel=1e-4)


def test_the_first_session_after_a_transfer_that_opens_at_its_base_is_no_event():
    # 239890 and 179530, as recorded: KONEX the day before, KOSDAQ now; the shares grew because new ones were sold
    peer = ((0, 32_950, 33_000, 33_000, 3_995_376), (1, 23_850, 20_500, 20_500, 4_516_016))
    bio = ((0, 7_180, 6_960, 7_000, 7_693_044), (1, 5_950, 6_730, 6_730, 9_093_844))
    assert events(*peer, markets=["KONEX", "KOSDAQ"]).empty and events(*bio, markets=["KONEX", "KOSDAQ"]).empty
    assert events(*bio, markets=["KOSDAQ", "KOSDAQ"])["factor"].tolist() == pytest.approx([0.845962], abs=1e-6)


def test_a_split_on_the_first_session_on_another_board_is_one():
    # the base was announced, not made by the auction
    found = events((0, 1_000, 1_000, 1_000, 100), (1, 505, 495, 500, 200), markets=["KOSDAQ", "KOSPI"])
    assert found["factor"].tolist() == [0.5]


def test_a_base_announced_during_a_halt_is_an_event_although_shares_did_not_move():
    # base 600, opened at 640: the auction did not set it
    assert events((0, 1_000, 0, 1_000, 100), (1, 650, 640, 600, 100))["factor"].tolist() == pytest.approx([0.6])


def test_an_opening_at_the_base_without_a_halt_is_no_auction_of_a_relisting():
    # ex rights: 1,000 before, announced base 950, and the first trade happened to be there
    assert events((0, 1_000, 1_000, 1_000, 100), (1, 960, 950, 950, 100))["factor"].tolist() == pytest.approx([0.95])


def test_where_the_shares_are_unknown_a_relisting_keeps_the_ratio_of_its_base():
    assert events((0, 100, 0, 100, np.nan), (1, 55, 50, 50, np.nan))["factor"].tolist() == pytest.approx([0.5])


def test_a_hole_in_the_sessions_implies_nothing():
    assert events((0, 1_000, 1_000, 1_000, 10), (7, 480, 500, 500, 20)).empty


def test_a_base_rounded_to_its_tick_is_no_event():
    assert events((0, 2_022, 2_022, 2_022, 10), (1, 2_030, 2_015, 2_025, 10)).empty


def test_an_unknown_base_is_no_event():
    assert events((0, 1_000, 1_000, np.nan, 10), (1, 500, 500, np.nan, 20)).empty


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


def recorded():
    """Raw rows of the recorded windows, as silver has them."""
    parts = []
    for path in sorted((SHARED / "krx_marcap_windows").glob("marcap-*")):
        part = pd.read_csv(path, dtype={"Code": str}) if path.suffix == ".gz" else pd.read_parquet(path)
        parts.append(part[["Code", "Date", "Open", "High", "Low", "Close", "Changes", "Stocks", "Market"]])
    rows = pd.concat(parts, ignore_index=True)
    rows["session_date"] = pd.to_datetime(rows["Date"]).dt.date
    numbers = {day: calendars.session_no("XKRX", day) for day in rows["session_date"].unique()}
    return rows.assign(
        security_id=rows["Code"], session_no=rows["session_date"].map(numbers), close=rows["Close"], open=rows["Open"],
        base_price=rows["Close"] - rows["Changes"], listed_shares=rows["Stocks"].astype("float64"), market=rows["Market"],
        is_halted=(rows[["Open", "High", "Low"]] == 0).all(axis=1), known_at=pd.to_datetime(rows["Date"], utc=True),
        known_until=pd.Series(pd.NaT, rows.index, dtype="datetime64[ns, UTC]"),
    )  # fmt: skip


@pytest.mark.slow
@pytest.mark.skipif(not SHARED.exists(), reason="../shared/data is absent: the recorded events of KRX are not here")
def test_the_recorded_base_price_events_are_found_by_code_date_and_factor():
    rows = recorded()
    listed = pd.read_csv(SHARED / "krx_marcap_windows" / "derived_base_price_events.csv", dtype={"Code": str})
    listed["session_date"] = pd.to_datetime(listed["Date"]).dt.date
    halted = set(
        zip(rows.loc[rows["is_halted"], "security_id"], rows.loc[rows["is_halted"], "session_no"], strict=True)
    )
    pairs = adjust.beside_session_before(rows)
    boards = pairs[pairs["market"] != pairs["market_before"]]
    moved = set(zip(boards["security_id"], boards["session_date"], strict=True))
    expected = {}
    for event in listed.itertuples():
        shares, ratio = event.prev_shares / event.Stocks, event.base / event.prev_close
        shares = shares if abs(shares - 1) > 0.005 else 1.0
        was_halted = (event.Code, calendars.session_no("XKRX", event.session_date) - 1) in halted
        is_auction = event.base_is_open and (was_halted or (shares != 1.0 and abs(ratio / shares - 1) > 0.02))
        is_spin_off = event.Code in {"003070", "003075", "033290"}  # read up: their companies were divided
        factor = shares if is_auction and not is_spin_off else ratio
        is_transfer = event.base_is_open and (event.Code, event.session_date) in moved
        if factor != 1.0 and not is_transfer:
            expected[event.Code, event.session_date] = factor
    found = adjust.base_price_events(pairs)
    factors = dict(zip(zip(found["security_id"], found["session_date"], strict=True), found["factor"], strict=True))
    assert factors == pytest.approx(expected)
    assert (
        len(expected) == 103
    )  # of 123; the others: 17 relistings with the shares that there were, 3 transfers from KONEX


DAYS = [d.date() for d in pd.bdate_range("2024-01-01", periods=40)]
LEDGERS = st.dictionaries(
    st.integers(1, 39), st.sampled_from([0.02, 0.1, 0.2, 0.5, 0.846, 0.937, 4 / 3, 2.0, 10.0]), max_size=6
)
"""Factors by the place of their ex-date."""


def ledger_of(factors, last=40):
    """The ledger as it was known at that place: nothing of a later ex-date."""
    known = sorted(at for at in factors if at < last)
    return pd.DataFrame(
        {"security_id": "A", "session_date": [DAYS[at] for at in known], "factor": [factors[at] for at in known]}
    )


def as_of(prices, factors, last):
    """Prices of the sessions before that place, on the scale of the last of them."""
    rows = prices.iloc[:last].copy()
    rows["cumulative_factor"] = adjust.cumulative_factor(ledger_of(factors, last), rows)
    return adjust.adjusted_as_of(rows, pd.Series(rows["cumulative_factor"].iloc[-1], rows.index))


@st.composite
def series(draw):
    """Raw prices on the tick grid of the day, and volumes."""
    closes = draw(st.lists(st.integers(200, 3_000_000), min_size=len(DAYS), max_size=len(DAYS)))
    on_grid = [
        close - close % int(rulebook.tick_size(day, "KOSPI", close)) for day, close in zip(DAYS, closes, strict=True)
    ]
    columns = {name: on_grid for name in adjust.PRICE_COLUMNS}
    return pd.DataFrame({"security_id": "A", "session_date": DAYS, "volume": draw(st.integers(0, 10**8)), **columns})


@given(series(), LEDGERS, st.integers(1, 39), st.integers(1, 40))
def test_adjusting_as_of_one_day_and_then_as_of_a_later_one_is_adjusting_as_of_the_later_one(
    prices, factors, first, second
):
    first, second = sorted((first, second))
    once = as_of(prices, factors, second).iloc[:first]
    between = ledger_of({at: factor for at, factor in factors.items() if first <= at < second})["factor"].prod()
    twice = as_of(prices, factors, first)
    np.testing.assert_allclose(twice["close"] * between, once["close"], rtol=1e-12)
    np.testing.assert_allclose(twice["volume"] / between, once["volume"], rtol=1e-12)


@given(series(), LEDGERS, st.integers(1, 40))
def test_from_raw_to_adjusted_and_back_every_price_is_the_one_traded(prices, factors, last):
    """By the ledger of the day: within a thousandth of the day's tick, so that the nearest price on the grid is the raw one."""
    adjusted = as_of(prices, factors, last)
    own = adjust.cumulative_factor(ledger_of(factors, last), adjusted)
    back = adjusted["close"] / own[-1] * own
    raw = prices["close"].iloc[:last]
    ticks = np.array(
        [rulebook.tick_size(day, "KOSPI", close) for day, close in zip(DAYS[:last], raw, strict=True)], float
    )
    assert (np.abs(back - raw) < ticks / 1_000).all()
    np.testing.assert_allclose(adjusted["volume"] * own[-1] / own, prices["volume"].iloc[:last], rtol=1e-12)


@given(series(), LEDGERS, st.integers(1, 39))
def test_prices_as_of_a_day_do_not_depend_on_any_later_ex_date(prices, factors, last):
    kept = {at: factor for at, factor in factors.items() if at < last}
    pd.testing.assert_frame_equal(as_of(prices, factors, last), as_of(prices, kept, last))
