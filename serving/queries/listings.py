"""The life of one listing in spells: listed, first day, halted, administrative issue, liquidation trading, as believed at an instant."""

from datetime import date, datetime

import pyarrow as pa

from lake import ended
from lake.sql import ReleaseSql
from market import registry
from serving.deps import Span
from serving.paging import Page, text
from serving.queries.reading import Series, columns, instant_of

_WHY = tuple(registry.table("silver.delistings").column(name) for name in ("reason", "reason_class"))
LISTINGS = Series(
    "listings", f"({ended.SPELLS})", (*columns("silver.listings"), *_WHY), ("first_session", "status"),
    (date.fromisoformat, text),
)  # fmt: skip
_EVERY = Span(None, None)


def listings(
    sql: ReleaseSql, security: str, span: Span, page: Page, as_of: datetime | None
) -> tuple[pa.Table, str | None]:
    """One page of the spells that reach into the span, by their first session, and the cursor of the next."""
    conditions, values = ["true"], []
    if span.start:
        conditions.append("(last_session IS NULL OR last_session >= ?)")
        values.append(span.start)
    if span.end:
        conditions.append("first_session <= ?")
        values.append(span.end)
    within = ended.then(instant_of(sql, as_of))
    return LISTINGS.page(sql, security, _EVERY, page, " AND ".join(conditions), values, within)
