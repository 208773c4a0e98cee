"""bronze.dart_dividends: dividends as an annual report tells them, as OpenDART delivers them."""

from market.datasets.bronze._delivered import as_text, delivered
from market.table import Table

TABLE = Table(
    __name__,
    doc="Dividends and what is told beside them (profit, pay-out, per share) in each newly listed annual report, this year and the two before, "
    "as delivered by OpenDART (alotMatter.json).",
    columns=delivered(
        as_text("rcept_no", "receipt number of the report that the figures are of"),
        as_text("corp_cls", "Y KOSPI, K KOSDAQ, N KONEX, E other"),
        as_text("corp_code", "DART's code of the company, eight digits"),
        as_text("corp_name", "company"),
        as_text("se", "what the line tells, with its unit"),
        as_text("stock_knd", "kind of share; - where the line is of the company"),
        as_text("thstrm", "this year"),
        as_text("frmtrm", "the year before"),
        as_text("lwfr", "two years before"),
        as_text("stlm_dt", "last day of the business year, YYYY-MM-DD"),
        as_text("stock_code", "short code of the listed share, as the list of receipts has it"),
        as_text("report_nm", "name of the report in that list"),
    ),
    key=("request", "payload_digest", "row_no", "fetched_at"),
    known_at="when the payload was fetched",
    writer="delta-rs",
    source="dart",
)
