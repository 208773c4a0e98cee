"""silver.sectors: in which sector each security was, a row for each session at which it was told another.

What does not belong here: comparing the two divisions; KRX's industries and SEC's codes are words of their own.
"""

from market.datasets.silver._feeds import build_from, feeds, series_column
from market.datasets.silver._typed import HOLDERS, KNOWN, ORIGIN
from market.identity import ID
from market.sectors import SCHEMES
from market.table import Column, Matches, OneOf, Read, Table

FEEDS = feeds("silver.sectors")

TABLE = Table(
    __name__,
    doc="Sectors by date: KRX's industries, which its Data Marketplace tells of each session to a member, and SEC's SIC of today, which holds from the "
    "session at whose end it was asked for and never before. The sector of a session is the newest row up to it, by session_date; nothing ends a row, neither a "
    "delisting (`silver.listings`) nor silence. No row: nobody told (KONEX, no member's id). A preferred share has what is told of itself.",
    columns=(
        Column("security_id", "string", "our stable id", rules=(Matches(ID),)),
        Column("exchange", "string", "exchange", rules=(OneOf(("XKRX", "XNYS")),)),
        Column("session_date", "date", "first session for which this sector was told"),
        Column("sector_scheme", "string", "whose division it is", rules=(OneOf(SCHEMES),)),
        Column(
            "sector_code", "string", "SIC; null of KRX, which tells none", nullable=True, rules=(Matches(r"\d{3,4}$"),)
        ),
        Column("sector", "string", "the sector, in the source's words of that day"),
        *ORIGIN,
        *KNOWN,
    ),
    key=("security_id", "sector_scheme", "session_date", "known_at"),
    known_at="KRX's: the close of its session; another one of the same session, and what follows from it for the next, from when it was fetched. SIC: when it was fetched",
    commits="replace",
    may_be_empty=True,
    reads=(
        *(Read(name, spread=series_column(name), history=None) for name in FEEDS),
        Read("silver.sessions", "side", history=None),
        HOLDERS,
    ),
    build=build_from(FEEDS),
    # A later answer closes what another session began: the table is written whole, as the securities are.
    partition="",
)
