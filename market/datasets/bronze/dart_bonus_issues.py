"""bronze.dart_bonus_issues: the figures of a decision to issue bonus shares, as OpenDART delivers them."""

from market.datasets.bronze._delivered import as_text, delivered
from market.table import Table

TABLE = Table(
    __name__,
    doc="Figures of each newly listed decision to issue bonus shares, as delivered by OpenDART (fricDecsn.json): the ratio that "
    "silver.corporate_actions holds beside the decision.",
    columns=delivered(
        as_text("rcept_no", "receipt number of the decision that the figures are of"),
        as_text("corp_cls", "Y KOSPI, K KOSDAQ, N KONEX, E other"),
        as_text("corp_code", "DART's code of the company, eight digits"),
        as_text("corp_name", "company"),
        as_text("nstk_ostk_cnt", "new common shares"),
        as_text("nstk_estk_cnt", "new other shares"),
        as_text("fv_ps", "par value per share"),
        as_text("bfic_tisstk_ostk", "common shares before"),
        as_text("bfic_tisstk_estk", "other shares before"),
        as_text("nstk_asstd", "record date of the new shares"),
        as_text("nstk_ascnt_ps_ostk", "new shares per common share held; the company's own shares get none"),
        as_text("nstk_ascnt_ps_estk", "new shares per other share held"),
        as_text("nstk_dividrk", "day from which new shares have a right to dividends"),
        as_text("nstk_dlprd", "day on which they are handed out"),
        as_text("nstk_lstprd", "day on which they are to be listed"),
        as_text("bddd", "day of the board's decision"),
        as_text("od_a_at_t", "outside directors there"),
        as_text("od_a_at_b", "outside directors away"),
        as_text("adt_a_atn", "whether the auditor was there"),
        as_text("stock_code", "short code of the listed share, as the list of receipts has it"),
        as_text("report_nm", "name of the report in that list"),
    ),
    key=("request", "payload_digest", "row_no", "fetched_at"),
    known_at="when the payload was fetched",
    commits="append",
    source="dart",
)
