"""bronze.dart_corp_codes: under which code OpenDART keeps each company, as its zipped list tells."""

import pyarrow as pa

from market import bitemporal, calendars, identity, lookup
from market.datasets.bronze._delivered import as_text, delivered
from market.table import Frames, Table

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
    commits="append",
    source="dart",
)


def symbols(delivered_rows: pa.Table, frames: Frames) -> pa.Table:
    """What silver.symbols is told: the company's code of each stock, known from the fetch of the list: its entries tell no instant.

    A stock code that two companies have in one list is nobody's word.
    """
    asked = ["corp_code", "stock_code", "payload_digest", "row_no", "fetched_at"]
    raw = delivered_rows.select(asked).to_pandas(timestamp_as_object=False)
    rows = raw[["payload_digest", "row_no", "fetched_at"]].copy()
    plain = identity.security_id("XKRX", raw["stock_code"].astype("string").str.strip())
    # The list is of the day of its fetch, whichever session it was fetched for.
    days = rows["fetched_at"].dt.tz_convert(calendars.EXCHANGES["XKRX"]).dt.date
    rows["security_id"] = identity.ids_then(plain, days, frames.get("silver.securities"))
    rows["value"] = raw["corp_code"].astype("string").str.strip()
    rows["first_known_at"] = rows["fetched_at"]
    rows = rows.dropna(subset=["security_id", "value"])
    n_companies = rows.groupby(["security_id", "payload_digest", "fetched_at"])["value"].transform("nunique")
    told = bitemporal.versions(rows[n_companies == 1], ("security_id",), ("value",))
    return lookup.told(told.assign(kind="corp_code"))


SERIES = "stock_code"
FEEDS = {"silver.symbols": symbols}
