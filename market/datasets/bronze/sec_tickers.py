"""bronze.sec_tickers: under which number (CIK) SEC keeps the companies of the symbols that are ingested."""

from market.datasets.bronze._delivered import as_text, delivered
from market.table import Column, Table

TABLE = Table(
    __name__,
    doc="SEC's CIK of each symbol that is ingested, as delivered in company_tickers.json; the other tickers stay in the payload.",
    columns=delivered(
        as_text("symbol", "symbol as the settings or the world name it"),
        Column("cik_str", "int64", "SEC's number of the company (CIK)"),
        as_text("ticker", "the symbol as SEC writes it: BRK-B where others write BRK.B"),
        as_text("title", "company"),
    ),
    key=("request", "payload_digest", "row_no", "fetched_at"),
    known_at="when the payload was fetched",
    writer="delta-rs",
    source="sec",
)
