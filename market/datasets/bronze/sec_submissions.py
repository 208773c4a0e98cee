"""bronze.sec_submissions: the filings of a company, one row each, as SEC's submissions API delivers them."""

from market.datasets.bronze._delivered import as_text, delivered
from market.table import Column, Table

TABLE = Table(
    __name__,
    doc="Filings accepted since the previous session, as delivered by SEC (submissions), the newest and the older pages alike.",
    columns=delivered(
        as_text("cik", "SEC's number of the company, ten digits"),
        as_text("symbol", "the company's symbols that are ingested, separated by commas"),
        as_text("name", "company"),
        as_text("accessionNumber", "number of the filing"),
        as_text("filingDate", "day that counts as the filing's, YYYY-MM-DD"),
        as_text("reportDate", "last day that the filing reports on"),
        as_text("acceptanceDateTime", "when EDGAR accepted it; ends in Z, but of some filers it is New York's clock"),
        as_text("act", "the act it is filed under"),
        as_text("form", "kind of filing; /A marks an amendment"),
        as_text("fileNumber", "number of the registration"),
        as_text("filmNumber", "number of the film"),
        as_text("items", "items of an 8-K, separated by commas"),
        Column("size", "int64", "bytes of the filing", nullable=True),
        Column("isXBRL", "int32", "1 where it holds figures in XBRL", nullable=True),
        Column("isInlineXBRL", "int32", "1 where they are within its text", nullable=True),
        as_text("primaryDocument", "file of the main document"),
        as_text("primaryDocDescription", "what the filer calls it"),
        Column("accepted_at", "timestamp", "the instant that acceptanceDateTime means (market.edgar)"),
    ),
    key=("request", "payload_digest", "row_no", "fetched_at"),
    known_at="when the payload was fetched",
    writer="delta-rs",
    source="sec",
)
