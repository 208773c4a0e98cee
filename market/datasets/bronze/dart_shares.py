"""bronze.dart_shares: how many shares there are, as a periodic report tells, as OpenDART delivers it."""

import pandas as pd
import pyarrow as pa

from market import bitemporal
from market import fundamentals as figures
from market.datasets.bronze import _dart
from market.datasets.bronze._delivered import as_text, delivered
from market.datasets.bronze._parse import day, unreadable, whole
from market.table import Frames, Table

TABLE = Table(
    __name__,
    doc="Shares issued, withdrawn, held by the company and outstanding, by kind, in each newly listed periodic report, as delivered by "
    "OpenDART (stockTotqySttus.json).",
    columns=delivered(
        as_text("rcept_no", "receipt number of the report that the figures are of"),
        as_text("corp_cls", "Y KOSPI, K KOSDAQ, N KONEX, E other"),
        as_text("corp_code", "DART's code of the company, eight digits"),
        as_text("corp_name", "company"),
        as_text("se", "kind of share: 보통주 common, 우선주 preferred, 합계 all, 비고 remarks"),
        as_text("isu_stock_totqy", "shares that may be issued"),
        as_text("now_to_isu_stock_totqy", "shares issued so far"),
        as_text("now_to_dcrs_stock_totqy", "shares withdrawn so far"),
        as_text("redc", "of these, by reduction of capital"),
        as_text("profit_incnr", "of these, out of profit"),
        as_text("rdmstk_repy", "of these, redeemed"),
        as_text("etc", "of these, for another reason"),
        as_text("istc_totqy", "shares issued and not withdrawn"),
        as_text("tesstk_co", "of these, held by the company"),
        as_text("distb_stock_co", "shares outstanding"),
        as_text("stlm_dt", "last day of the period, YYYY-MM-DD"),
        as_text("reprt_code", "kind of the report, as asked: 11013, 11012, 11014 or 11011"),
        as_text("stock_code", "short code of the listed share, as the list of receipts has it"),
        as_text("report_nm", "name of the report in that list"),
    ),
    key=("request", "payload_digest", "row_no", "fetched_at"),
    known_at="when the payload was fetched",
    commits="append",
    source="dart",
)

SERIES = "corp_code"
COMMON = "보통주"
FACT = ("corp_code", "filing_no", "concept")


def fundamentals(delivered_rows: pa.Table, frames: Frames) -> pa.Table:
    """Rows of silver.fundamentals: outstanding common shares at the period's end, known as the report is."""
    told = bitemporal.versions(_counts(delivered_rows, frames), FACT, ("value",)).drop(columns="known_until")
    return _dart.by_fiscal_period(figures.untangled(told))


def _counts(delivered_rows: pa.Table, frames: Frames) -> pd.DataFrame:
    raw = delivered_rows.to_pandas(timestamp_as_object=False)
    raw = raw[(raw["se"].astype("string").str.strip() == COMMON) & raw["reprt_code"].isin(list(_dart.QUARTERS))]
    rows = raw.drop(columns=["known_at", "session_month"]).reset_index(drop=True)
    rows["value"] = whole(rows["distb_stock_co"])
    rows["unreadable"] = unreadable(rows, {"distb_stock_co": whole, "stlm_dt": day})
    rows = rows[rows["value"].notna() | rows["unreadable"].notna()].reset_index(drop=True)
    lasts = [None if pd.isna(last) else last for last in day(rows["stlm_dt"])]
    starts = [
        None if last is None else _dart.first_day(last, 3 * _dart.QUARTERS[code])
        for last, code in zip(lasts, rows["reprt_code"], strict=True)
    ]
    for name, days in (("period_start", [None] * len(lasts)), ("period_end", lasts), ("year_start", starts)):
        rows[name] = pd.Series(days, rows.index, dtype=object)
    rows["period_end"] = rows["period_end"].mask(rows["unreadable"].notna(), None)  # no figure, but a row to refuse
    rows = rows.assign(
        value=rows["value"].fillna(0.0), item="shares_outstanding", basis="consolidated", rank=0,
        currency=figures.NO_CURRENCY, concept="distb_stock_co",
    )  # fmt: skip
    return _dart.told_by_report(rows, frames)


FEEDS = {"silver.fundamentals": fundamentals}
