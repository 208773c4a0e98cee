"""Which company a code means on each day: renames, transfers and relistings keep the id, another company gets its own."""

from datetime import UTC, date, datetime, timedelta

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market import identity

START = date(2020, 1, 1)
OLD, NEW = ("옛회사", "Old Co."), ("새회사", "New Co.")


def listings(*told, symbol="005930", fetched=None):
    """Rows of (day, listed on day, (name, English), board); days count from START; fetched the next day, or on the day given."""
    rows = [
        {"symbol": symbol, "session_date": START + timedelta(day), "list_date": START + timedelta(listed), "name": name,
         "name_en": english, "market": market,
         "fetched_at": pd.Timestamp(START + timedelta(day + 1 if fetched is None else fetched), tz="UTC")}
        for day, listed, (name, english), market in told
    ]  # fmt: skip
    return pd.DataFrame(rows)


def ids(*told):
    return identity.listed_ids("XKRX", listings(*told)).tolist()


def test_a_code_that_another_company_was_given_is_another_security():
    found = ids((1, 0, OLD, "KOSPI"), (2, 0, OLD, "KOSPI"), (400, 400, NEW, "KOSPI"), (401, 400, NEW, "KOSPI"))
    assert found == ["XKRX:005930"] * 2 + ["XKRX:005930~20210204"] * 2


@pytest.mark.parametrize(
    ("what", "later"),
    [
        ("a rename", (2, 0, NEW, "KOSPI")),
        ("a transfer", (2, 2, OLD, "KOSDAQ")),
        ("a transfer with a rename, after a hole in what was seen", (400, 390, NEW, "KOSDAQ")),
        ("a relisting", (400, 390, OLD, "KONEX")),
        ("a relisting under another Korean name", (400, 390, ("새회사", "OLD CO."), "KONEX")),
        ("a listing date that was corrected to an earlier one", (2, -5, NEW, "KONEX")),
    ],
)
def test_one_company_keeps_its_id_through(what, later):
    assert set(ids((1, 0, OLD, "KONEX"), later)) == {"XKRX:005930"}, what


def test_a_row_without_a_listing_date_or_a_name_begins_nothing():
    told = listings((1, 0, OLD, "KOSPI"), (400, 400, (None, None), "KOSPI"), (401, 401, NEW, "KOSPI"))
    told["list_date"] = told["list_date"].where(told.index != 2)
    assert set(identity.listed_ids("XKRX", told)) == {"XKRX:005930"}


def test_ids_that_were_given_stay_when_older_sessions_are_fetched_later():
    new = listings((400, 400, NEW, "KOSPI"))
    assert identity.listed_ids("XKRX", new).tolist() == ["XKRX:005930"]
    both = pd.concat([new, listings((1, 0, OLD, "KOSPI"), fetched=500)], ignore_index=True)
    assert identity.listed_ids("XKRX", both).tolist() == ["XKRX:005930", "XKRX:005930~20200101"]


def held(*holders):
    """silver.securities as the other feeds read it, from (id, day listed)."""
    return pa.table({
        "security_id": [who for who, _ in holders],
        "list_date": pa.array([START + timedelta(day) for _, day in holders], pa.date32()),
    })  # fmt: skip


def test_a_price_belongs_to_whoever_had_the_code_that_day():
    plain = pd.Series(["XKRX:005930", "XKRX:005930", "XKRX:000660"], dtype="string")
    days = pd.Series([START + timedelta(n) for n in (399, 400, 400)])
    listed = held(("XKRX:005930", 0), ("XKRX:005930~20210204", 400), ("XKRX:000660", 3))
    assert identity.ids_then(plain, days, listed).tolist() == ["XKRX:005930", "XKRX:005930~20210204", "XKRX:000660"]
    assert identity.ids_then(plain, days, None).tolist() == plain.tolist()


def test_the_code_of_an_id_has_no_listing():
    assert [identity.symbol_of(one) for one in ("XKRX:005930~20210204", "XKRX:00088K", "XNYS:BRK-B")] == [
        "005930", "00088K", "BRK-B",
    ]  # fmt: skip


def test_a_segment_is_its_board():
    assert identity.board(pd.Series(["KOSDAQ GLOBAL", "KOSPI"])).tolist() == ["KOSDAQ", "KOSPI"]


def test_yahoo_has_a_suffix_by_board_and_no_konex():
    assert [identity.yahoo_symbol("XKRX", "005930", m) for m in ("KOSPI", "KOSDAQ", "KONEX")] == [
        "005930.KS", "005930.KQ", None,
    ]  # fmt: skip
    assert identity.yahoo_symbol("XNYS", "AAPL", "US") == "AAPL"


@st.composite
def histories(draw):
    """A code's companies one after another, each with a gap before it: (day, day listed, names, board), and the truth of each row."""
    told, truth, day = [], [], 0
    for n in range(draw(st.integers(1, 4))):
        listed = day = day + draw(st.integers(1, 30))
        board, name = draw(st.integers(0, 1)), 0
        for _ in range(draw(st.integers(1, 6))):
            change = draw(st.sampled_from(["none", "rename", "transfer"]))
            if change == "rename":
                name += 1
            if change == "transfer" and board < 2:
                board, listed = board + 1, day
            told.append((day, listed, (f"{n}회사{name}", f"Company {n}"), identity.BOARDS[board]))
            truth.append(n)
            day += draw(st.integers(1, 5))
    return told, truth


def is_told_apart(told, truth):
    """No company follows another on a higher board: that is a move up, by the rule."""
    boards = [identity.BOARDS.index(board) for *_, board in told]
    return all(boards[i] <= boards[i - 1] for i in range(1, len(told)) if truth[i] != truth[i - 1])


@settings(max_examples=50, deadline=None)
@given(histories(), st.randoms(use_true_random=False))
def test_each_row_has_one_id_and_companies_never_share_one(history, random):
    told, truth = history
    rows = listings(*told)
    found = identity.listed_ids("XKRX", rows)
    if is_told_apart(told, truth):
        assert len(set(zip(truth, found, strict=True))) == len(set(truth)) == len(set(found))
    shuffled = rows.sample(frac=1, random_state=random.randint(0, 10_000))
    pd.testing.assert_series_equal(identity.listed_ids("XKRX", shuffled).sort_index(), found)


@settings(max_examples=50, deadline=None)
@given(histories())
def test_what_comes_later_changes_no_id(history):
    told, _ = history
    whole = ids(*told)
    for n in range(1, len(told)):
        assert ids(*told[:n]) == whole[:n]


@settings(max_examples=50, deadline=None)
@given(histories())
def test_on_each_day_the_code_means_the_company_that_was_listed(history):
    told, _ = history
    rows = listings(*told)
    rows["security_id"] = identity.listed_ids("XKRX", rows)
    plain = identity.security_id("XKRX", rows["symbol"])
    listed = pa.Table.from_pandas(rows[["security_id", "list_date"]], preserve_index=False)
    found = identity.ids_then(plain, rows["session_date"], listed)
    assert found.tolist() == rows["security_id"].tolist()


def test_the_fetch_decides_by_its_day_alone():
    both = listings((1, 0, OLD, "KOSPI"), (400, 400, NEW, "KOSPI"), fetched=500)
    both["fetched_at"] = [datetime(2021, 5, 15, hour, tzinfo=UTC) for hour in (9, 8)]
    assert identity.listed_ids("XKRX", both).tolist() == ["XKRX:005930", "XKRX:005930~20210204"]


def test_a_company_is_told_from_the_one_that_had_its_code_before() -> None:
    ids = pd.Series(["XKRX:005930", "XKRX:005935", "XKRX:005930~20210304", "XKRX:005935~20210304"])
    assert identity.issuer(ids).tolist() == ["XKRX:00593", "XKRX:00593", "XKRX:00593~20210304", "XKRX:00593~20210304"]
