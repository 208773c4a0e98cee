"""bronze.naver_coverage: which sessions of which company the news search really covered, one row per company and session."""

import pyarrow as pa

from market import bitemporal, identity
from market.datasets.bronze._delivered import as_text, delivered
from market.datasets.bronze._parse import month, with_first_known
from market.table import Column, Frames, Table

TABLE = Table(
    __name__,
    doc="What a news collection covered: Naver has no date filter and shows the newest 1,100 items, so a session before the "
    "oldest item shown is not covered, and a covered one without items has a count of zero.",
    columns=delivered(
        as_text("query", "what was searched"),
        as_text("code", "short code of the company searched"),
        Column("is_covered", "bool", "the whole window of the session was within what the search showed"),
        Column("n_items", "int64", "items published within the window, repeats across presses included"),
    ),
    key=("request", "payload_digest", "row_no", "fetched_at"),
    known_at="when the payload was fetched",
    writer="delta-rs",
    source="naver",
)


def coverage(delivered_rows: pa.Table, frames: Frames) -> pa.Table:
    """Rows of silver.news_coverage: the count where the session was covered, null where it never was.

    The search shows the newest items only: asked again later it no longer reaches an old session, which takes nothing back.
    """
    raw = delivered_rows.to_pandas(timestamp_as_object=False)
    rows = raw[["session_date", "payload_digest", "row_no", "fetched_at", "is_covered"]].copy()
    rows["session_month"] = month(rows["session_date"])
    rows["security_id"] = identity.security_id("XKRX", raw["code"])
    rows["exchange"], rows["source"] = "XKRX", "naver"
    rows["n_headlines"] = raw["n_items"].where(raw["is_covered"]).astype("float64")
    rows = rows.sort_values(["fetched_at", "payload_digest", "row_no"], kind="stable", ignore_index=True)
    key = ["security_id", "session_date"]
    known = rows[rows.groupby(key)["is_covered"].cummax() == rows["is_covered"]]
    timed = with_first_known(known, "XKRX", frames)
    return pa.Table.from_pandas(bitemporal.versions(timed, key, ("n_headlines",)), preserve_index=False)


FEEDS = {"silver.news_coverage": coverage}
