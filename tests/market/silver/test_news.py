"""silver.news, silver.stories and silver.mentions: headlines of both sources in one form, the stories they tell, whom they name."""

from datetime import date
from typing import Any

import pandas as pd
import pytest

from market import registry

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


def test_a_version_says_when_a_payload_first_told_it_which_its_known_at_does_not(answer: Any, silver: Any) -> None:
    late, again = answer(NAVER, "2024-05-20 07:00", {}), answer(NAVER, "2024-05-21 07:00", {}, request="GET /again")
    changed = answer(NAVER, "2024-05-22 07:00", {"title": "삼성전자 실적 정정"})
    rows = silver("silver.news", again, changed, late)
    assert [f"{at:%m-%d %H}" for at in rows["known_at"]] == ["05-03 01", "05-22 07"]
    assert [f"{at:%m-%d %H}" for at in rows["first_seen_at"]] == ["05-20 07", "05-22 07"]
    assert "first_seen_at" not in registry.table("silver.news").digested


def test_a_headline_that_was_changed_back_is_a_version_again(answer: Any, silver: Any) -> None:
    told = [
        answer(NAVER, f"2024-05-0{day} 07:00", {"title": title}) for day, title in ((3, "가"), (4, "나"), (5, "가"))
    ]
    assert silver("silver.news", *told)["title"].tolist() == ["가", "나", "가"]


def test_a_headline_is_linked_to_all_whom_it_names_whoever_it_was_found_for(answer: Any, silver: Any) -> None:
    """Two searches found it, which makes no second link; what its change no longer names stays, what it adds begins then."""
    names = {"005930": "삼성전자", "005380": "현대차", "000660": "SK하이닉스", "111111": "원텍", "222222": "원텍"}
    companies = [{"ISU_SRT_CD": code, "ISU_CD": f"KR7{code}003", "ISU_ABBRV": name} for code, name in names.items()]
    row = {"pubDate": "Fri, 03 May 2024 20:00:00 +0900", "title": "삼성전자·현대차, 협력", "description": "원텍도"}
    changed = row | {
        "title": "SK하이닉스, 협력"
    }  # which a third search meets late: it was no title of Friday's for it either
    rows = silver(
        "silver.mentions",
        answer("bronze.krx_listing", "2024-05-03 23:00", *companies),
        answer(NAVER, "2024-05-07 07:00", row, {**row, "code": "000660"}, day=date(2024, 5, 7)),
        answer(NAVER, "2024-05-09 07:00", changed, {**changed, "code": "005380"}, day=date(2024, 5, 7)),
    )
    evening, change = pd.Timestamp("2024-05-03T11:00Z"), pd.Timestamp("2024-05-09T07:00Z")
    found = rows[["security_id", "mention", "known_at"]].to_numpy().tolist()
    assert found == [
        ["XKRX:000660", "title", change], ["XKRX:005380", "title", evening], ["XKRX:005930", "title", evening],
        ["XKRX:111111", "open", evening], ["XKRX:222222", "open", evening],
    ]  # fmt: skip
    assert rows["known_until"].isna().all()


def test_a_mention_stays_known_from_the_publication_where_the_headline_was_changed_back(
    answer: Any, silver: Any
) -> None:
    listed = answer("bronze.krx_listing", "2024-05-02 23:00", {"ISU_ABBRV": "삼성전자"}, day=date(2024, 5, 2))
    told = [
        answer(NAVER, f"2024-05-0{day} 07:00", {"title": title}, day=date(2024, 5, 3))
        for day, title in ((4, "삼성전자 상승"), (5, "상승"), (6, "삼성전자 상승"))
    ]
    once, thrice = (silver("silver.mentions", listed, *told[:n]) for n in (1, 3))
    assert len(once) == 1 and thrice["known_at"].tolist() == once["known_at"].tolist()
