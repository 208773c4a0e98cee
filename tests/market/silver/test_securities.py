"""silver.securities and silver.symbols: what was believed of a security at each moment, and contradictions left to the gate."""

from datetime import date
from typing import Any

import pandas as pd
import pyarrow as pa

from expectations.judge import judge
from market import registry
from market.bitemporal import true_at

LISTING = "bronze.krx_listing"
DAY, AFTER = date(2024, 5, 3), date(2024, 5, 7)


def names(rows: pd.DataFrame) -> list[tuple[str, str, str | None]]:
    """(name, known from, known until) with instants as texts."""
    texts = [[None if pd.isna(at) else f"{at:%Y-%m-%d %H:%M}" for at in rows[n]] for n in ("known_at", "known_until")]
    return list(zip(rows["name"], *texts, strict=True))


def test_a_corrected_listing_is_believed_from_its_correction_on(answer: Any, silver: Any) -> None:
    told = [
        answer(LISTING, "2024-05-03 23:00", {"ISU_ABBRV": "old"}),
        answer(LISTING, "2024-07-03 23:00", {"ISU_ABBRV": "corrected"}),
    ]
    rows = silver("silver.securities", *told)
    assert names(rows) == [
        ("old", "2024-05-03 06:30", "2024-07-03 23:00"),
        ("corrected", "2024-07-03 23:00", None),
    ]
    assert true_at(rows, pd.Timestamp("2024-06-01T00:00Z"))["name"].tolist() == ["old"]
    assert names(silver("silver.symbols", *told)) == names(rows)


def test_a_rename_is_known_from_the_first_session_that_showed_it(answer: Any, silver: Any) -> None:
    told = [
        answer(LISTING, "2024-05-03 23:00", {"ISU_ABBRV": "before"}),
        answer(LISTING, "2024-05-07 23:00", {"ISU_ABBRV": "after"}, day=AFTER),
        answer(LISTING, "2024-05-08 23:00", {"ISU_ABBRV": "after"}, day=date(2024, 5, 8)),
    ]
    assert names(silver("silver.securities", *told)) == [
        ("before", "2024-05-03 06:30", "2024-05-07 06:30"),
        ("after", "2024-05-07 06:30", None),
    ]


def test_a_correction_of_a_listing_that_a_newer_one_replaced_changes_nothing(answer: Any, silver: Any) -> None:
    told = [
        answer(LISTING, "2024-05-03 23:00", {"ISU_ABBRV": "before"}),
        answer(LISTING, "2024-05-07 23:00", {"ISU_ABBRV": "after"}, day=AFTER),
        answer(LISTING, "2024-07-03 23:00", {"ISU_ABBRV": "corrected"}),
    ]
    assert [name for name, *_ in names(silver("silver.securities", *told))] == ["before", "after"]


def test_rows_of_one_payload_that_contradict_each_other_are_all_refused(answer: Any, silver: Any) -> None:
    table = registry.table("silver.securities")
    both = answer(
        LISTING, "2024-05-03 23:00", {}, {"MKT_TP_NM": "KOSDAQ"}, {"ISU_SRT_CD": "000660", "ISU_CD": "KR7000660001"}
    )
    rows = silver("silver.securities", both)
    assert sorted(rows["market"]) == ["KOSDAQ", "KOSPI", "KOSPI"]
    verdict = judge(table, table.conform(pa.Table.from_pandas(rows, preserve_index=False)))
    assert {rows["symbol"].iloc[position] for position, _ in verdict.reasons} == {"005930"}
    assert len(verdict.reasons) == 2


def test_no_par_value_is_unknown_and_another_word_is_refused(answer: Any, silver: Any) -> None:
    told = answer(
        LISTING, "2024-05-03 23:00", {"PARVAL": "무액면"}, {"ISU_SRT_CD": "000660", "PARVAL": "오백원", "LIST_DD": "x"}
    )
    rows = silver("silver.securities", told).set_index("symbol")
    assert rows["par_value"].isna().all()
    assert pd.isna(rows.loc["005930", "unreadable"])
    assert rows.loc["000660", "unreadable"] == "LIST_DD 'x', PARVAL '오백원'"


def test_a_us_security_is_known_from_its_first_bar(answer: Any, silver: Any) -> None:
    told = [answer("bronze.yahoo_chart", "2024-05-07 22:00", {}, day=day) for day in (DAY, date(2024, 5, 6))]
    assert names(silver("silver.securities", *told)) == [("AAPL", "2024-05-03 20:00", None)]
