"""bronze.naver_news: headlines about a company inside one session's window, as Naver's news search delivers them."""

import html
from email.utils import parsedate_to_datetime

import pandas as pd
import pyarrow as pa

from market import bitemporal, identity
from market.datasets.bronze._delivered import as_text, delivered
from market.datasets.bronze._parse import month
from market.table import Frames, Table

TABLE = Table(
    __name__,
    doc="Headlines found for a company's name and published within the session's window (after the previous close, up to this "
    "one), as delivered by Naver's news search.",
    columns=delivered(
        as_text("query", "what was searched: the company's name"),
        as_text("code", "short code of the company searched"),
        as_text("title", "headline with Naver's marks and entities"),
        as_text("originallink", "address at the press"),
        as_text("link", "address at Naver, or the press's again"),
        as_text("description", "excerpt"),
        as_text("pubDate", "publication, RFC 822"),
    ),
    key=("request", "payload_digest", "row_no", "fetched_at"),
    known_at="when the payload was fetched",
    writer="delta-rs",
    source="naver",
)


def news(delivered_rows: pa.Table, frames: Frames) -> pa.Table:
    """Rows of silver.news: text without marks, one row per security and address at the press, known from publication."""
    raw = delivered_rows.to_pandas(timestamp_as_object=False)
    rows = raw[["session_date", "payload_digest", "row_no", "fetched_at"]].copy()
    rows["session_month"] = month(rows["session_date"])
    rows["symbol"], rows["exchange"], rows["source"] = raw["code"], "XKRX", "naver"
    rows["security_id"] = identity.security_id("XKRX", raw["code"])
    rows["url"] = raw["originallink"].where(raw["originallink"].fillna("") != "", raw["link"])
    rows["title"], rows["summary"] = raw["title"].map(plain_text), raw["description"].map(plain_text)
    rows["published_at"] = pd.to_datetime(raw["pubDate"].map(_instant), utc=True)
    rows["first_known_at"] = rows["published_at"]
    once = rows.sort_values(["payload_digest", "row_no"]).drop_duplicates(["security_id", "url", "payload_digest"])
    return pa.Table.from_pandas(
        bitemporal.versions(once, ("security_id", "url"), ("title", "summary")), preserve_index=False
    )


def plain_text(marked: str | None) -> str | None:
    """Text without Naver's <b> marks, entities resolved (some come escaped twice)."""
    if marked is None:
        return None
    return html.unescape(html.unescape(marked.replace("<b>", "").replace("</b>", ""))).strip()


def _instant(rfc822: str | None) -> pd.Timestamp | None:
    try:
        return pd.Timestamp(parsedate_to_datetime(rfc822 or "")).tz_convert("UTC")
    except (TypeError, ValueError):
        return None  # a row without a publication time is refused by its contract


FEEDS = {"silver.news": news}
