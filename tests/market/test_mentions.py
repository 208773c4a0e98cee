"""Which securities a headline names: by names in use at its publication, longest first, and open where it may mean something else."""

import json
from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.mentions import drawn, market_names
from market import mentions
from tests.market.test_adjust import SHARED

START = datetime(2024, 1, 1, tzinfo=UTC)


def at(day):
    return pd.Timestamp(START + timedelta(day))


def dictionary(*rows):
    """Names from (security, name, since day, until day or None)."""
    told = [(who, name, None, at(since), pd.NaT if until is None else at(until)) for who, name, since, until in rows]
    return mentions.Dictionary(
        pd.DataFrame(told, columns=["security_id", "name", "corp_name", "known_at", "known_until"])
    )


NAMES = dictionary(
    ("E", "삼성전자", 0, None), ("E5", "삼성전자우", 0, None), ("K", "카카오", 0, None), ("B", "카카오뱅크", 10, None),
    ("R", "라온소프트", 0, 10), ("R", "라온에이아이", 10, None), ("I", "포스코 ICT", 0, None), ("D", "대상", 0, None),
    ("L", "LG", 0, None), ("LE", "LG전자", 0, None), ("T", "KT", 0, None), ("G", "기아", 0, None), ("N", "NAVER", 0, None),
    ("O1", "원텍", 0, None), ("O2", "원텍", 0, None), ("M", "이마트", 0, None),
)  # fmt: skip


@pytest.mark.parametrize(
    ("security", "title", "kind"),
    [
        ("E", "삼성전자, 실적 발표", "title"), ("E", "삼성전자가 쏜다", "title"), ("E", "'삼성전자' 노사 합의", "title"),
        ("E", "삼성·LG 동맹", "none"), ("E", "삼성 임원 인사", "none"), ("E", "삼성전자우 강세", "none"), ("E5", "삼성전자우 강세", "title"),
        ("E", "삼성전자판매 신입 채용", "open"), ("E", "한삼성전자", "none"), ("E", "美·삼성전자 협의", "title"), ("E", "車삼성전자", "title"),
        ("K", "카카오톡 장애", "open"), ("K", "카카오 장애", "title"), ("K", "카카오뱅크 상장", "open"), ("I", "포스코ICT 수주", "title"),
        ("I", "포스코  ict 수주", "title"), ("D", "투자자 대상 실적 설명회", "open"), ("D", "대상, 김치 공장 증설", "title"),
        ("D", "[특징주] 대상, 강세", "title"), ("L", "LG전자 신제품", "none"), ("LE", "LG전자 신제품", "title"), ("L", "LG 주가 강세", "open"),
        ("L", "LG(003550) 배당", "title"), ("T", "KT 실적 개선", "title"), ("T", "KT 새 광고", "open"), ("T", "KTX 개통", "none"),
        ("G", "기아 타이거즈 우승", "open"), ("G", "기아 3분기 영업이익", "title"), ("N", "naver 검색 개편", "title"), ("N", "네이버 개편", "none"),
        ("O1", "원텍 급등", "open"), ("M", "이마트24 도시락", "open"), ("M", "이마트 24일 휴무", "title"),
        ("R", "라온소프트 합병", "title"), ("R", "라온에이아이 합병", "none"),
    ],
)  # fmt: skip
def test_a_headline_names_a_security_or_leaves_it_open(security, title, kind):
    assert said(security, title) == kind


def said(security, title, summary=None, day=5, names=NAMES):
    row = pd.DataFrame([{"security_id": security, "title": title, "summary": summary, "published_at": at(day)}])
    [kind] = mentions.named(row, names)
    return None if pd.isna(kind) else kind


def test_a_name_counts_from_the_session_it_was_known_until_the_rename():
    assert [said("R", "라온소프트 합병", day=day) for day in (5, 10)] == ["title", "none"]
    assert [said("R", "라온에이아이 합병", day=day) for day in (5, 10)] == ["none", "title"]
    assert [said("K", "카카오뱅크 상장", day=day) for day in (5, 10)] == ["open", "none"]


def test_without_any_name_known_yet_nothing_is_said():
    assert said("B", "카카오뱅크 상장", day=5) is None
    assert said("nobody", "카카오뱅크 상장") is None
    row = pd.DataFrame([{"security_id": "E", "title": "삼성전자", "summary": None, "published_at": pd.NaT}])
    assert mentions.named(row, NAMES).isna().all()


def test_the_excerpt_counts_where_the_title_is_silent():
    assert said("E", "노사 합의", "삼성전자는 10일") == "summary"
    assert said("E", "삼성전자판매 채용", "삼성전자는 10일") == "summary"
    assert said("E", None, None) == "none"


@pytest.mark.parametrize(
    ("title", "summary", "linked"),
    [
        ("삼성전자·카카오, 협력", None, [("E", "title"), ("K", "title")]), ("반도체 반등", "기아 3분기 영업이익", [("G", "summary")]),
        ("카카오 장애", "삼성전자와 카카오는", [("E", "summary"), ("K", "summary"), ("K", "title")]),
        ("원텍 급등", "", [("O1", "open"), ("O2", "open")]), ("카카오톡 장애", None, [("K", "open")]), ("코스피 상승", None, []), (None, None, []),
        ("라온소프트 합병", None, [("R", "title")]), ("라온에이아이 합병", None, []), ("카카오뱅크 상장", None, [("K", "open")]),
    ],
)  # fmt: skip
def test_a_headline_is_linked_to_every_security_that_it_names_by_names_of_that_day(title, summary, linked):
    rows = pd.DataFrame([{"title": title, "summary": summary, "published_at": at(5)}], index=[7])
    found = mentions.links(rows, NAMES)
    assert sorted(zip(found["security_id"], found["mention"], strict=True)) == linked
    assert set(found["headline"]) <= {7}
    assert mentions.links(rows.assign(published_at=pd.NaT), NAMES).empty


def test_the_companys_name_at_the_regulator_counts_too():
    row = ("X", "현대차", "현대자동차", at(0), pd.NaT)
    names = mentions.Dictionary(
        pd.DataFrame([row], columns=["security_id", "name", "corp_name", "known_at", "known_until"])
    )
    assert said("X", "현대자동차, 증설", names=names) == "title"


words = st.text("삼성전자우가 ABk1·,", min_size=1, max_size=6)
spells = st.lists(st.tuples(st.sampled_from("abcd"), words, st.integers(0, 9), st.integers(1, 9)), max_size=8)


def names_of(rows):
    return dictionary(*((who, name, since, since + length) for who, name, since, length in rows if name.strip()))


@settings(max_examples=60, deadline=None)
@given(spells, st.lists(words, min_size=1, max_size=4), st.integers(0, 12))
def test_never_looks_ahead(rows, title, day):
    """Names known later than the publication change nothing, nor do names that had ended."""
    text = " ".join(title)
    then = [row for row in rows if row[2] <= day < row[2] + row[3]]
    assert names_of(rows).mentions(text, at(day)) == names_of(then).mentions(text, at(day))


@settings(max_examples=60, deadline=None)
@given(spells, st.lists(words, min_size=1, max_size=4))
def test_a_mention_is_a_name_in_use_that_stands_in_the_text_and_in_no_other_mention(rows, title):
    text, names = " ".join(title), names_of(rows)
    found = names.mentions(text, at(5))
    rest = mentions.normal(text)
    for mention in found:
        assert mention.name in rest
        rest = rest[rest.index(mention.name) + len(mention.name) :]
        held = {who for who, name, since, length in rows if since <= 5 < since + length
                and mention.name in (mentions.normal(name), mentions.normal(name).replace(" ", ""))}  # fmt: skip
        assert set(mention.securities) == held
        assert mention.is_open or len(held) == 1


recorded = pytest.mark.skipif(
    not SHARED.exists(), reason="../shared/data is absent: the recorded headlines are not here"
)


@pytest.fixture(scope="module")
def real_names():
    """Names of the whole market in the winters of 2021 to 2023."""
    return market_names(SHARED)


def test_a_ticker_is_no_name():
    tickers = dictionary(
        ("XNYS:LNG", "LNG", 0, None), ("XNYS:AAPL", "Apple Inc.", 0, None), ("XNYS:AAPL", "AAPL", 0, None)
    )
    assert tickers.mentions("HD한국조선해양, LNG 운반선 수주", at(1)) == []
    assert [m.securities for m in tickers.mentions("Apple Inc. 실적, AAPL 급등", at(1))] == [("XNYS:AAPL",)]


@recorded
def test_the_headlines_to_be_read_by_hand_are_the_same_each_time_and_one_for_each_name():
    draw = drawn()
    assert len({name for name, *_ in draw}) == len(draw) == 100
    assert (
        "sga솔루션즈",
        "XKRX:184230",
        "2022-04-13",
        "[특징주] SGA솔루션즈, 삼성전자 첫 공식 NFT 발행 소식에 '강세...",
    ) in draw


@recorded
def test_four_real_items_of_a_recipe_search_name_no_security(real_names):
    body = json.loads(next((SHARED / "naver_news").glob("*.json")).read_text())
    named = [m for item in body["items"] for text in (item["title"], item["description"])
             for m in real_names.mentions(text, pd.Timestamp(item["pubDate"]).tz_convert("UTC")) if not m.is_open]  # fmt: skip
    assert len(body["items"]) == 4
    assert named == []


@recorded
def test_real_headlines_are_linked_as_often_as_was_measured(real_names):
    """The numbers of docs/identity.md: headlines found for three companies since March 2021, by how they name it."""
    counts = {}
    for company, code in (("samsung", "005930"), ("hyundai", "005380"), ("kakaobank", "323410")):
        files = [
            SHARED / "kr_sentiment" / f"snu_{company}_raw_{kind}.csv" for kind in ("naver_finance_news", "naver_news")
        ]
        rows = pd.concat(
            [pd.read_csv(file, dtype=str)[["title", "date"]].dropna() for file in files], ignore_index=True
        )
        days = pd.to_datetime(rows["date"].str.strip(".").str.replace(".", "-"), utc=True)
        rows = rows.assign(published_at=days + pd.Timedelta(hours=9), security_id=f"XKRX:{code}", summary=None)
        rows = rows[rows["published_at"] >= "2021-03-01"].drop_duplicates("title")
        counts[company] = mentions.named(rows, real_names).fillna("no name known").value_counts().to_dict()
    assert counts == {
        "samsung": {"title": 2026, "none": 2558, "open": 4}, "hyundai": {"title": 2732, "none": 970, "open": 499},
        "kakaobank": {"title": 241, "none": 190, "no name known": 2225},
    }  # fmt: skip
