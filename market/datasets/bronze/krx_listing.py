"""bronze.krx_listing: base information of every listed security on a day, as KRX Open API delivers it."""

import pyarrow as pa

from market import bitemporal, identity
from market.datasets.bronze._delivered import as_text, delivered
from market.datasets.bronze._parse import day, number, unreadable, with_first_known
from market.table import Frames, Table

TABLE = Table(
    __name__,
    doc="Base information of every listed security on that day, as delivered by KRX Open API (sto/*_isu_base_info).",
    columns=delivered(
        as_text("ISU_CD", "ISIN"),
        as_text("ISU_SRT_CD", "short code, six characters, zeros and letters kept"),
        as_text("ISU_NM", "full name"),
        as_text("ISU_ABBRV", "short name"),
        as_text("ISU_ENG_NM", "English name"),
        as_text("LIST_DD", "listing date, YYYYMMDD"),
        as_text("MKT_TP_NM", "market"),
        as_text("SECUGRP_NM", "kind of security"),
        as_text("SECT_TP_NM", "section of the market"),
        as_text("KIND_STKCERT_TP_NM", "common or preferred"),
        as_text("PARVAL", "par value, KRW, or the word for none"),
        as_text("LIST_SHRS", "listed shares"),
    ),
    key=("request", "payload_digest", "row_no", "fetched_at"),
    known_at="when the payload was fetched",
    commits="append",
    source="krx",
)

ATTRIBUTES = (
    "symbol", "name", "name_en", "isin", "market", "section", "kind", "share_class", "list_date", "par_value", "unreadable",
)  # fmt: skip
PARSERS = {"LIST_DD": day, "PARVAL": number}
NO_PAR_VALUE = "무액면"


def securities(delivered_rows: pa.Table, frames: Frames) -> pa.Table:
    """Rows of silver.securities: one per security and set of attributes, known from the first session that showed them."""
    raw = delivered_rows.to_pandas(timestamp_as_object=False)
    rows = raw[["session_date", "payload_digest", "row_no", "fetched_at"]].copy()
    rows["symbol"] = raw["ISU_SRT_CD"].astype("string")
    rows["exchange"], rows["currency"], rows["source"] = "XKRX", "KRW", "krx"
    rows["name"] = raw["ISU_ABBRV"].fillna(raw["ISU_NM"])
    rows["name_en"], rows["isin"], rows["market"] = raw["ISU_ENG_NM"], raw["ISU_CD"], identity.board(raw["MKT_TP_NM"])
    rows["section"], rows["kind"], rows["share_class"] = (
        raw["SECT_TP_NM"], raw["SECUGRP_NM"], raw["KIND_STKCERT_TP_NM"],
    )  # fmt: skip
    rows["list_date"], rows["par_value"] = day(raw["LIST_DD"]), number(raw["PARVAL"])
    rows["unreadable"] = unreadable(raw, PARSERS, unknown=(NO_PAR_VALUE,))
    rows["security_id"] = identity.listed_ids("XKRX", rows)
    told = bitemporal.versions(with_first_known(rows, "XKRX", frames), ("security_id", "session_date"), ATTRIBUTES)
    changed = bitemporal.changes(told, ("security_id",), ATTRIBUTES, observed="session_date")
    return pa.Table.from_pandas(changed, preserve_index=False)


SERIES = "ISU_SRT_CD"
FEEDS = {"silver.securities": securities}
