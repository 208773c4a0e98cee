"""silver.indices: levels of the exchange's indices, every version that it ever told."""

from market.datasets.silver._feeds import build_from, feeds
from market.datasets.silver._typed import BAR_RULES, KNOWN, MONTH, ORIGIN, UNREADABLE
from market.table import Between, Column, IsSession, Matches, OneOf, Read, Table

FEEDS = feeds("silver.indices")

TABLE = Table(
    __name__,
    doc="Daily index levels, as published. A session of a service that the key is not approved for is not here: see "
    "bronze.krx_services.",
    columns=(
        Column("session_date", "date", "session, in the exchange's own date", rules=(IsSession(),)),
        MONTH,
        Column("index_id", "string", "exchange, series and name", rules=(Matches(r"XKRX:(KRX|KOSPI|KOSDAQ):.+"),)),
        Column("exchange", "string", "exchange", rules=(OneOf(("XKRX",)),)),
        Column("series", "string", "series that it belongs to", rules=(OneOf(("KRX", "KOSPI", "KOSDAQ")),)),
        Column("name", "string", "name of the index"),
        Column("currency", "string", "currency of value and capitalisation"),
        Column("open", "float64", "first level", "points", True, (Between(0.0001),)),
        Column("high", "float64", "highest level", "points", True, (Between(0.0001),)),
        Column("low", "float64", "lowest level", "points", True, (Between(0.0001),)),
        Column("close", "float64", "last level", "points", rules=(Between(0.0001),)),
        Column("previous_close", "float64", "close of the session before, as told", "points", True, (Between(0.0001),)),
        Column("volume", "int64", "shares of its members traded", "shares", True, (Between(0),)),
        Column("value", "float64", "value of its members traded", "currency", True, (Between(0),)),
        Column("market_cap", "float64", "market capitalisation of its members", "currency", True, (Between(0),)),
        UNREADABLE,
        *ORIGIN,
        *KNOWN,
    ),
    key=("index_id", "session_date", "known_at"),
    known_at="the end of the session; a revision from when it was fetched",
    commits="replace",
    may_be_empty=True,
    reads=(*(Read(name, spread="session_date") for name in FEEDS), Read("silver.sessions", "side")),
    build=build_from(FEEDS),
    row_rules=BAR_RULES,
)
