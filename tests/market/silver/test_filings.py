"""silver.filings and silver.corporate_actions from DART: a receipt is known at the first opening after it; titles name decisions."""

from datetime import date
from typing import Any

import pandas as pd
import pytest

from market.datasets.bronze.dart_filings import DECISIONS

FILINGS = "bronze.dart_filings"


def test_a_receipt_of_a_session_is_known_at_the_next_opening(answer: Any, silver: Any) -> None:
    # Friday 2024-05-03; Monday 05-06 is a holiday
    rows = silver("silver.filings", answer(FILINGS, "2024-05-03 11:00", {}))
    assert rows["known_at"].tolist() == [pd.Timestamp("2024-05-07T09:00+09:00")]


def test_a_receipt_between_sessions_is_known_at_the_opening_of_the_session_it_belongs_to(
    answer: Any, silver: Any
) -> None:
    # Saturday 2024-05-04 and the closed Monday 05-06 belong to the session of Tuesday
    received = [{"rcept_dt": day, "rcept_no": f"{day}000001"} for day in ("20240504", "20240506", "20240507")]
    rows = silver("silver.filings", answer(FILINGS, "2024-05-07 11:00", *received, day=date(2024, 5, 7)))
    tuesday, wednesday = pd.Timestamp("2024-05-07T09:00+09:00"), pd.Timestamp("2024-05-08T09:00+09:00")
    assert rows["known_at"].tolist() == [tuesday, tuesday, wednesday]


def test_a_receipt_of_the_closed_last_day_of_the_year_is_known_when_the_new_year_opens(
    answer: Any, silver: Any
) -> None:
    received = {"rcept_dt": "20241231", "rcept_no": "20241231000001"}
    rows = silver("silver.filings", answer(FILINGS, "2025-01-02 11:00", received, day=date(2025, 1, 2)))
    (known_at,) = rows["known_at"]
    assert known_at.tz_convert("Asia/Seoul").date() == date(2025, 1, 2)
    assert known_at.tz_convert("Asia/Seoul").hour in (9, 10)


def test_a_decision_is_known_when_its_filing_is(answer: Any, silver: Any) -> None:
    told = answer(FILINGS, "2024-05-07 11:00", {"rcept_dt": "20240504"}, day=date(2024, 5, 7))
    assert silver("silver.corporate_actions", told)["known_at"].equals(silver("silver.filings", told)["known_at"])


@pytest.mark.parametrize("title", DECISIONS)
@pytest.mark.parametrize("form", ["주요사항보고서({})", "[기재정정]{}", "{}", "현금ㆍ현물{}"])
def test_every_title_gives_its_own_action(title: str, form: str, answer: Any, silver: Any) -> None:
    told = answer(FILINGS, "2024-05-03 11:00", {"report_nm": form.format(title)})
    assert silver("silver.corporate_actions", told)["action"].tolist() == [DECISIONS[title]]


def test_rights_with_a_bonus_issue_are_not_a_bonus_issue(answer: Any, silver: Any) -> None:
    told = answer(FILINGS, "2024-05-03 11:00", {"report_nm": "주요사항보고서(유무상증자결정)"})
    assert silver("silver.corporate_actions", told)["action"].tolist() == ["rights_and_bonus_decision"]


@pytest.mark.parametrize(
    ("title", "table", "figures", "factor"),
    [
        ("무상증자결정", "bronze.dart_bonus_issues", {}, 1 / 1.5),
        (
            "감자결정",
            "bronze.dart_capital_reductions",
            {},
            281_338_637 / 14_066_749,
        ),  # of its own 5.00 % are left, not gone
        ("무상증자결정", "bronze.dart_bonus_issues", {"nstk_ascnt_ps_ostk": "-"}, None),
        ("무상증자결정", "bronze.dart_bonus_issues", {"rcept_no": "20240503000002"}, None),
        ("감자결정", "bronze.dart_capital_reductions", {"atcr_tisstk_ostk": "0"}, None),
    ],
)
def test_a_decision_has_the_factor_that_its_own_figures_give(
    title: str, table: str, figures: dict[str, str], factor: float | None, answer: Any, silver: Any
) -> None:
    told = answer(FILINGS, "2024-05-03 11:00", {"report_nm": f"주요사항보고서({title})"})
    (row,) = silver("silver.corporate_actions", told, answer(table, "2024-05-03 11:01", figures)).to_dict("records")
    assert row["price_factor"] == pytest.approx(factor) if factor else pd.isna(row["price_factor"])


def test_figures_behind_a_list_read_later_are_what_it_told(answer: Any, silver: Any) -> None:
    told = answer(FILINGS, "2024-08-01 11:00", {"report_nm": "무상증자결정"})
    figures = answer("bronze.dart_bonus_issues", "2024-08-01 12:30", {})
    (row,) = silver("silver.corporate_actions", told, figures).to_dict("records")
    assert row["price_factor"] == pytest.approx(1 / 1.5)
    assert row["known_at"] == pd.Timestamp("2024-05-07T09:00+09:00")
    assert pd.isna(row["known_until"])


def test_a_ratio_that_was_told_later_is_known_from_then(answer: Any, silver: Any) -> None:
    told = answer(FILINGS, "2024-05-03 11:00", {"report_nm": "무상증자결정"})
    figures = answer("bronze.dart_bonus_issues", "2024-07-03 11:01", {})
    before, after = silver("silver.corporate_actions", told, figures).sort_values("known_at").to_dict("records")
    assert pd.isna(before["price_factor"])
    assert after["price_factor"] == pytest.approx(1 / 1.5)
    assert before["known_until"] == after["known_at"] == pd.Timestamp("2024-07-03T11:01Z")
    assert before["report_name"] == after["report_name"]


def test_a_ratio_that_is_told_otherwise_later_is_a_version(answer: Any, silver: Any) -> None:
    told = answer(FILINGS, "2024-05-03 11:00", {"report_nm": "무상증자결정"})
    first = answer("bronze.dart_bonus_issues", "2024-05-03 11:01", {})
    later = answer("bronze.dart_bonus_issues", "2024-07-03 11:01", {"nstk_ascnt_ps_ostk": "1"})
    rows = silver("silver.corporate_actions", told, first, later).sort_values("known_at")
    assert rows["price_factor"].tolist() == pytest.approx([1 / 1.5, 1 / 2])
    assert rows["known_at"].tolist() == [
        pd.Timestamp("2024-05-07T09:00+09:00"),
        pd.Timestamp("2024-07-03T11:01Z"),
    ]


def test_of_lists_read_before_the_receipt_counts_the_last_counts(answer: Any, silver: Any) -> None:
    names = ["무상증자결정", "[기재정정]무상증자결정"]
    told = [answer(FILINGS, f"2024-05-03 1{n}:00", {"report_nm": name}) for n, name in enumerate(names)]
    (row,) = silver("silver.filings", *told).to_dict("records")
    assert row["report_name"] == names[1]
    assert row["known_at"] == pd.Timestamp("2024-05-07T09:00+09:00")
    assert pd.isna(row["known_until"])
