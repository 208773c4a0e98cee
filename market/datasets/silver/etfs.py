"""silver.etfs: raw daily prices and net asset values of exchange-traded funds, every version that the exchange ever told.

What does not belong here: stocks, which are silver.prices; no feature, label or model reads this table.
"""

from market.datasets.silver._feeds import build_from, feeds
from market.datasets.silver._typed import BAR_RULES, KNOWN, MONTH, ORIGIN, UNREADABLE
from market.table import Between, Column, IsSession, Matches, OneOf, Read, Table

FEEDS = feeds("silver.etfs")

TABLE = Table(
    __name__,
    doc="Raw daily bars of exchange-traded funds with net asset value and the index that each follows. Funds are no stocks: the "
    "universe, the features and the models do not hold them.",
    columns=(
        Column("session_date", "date", "session, in the exchange's own date", rules=(IsSession(),)),
        MONTH,
        Column("security_id", "string", "our stable id", rules=(Matches(r"XKRX:[0-9A-Z]{6}$"),)),
        Column("exchange", "string", "exchange", rules=(OneOf(("XKRX",)),)),
        Column("symbol", "string", "code on that day"),
        Column("name", "string", "name on that day"),
        Column("currency", "string", "currency of the prices"),
        Column("open", "float64", "first price; null where nothing traded", "currency", True, (Between(0.0001),)),
        Column("high", "float64", "highest price; null where nothing traded", "currency", True, (Between(0.0001),)),
        Column("low", "float64", "lowest price; null where nothing traded", "currency", True, (Between(0.0001),)),
        Column("close", "float64", "last price; kept where nothing traded", "currency", rules=(Between(0.0001),)),
        Column("volume", "int64", "shares traded", "shares", rules=(Between(0),)),
        Column("value", "float64", "value traded", "currency", True, (Between(0),)),
        Column("market_cap", "float64", "close x listed shares, as the exchange says", "currency", True, (Between(0),)),
        Column("listed_shares", "int64", "shares listed", "shares", True, (Between(0),)),
        Column("base_price", "float64", "the exchange's base price of the session", "currency", True),
        Column("nav", "float64", "net asset value of a share", "currency", True, (Between(0.0001),)),
        Column("net_assets", "float64", "net assets of the fund; KRX often writes 0", "currency", True, (Between(0),)),
        Column("index_name", "string", "the index that it follows", nullable=True),
        Column("index_close", "float64", "close of that index", "points", True),
        UNREADABLE,
        *ORIGIN,
        *KNOWN,
    ),
    key=("security_id", "session_date", "known_at"),
    known_at="the end of the session; a revision from when it was fetched",
    commits="replace",
    may_be_empty=True,
    reads=(*(Read(name, spread="session_date") for name in FEEDS), Read("silver.sessions", "side")),
    build=build_from(FEEDS),
    row_rules=BAR_RULES,
)
