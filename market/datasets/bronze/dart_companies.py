"""bronze.dart_companies: what OpenDART knows of a company, as company.json tells."""

from market.datasets.bronze._delivered import as_text, delivered
from market.table import Table

TABLE = Table(
    __name__,
    doc="Companies whose business year had to be looked up, as delivered by OpenDART (company.json): those whose reports do not follow the "
    "calendar year, and those without accounts.",
    columns=delivered(
        as_text("corp_code", "DART's code of the company, eight digits"),
        as_text("corp_name", "company, full name"),
        as_text("corp_name_eng", "company in English"),
        as_text("stock_name", "short name of the listed share"),
        as_text("stock_code", "short code of the listed share"),
        as_text("ceo_nm", "who leads it"),
        as_text("corp_cls", "Y KOSPI, K KOSDAQ, N KONEX, E other"),
        as_text("jurir_no", "number in the register of corporations"),
        as_text("bizr_no", "number of the business"),
        as_text("adres", "address"),
        as_text("hm_url", "its site"),
        as_text("ir_url", "its site for investors"),
        as_text("phn_no", "telephone"),
        as_text("fax_no", "fax"),
        as_text("induty_code", "code of the industry"),
        as_text("est_dt", "day of its foundation, YYYYMMDD"),
        as_text("acc_mt", "month in which the business year ends"),
    ),
    key=("request", "payload_digest", "row_no", "fetched_at"),
    known_at="when the payload was fetched",
    commits="append",
    source="dart",
)
