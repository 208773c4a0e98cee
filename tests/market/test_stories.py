"""Stories: copies share one, different things never do, and nothing depends on what came later or in which order it was told."""

from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market.stories import LIKENESS, LINKS, normal_address, normal_title, stories

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data"
WITHIN = ["security"]
BEGIN = pd.Timestamp("2024-05-03", tz="UTC")
WORDS = (
    "삼성전자",
    "공급계약",
    "체결",
    "어닝 쇼크",
    "신제품",
    "흥행",
    "노사",
    "합의",
    "[속보]",
    "(종합)",
    "2분기",
    "3분기",
    "'사상 최대'",
)


def told(*titles: str, urls: list[str] | None = None, minutes: list[int] | None = None) -> pd.DataFrame:
    """Headlines about one security, a minute apart unless told."""
    n = len(titles)
    at = [BEGIN + pd.Timedelta(minutes=m) for m in (minutes or range(n))]
    return pd.DataFrame(
        {"security": "a", "title": titles, "url": urls or [f"https://p/{i}" for i in range(n)], "known_at": at}
    )


def links(rows: pd.DataFrame) -> list[str]:
    return stories(rows, WITHIN)["link"].tolist()


headlines = st.lists(
    st.tuples(st.lists(st.sampled_from(WORDS), min_size=1, max_size=6), st.integers(0, 20), st.integers(0, 2)),
    min_size=1, max_size=14,
).map(
    lambda drawn: told(*(" ".join(words) for words, _, _ in drawn), minutes=[at for _, at, _ in drawn]).assign(
        security=[str(who) for _, _, who in drawn]
    )
)  # fmt: skip


def test_a_hand_worked_day():
    rows = told(
        '삼성전자, 대규모 공급계약 체결 "사상 최대"',
        "[특징주] 삼성전자, 대규모 공급계약 체결 '사상 최대'",
        "삼성전자, 대규모 공급계약 체결 '사상 최대'...왜",
        "삼성전자 신제품 흥행에 실적 개선 기대",
    )
    found = stories(rows, WITHIN)
    assert found["link"].tolist() == ["first", "title", "near", "first"]
    assert found["first_url"].tolist() == ["https://p/0"] * 3 + ["https://p/3"]
    # 삼성전자대규모공급계약체결사상최대 has 17 letters, so 15 shingles; 왜 adds one
    assert found["likeness"].tolist() == [1.0, 1.0, 15 / 16, 1.0]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("[속보] 삼성전자 공급계약 체결", "삼성전자, 공급계약 체결(종합)"),
        ("삼성전자 '공급계약' 체결…강세", '삼성전자 "공급계약" 체결...강세'),
        ("삼성전자 공급계약 체결 <특징주>", "삼성전자 공급 계약 체결"),
        ("ＬＧ전자 OLED 공급계약 체결", "LG전자 oled 공급계약 체결"),
    ],
)
def test_tags_marks_spaces_and_widths_are_no_difference(one: str, other: str) -> None:
    assert normal_title(one) == normal_title(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("[인사] 삼성전자", "[부고] 삼성전자"),
        ("삼성전자 1분기 영업이익 시장 예상 상회", "삼성전자 2분기 영업이익 시장 예상 상회"),
        ("코스피 2600선 회복...외국인 순매수", "코스피 2700선 회복...외국인 순매수"),
        ("삼성전자, 신입사원 공개 채용", "삼성전자, 정기 주주총회 개최"),
        ("외국인, 삼성전자 순매수 지속...강세", "기관, 삼성전자 순매도 지속...약세"),
        ("!!!", "???"),
    ],
)
def test_different_things_are_different_stories(one: str, other: str) -> None:
    assert links(told(one, other)) == ["first", "first"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("http://www.press.kr/news/1", "https://press.kr/news/1/"),
        ("https://press.kr/view?id=1&utm_source=naver", "https://press.kr/view?id=1#top"),
        ("https://m.press.kr/view?id=1&sc=Naver", "https://press.kr/view?id=1"),
    ],
)
def test_one_article_under_two_addresses_is_one_story(one: str, other: str) -> None:
    assert normal_address(one) == normal_address(other)
    assert links(told("삼성전자 공급계약 체결", "전혀 다르게 고친 제목", urls=[one, other])) == ["first", "address"]


def test_what_identifies_an_article_stays_in_its_address():
    assert normal_address("https://p.kr/view?id=1") != normal_address("https://p.kr/view?id=2")
    assert normal_address("https://p.kr/a") != normal_address("https://q.kr/a")
    assert normal_address("https://[p.kr/1") == "https://[p.kr/1", "no address: it stands for itself"


def test_near_copies_are_compared_with_the_first_headline_and_make_no_chain():
    rows = told(
        "가나다라마바사아자차", "가나다라마바사아자차카타", "가나다라마바사아자차카타파하거너", "자차카타파하거너더러"
    )
    assert links(rows) == ["first", "near", "first", "first"]
    assert stories(rows, WITHIN)["likeness"].iloc[1] == 8 / 10 >= LIKENESS


def test_no_headlines_are_no_stories():
    assert stories(told(), WITHIN).empty


@settings(max_examples=50, deadline=None)
@given(rows=headlines, seed=st.integers(0, 99))
def test_the_order_in_which_headlines_are_told_does_not_matter(rows: pd.DataFrame, seed: int) -> None:
    shuffled = stories(rows.sample(frac=1, random_state=seed), WITHIN)
    pd.testing.assert_frame_equal(shuffled.sort_index(), stories(rows, WITHIN))


@settings(max_examples=50, deadline=None)
@given(rows=headlines, minute=st.integers(0, 20))
def test_a_cut_history_gives_the_whole_historys_stories(rows: pd.DataFrame, minute: int) -> None:
    """What was known by an instant has the stories that it has for ever."""
    known = rows["known_at"] <= BEGIN + pd.Timedelta(minutes=minute)
    pd.testing.assert_frame_equal(stories(rows[known], WITHIN), stories(rows, WITHIN)[known])


@settings(max_examples=50, deadline=None)
@given(rows=headlines)
def test_exact_copies_share_a_story_and_securities_never_do(rows: pd.DataFrame) -> None:
    found = rows.join(stories(rows, WITHIN)).assign(words=rows["title"].map(normal_title))
    assert (found.groupby(["security", "words"])["first_url"].nunique() == 1).all()
    assert (found.groupby("first_url")["security"].nunique() == 1).all()
    assert set(found["link"]) <= set(LINKS)
    firsts = found[found["link"] == "first"]
    assert (firsts["first_url"] == firsts["url"]).all()
    assert ((found["likeness"] >= LIKENESS) & (found["likeness"] <= 1)).all()


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.text("가나다라마바사", min_size=3), min_size=1, max_size=5),
    st.lists(st.text("자차카타파하", min_size=3), max_size=5),
)
def test_headlines_without_a_shared_word_are_never_one_story(some: list[str], others: list[str]) -> None:
    rows = told(*some, *others)
    first = stories(rows, WITHIN)["first_url"]
    assert not set(first[: len(some)]) & set(first[len(some) :])


def test_of_real_headlines_of_a_day_most_begin_a_story_and_few_are_near_copies():
    """Headlines about Hyundai Motor as Naver Finance showed them, a story within a day."""
    path = SHARED / "kr_sentiment" / "snu_hyundai_raw_naver_finance_news.csv"
    if not path.exists():
        pytest.skip(f"{path} is not there")
    real = pd.read_csv(path).dropna(subset=["title"]).drop_duplicates(["title", "press", "date"]).reset_index(drop=True)
    at = pd.to_datetime(real["date"].str.strip("."), format="%Y.%m.%d", utc=True)
    rows = pd.DataFrame({"security": real["date"], "title": real["title"], "url": real["link"], "known_at": at})
    found = stories(rows, WITHIN)
    shares = found["link"].value_counts(normalize=True)
    assert 0.02 < shares["near"] < 0.1
    assert shares["first"] > 0.8
