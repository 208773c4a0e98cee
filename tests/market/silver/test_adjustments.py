"""silver.adjustments: a factor is true as long as what implies it is believed, and not a moment longer."""

from datetime import UTC, date, datetime
from typing import Any

import pandas as pd
import pytest

from market import calendars
from market.bitemporal import true_at
from market.table import Window

BEFORE, DAY, AFTER = date(2024, 5, 2), date(2024, 5, 3), date(2024, 5, 7)


def krx(answer: Any, day: date, fetched: str, close: int, base: int, **more: str) -> Any:
    """One session's answer about one security that opened somewhere else than at its base."""
    return answer(
        "bronze.krx_daily", fetched, {"TDD_CLSPRC": f"{close:,}", "CMPPREVDD_PRC": f"{close - base:,}"} | more, day=day
    )


def spans(rows: pd.DataFrame) -> list[tuple[date, float, str, str | None]]:
    """(ex-date, factor, known from, known until) with instants as texts."""
    texts = [[None if pd.isna(at) else f"{at:%Y-%m-%d %H:%M}" for at in rows[n]] for n in ("known_at", "known_until")]
    return list(zip(rows["session_date"], rows["factor"], *texts, strict=True))


@pytest.fixture
def withdrawn(answer: Any) -> list[Any]:
    """05-03 is told with base 50 after a close of 100; on 05-07 it is corrected to close 101, base 100."""
    return [
        krx(answer, BEFORE, "2024-05-02 23:00", 100, 100),
        krx(answer, DAY, "2024-05-03 23:00", 50, 50),
        krx(answer, DAY, "2024-05-07 23:00", 101, 100),
    ]


def test_a_factor_that_a_correction_withdraws_ends_with_the_correction(withdrawn: Any, silver: Any) -> None:
    assert spans(silver("silver.adjustments", *withdrawn)) == [(DAY, 0.5, "2024-05-03 06:30", "2024-05-07 23:00")]


def test_a_reading_as_of_before_the_withdrawal_has_the_factor_and_one_after_has_none(
    withdrawn: Any, silver: Any
) -> None:
    rows = silver("silver.adjustments", *withdrawn)
    assert true_at(rows, pd.Timestamp("2024-05-07T22:59Z"))["factor"].tolist() == [0.5]
    assert true_at(rows, pd.Timestamp("2024-05-07T23:00Z")).empty


def test_a_factor_that_comes_back_is_a_row_of_its_own(withdrawn: Any, answer: Any, silver: Any) -> None:
    rows = silver("silver.adjustments", *withdrawn, krx(answer, DAY, "2024-05-09 23:00", 50, 50))
    assert spans(rows) == [
        (DAY, 0.5, "2024-05-03 06:30", "2024-05-07 23:00"),
        (DAY, 0.5, "2024-05-09 23:00", None),
    ]


def test_a_revision_that_leaves_the_base_leaves_the_factor_as_it_was(answer: Any, silver: Any) -> None:
    rows = silver(
        "silver.adjustments",
        krx(answer, BEFORE, "2024-05-02 23:00", 100, 100),
        krx(answer, DAY, "2024-05-03 23:00", 50, 50),
        krx(answer, DAY, "2024-05-07 23:00", 51, 50),
    )
    assert spans(rows) == [(DAY, 0.5, "2024-05-03 06:30", None)]


def test_a_factor_ends_when_its_row_is_gone_from_a_corrected_answer(answer: Any, silver: Any) -> None:
    other = {"ISU_CD": "000660"}
    rows = silver(
        "silver.adjustments",
        krx(answer, BEFORE, "2024-05-02 23:00", 100, 100),
        krx(answer, DAY, "2024-05-03 23:00", 50, 50),
        answer("bronze.krx_daily", "2024-05-07 23:00", other, day=DAY),
    )
    assert spans(rows) == [(DAY, 0.5, "2024-05-03 06:30", "2024-05-07 23:00")]


def test_a_corrected_close_leaves_the_next_base_as_it_was(answer: Any, silver: Any) -> None:
    rows = silver(
        "silver.adjustments",
        krx(answer, BEFORE, "2024-05-02 23:00", 100, 100),
        krx(answer, DAY, "2024-05-03 23:00", 100, 100),
        krx(answer, BEFORE, "2024-05-07 23:00", 110, 100),
    )
    assert rows.empty


def test_a_base_that_only_a_later_correction_of_the_close_explains_was_an_event_until_then(
    answer: Any, silver: Any
) -> None:
    # nobody could know on 05-03 that the close of 05-02 had been 110
    rows = silver(
        "silver.adjustments",
        krx(answer, BEFORE, "2024-05-02 23:00", 100, 100),
        krx(answer, DAY, "2024-05-03 23:00", 110, 110),
        krx(answer, BEFORE, "2024-05-07 23:00", 110, 100),
    )
    assert spans(rows) == [(DAY, 1.1, "2024-05-03 06:30", "2024-05-07 23:00")]


def test_a_corrected_us_split_closes_the_factor_told_first(answer: Any, silver: Any) -> None:
    split = {"kind": "split", "numerator": 4.0, "denominator": 1.0}
    rows = silver(
        "silver.adjustments",
        answer("bronze.yahoo_chart", "2024-05-03 22:00", {}, split),
        answer("bronze.yahoo_chart", "2024-05-07 22:00", {}, split | {"numerator": 5.0}),
    )
    assert spans(rows) == [
        (DAY, 0.25, "2024-05-03 20:00", "2024-05-07 22:00"),
        (DAY, 0.2, "2024-05-07 22:00", None),
    ]


def test_a_relisting_is_no_factor_where_shares_did_not_move(answer: Any, silver: Any) -> None:
    halted = dict.fromkeys(("TDD_OPNPRC", "TDD_HGPRC", "TDD_LWPRC", "ACC_TRDVOL", "ACC_TRDVAL"), "0")
    rows = silver(
        "silver.adjustments",
        krx(answer, DAY, "2024-05-03 23:00", 945, 945, **halted),
        krx(answer, AFTER, "2024-05-07 23:00", 1_600, 1_593, TDD_OPNPRC="1,593"),
    )
    assert calendars.next_session("XKRX", DAY) == AFTER
    assert rows.empty


def decided(answer: Any, day: date, fetched: str, title: str, number: str) -> Any:
    """A filing of one session."""
    received = {"report_nm": title, "rcept_no": number, "rcept_dt": f"{day:%Y%m%d}"}
    return answer("bronze.dart_filings", fetched, received, day=day)


def test_a_disclosed_decision_names_the_cause_and_a_day_s_build_finds_it_as_the_whole_does(
    answer: Any, silver: Any
) -> None:
    told = [
        krx(answer, BEFORE, "2024-05-02 23:00", 100, 100),
        krx(answer, DAY, "2024-05-03 23:00", 95, 95, TDD_OPNPRC="96"),
        decided(answer, date(2024, 3, 4), "2024-03-04 23:00", "주요사항보고서(유상증자결정)", "20240304000007"),
    ]
    whole = silver("silver.adjustments", *told)
    [row] = whole.to_dict("records")
    assert (row["cause"], row["disclosed_by"], row["confidence"]) == ("rights_issue", "DART 20240304000007", "high")
    assert row["evidence"].endswith("; 주요사항보고서(유상증자결정)")
    day = silver("silver.adjustments", *told, window=Window(DAY, DAY, datetime(2024, 5, 4, tzinfo=UTC)))
    pd.testing.assert_frame_equal(day, whole)


def test_a_decision_received_on_the_ex_date_itself_could_not_be_read_by_its_close(answer: Any, silver: Any) -> None:
    told = [
        krx(answer, BEFORE, "2024-05-02 23:00", 100, 100),
        krx(answer, DAY, "2024-05-03 23:00", 95, 95, TDD_OPNPRC="96"),
        decided(answer, DAY, "2024-05-03 23:00", "주요사항보고서(유상증자결정)", "20240503000007"),
    ]
    [row] = silver("silver.adjustments", *told).to_dict("records")
    assert row["cause"] == "rights_or_other"
    assert pd.isna(row["disclosed_by"])


def test_a_declared_split_is_held_against_the_opening(answer: Any, silver: Any) -> None:
    split = {"kind": "split", "numerator": 4.0, "denominator": 1.0}
    before = answer("bronze.yahoo_chart", "2024-05-02 22:00", {"open": 720.0, "close": 724.0}, day=BEFORE)
    moved = answer("bronze.yahoo_chart", "2024-05-03 22:00", {}, split)
    [row] = silver("silver.adjustments", before, moved).to_dict("records")
    assert (row["factor"], row["confidence"], row["disclosed_by"]) == (0.25, "high", "Yahoo chart event")
    still = answer("bronze.yahoo_chart", "2024-05-03 22:00", {"open": 722.0}, split)
    assert silver("silver.adjustments", before, still)["confidence"].tolist() == ["low"]
    assert silver("silver.adjustments", moved)["confidence"].tolist() == ["medium"]


def test_a_split_whose_ex_date_was_refused_is_in_the_ledger_from_the_session_after(answer: Any, silver: Any) -> None:
    told = [
        krx(answer, BEFORE, "2024-05-02 23:00", 10_000, 10_000, LIST_SHRS="1,000"),
        krx(answer, AFTER, "2024-05-07 23:00", 980, 990, LIST_SHRS="10,000"),
    ]
    whole = silver("silver.adjustments", *told)
    assert spans(whole) == [(AFTER, 0.1, "2024-05-07 06:30", None)]
    day = silver("silver.adjustments", *told, window=Window(AFTER, AFTER, datetime(2024, 5, 8, tzinfo=UTC)))
    pd.testing.assert_frame_equal(day, whole)


def test_a_declared_split_needs_no_bar_of_its_ex_date(answer: Any, silver: Any) -> None:
    split = {"kind": "split", "numerator": 4.0, "denominator": 1.0}
    before = answer("bronze.yahoo_chart", "2024-05-02 22:00", {}, day=BEFORE)
    declared = answer("bronze.yahoo_chart", "2024-05-03 22:00", split)
    rows = silver("silver.adjustments", before, declared)
    assert spans(rows) == [(DAY, 0.25, "2024-05-03 20:00", None)]
    assert rows["confidence"].tolist() == ["medium"]
    assert silver("silver.adjustments", declared).empty, "a call of other securities, whose bars these are not"


def test_a_declared_split_where_nobody_traded_is_in_neither_a_day_s_build_nor_the_whole(
    answer: Any, silver: Any
) -> None:
    split = {"kind": "split", "numerator": 1.0, "denominator": 10.0}
    days = calendars.sessions("XNYS", date(2024, 4, 22), DAY)
    for n_before, n_rows in ((5, 1), (6, 0)):
        told = [
            answer("bronze.yahoo_chart", f"{days[-1 - n_before]} 22:00", {}, day=days[-1 - n_before]),
            answer("bronze.yahoo_chart", "2024-05-03 22:00", split),
        ]
        whole = silver("silver.adjustments", *told)
        day = silver("silver.adjustments", *told, window=Window(DAY, DAY, datetime(2024, 5, 4, tzinfo=UTC)))
        assert (len(whole), len(day)) == (n_rows, n_rows)


def test_a_declared_split_outlives_the_bar_of_its_ex_date(answer: Any, silver: Any) -> None:
    split = {"kind": "split", "numerator": 4.0, "denominator": 1.0}
    told = [answer("bronze.yahoo_chart", "2024-05-02 22:00", {"open": 720.0, "close": 724.0}, day=BEFORE)]
    told.append(answer("bronze.yahoo_chart", "2024-05-03 22:00", {}, split))
    told.append(answer("bronze.yahoo_chart", "2024-05-07 22:00", split))
    rows = silver("silver.adjustments", *told)
    assert {row[1] for row in spans(rows)} == {0.25}
    assert rows["known_until"].isna().sum() == 1
