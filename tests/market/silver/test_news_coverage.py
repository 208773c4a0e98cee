"""silver.news_coverage: a session once covered stays covered, though the search no longer reaches it."""

from typing import Any

import numpy as np

COVERAGE = "bronze.naver_coverage"


def counts(rows: Any) -> list[float]:
    return rows["n_headlines"].tolist()


def test_an_uncovered_answer_after_a_covered_one_takes_no_count_back(answer: Any, silver: Any) -> None:
    told = [
        answer(COVERAGE, "2024-05-03 07:00", {"n_items": 7}),
        answer(COVERAGE, "2024-08-03 07:00", {"is_covered": False, "n_items": 0}),
    ]
    rows = silver("silver.news_coverage", *told)
    assert counts(rows) == [7.0]
    assert rows["is_covered"].tolist() == [True]
    assert rows["known_until"].isna().all()


def test_a_session_covered_later_is_counted_from_then_on(answer: Any, silver: Any) -> None:
    told = [
        answer(COVERAGE, "2024-05-03 07:00", {"is_covered": False, "n_items": 2}),
        answer(COVERAGE, "2024-05-03 08:00", {"n_items": 7}),
        answer(COVERAGE, "2024-05-03 09:00", {"is_covered": False, "n_items": 1}),
        answer(COVERAGE, "2024-05-03 10:00", {"n_items": 8}),
    ]
    np.testing.assert_array_equal(counts(silver("silver.news_coverage", *told)), [np.nan, 7.0, 8.0])


def test_a_session_that_was_never_covered_is_unknown_and_never_zero(answer: Any, silver: Any) -> None:
    told = [answer(COVERAGE, f"2024-05-0{n} 07:00", {"is_covered": False, "n_items": 0}) for n in (3, 4)]
    np.testing.assert_array_equal(counts(silver("silver.news_coverage", *told)), [np.nan])


def test_the_count_of_one_company_says_nothing_about_another(answer: Any, silver: Any) -> None:
    told = [
        answer(COVERAGE, "2024-05-03 07:00", {"n_items": 7}),
        answer(COVERAGE, "2024-05-03 08:00", {"code": "000660", "is_covered": False, "n_items": 0}),
    ]
    np.testing.assert_array_equal(counts(silver("silver.news_coverage", *told)), [np.nan, 7.0])
