"""silver.news_searches: a session once covered stays covered, though the search no longer reaches it.

silver.news_coverage: covered where any search covered the session; a story that several of them tell counts once.
"""

from typing import Any

import numpy as np

COVERAGE = "bronze.naver_coverage"


def counts(rows: Any) -> list[float]:
    return rows["n_items"].tolist()


def test_an_uncovered_answer_after_a_covered_one_takes_no_count_back(answer: Any, silver: Any) -> None:
    told = [
        answer(COVERAGE, "2024-05-03 07:00", {"n_items": 7}),
        answer(COVERAGE, "2024-08-03 07:00", {"is_covered": False, "n_items": 0}),
    ]
    rows = silver("silver.news_searches", *told)
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
    np.testing.assert_array_equal(counts(silver("silver.news_searches", *told)), [np.nan, 7.0, 8.0])


def test_a_session_that_was_never_covered_is_unknown_and_never_zero(answer: Any, silver: Any) -> None:
    told = [answer(COVERAGE, f"2024-05-0{n} 07:00", {"is_covered": False, "n_items": 0}) for n in (3, 4)]
    np.testing.assert_array_equal(counts(silver("silver.news_searches", *told)), [np.nan])


def test_the_count_of_one_company_says_nothing_about_another(answer: Any, silver: Any) -> None:
    told = [
        answer(COVERAGE, "2024-05-03 07:00", {"n_items": 7}),
        answer(COVERAGE, "2024-05-03 08:00", {"code": "000660", "is_covered": False, "n_items": 0}),
    ]
    np.testing.assert_array_equal(counts(silver("silver.news_searches", *told)), [np.nan, 7.0])


NEWS, DAUM, DAUM_NEWS = "bronze.naver_news", "bronze.daum_coverage", "bronze.daum_news"
OTHER = {"title": "노조 파업 예고", "originallink": "https://press.kr/2", "link": "https://n.news.naver.com/2"}


def believed(rows: Any) -> list[tuple[bool, float | None, str]]:
    """What is true now of each session."""
    now = rows[rows["known_until"].isna()]
    n = [None if np.isnan(count) else count for count in now["n_headlines"]]
    return list(zip(now["is_covered"], n, now["sources"], strict=True))


def test_the_same_story_at_two_sources_counts_once(answer: Any, silver: Any) -> None:
    copy = {"title": "[특징주] 삼성전자, 분기 실적 시장 예상 상회"}
    told = [
        answer(COVERAGE, "2024-05-03 07:00", {}),
        answer(NEWS, "2024-05-03 07:00", {"title": "<b>삼성전자</b>, 분기 실적 &quot;시장 예상 상회&quot;"}, OTHER),
        answer(DAUM, "2024-05-03 07:00", {}),
        answer(DAUM_NEWS, "2024-05-03 07:00", copy),
    ]
    assert believed(silver("silver.news_coverage", *told)) == [(True, 2.0, "daum,naver")]
    alone = silver("silver.news_coverage", *told[:2])
    assert believed(alone) == [(True, 2.0, "naver")], "the copy adds nothing"


def test_a_story_of_the_second_source_alone_counts_where_it_covered_the_session(answer: Any, silver: Any) -> None:
    naver = [answer(COVERAGE, "2024-05-03 07:00", {}), answer(NEWS, "2024-05-03 07:00", {})]
    own = answer(DAUM_NEWS, "2024-05-03 07:00", {"title": "물류센터 화재 진압, 인명 피해 없어"})
    covered = answer(DAUM, "2024-05-03 07:00", {})
    partly = answer(DAUM, "2024-05-03 07:00", {"is_covered": False})
    assert believed(silver("silver.news_coverage", *naver, own, covered)) == [(True, 2.0, "daum,naver")]
    assert believed(silver("silver.news_coverage", *naver, own, partly)) == [(True, 1.0, "naver")]


def test_one_source_is_enough_and_without_any_the_count_is_unknown(answer: Any, silver: Any) -> None:
    naver, daum = (answer(name, "2024-05-03 07:00", {"is_covered": False}) for name in (COVERAGE, DAUM))
    told = answer(NEWS, "2024-05-03 07:00", {})
    assert believed(silver("silver.news_coverage", naver, daum, told)) == [(False, None, "")]
    covered = answer(DAUM, "2024-05-03 07:00", {"is_covered": True})
    assert believed(silver("silver.news_coverage", naver, covered, told)) == [(True, 0.0, "daum")]


def test_a_covered_session_without_news_has_none(answer: Any, silver: Any) -> None:
    assert believed(silver("silver.news_coverage", answer(COVERAGE, "2024-05-03 07:00", {}))) == [(True, 0.0, "naver")]


def test_a_source_that_covers_the_session_later_changes_the_count_from_then_on(answer: Any, silver: Any) -> None:
    told = [
        answer(COVERAGE, "2024-05-03 07:00", {}),
        answer(NEWS, "2024-05-03 07:00", {}),
        answer(DAUM, "2024-05-03 07:00", {"is_covered": False}),
        answer(DAUM_NEWS, "2024-05-03 07:00", {}),
        answer(DAUM, "2024-05-03 09:00", {}),
    ]
    rows = silver("silver.news_coverage", *told)
    assert rows["n_headlines"].tolist() == [1.0, 2.0]
    assert [f"{at:%H:%M}" for at in rows["known_at"]] == ["06:30", "09:00"], "the close, then the fetch"
    assert rows["known_until"].iloc[0] == rows["known_at"].iloc[1]
