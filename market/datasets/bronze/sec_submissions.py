"""bronze.sec_submissions: the filings of a company, one row each, as SEC's submissions API delivers them."""

import pandas as pd
import pyarrow as pa

from market import bitemporal, calendars, identity, sectors
from market.datasets.bronze._delivered import as_text, delivered
from market.datasets.bronze._parse import day, month
from market.table import Column, Frames, Table

TABLE = Table(
    __name__,
    doc="Filings accepted since the previous session, as delivered by SEC (submissions), the newest and the older pages alike.",
    columns=delivered(
        as_text("cik", "SEC's number of the company, ten digits"),
        as_text("symbol", "the company's symbols that are ingested, separated by commas"),
        as_text("name", "company, as it was called when the filing was accepted"),
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
        as_text(
            "sic",
            "SEC's code of the company's industry when it was asked, by its newest page; null in what was fetched before it was kept",
        ),
        as_text("sicDescription", "the words for it"),
    ),
    key=("request", "payload_digest", "row_no", "fetched_at"),
    known_at="when the payload was fetched",
    commits="append",
    source="sec",
)

KEY = ("receipt_no", "corp_code")
VALUES = ("report_name", "receipt_date", "remarks", "stock_code")
AMENDMENT = r"/A$"


def filings(delivered_rows: pa.Table, frames: Frames) -> pa.Table:
    """Rows of silver.filings: known from the instant of acceptance; of several symbols of a company the first one named."""
    raw = delivered_rows.to_pandas(timestamp_as_object=False)
    rows = raw[["session_date", "payload_digest", "row_no", "fetched_at"]].copy()
    rows["session_month"] = month(rows["session_date"])
    rows["corp_code"], rows["corp_name"] = raw["cik"], raw["name"]
    rows["stock_code"] = raw["symbol"].astype("string").str.split(",").str[0]
    plain = identity.security_id("XNYS", rows["stock_code"])
    rows["security_id"] = identity.ids_then(plain, rows["session_date"], frames.get("silver.securities"))
    rows["report_name"], rows["receipt_no"] = raw["form"], raw["accessionNumber"]
    rows["receipt_date"] = day(raw["filingDate"])
    rows["is_amendment"] = raw["form"].astype("string").str.contains(AMENDMENT).fillna(False).astype(bool)
    items = raw["items"].astype("string").str.strip()
    rows["remarks"] = items.where(items.str.len() > 0)
    rows["exchange"], rows["source"] = "XNYS", "sec"
    rows["first_known_at"] = raw["accepted_at"]
    return pa.Table.from_pandas(bitemporal.versions(rows, KEY, VALUES), preserve_index=False)


def industries(delivered_rows: pa.Table, frames: Frames) -> pa.Table:
    """Rows of silver.sectors, of every symbol of a company: what SEC says today is of the last session that was over, and known from the fetch."""
    told = delivered_rows.to_pandas(timestamp_as_object=False)
    told = told.sort_values("row_no", kind="stable").drop_duplicates(
        ["cik", "symbol", "sic", "sicDescription", "payload_digest", "fetched_at"]
    )
    told = told.assign(symbol=told["symbol"].astype("string").str.split(",")).explode("symbol", ignore_index=True)
    rows = told[["payload_digest", "row_no", "fetched_at"]].copy()
    over = {at: calendars.last_closed("XNYS", at) for at in rows["fetched_at"].unique()}
    rows["session_date"] = pd.Series([over[at] for at in rows["fetched_at"]], rows.index, dtype=object)
    plain = identity.security_id("XNYS", told["symbol"].fillna(""))
    rows["security_id"] = identity.ids_then(plain, rows["session_date"], frames.get("silver.securities"))
    rows["sector"], rows["sector_code"] = sectors.plain(told["sicDescription"]), sectors.plain(told["sic"])
    rows["sector"] = rows["sector"].fillna(rows["sector_code"])
    rows["exchange"], rows["sector_scheme"], rows["source"] = "XNYS", "sic", "sec"
    rows["first_known_at"] = rows["fetched_at"]
    return pa.Table.from_pandas(sectors.told(rows[rows["sector"].notna()]), preserve_index=False)


SERIES = "cik"
FEEDS = {"silver.filings": filings, "silver.sectors": industries}
