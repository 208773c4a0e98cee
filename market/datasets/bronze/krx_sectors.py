"""bronze.krx_sectors: the industry of every issue of a session, as KRX's Data Marketplace tells its members."""

import pyarrow as pa

from market import identity, sectors
from market.datasets.bronze._delivered import as_text, delivered
from market.datasets.bronze._parse import UNKNOWN, with_first_known
from market.table import Frames, Table

TABLE = Table(
    __name__,
    doc="Industries of all issues of KOSPI and of KOSDAQ on each session, as delivered by KRX's Data Marketplace (MDCSTAT03901), a request for "
    "each board and session; KONEX is not divided. Optional: without a member's id nothing is asked.",
    columns=delivered(
        as_text("ISU_SRT_CD", "short code, six characters, zeros and letters kept"),
        as_text("ISU_ABBRV", "short name"),
        as_text("MKT_TP_NM", "market"),
        as_text("IDX_IND_NM", "industry, in KRX's words of that day"),
        as_text("TDD_CLSPRC", "close, KRW"),
        as_text("CMPPREVDD_PRC", "close less the base price, KRW"),
        as_text("FLUC_RT", "that change in percent"),
        as_text("MKTCAP", "market value, KRW"),
    ),
    key=("request", "payload_digest", "row_no", "fetched_at"),
    known_at="when the payload was fetched",
    commits="append",
    source="krx_market",
)


def told(delivered_rows: pa.Table, frames: Frames) -> pa.Table:
    """Rows of silver.sectors: known from the close of the session that they are of; a dash tells nothing."""
    raw = delivered_rows.to_pandas(timestamp_as_object=False)
    rows = raw[["session_date", "payload_digest", "row_no", "fetched_at"]].copy()
    plain = identity.security_id("XKRX", raw["ISU_SRT_CD"].fillna(""))
    rows["security_id"] = identity.ids_then(plain, rows["session_date"], frames.get("silver.securities"))
    rows["sector"], rows["sector_code"] = sectors.plain(raw["IDX_IND_NM"]), None
    rows["exchange"], rows["sector_scheme"], rows["source"] = "XKRX", "krx", "krx_market"
    known = rows[rows["sector"].notna() & ~rows["sector"].isin(UNKNOWN)]
    return pa.Table.from_pandas(sectors.told(with_first_known(known, "XKRX", frames)), preserve_index=False)


SERIES = "ISU_SRT_CD"
FEEDS = {"silver.sectors": told}
