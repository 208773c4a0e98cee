"""bronze.dart_capital_changes: shares issued and withdrawn as an annual report tells them, as OpenDART delivers them."""

from market.datasets.bronze._delivered import as_text, delivered
from market.table import Table

TABLE = Table(
    __name__,
    doc="Increases and reductions of capital in each newly listed annual report, as delivered by OpenDART (irdsSttus.json). Kept to look up "
    "where shares came from. It feeds no factor: the report comes up to fifteen months after the ex-date, and a factor is explained by what "
    "could be read by then; nor does it tell an ex-date, only the day on which shares were issued or withdrawn.",
    columns=delivered(
        as_text("rcept_no", "receipt number of the report that the figures are of"),
        as_text("corp_cls", "Y KOSPI, K KOSDAQ, N KONEX, E other"),
        as_text("corp_code", "DART's code of the company, eight digits"),
        as_text("corp_name", "company"),
        as_text("isu_dcrs_de", "day, YYYY.MM.DD; - for none"),
        as_text("isu_dcrs_stle", "how shares were issued or withdrawn"),
        as_text("isu_dcrs_stock_knd", "kind of share"),
        as_text("isu_dcrs_qy", "number of shares"),
        as_text("isu_dcrs_mstvdv_fval_amount", "par value per share"),
        as_text("isu_dcrs_mstvdv_amount", "price per share"),
        as_text("stlm_dt", "last day of the business year, YYYY-MM-DD"),
        as_text("stock_code", "short code of the listed share, as the list of receipts has it"),
        as_text("report_nm", "name of the report in that list"),
    ),
    key=("request", "payload_digest", "row_no", "fetched_at"),
    known_at="when the payload was fetched",
    commits="append",
    source="dart",
)
