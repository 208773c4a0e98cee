"""bronze.krx_indices: the exchange's indices by session, as KRX Open API delivers them."""

import pyarrow as pa

from market import bitemporal
from market.datasets.bronze._delivered import as_text, delivered
from market.datasets.bronze._parse import day, month, number, unreadable, whole, with_first_known
from market.table import Frames, Table

TABLE = Table(
    __name__,
    doc="Daily levels of the KRX, KOSPI and KOSDAQ indices, as delivered by KRX Open API (idx/*_dd_trd).",
    columns=delivered(
        as_text("BAS_DD", "session, YYYYMMDD"),
        as_text("IDX_CLSS", "series: KRX, KOSPI or KOSDAQ"),
        as_text("IDX_NM", "name of the index"),
        as_text("CLSPRC_IDX", "close, index points; '-' where the index has no level"),
        as_text("CMPPREVDD_IDX", "close minus the close of the session before"),
        as_text("FLUC_RT", "change, percent"),
        as_text("OPNPRC_IDX", "open, index points"),
        as_text("HGPRC_IDX", "high, index points"),
        as_text("LWPRC_IDX", "low, index points"),
        as_text("ACC_TRDVOL", "shares traded of its members"),
        as_text("ACC_TRDVAL", "value traded of its members, KRW"),
        as_text("MKTCAP", "market capitalisation of its members, KRW"),
    ),
    key=("request", "payload_digest", "row_no", "fetched_at"),
    known_at="when the payload was fetched",
    commits="append",
    source="krx",
)

VALUES = (
    "series", "name", "open", "high", "low", "close", "previous_close", "volume", "value", "market_cap", "unreadable",
)  # fmt: skip
_NUMBERS = ("CLSPRC_IDX", "CMPPREVDD_IDX", "OPNPRC_IDX", "HGPRC_IDX", "LWPRC_IDX", "ACC_TRDVAL", "MKTCAP")
PARSERS = {"BAS_DD": day, **dict.fromkeys(_NUMBERS, number), "ACC_TRDVOL": whole}


def indices(delivered_rows: pa.Table, frames: Frames) -> pa.Table:
    """Rows of silver.indices: an index without a level (two that include foreign shares are listed so) says nothing and is left out."""
    raw = delivered_rows.to_pandas(timestamp_as_object=False)
    rows = raw[["request", "payload_digest", "row_no", "fetched_at"]].copy()
    rows["series"], rows["name"] = raw["IDX_CLSS"].astype("string"), raw["IDX_NM"].astype("string").str.strip()
    rows["index_id"] = "XKRX:" + rows["series"] + ":" + rows["name"]
    rows["session_date"] = day(raw["BAS_DD"])
    rows["session_month"] = month(rows["session_date"])
    rows["exchange"], rows["currency"], rows["source"] = "XKRX", "KRW", "krx"
    for name, wire in (("open", "OPN"), ("high", "HG"), ("low", "LW"), ("close", "CLS")):
        rows[name] = number(raw[f"{wire}PRC_IDX"])
    rows["previous_close"] = (rows["close"] - number(raw["CMPPREVDD_IDX"])).round(2)
    rows["volume"], rows["value"] = whole(raw["ACC_TRDVOL"]), number(raw["ACC_TRDVAL"])
    rows["market_cap"] = number(raw["MKTCAP"])
    rows["unreadable"] = unreadable(raw, PARSERS)
    timed = with_first_known(rows, "XKRX", frames)
    with_level = timed[timed["close"].notna() | timed["unreadable"].notna()]
    told = bitemporal.versions(with_level, ("index_id", "session_date"), VALUES, answers=rows)
    return pa.Table.from_pandas(told, preserve_index=False)


FEEDS = {"silver.indices": indices}
