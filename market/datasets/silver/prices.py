"""silver.prices: raw daily prices of every security, every version that a source ever told."""

from market.datasets.silver._feeds import build_from, feeds
from market.datasets.silver._typed import BAR_RULES, HOLDERS, KNOWN, MONTH, ORIGIN, UNREADABLE
from market.identity import ID
from market.table import Between, Column, IsSession, Matches, OneOf, Read, Table

FEEDS = feeds("silver.prices")

TABLE = Table(
    __name__,
    doc="Raw daily bars: unadjusted, halts as halts (no open, high, low; close kept), US bars with later splits undone.",
    columns=(
        Column("session_date", "date", "session, in the exchange's own date", rules=(IsSession(),)),
        MONTH,
        Column("security_id", "string", "our stable id", rules=(Matches(ID),)),
        Column("exchange", "string", "exchange", rules=(OneOf(("XKRX", "XNYS")),)),
        Column("symbol", "string", "code on that day"),
        Column("market", "string", "board", rules=(OneOf(("KOSPI", "KOSDAQ", "KONEX", "US")),)),
        Column("currency", "string", "currency of the prices", rules=(Matches(r"[A-Z]{3}$"),)),
        Column("open", "float64", "first price; null while halted", "currency", True, (Between(0.0001),)),
        Column("high", "float64", "highest price; null while halted", "currency", True, (Between(0.0001),)),
        Column("low", "float64", "lowest price; null while halted", "currency", True, (Between(0.0001),)),
        Column("close", "float64", "last price; kept while halted", "currency", rules=(Between(0.0001),)),
        Column("volume", "int64", "shares traded", "shares", rules=(Between(0),)),
        Column("value", "float64", "value traded", "currency", True, (Between(0),)),
        Column("market_cap", "float64", "close x listed shares, as the exchange says", "currency", True, (Between(0),)),
        Column("listed_shares", "int64", "shares listed", "shares", True, (Between(0),)),
        Column("base_price", "float64", "the exchange's base price of the session", "currency", True),
        Column("is_halted", "bool", "no regular trade that day"),
        UNREADABLE,
        *ORIGIN,
        *KNOWN,
    ),
    key=("security_id", "session_date", "known_at"),
    known_at="the end of the session; a revision from when it was fetched",
    commits="replace",
    reads=(*(Read(name, spread="session_date") for name in FEEDS), Read("silver.sessions", "side"), HOLDERS),
    build=build_from(FEEDS),
    row_rules=BAR_RULES,
)
