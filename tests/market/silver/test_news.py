"""silver.news and silver.stories: headlines of both sources in one form, and which of them tell the same story."""

from typing import Any

import pandas as pd
import pytest

NAVER, DAUM = "bronze.naver_news", "bronze.daum_news"
AT = "2024-05-03 07:00"


def test_both_sources_come_to_one_form(answer: Any, silver: Any) -> None:
    rows = silver("silver.news", answer(NAVER, AT, {}), answer(DAUM, AT, {})).set_index("source")
    assert rows.loc["naver", ["title", "press", "language"]].tolist() == ["삼성전자 실적", "press.kr", "ko"]
    assert rows.loc["daum", ["title", "language"]].tolist() == ["[속보] 삼성전자, 노사 합의", "ko"]
    assert pd.isna(rows.loc["daum", "press"]), "the search does not tell it"
    assert f"{rows.loc['daum', 'published_at']:%Y-%m-%d %H:%M}" == "2024-05-03 01:05"
    assert (rows["known_at"] == rows["published_at"]).all()


@pytest.mark.parametrize("said", ["", "yesterday", "2024-05-03T10:05:00"])
def test_a_publication_that_cannot_be_read_is_left_null_for_the_gate(answer: Any, silver: Any, said: str) -> None:
    assert silver("silver.news", answer(DAUM, AT, {"datetime": said}))["published_at"].isna().all()


@pytest.mark.parametrize(("title", "language"), [("Samsung beats", "en"), ("2024 3.5%", None), ("LG 실적", "ko")])
def test_the_language_is_told_by_the_letters(answer: Any, silver: Any, title: str, language: str | None) -> None:
    [found] = silver("silver.news", answer(DAUM, AT, {"title": title}))["language"]
    assert found == language or (language is None and pd.isna(found))


def test_a_story_has_the_id_of_its_first_headline_whatever_comes_later(answer: Any, silver: Any) -> None:
    first = answer(NAVER, AT, {"title": "삼성전자, 대규모 공급계약 체결"})
    again = answer(DAUM, AT, {"title": "[속보] 삼성전자, 대규모 공급계약 체결(종합)"})
    alone, both = silver("silver.stories", first), silver("silver.stories", again, first)
    assert both["story_id"].nunique() == 1
    assert both["link"].tolist() == ["first", "title"]
    kept = both[both["source"] == "naver"].reset_index(drop=True)
    pd.testing.assert_frame_equal(kept, alone, check_dtype=False)


def test_a_changed_headline_stays_in_its_story(answer: Any, silver: Any) -> None:
    first = answer(NAVER, AT, {"title": "삼성전자, 대규모 공급계약 체결"})
    changed = answer(NAVER, "2024-05-04 07:00", {"title": "전혀 다른 이야기로 바뀐 제목"})
    assert len(silver("silver.news", first, changed)) == 2
    pd.testing.assert_frame_equal(silver("silver.stories", first, changed), silver("silver.stories", first))


def test_the_same_words_about_two_securities_are_two_stories(answer: Any, silver: Any) -> None:
    told = answer(NAVER, AT, {}, {"code": "000660"})
    assert silver("silver.stories", told)["story_id"].nunique() == 2
