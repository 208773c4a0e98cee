"""silver.news_searches: which sessions each news search covered, and how many items it showed of them."""

from market.datasets.silver._feeds import build_from, feeds
from market.datasets.silver._typed import HOLDERS, KNOWN, MONTH, ORIGIN
from market.table import Between, Column, Read, Table

FEEDS = feeds("silver.news_searches")

TABLE = Table(
    __name__,
    doc="Coverage by security, session and source. News is collected forward: a session that a search did not cover is null, never "
    "zero.",
    columns=(
        Column("session_date", "date", "session"),
        MONTH,
        Column("security_id", "string", "our stable id"),
        Column("exchange", "string", "exchange"),
        Column("is_covered", "bool", "the whole window was within what the search showed"),
        Column(
            "n_items", "float64", "items published within the window, copies included", "headlines", True, (Between(0),)
        ),
        *ORIGIN,
        *KNOWN,
    ),
    key=("security_id", "session_date", "source", "known_at"),
    known_at="the end of the session; a changed count from when it was fetched",
    commits="replace",
    may_be_empty=True,
    reads=(*(Read(name, spread="session_date") for name in FEEDS), Read("silver.sessions", "side"), HOLDERS),
    build=build_from(FEEDS),
)
