"""bronze.sec_facts: the figures of a company's filings, one row each, as SEC's companyfacts delivers them."""

from market.datasets.bronze._delivered import as_text, delivered
from market.table import Column, Table

TABLE = Table(
    __name__,
    doc="Figures of the filings accepted since the previous session, as delivered by SEC (companyfacts): all concepts, every "
    "repetition. fy and fp describe the filing, not the period of the figure.",
    columns=delivered(
        as_text("cik", "SEC's number of the company, ten digits"),
        as_text("symbol", "the company's symbols that are ingested, separated by commas"),
        as_text("taxonomy", "us-gaap, ifrs-full, dei, srt"),
        as_text("concept", "what is told, in the taxonomy's word"),
        as_text("unit", "USD, shares, USD/shares, pure"),
        as_text("start", "first day of the period, YYYY-MM-DD; null for what is counted on a day"),
        as_text("end", "last day of the period, or the day"),
        Column("val", "float64", "the figure", "unit", nullable=True),
        as_text("accn", "number of the filing that tells it"),
        Column("fy", "int32", "fiscal year of the filing", nullable=True),
        as_text("fp", "fiscal period of the filing: FY, Q1, Q2, Q3"),
        as_text("form", "kind of filing"),
        as_text("filed", "day that counts as the filing's"),
        as_text("frame", "calendar period, on one of the rows of a period alone"),
        Column(
            "accepted_at", "timestamp", "when EDGAR accepted the filing; null where its list lacks it", nullable=True
        ),
    ),
    key=("request", "payload_digest", "row_no", "fetched_at"),
    known_at="when the payload was fetched",
    writer="delta-rs",
    source="sec",
)
