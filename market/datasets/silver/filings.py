"""silver.filings: what companies filed, and from when it could be read."""

from market.datasets.silver._feeds import build_from, feeds
from market.datasets.silver._typed import HOLDERS, KNOWN, MONTH, ORIGIN
from market.table import Column, Matches, Read, Table

FEEDS = feeds("silver.filings")

TABLE = Table(
    __name__,
    doc="Filings with DART and SEC. A correction is a filing of its own with its own receipt; the original stays.",
    columns=(
        Column("session_date", "date", "session on or after the receipt"),
        MONTH,
        Column("security_id", "string", "our stable id; null where the company is not listed", nullable=True),
        Column("exchange", "string", "exchange"),
        Column("corp_code", "string", "DART's code of the company, or SEC's CIK", rules=(Matches(r"(\d{8}|\d{10})$"),)),
        Column("corp_name", "string", "company"),
        Column("stock_code", "string", "short code or symbol; null where not listed", nullable=True),
        Column("report_name", "string", "name of the report; its form at SEC"),
        Column(
            "receipt_no", "string", "receipt or accession number", rules=(Matches(r"(\d{14}|\d{10}-\d{2}-\d{6})$"),)
        ),
        Column("receipt_date", "date", "day of the receipt; at SEC the day that counts as its"),
        Column("is_amendment", "bool", "corrects an earlier filing"),
        Column("filer", "string", "who filed", nullable=True),
        Column("remarks", "string", "DART's remarks; the items of an 8-K", nullable=True),
        *ORIGIN,
        *KNOWN,
    ),
    key=("receipt_no", "corp_code", "known_at"),
    known_at="with DART the opening of the session after the receipt, which has the resolution of a day; with SEC its acceptance",
    commits="replace",
    may_be_empty=True,
    reads=(*(Read(name, spread="session_date") for name in FEEDS), Read("silver.sessions", "side"), HOLDERS),
    build=build_from(FEEDS),
)
