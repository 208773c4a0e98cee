"""bronze.krx_etfs: daily trades of exchange-traded funds, as KRX Open API delivers them."""

import pandas as pd
import pyarrow as pa

from market import bitemporal, identity
from market.datasets.bronze._delivered import as_text, delivered
from market.datasets.bronze._parse import day, month, number, unreadable, whole, with_first_known
from market.table import Frames, Table

TABLE = Table(
    __name__,
    doc="Daily trades of every exchange-traded fund, as delivered by KRX Open API (etp/etf_bydd_trd).",
    columns=delivered(
        as_text("BAS_DD", "session, YYYYMMDD"),
        as_text("ISU_CD", "short code or ISIN"),
        as_text("ISU_NM", "name on that day"),
        as_text("TDD_CLSPRC", "close, KRW"),
        as_text("CMPPREVDD_PRC", "close minus the exchange's base price, KRW"),
        as_text("FLUC_RT", "change against the base price, percent"),
        as_text("NAV", "net asset value of a share, KRW"),
        as_text("TDD_OPNPRC", "open, KRW; 0 where nothing traded"),
        as_text("TDD_HGPRC", "high, KRW; 0 where nothing traded"),
        as_text("TDD_LWPRC", "low, KRW; 0 where nothing traded"),
        as_text("ACC_TRDVOL", "shares traded"),
        as_text("ACC_TRDVAL", "value traded, KRW"),
        as_text("MKTCAP", "market capitalisation, KRW"),
        as_text("INVSTASST_NETASST_TOTAMT", "net assets of the fund, KRW"),
        as_text("LIST_SHRS", "listed shares"),
        as_text("IDX_IND_NM", "name of the index that it follows"),
        as_text("OBJ_STKPRC_IDX", "close of that index"),
        as_text("CMPPREVDD_IDX", "change of that index, points"),
        as_text("FLUC_RT_IDX", "change of that index, percent"),
    ),
    key=("request", "payload_digest", "row_no", "fetched_at"),
    known_at="when the payload was fetched",
    commits="append",
    source="krx",
)

VALUES = (
    "symbol", "name", "open", "high", "low", "close", "volume", "value", "market_cap", "listed_shares", "base_price", "nav",
    "net_assets", "index_name", "index_close", "unreadable",
)  # fmt: skip
_NUMBERS = (
    "TDD_CLSPRC", "CMPPREVDD_PRC", "NAV", "TDD_OPNPRC", "TDD_HGPRC", "TDD_LWPRC", "ACC_TRDVAL", "MKTCAP",
    "INVSTASST_NETASST_TOTAMT", "OBJ_STKPRC_IDX",
)  # fmt: skip
PARSERS = {"BAS_DD": day, **dict.fromkeys(_NUMBERS, number), "ACC_TRDVOL": whole, "LIST_SHRS": whole}


def etfs(delivered_rows: pa.Table, frames: Frames) -> pa.Table:
    """Rows of silver.etfs: numbers typed, a day without a trade told from prices, every version kept."""
    raw = delivered_rows.to_pandas(timestamp_as_object=False)
    rows = raw[["request", "payload_digest", "row_no", "fetched_at"]].copy()
    rows["symbol"], rows["name"] = identity.krx_code(raw["ISU_CD"]), raw["ISU_NM"]
    rows["security_id"] = identity.security_id("XKRX", rows["symbol"])
    rows["session_date"] = day(raw["BAS_DD"])
    rows["session_month"] = month(rows["session_date"])
    rows["exchange"], rows["currency"], rows["source"] = "XKRX", "KRW", "krx"
    rows["close"] = number(raw["TDD_CLSPRC"])
    rows["base_price"] = rows["close"] - number(raw["CMPPREVDD_PRC"])
    quoted = pd.DataFrame({n: number(raw[f"TDD_{c}PRC"]) for n, c in (("open", "OPN"), ("high", "HG"), ("low", "LW"))})
    rows[["open", "high", "low"]] = quoted.mask((quoted == 0).all(axis=1))
    rows["volume"], rows["value"] = whole(raw["ACC_TRDVOL"]), number(raw["ACC_TRDVAL"])
    rows["market_cap"], rows["listed_shares"] = number(raw["MKTCAP"]), whole(raw["LIST_SHRS"])
    rows["nav"], rows["net_assets"] = number(raw["NAV"]), number(raw["INVSTASST_NETASST_TOTAMT"])
    rows["index_name"], rows["index_close"] = raw["IDX_IND_NM"], number(raw["OBJ_STKPRC_IDX"])
    rows["unreadable"] = unreadable(raw, PARSERS)
    timed = with_first_known(rows, "XKRX", frames)
    told = bitemporal.versions(timed, ("security_id", "session_date"), VALUES, answers=rows)
    return pa.Table.from_pandas(told, preserve_index=False)


FEEDS = {"silver.etfs": etfs}
