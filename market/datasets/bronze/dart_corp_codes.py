"""bronze.dart_corp_codes: under which code OpenDART keeps each company, as its zipped list tells."""

from market.datasets.bronze._delivered import as_text, delivered
from market.table import Table

TABLE = Table(
    __name__,
    doc="OpenDART's code of each company that has the code of a share, once listed ones included, as delivered in corpCode.xml; the about "
    "110,000 others stay in the payload.",
    columns=delivered(
        as_text("corp_code", "DART's code of the company, eight digits"),
        as_text("corp_name", "company"),
        as_text("corp_eng_name", "company in English"),
        as_text("stock_code", "short code of its common share"),
        as_text("modify_date", "day of the last change of this entry, YYYYMMDD"),
    ),
    key=("request", "payload_digest", "row_no", "fetched_at"),
    known_at="when the payload was fetched",
    writer="delta-rs",
    source="dart",
)
