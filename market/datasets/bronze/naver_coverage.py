"""bronze.naver_coverage: which sessions of which company the news search really covered, one row per company and session."""

from functools import partial

from market.datasets.bronze._headlines import COVERAGE, silver_searches
from market.table import Table

TABLE = Table(
    __name__,
    doc="What a news collection covered: Naver has no date filter and shows the newest 1,100 items, so a session before the "
    "oldest item shown is not covered, and a covered one without items has a count of zero.",
    columns=COVERAGE,
    key=("request", "payload_digest", "row_no", "fetched_at"),
    known_at="when the payload was fetched",
    commits="append",
    source="naver",
)

FEEDS = {"silver.news_searches": partial(silver_searches, "naver")}
