"""silver.news_coverage: how many headlines a session had, null where the collection did not cover it."""

from market.datasets.silver._feeds import build_from, feeds
from market.datasets.silver._typed import KNOWN, MONTH, ORIGIN
from market.table import Between, Column, Read, Table

FEEDS = feeds("silver.news_coverage")

TABLE = Table(
    __name__,
    doc="Headline counts by security and session. News is collected forward: a session that was not covered is null, never zero.",
    columns=(
        Column("session_date", "date", "session"),
        MONTH,
        Column("security_id", "string", "our stable id"),
        Column("exchange", "string", "exchange"),
        Column("is_covered", "bool", "the whole window was within what the search showed"),
        Column("n_headlines", "float64", "items published within the window", "headlines", True, (Between(0),)),
        *ORIGIN,
        *KNOWN,
    ),
    key=("security_id", "session_date", "known_at"),
    known_at="the end of the session; a changed count from when it was fetched",
    writer="spark",
    may_be_empty=True,
    reads=(*(Read(name, spread="session_date") for name in FEEDS), Read("silver.sessions", "side")),
    build=build_from(FEEDS),
)
