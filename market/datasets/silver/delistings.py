"""silver.delistings: when and why each Korean share was taken off the list, as KRX's Data Marketplace tells.

What does not belong here: until when it was listed, which the base information of every session tells (`silver.listings`).
"""

from market.datasets.silver._feeds import build_from, feeds, series_column
from market.datasets.silver._typed import HOLDERS, KNOWN, ORIGIN, UNREADABLE
from market.delistings import CLASSES
from market.identity import ID
from market.table import Column, Matches, OneOf, Read, RowRule, Table

FEEDS = feeds("silver.delistings")

TABLE = Table(
    __name__,
    doc="Delistings of Korean shares with the exchange's reason and its class. A listed spell of `silver.listings` that ended has its row by security_id "
    "and the first delist_date after it, before the next spell; no row: nobody told why (no member's id, or a preferred share that the list leaves out). A transfer to a "
    "higher board is a row too and ended nothing.",
    columns=(
        Column("security_id", "string", "our stable id", rules=(Matches(ID),)),
        Column("exchange", "string", "exchange", rules=(OneOf(("XKRX",)),)),
        Column("delist_date", "date", "first day on which it was no longer listed"),
        Column("last_session", "date", "last session before that day; null before the calendar begins", nullable=True),
        Column(
            "reason",
            "string",
            "the reason in KRX's words, several in their order; null where the list has none",
            nullable=True,
        ),
        Column(
            "reason_class",
            "string",
            "what kind of reason; null where the list has none",
            nullable=True,
            rules=(OneOf(CLASSES),),
        ),
        Column("name", "string", "its name then", nullable=True),
        Column("market", "string", "board that it left", nullable=True),
        Column("share_class", "string", "common or preferred, as KRX says", nullable=True),
        Column("list_date", "date", "since when it was listed on that board", nullable=True),
        Column("liquidation_from", "date", "first day of its liquidation trading; null: it had none", nullable=True),
        Column("liquidation_until", "date", "last day of its liquidation trading", nullable=True),
        Column("successor", "string", "short code of the security that it belongs or passes to", nullable=True),
        UNREADABLE,
        *ORIGIN,
        *KNOWN,
    ),
    key=("security_id", "delist_date", "known_at"),
    known_at="the close of the session that the delisting belongs to; a changed reason from when it was fetched",
    commits="replace",
    may_be_empty=True,
    reads=(
        *(Read(name, spread=series_column(name), history=None) for name in FEEDS),
        Read("silver.sessions", "side", history=None),
        HOLDERS,
    ),
    build=build_from(FEEDS),
    row_rules=(RowRule("list_date", "<=", "delist_date", "a share is listed before it is delisted"),),
    partition="",
)
