"""bronze.daum_coverage: which sessions of which company the web search really covered, one row per company and session."""

from functools import partial

from market.datasets.bronze._headlines import COVERAGE, silver_searches
from market.table import Table

TABLE = Table(
    __name__,
    doc="What a collection of Daum's news covered: Kakao's web search has no date filter and shows 2,500 pages of any host at most, "
    "so a session before the oldest page shown is not covered, and a covered one without news has a count of zero.",
    columns=COVERAGE,
    key=("request", "payload_digest", "row_no", "fetched_at"),
    known_at="when the payload was fetched",
    commits="append",
    source="daum",
)

FEEDS = {"silver.news_searches": partial(silver_searches, "daum")}
