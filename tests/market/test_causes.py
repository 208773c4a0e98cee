"""What explains a factor: worked by hand, and what must hold for any decisions and any split."""

from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lake import windows
from market import calendars, causes
from market.datasets.silver import adjustments

EX = date(2024, 5, 3)
CLOSE = pd.Timestamp("2024-05-03T06:30Z")
NEVER = pd.NaT


def event(cause: str, factor: float, confidence: str = "medium", security: str = "XKRX:005930") -> pd.DataFrame:
    return pd.DataFrame({
        "security_id": [security], "session_date": [EX], "known_at": [CLOSE], "factor": [factor], "cause": [cause],
        "evidence": ["base price 950 against previous close 1000"], "confidence": [confidence],
    })  # fmt: skip


def decisions(*told: tuple[str, int] | tuple[str, int, dict[str, Any]]) -> pd.DataFrame:
    """Decisions as (action, days before the ex-date, what else differs), known at the opening of their day."""
    rows = []
    for n, (action, days, *more) in enumerate(told):
        day = EX - timedelta(days=days)
        row = {"security_id": "XKRX:005930", "session_date": day, "action": action, "report_name": "결정",
               "evidence": f"DART {n}", "price_factor": np.nan, "known_at": pd.Timestamp(day, tz="UTC"), "known_until": NEVER}  # fmt: skip
        rows.append(row | (more[0] if more else {}))
    frame = pd.DataFrame(
        rows,
        columns=[
            "security_id",
            "session_date",
            "action",
            "report_name",
            "evidence",
            "price_factor",
            "known_at",
            "known_until",
        ],
    )
    return frame.assign(**{n: pd.to_datetime(frame[n], utc=True) for n in ("known_at", "known_until")})


def said(events: pd.DataFrame, told: pd.DataFrame) -> tuple[str, str | None, str]:
    """(cause, what disclosed it, confidence) of the one event."""
    [row] = causes.explained(events, told).to_dict("records")
    return row["cause"], None if pd.isna(row["disclosed_by"]) else row["disclosed_by"], row["confidence"]


@pytest.mark.parametrize(
    ("cause", "factor", "action", "title", "found"),
    [
        ("split_or_bonus", 0.02, "split_decision", "주식분할결정", "split"),
        ("split_or_bonus", 0.5, "bonus_decision", "무상증자결정", "bonus_issue"),
        ("rights_or_other", 0.5, "bonus_decision", "무상증자결정", "bonus_issue"),
        ("rights_or_other", 0.95, "rights_decision", "유상증자결정", "rights_issue"),
        ("opening_auction", 0.5, "bonus_decision", "무상증자결정", "bonus_issue"),
        ("opening_auction", 0.95, "rights_decision", "유상증자결정", "rights_issue"),
        ("rights_or_other", 0.9, "rights_and_bonus_decision", "유무상증자결정", "rights_and_bonus"),
        ("rights_or_other", 0.97, "dividend_decision", "주식배당결정", "stock_dividend"),
        ("spin_off", 0.85, "spin_off_decision", "주요사항보고서(회사분할결정)", "spin_off"),
        ("spin_off", 1.05, "spin_off_decision", "주요사항보고서(회사분할결정)", "spin_off"),
        ("consolidation", 10.0, "consolidation_decision", "주식병합결정", "consolidation"),
        ("consolidation", 10.0, "capital_reduction_decision", "감자결정", "capital_reduction"),
    ],
)
def test_a_decision_names_the_cause(cause: str, factor: float, action: str, title: str, found: str) -> None:
    told = decisions((action, 40, {"report_name": title}))
    assert said(event(cause, factor), told) == (found, "DART 0", "high")
    assert title in causes.explained(event(cause, factor), told)["evidence"].iloc[0]


@pytest.mark.parametrize(
    ("cause", "factor", "action", "title"),
    [
        ("rights_or_other", 1.05, "rights_decision", "유상증자결정"),
        ("consolidation", 10.0, "split_decision", "주식분할결정"),
        ("split_or_bonus", 0.5, "consolidation_decision", "주식병합결정"),
        ("rights_or_other", 0.97, "dividend_decision", "현금ㆍ현물배당결정"),
        ("rights_or_other", 0.5, "split_decision", "주식분할결정"),
        ("spin_off", 0.85, "rights_decision", "유상증자결정"),
    ],
)  # fmt: skip
def test_a_decision_that_would_have_done_something_else_explains_nothing(
    cause: str, factor: float, action: str, title: str
) -> None:
    assert said(event(cause, factor), decisions((action, 40, {"report_name": title}))) == (cause, None, "medium")


def test_without_decisions_every_factor_stands_as_its_base_tells_it() -> None:
    assert said(event("rights_or_other", 0.95), decisions()) == ("rights_or_other", None, "medium")
    assert causes.explained(event("rights_or_other", 0.95).iloc[:0], decisions(("rights_decision", 3))).empty


def test_an_opening_auction_s_factor_is_at_most_of_medium_confidence() -> None:
    told = decisions(("consolidation_decision", 60))
    assert said(event("consolidation", 10.0, "low"), told) == ("consolidation", "DART 0", "medium")


@pytest.mark.parametrize(
    ("cause", "factor", "action", "ratio", "found"),
    [
        ("rights_or_other", 0.5, "bonus_decision", 0.5, ("bonus_issue", "DART 0", "high")),
        (
            "rights_or_other",
            0.6763,
            "bonus_decision",
            1 / 1.5,
            ("bonus_issue", "DART 0", "high"),
        ),  # own shares get none
        ("rights_or_other", 0.909, "bonus_decision", 0.5, ("rights_or_other", None, "low")),
        ("rights_or_other", 0.5, "bonus_decision", 0.909, ("rights_or_other", None, "low")),
        ("consolidation", 20.0, "capital_reduction_decision", 20.0, ("capital_reduction", "DART 0", "high")),
        ("consolidation", 10.0, "capital_reduction_decision", 20.0, ("consolidation", None, "low")),
    ],
)
def test_a_ratio_that_was_told_is_held_against_the_factor(
    cause: str, factor: float, action: str, ratio: float, found: tuple[str, str | None, str]
) -> None:
    told = decisions((action, 40, {"price_factor": ratio}))
    assert said(event(cause, factor, "low"), told) == found
    if found[1]:
        assert (
            causes.explained(event(cause, factor), told)["evidence"]
            .iloc[0]
            .endswith(f"; factor {ratio:.6g} by its ratio")
        )


def test_a_correction_with_the_right_ratio_explains_what_the_original_does_not() -> None:
    told = decisions(("bonus_decision", 60, {"price_factor": 0.9}), ("bonus_decision", 40, {"price_factor": 0.5}))
    assert said(event("rights_or_other", 0.5), told) == ("bonus_issue", "DART 1", "high")


def test_the_ratio_of_the_common_share_is_not_held_against_a_preferred_one() -> None:
    told = decisions(("bonus_decision", 40, {"price_factor": 0.9}))
    assert said(event("rights_or_other", 0.5, "low", "XKRX:005935"), told) == ("bonus_issue", "DART 0", "medium")


def test_a_decision_explains_the_factor_of_the_company_s_other_shares_and_of_no_other_company() -> None:
    told = decisions(("rights_decision", 40))
    assert said(event("rights_or_other", 0.95, security="XKRX:005935"), told)[0] == "rights_issue"
    assert said(event("rights_or_other", 0.95, security="XKRX:005940"), told)[0] == "rights_or_other"


@pytest.mark.parametrize(("days", "is_told"), [(0, True), (150, True), (151, False), (-1, False)])
def test_a_decision_counts_for_months_and_never_before_it_was_made(days: int, is_told: bool) -> None:
    assert (said(event("rights_or_other", 0.95), decisions(("rights_decision", days)))[1] is not None) == is_told


def test_a_decision_that_could_not_be_read_by_then_explains_nothing() -> None:
    late, withdrawn = ({"known_at": CLOSE + timedelta(seconds=1)}, {"known_until": CLOSE})
    for told in (late, withdrawn):
        assert said(event("rights_or_other", 0.95), decisions(("rights_decision", 3, told)))[1] is None
    in_time = {"known_at": CLOSE, "known_until": CLOSE + timedelta(seconds=1)}
    assert said(event("rights_or_other", 0.95), decisions(("rights_decision", 3, in_time)))[1] == "DART 0"


def test_of_two_decisions_the_newest_receipt_counts_but_for_shares_that_moved_at_once() -> None:
    told = decisions(("split_decision", 90), ("rights_decision", 10), ("bonus_decision", 20))
    assert said(event("split_or_bonus", 0.5), told)[0] == "split"
    assert said(event("rights_or_other", 0.5), told)[0] == "rights_issue"


@given(
    st.lists(st.tuples(st.sampled_from([*causes.EXPLANATIONS, "split"]), st.integers(-5, 300)), max_size=8),
    st.sampled_from(["split_or_bonus", "consolidation", "opening_auction", "rights_or_other", "spin_off"]),
    st.floats(0.01, 100).filter(lambda f: abs(f - 1) > 0.005),
    st.randoms(use_true_random=False),
)
def test_explaining_changes_no_factor_and_does_not_depend_on_the_order_of_telling(
    told: list[tuple[str, int]], cause: str, factor: float, random: Any
) -> None:
    events, known = event(cause, factor), decisions(*told)
    shuffled = known.iloc[random.sample(range(len(known)), len(known))]
    found = causes.explained(events, known)
    pd.testing.assert_frame_equal(found, causes.explained(events, shuffled))
    pd.testing.assert_frame_equal(
        found[["security_id", "session_date", "known_at", "factor"]],
        events[["security_id", "session_date", "known_at", "factor"]],
    )
    used = known[known["evidence"] == found["disclosed_by"].iloc[0]]
    assert (used["known_at"] <= CLOSE).all()


def declared(opening: float, factor: float) -> pd.DataFrame:
    return pd.DataFrame({
        "security_id": ["XNYS:AAPL"], "session_no": [7], "session_date": [EX], "open": [opening], "factor": [factor],
        "known_at": [CLOSE], "evidence": ["Yahoo chart event"],
    })  # fmt: skip


def bars(*closes: tuple[int, float]) -> pd.DataFrame:
    frame = pd.DataFrame(closes, columns=["session_no", "close"]).astype({"session_no": "int64", "close": "float64"})
    frame["security_id"], frame["known_at"] = "XNYS:AAPL", CLOSE - timedelta(days=1)
    return frame.assign(known_until=pd.Series(NEVER, frame.index, dtype="datetime64[ns, UTC]"))


@pytest.mark.parametrize(
    ("close", "opening", "factor", "confidence"),
    [
        (499.23, 127.67, 0.25, "high"),  # AAPL, 2020-08-31, as traded
        (1.13, 19.70, 20.0, "high"),  # AIG, 2009-07-01: the price fell by a seventh besides
        (565.06, 563.39, 0.997307, "high"),  # GOOG, 2015-04-27: a dividend of class C shares
        (499.23, 510.0, 0.25, "low"),  # declared, and nothing happened
        (2000.0, 127.67, 0.25, "low"),  # declared twice: undone where the source had not adjusted
        (499.23, float("nan"), 0.25, "medium"),
    ],
)
def test_the_opening_confirms_a_declared_split_or_does_not(
    close: float, opening: float, factor: float, confidence: str
) -> None:
    [row] = causes.confirmed(declared(opening, factor), bars((6, close), (4, 1.0))).to_dict("records")
    assert (row["cause"], row["factor"], row["confidence"]) == ("split", factor, confidence)
    assert row["disclosed_by"] == "Yahoo chart event"


def test_a_split_without_a_bar_before_it_stays_declared() -> None:
    assert causes.confirmed(declared(127.67, 0.25), bars((5, 499.23)))["confidence"].tolist() == ["medium"]
    assert causes.confirmed(declared(127.67, 0.25).iloc[:0], bars((6, 499.23))).empty


@given(st.floats(0.001, 1000).filter(lambda f: abs(np.log(f)) > 0.001), st.floats(0.01, 1e5), st.floats(-0.49, 0.49))
def test_any_split_whose_opening_came_nearer_to_it_than_half_of_the_way_is_confirmed(
    factor: float, close: float, share: float
) -> None:
    opening = close * factor * np.exp(share * np.log(factor))
    assert causes.confirmed(declared(opening, factor), bars((6, close)))["confidence"].tolist() == ["high"]


@pytest.mark.parametrize("day", calendars.sessions("XKRX", date(2015, 1, 5), date(2026, 6, 1))[::37])
def test_the_sessions_that_a_day_s_build_reads_reach_every_decision_that_counts(day: date) -> None:
    assert windows.sessions_back(day, adjustments.DECIDED_BEFORE) <= day - causes.LATER


def test_an_original_without_figures_is_held_to_its_correction_s_ratio() -> None:
    """The source tells the figures of the newest receipt alone, so that a backfill never sees the original's."""
    corrected = {"report_name": "[기재정정]무상증자결정", "price_factor": 1 / 1.1}
    told = decisions(("bonus_decision", 40, {"report_name": "무상증자결정"}), ("bonus_decision", 30, corrected))
    assert said(event("split_or_bonus", 0.5), told)[1] is None
    assert said(event("split_or_bonus", 1 / 1.1), told)[:2] == ("bonus_issue", "DART 1")
    other = {"report_name": "무상증자결정", "price_factor": 1 / 1.1}  # a decision of its own corrects nothing
    apart = decisions(("bonus_decision", 40, {"report_name": "무상증자결정"}), ("bonus_decision", 30, other))
    assert said(event("split_or_bonus", 0.5), apart)[:2] == ("bonus_issue", "DART 0")
