"""bronze.dart_filings: the list of filings received on a day, as OpenDART delivers it."""

import pandas as pd
import pyarrow as pa

from market import bitemporal, identity
from market.datasets.bronze._dart import since_receipt, with_price_factors
from market.datasets.bronze._delivered import as_text, delivered
from market.datasets.bronze._parse import day, month
from market.table import Frames, Table

TABLE = Table(
    __name__,
    doc="Filings received since the previous session, as delivered by OpenDART (list.json).",
    columns=delivered(
        as_text("corp_code", "DART's code of the company, eight digits"),
        as_text("corp_name", "company"),
        as_text("stock_code", "short code of the listed share, empty for none"),
        as_text("corp_cls", "Y KOSPI, K KOSDAQ, N KONEX, E other"),
        as_text("report_nm", "name of the report; [기재정정] marks a correction"),
        as_text("rcept_no", "receipt number"),
        as_text("flr_nm", "who filed"),
        as_text("rcept_dt", "receipt date, YYYYMMDD"),
        as_text("rm", "remarks, one letter each"),
    ),
    key=("request", "payload_digest", "row_no", "fetched_at"),
    known_at="when the payload was fetched",
    commits="append",
    source="dart",
)

VALUES = ("report_name", "filer", "remarks", "stock_code")
AMENDMENT = r"^\[(?:기재정정|첨부정정|첨부추가|정정명령부과|정정제출요구)\]"
DECISIONS = {
    "주식분할결정": "split_decision",
    "주식병합결정": "consolidation_decision",
    "유상증자결정": "rights_decision",
    "무상증자결정": "bonus_decision",
    "유무상증자결정": "rights_and_bonus_decision",
    "감자결정": "capital_reduction_decision",
    "회사분할결정": "spin_off_decision",
    "회사분할합병결정": "spin_off_decision",
    "배당결정": "dividend_decision",
}


def filings(delivered_rows: pa.Table, frames: Frames) -> pa.Table:
    """Rows of silver.filings: receipt has the resolution of a day, so a filing is known at the first open after that day."""
    return pa.Table.from_pandas(
        bitemporal.versions(_rows(delivered_rows, frames), ("receipt_no",), VALUES), preserve_index=False
    )


def corporate_actions(delivered_rows: pa.Table, frames: Frames) -> pa.Table:
    """Rows of silver.corporate_actions: decisions that listed companies disclosed, amendments as their own, with the ratio where it was told."""
    rows = _rows(delivered_rows, frames)
    rows["action"] = pd.Series(None, index=rows.index, dtype="string")
    for word in sorted(DECISIONS, key=len, reverse=True):  # the longest title first: it may hold a shorter one
        rows["action"] = rows["action"].mask(
            rows["action"].isna() & rows["report_name"].str.contains(word), DECISIONS[word]
        )
    rows["evidence"] = "DART " + rows["receipt_no"].astype("string")
    listed = rows[rows["action"].notna() & rows["security_id"].notna()].reset_index(drop=True)
    listed = with_price_factors(listed, frames)
    key = ("security_id", "session_date", "action", "evidence")
    return pa.Table.from_pandas(bitemporal.versions(listed, key, ("report_name", "price_factor")), preserve_index=False)


def _rows(delivered_rows: pa.Table, frames: Frames) -> pd.DataFrame:
    raw = delivered_rows.to_pandas(timestamp_as_object=False)
    rows = raw[["session_date", "payload_digest", "row_no", "fetched_at", "corp_code", "corp_name"]].copy()
    rows["session_month"] = month(rows["session_date"])
    rows["receipt_no"], rows["receipt_date"] = raw["rcept_no"], day(raw["rcept_dt"])
    rows["report_name"], rows["filer"], rows["remarks"] = raw["report_nm"].str.strip(), raw["flr_nm"], raw["rm"]
    rows["is_amendment"] = rows["report_name"].str.contains(AMENDMENT).fillna(False).astype(bool)
    code = raw["stock_code"].astype("string").str.strip()
    rows["stock_code"] = code.where(code.str.len() > 0)
    plain = identity.security_id("XKRX", rows["stock_code"])
    rows["security_id"] = identity.ids_then(plain, rows["session_date"], frames.get("silver.securities"))
    rows["exchange"], rows["source"] = "XKRX", "dart"
    return since_receipt(rows, frames)


FEEDS = {"silver.filings": filings, "silver.corporate_actions": corporate_actions}
