"""bronze.sec_tickers: under which number (CIK) SEC keeps the companies of the symbols that are ingested, and which its list had when."""

import pyarrow as pa

from market import bitemporal, identity, lookup
from market.datasets.bronze._delivered import as_text, delivered
from market.datasets.bronze._parse import with_first_known
from market.table import Column, Frames, Table

TABLE = Table(
    __name__,
    doc="SEC's CIK of each symbol that is ingested, as delivered in company_tickers.json; the other tickers stay in the payload. "
    "`row_no` is the place on the list, which begins with the company of the highest market value; the list of an instant is known "
    "from its own payload and no earlier.",
    columns=delivered(
        as_text("symbol", "the symbol"),
        Column("cik_str", "int64", "SEC's number of the company (CIK)"),
        as_text("ticker", "the symbol as SEC writes it: BRK-B where others write BRK.B"),
        as_text("title", "company"),
    ),
    key=("request", "payload_digest", "row_no", "fetched_at"),
    known_at="when the payload was fetched",
    commits="append",
    source="sec",
)


def symbols(delivered_rows: pa.Table, frames: Frames) -> pa.Table:
    """What silver.symbols is told: the CIK of each symbol, known from the end of the session that was asked for."""
    raw = delivered_rows.to_pandas(timestamp_as_object=False)
    rows = with_first_known(raw.drop(columns="known_at"), "XNYS", frames)
    plain, rows["kind"] = identity.security_id("XNYS", rows["symbol"]), "cik"
    rows["security_id"] = identity.ids_then(plain, rows["session_date"], frames.get("silver.securities"))
    rows["value"] = rows["cik_str"].astype("Int64").astype("string").str.zfill(10)
    return lookup.told(bitemporal.versions(rows, ("security_id", "session_date"), ("value",)))


SERIES = "symbol"
FEEDS = {"silver.symbols": symbols}
