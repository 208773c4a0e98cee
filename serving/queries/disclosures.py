"""What was said about one security: filings, headlines, corporate actions, newest first, as believed at an instant."""

from datetime import date, datetime

import pyarrow as pa

from lake.sql import ReleaseSql
from serving.deps import Span
from serving.paging import Page, text
from serving.queries.reading import Series, columns, true_at

FILINGS = Series(
    "filings",
    "silver.filings",
    columns("silver.filings"),
    ("session_date", "receipt_no"),
    (date.fromisoformat, text),
    True,
)
NEWS = Series(
    "news", "silver.news", columns("silver.news"), ("published_at", "url"), (datetime.fromisoformat, text), True
)
ACTIONS = Series(
    "actions", "silver.corporate_actions", columns("silver.corporate_actions"), ("session_date", "action", "evidence"),
    (date.fromisoformat, text, text), True,
)  # fmt: skip


def disclosures(
    sql: ReleaseSql, series: Series, security: str, span: Span, page: Page, as_of: datetime | None
) -> tuple[pa.Table, str | None]:
    """One page of the series, and the cursor of the next."""
    return series.page(sql, security, span, page, *true_at(sql, as_of))
