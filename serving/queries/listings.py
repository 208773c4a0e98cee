"""The life of one listing in spells: listed, halted, administrative issue, liquidation trading, as believed at an instant."""

from datetime import date, datetime

import pyarrow as pa

from lake.sql import ReleaseSql
from serving.deps import Span
from serving.paging import Page, text
from serving.queries.reading import Series, columns, true_at

LISTINGS = Series(
    "listings", "silver.listings", columns("silver.listings"), ("first_session", "status"), (date.fromisoformat, text)
)
_EVERY = Span(None, None)


def listings(
    sql: ReleaseSql, security: str, span: Span, page: Page, as_of: datetime | None
) -> tuple[pa.Table, str | None]:
    """One page of the spells that reach into the span, by their first session, and the cursor of the next."""
    condition, values = true_at(sql, as_of)
    if span.start:
        condition += " AND (last_session IS NULL OR last_session >= ?)"
        values.append(span.start)
    if span.end:
        condition += " AND first_session <= ?"
        values.append(span.end)
    return LISTINGS.page(sql, security, _EVERY, page, condition, values)
