"""bronze.daum_news: Daum's news about a company inside one session's window, as Kakao's web search delivers them."""

from datetime import datetime

import pandas as pd
import pyarrow as pa

from market.datasets.bronze._delivered import as_text, delivered
from market.datasets.bronze._headlines import silver_news
from market.table import Frames, Table

TABLE = Table(
    __name__,
    doc="Pages of Daum's news found for a company's name and published within the session's window (after the previous close, up "
    "to this one), as delivered by Kakao's web search; best effort. Pages of other hosts are in the payload alone.",
    columns=delivered(
        as_text("query", "what was searched: the company's name"),
        as_text("code", "short code of the company searched"),
        as_text("title", "headline with the search's marks and entities"),
        as_text("contents", "excerpt"),
        as_text("url", "address at Daum"),
        as_text("datetime", "publication, ISO 8601"),
    ),
    key=("request", "payload_digest", "row_no", "fetched_at"),
    known_at="when the payload was fetched",
    commits="append",
    source="daum",
)


def news(delivered_rows: pa.Table, frames: Frames) -> pa.Table:
    """Rows of silver.news; the press is not told by the search."""
    raw = delivered_rows.to_pandas(timestamp_as_object=False)
    published = pd.to_datetime(raw["datetime"].map(_instant), utc=True)
    texts = {"url": raw["url"], "summary": raw["contents"]}
    return silver_news(raw, "daum", pd.DataFrame(texts).assign(published_at=published, press=None), frames)


def _instant(iso: str | None) -> pd.Timestamp | None:
    try:
        return pd.Timestamp(datetime.fromisoformat(iso or "")).tz_convert("UTC")
    except (TypeError, ValueError):
        return None  # a row without a publication time is refused by its contract


FEEDS = {"silver.news": news}
