"""silver.securities: what is known of each security, one row per change."""

from market.datasets.silver._feeds import build_from, feeds, series_column
from market.datasets.silver._typed import KNOWN, ORIGIN, UNREADABLE
from market.identity import ID
from market.table import Column, Matches, OneOf, Read, Table

FEEDS = feeds("silver.securities")

TABLE = Table(
    __name__,
    doc="Name, board, ISIN, kind and listing of each security; a rename or a transfer is a new row, not a new security.",
    columns=(
        Column("security_id", "string", "our stable id", rules=(Matches(ID),)),
        Column("exchange", "string", "exchange", rules=(OneOf(("XKRX", "XNYS")),)),
        Column("symbol", "string", "code"),
        Column("name", "string", "short name"),
        Column("name_en", "string", "English name", nullable=True),
        Column("isin", "string", "ISIN", nullable=True),
        Column("market", "string", "board", rules=(OneOf(("KOSPI", "KOSDAQ", "KONEX", "US")),)),
        Column("section", "string", "section of the board", nullable=True),
        Column("kind", "string", "kind of security", nullable=True),
        Column("share_class", "string", "common or preferred, as the exchange says", nullable=True),
        Column("list_date", "date", "listing", nullable=True),
        Column("par_value", "float64", "par value; null for none", "currency", True),
        Column("currency", "string", "currency it trades in"),
        UNREADABLE,
        *ORIGIN,
        *KNOWN,
    ),
    key=("security_id", "known_at"),
    known_at="the end of the first session that showed these attributes",
    commits="replace",
    reads=(
        *(Read(name, spread=series_column(name), history=None) for name in FEEDS),
        Read("silver.sessions", "side", history=None),
    ),
    build=build_from(FEEDS),
    partition="",
)
