"""bronze.naver_news: headlines about a company inside one session's window, as Naver's news search delivers them."""

from email.utils import parsedate_to_datetime

import pandas as pd
import pyarrow as pa

from market.datasets.bronze._delivered import as_text, delivered
from market.datasets.bronze._headlines import silver_news
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
    commits="append",
    source="naver",
)


def news(delivered_rows: pa.Table, frames: Frames) -> pa.Table:
    """Rows of silver.news: one row per security and address at the press."""
    raw = delivered_rows.to_pandas(timestamp_as_object=False)
    url = raw["originallink"].where(raw["originallink"].fillna("") != "", raw["link"])
    published = pd.to_datetime(raw["pubDate"].map(_instant), utc=True)
    texts = {"url": url, "summary": raw["description"], "press": raw["originallink"]}
    return silver_news(raw, "naver", pd.DataFrame(texts).assign(published_at=published), frames)


def _instant(rfc822: str | None) -> pd.Timestamp | None:
    try:
        return pd.Timestamp(parsedate_to_datetime(rfc822 or "")).tz_convert("UTC")
    except (TypeError, ValueError):
        return None  # a row without a publication time is refused by its contract


FEEDS = {"silver.news": news}
