"""bronze.krx_delistings: what was delisted, when and why, as KRX's Data Marketplace tells its members."""

import pandas as pd
import pyarrow as pa

from market import bitemporal, delistings, identity
from market.datasets.bronze._delivered import as_text, delivered
from market.datasets.bronze._parse import day, number, unreadable, with_first_known
from market.table import Frames, Table

TABLE = Table(
    __name__,
    doc="The list of delistings, as delivered by KRX's Data Marketplace (MDCSTAT23801): shares, funds, subscription rights. A move to a higher "
    "board is in it too, and not every preferred share is. Optional: without a member's id nothing is asked.",
    columns=delivered(
        as_text("ISU_CD", "short code, or ISIN"),
        as_text("ISU_NM", "name"),
        as_text("MKT_NM", "market"),
        as_text("SECUGRP_NM", "kind of security"),
        as_text("KIND_STKCERT_TP_NM", "common or preferred"),
        as_text("LIST_DD", "listing date"),
        as_text("DELIST_DD", "first day on which it is no longer listed"),
        as_text(
            "DELIST_RSN_DSC", "the reason, in KRX's words; empty for what ends by itself, such as a subscription right"
        ),
        as_text("ARRANTRD_MKTACT_ENFORCE_DD", "first day of its liquidation trading"),
        as_text("ARRANTRD_END_DD", "last day of its liquidation trading"),
        as_text("IDX_IND_NM", "industry"),
        as_text("PARVAL", "par value, KRW"),
        as_text("LIST_SHRS", "listed shares"),
        as_text("TO_ISU_SRT_CD", "short code of the security that it belongs or passes to"),
        as_text("TO_ISU_ABBRV", "name of that security"),
    ),
    key=("request", "payload_digest", "row_no", "fetched_at"),
    known_at="when the payload was fetched",
    commits="append",
    source="krx_market",
)

PARSERS = {
    "DELIST_DD": day, "LIST_DD": day, "ARRANTRD_MKTACT_ENFORCE_DD": day, "ARRANTRD_END_DD": day, "LIST_SHRS": number,
}  # fmt: skip
_FACT = ("security_id", "delist_date")
_DELIVERY = [*_FACT, "request", "payload_digest", "fetched_at"]
_TOLD = [
    "name",
    "market",
    "share_class",
    "list_date",
    "reason",
    "liquidation_from",
    "liquidation_until",
    "successor",
    "unreadable",
]
_VALUES = (*_TOLD, "reason_class", "last_session")


def told(delivered_rows: pa.Table, frames: Frames) -> pa.Table:
    """Rows of silver.delistings: what was believed of each share's delisting, known from the close of the session that it belongs to."""
    rows = _shares(delivered_rows, frames)
    together = rows.groupby(_DELIVERY, sort=False, dropna=False)  # one delisting may come twice, with a reason each
    first = together[["session_date", "row_no", *_TOLD]].first().assign(reason=together["reason"].agg(_joined))
    rows = first.reset_index()
    rows["last_session"] = _sessions_before(rows["delist_date"], frames)
    rows["exchange"], rows["source"] = "XKRX", "krx_market"
    timed = with_first_known(rows, "XKRX", frames)
    timed["reason_class"] = _classes(timed, frames)
    versions = bitemporal.versions(timed, _FACT, _VALUES)
    return pa.Table.from_pandas(versions, preserve_index=False)


def _shares(delivered_rows: pa.Table, frames: Frames) -> pd.DataFrame:
    """The rows of shares, with the id that had the code on the day before; funds and rights are listed nowhere in the lake."""
    raw = delivered_rows.to_pandas(timestamp_as_object=False)
    raw = raw[raw["SECUGRP_NM"].isna() | raw["SECUGRP_NM"].isin(delistings.SHARES)].reset_index(drop=True)
    rows = raw[["session_date", "request", "payload_digest", "row_no", "fetched_at"]].copy()
    rows["name"], rows["market"], rows["share_class"] = (
        raw["ISU_NM"],
        identity.board(raw["MKT_NM"]),
        raw["KIND_STKCERT_TP_NM"],
    )
    rows["delist_date"], rows["list_date"] = day(raw["DELIST_DD"]), day(raw["LIST_DD"])
    rows["liquidation_from"], rows["liquidation_until"] = (
        day(raw["ARRANTRD_MKTACT_ENFORCE_DD"]),
        day(raw["ARRANTRD_END_DD"]),
    )
    rows["reason"], rows["successor"] = _text(raw["DELIST_RSN_DSC"]), _text(raw["TO_ISU_SRT_CD"])
    rows["unreadable"] = unreadable(raw, PARSERS)
    plain = identity.security_id("XKRX", identity.krx_code(raw["ISU_CD"]).fillna(""))
    before = pd.to_datetime(rows["delist_date"]) - pd.Timedelta(days=1)
    rows["security_id"] = identity.ids_then(plain, before, frames.get("silver.securities"))
    return rows


def _text(told: pd.Series) -> pd.Series:
    """The texts with single spaces; null where KRX writes nothing or a dash."""
    text = told.astype("string").str.split().str.join(" ")
    return text.mask(text.isin(["", "-"]))


def _joined(texts: pd.Series) -> str | None:
    """The different reasons in their order."""
    return "; ".join(dict.fromkeys(text for text in texts if isinstance(text, str))) or None


def _classes(rows: pd.DataFrame, frames: Frames) -> pd.Series:
    """Classes of the reasons; a transfer where the same security is listed anew on that very day, as was known by then, whatever the list says."""
    found = rows["reason"].map(delistings.reason_class, na_action="ignore")
    listed = frames.get("silver.securities")
    if listed is None or not listed.num_rows:
        return found
    held = listed.select(["security_id", "list_date", "known_at"]).to_pandas(timestamp_as_object=False)
    anew = held.groupby(["security_id", "list_date"])["known_at"].min()
    facts = pd.MultiIndex.from_arrays([rows["security_id"], rows["delist_date"]])
    is_transfer = anew.reindex(facts).to_numpy() <= rows["first_known_at"].to_numpy()
    return found.mask(pd.Series(is_transfer, rows.index, dtype=bool), delistings.TRANSFER)


def _sessions_before(dates: pd.Series, frames: Frames) -> pd.Series:
    """The last session before each date; None where the calendar has none."""
    sessions = frames["silver.sessions"].to_pandas()
    days = pd.to_datetime(sessions.loc[sessions["exchange"] == "XKRX", "session_date"]).sort_values().to_numpy()
    wanted = pd.to_datetime(dates)
    at = days.searchsorted(wanted.to_numpy(), side="left") - 1
    found = [days[n] if n >= 0 and known else None for n, known in zip(at, wanted.notna(), strict=True)]
    return pd.Series(
        pd.to_datetime(pd.Series(found, dtype="datetime64[ns]")).dt.date.to_numpy(), dates.index, dtype=object
    )


SERIES = "ISU_CD"
FEEDS = {"silver.delistings": told}
