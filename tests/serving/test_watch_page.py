"""The page about the sources: what the last run left, by every source, escaped, without a network."""

from dataclasses import replace

import pytest

from lake.objects import lake_store
from lake.watch import Drift, Watch, Watched, keep
from market.datasets.ops.drift import FORMAT, UNKNOWN

PLAIN = Watched("krx", "live", (), "2024-06-27", "2024-06-28", 1_234, 10_000, "", True, (), "2024-12-31")
DRIFTS = (
    Drift(
        "bronze.krx_daily", UNKNOWN, "the columns of the contract", "NEW<script>", "2024-06-26", "2024-06-27", 2, True
    ),
    Drift("bronze.krx_daily", FORMAT, "OutBlock_1", "an object without keys", "2024-06-20", "2024-06-20", 6, False),
)


@pytest.fixture
def page(client, lake):
    def shown(*sources: Watched) -> str:
        keep(lake_store(lake.settings), Watch("2024-06-28T09:00:00+00:00", sources))
        return client.get("/watch").text

    return shown


def test_before_the_first_run_it_says_so(client):
    answer = client.get("/watch")
    assert answer.status_code == 200
    assert "No run has ended yet" in answer.text


def test_a_source_as_expected_is_shown_with_its_calls_and_its_key(page):
    text = page(PLAIN)
    assert "Every source sends what is expected." in text
    for shown in ("1,234", "8,766", "186 days left", "2024-06-27", "as expected"):
        assert shown in text


def test_what_came_otherwise_is_shown_with_since_when(page):
    text = page(replace(PLAIN, drifts=DRIFTS), replace(PLAIN, source="yahoo", has_key=False, key_ends=""))
    assert "1 of 2 sources want a look." in text
    assert "NEW&lt;script&gt;" in text and "<script" not in text
    for shown in ("2024-06-26", "still comes", "over", "an object without keys", "needs none"):
        assert shown in text


def test_what_is_missing_spent_or_ended_is_shown(page):
    spent = replace(PLAIN, calls_made=10_000, key_ends="2024-06-01")
    text = page(spent, replace(PLAIN, key_missing=("krx_api_key",)), replace(PLAIN, source="daum", state="off"))
    for shown in ("ended 2024-06-01", "0 of 10,000 calls left on 2024-06-28", "not set", ">off<"):
        assert shown in text


def test_how_many_calls_are_left_is_not_known_where_the_key_is_missing(page):
    without = replace(PLAIN, calls_allowed=None)
    assert "no limit" in page(without) and "not known" not in page(without)
    text = page(replace(without, key_missing=("krx_api_key",)))
    assert "not known without the key" in text and "no limit" not in text


def test_a_source_of_news_shows_how_long_after_its_publication_a_headline_was_seen(page):
    assert ">5.3 h<" in page(replace(PLAIN, source="naver", seen_after_s=19_000.0))
    assert " h<" not in page(PLAIN)


def test_it_needs_no_network_and_the_landing_page_leads_to_it(page, client):
    text = page(PLAIN)
    assert "src=" not in text and "https://" not in text
    assert 'href="/watch"' in client.get("/").text
