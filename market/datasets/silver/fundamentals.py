"""silver.fundamentals: what companies reported of a quarter, a year or a day, every version that a filing told."""

from market.datasets.silver._feeds import build_from, feeds, series_column
from market.datasets.silver._typed import HOLDERS, KNOWN, ORIGIN, UNREADABLE
from market.fundamentals import BASES, ITEMS, SPANS
from market.identity import ID
from market.table import Column, Matches, OneOf, Read, RowRule, Table

FEEDS = feeds("silver.fundamentals")

TABLE = Table(
    __name__,
    doc="Figures of reports by quarter and year, each period once: three months out of cumulative figures, the fourth quarter as the "
    "year less nine months; another value in a later filing is a version of its own, the same one again is none.",
    columns=(
        Column("security_id", "string", "our stable id", rules=(Matches(ID),)),
        Column("exchange", "string", "exchange", rules=(OneOf(("XKRX", "XNYS")),)),
        Column("session_date", "date", "session of the filing that told it, or its last part"),
        Column("item", "string", "what", rules=(OneOf(ITEMS),)),
        Column("basis", "string", "of the group or of the company alone", rules=(OneOf(BASES),)),
        Column("span", "string", "what the figure covers; an instant is counted on a day", rules=(OneOf(SPANS),)),
        Column(
            "fiscal_period",
            "string",
            "2024Q1 or 2024FY, by the calendar year in which the fiscal year ends; null where the filing does not tell its year",
            nullable=True,
            rules=(Matches(r"\d{4}(Q[1-4]|FY)$"),),
        ),
        Column("period_start", "date", "first day; null for an instant", nullable=True),
        Column("period_end", "date", "last day, or the day"),
        Column("value", "float64", "the figure", "currency"),
        Column(
            "currency", "string", "currency of the value; XXX for a count of shares", rules=(Matches(r"[A-Z]{3}$"),)
        ),
        Column("is_derived", "bool", "calculated from cumulative figures rather than told"),
        Column("concept", "string", "account or concept by which the source tells it"),
        Column(
            "filing_no",
            "string",
            "accession or receipt number of the filing; of a derived figure, that of its last part",
        ),
        Column("form", "string", "kind of that filing", nullable=True),
        UNREADABLE,
        *ORIGIN,
        *KNOWN,
    ),
    key=("security_id", "item", "basis", "currency", "span", "period_end", "known_at"),
    known_at="when its filing could be read: at SEC the acceptance, with DART the opening of the session after the receipt; a derived "
    "figure when its last part could be",
    commits="replace",
    reads=(
        *(Read(name, spread=series_column(name), history=None) for name in FEEDS),
        Read("silver.sessions", "side", history=None),
        HOLDERS,
    ),
    build=build_from(FEEDS),
    # A later filing closes what another session told: the table is written whole, as the securities are.
    partition="",
    may_be_empty=True,
    row_rules=(RowRule("period_start", "<=", "period_end", "a period ends after it begins"),),
)
