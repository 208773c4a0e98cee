"""bronze.krx_daily: the exchange's daily trades, one row per security and session, as KRX Open API delivers them."""

import pandas as pd
import pyarrow as pa

from market import bitemporal, identity
from market.datasets.bronze._delivered import as_text, delivered
from market.datasets.bronze._parse import day, month, number, unreadable, whole, with_first_known
from market.table import Frames, Table

TABLE = Table(
    __name__,
    doc="Daily trades of every KOSPI, KOSDAQ and KONEX security, as delivered by KRX Open API (sto/*_bydd_trd).",
    columns=delivered(
        as_text("BAS_DD", "session, YYYYMMDD"),
        as_text("ISU_CD", "short code or ISIN"),
        as_text("ISU_NM", "name on that day"),
        as_text("MKT_NM", "KOSPI, KOSDAQ or KONEX"),
        as_text("SECT_TP_NM", "section of the market, '-' for none"),
        as_text("TDD_CLSPRC", "close, KRW"),
        as_text("CMPPREVDD_PRC", "close minus the exchange's base price, KRW"),
        as_text("FLUC_RT", "change against the base price, percent"),
        as_text("TDD_OPNPRC", "open, KRW; 0 while halted"),
        as_text("TDD_HGPRC", "high, KRW; 0 while halted"),
        as_text("TDD_LWPRC", "low, KRW; 0 while halted"),
        as_text("ACC_TRDVOL", "shares traded"),
        as_text("ACC_TRDVAL", "value traded, KRW"),
        as_text("MKTCAP", "market capitalisation, KRW"),
        as_text("LIST_SHRS", "listed shares"),
    ),
    key=("request", "payload_digest", "row_no", "fetched_at"),
    known_at="when the payload was fetched",
    commits="append",
    source="krx",
)

VALUES = (
    "symbol", "market", "open", "high", "low", "close", "volume", "value", "market_cap", "listed_shares", "base_price",
    "unreadable",
)  # fmt: skip
_NUMBERS = ("TDD_CLSPRC", "CMPPREVDD_PRC", "TDD_OPNPRC", "TDD_HGPRC", "TDD_LWPRC", "ACC_TRDVAL", "MKTCAP")
PARSERS = {"BAS_DD": day, **dict.fromkeys(_NUMBERS, number), "ACC_TRDVOL": whole, "LIST_SHRS": whole}


def prices(delivered_rows: pa.Table, frames: Frames) -> pa.Table:
    """Rows of silver.prices: numbers typed, halts told from prices, the base price worked out, every version kept.

    An answer holds the whole market of its day: a row that a later one lacks is true until then.
    """
    raw = delivered_rows.to_pandas(timestamp_as_object=False)
    rows = raw[["request", "payload_digest", "row_no", "fetched_at"]].copy()
    rows["symbol"] = identity.krx_code(raw["ISU_CD"])
    rows["session_date"] = day(raw["BAS_DD"])
    plain = identity.security_id("XKRX", rows["symbol"])
    rows["security_id"] = identity.ids_then(plain, rows["session_date"], frames.get("silver.securities"))
    rows["session_month"] = month(rows["session_date"])
    rows["exchange"], rows["currency"], rows["source"] = "XKRX", "KRW", "krx"
    rows["market"] = identity.board(raw["MKT_NM"])
    rows["close"], change = number(raw["TDD_CLSPRC"]), number(raw["CMPPREVDD_PRC"])
    rows["base_price"] = rows["close"] - change
    quoted = pd.DataFrame({n: number(raw[f"TDD_{c}PRC"]) for n, c in (("open", "OPN"), ("high", "HG"), ("low", "LW"))})
    rows["is_halted"] = halted(quoted)
    rows[["open", "high", "low"]] = quoted.mask(rows["is_halted"])
    rows["volume"], rows["value"] = whole(raw["ACC_TRDVOL"]), number(raw["ACC_TRDVAL"])
    rows["market_cap"], rows["listed_shares"] = number(raw["MKTCAP"]), whole(raw["LIST_SHRS"])
    rows["unreadable"] = unreadable(raw, PARSERS)
    timed = with_first_known(rows, "XKRX", frames)
    told = bitemporal.versions(timed, ("security_id", "session_date"), VALUES, answers=rows)
    return pa.Table.from_pandas(told, preserve_index=False)


def halted(quoted: pd.DataFrame) -> pd.Series:
    """Where nothing traded in the regular session: KRX writes zero for open, high and low, and keeps the close."""
    return (quoted == 0).all(axis=1)


FEEDS = {"silver.prices": prices}
