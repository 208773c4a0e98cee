"""The market as a whole: breadth, value and returns of each board by session, newest first."""

from datetime import date, datetime

import pyarrow as pa

from lake.sql import ReleaseSql
from serving.deps import Span
from serving.paging import Page, text
from serving.queries.reading import columns, known_by, quoted

COLUMNS = columns("gold.market_summary")
_KEY = ("session_date", "exchange", "market")


def summary(
    sql: ReleaseSql, span: Span, page: Page, exchange: str | None, market: str | None, as_of: datetime | None
) -> tuple[pa.Table, str | None]:
    """One page of the rows known at the instant, and the cursor of the next."""
    known, values = known_by(sql, as_of)
    after = page.after("summary", date.fromisoformat, text, text) or (None, None, None)
    rows = sql.query(
        f"""
        SELECT {quoted([c.name for c in COLUMNS])} FROM gold.market_summary
        WHERE session_date BETWEEN coalesce(?::DATE, DATE '0001-01-01') AND coalesce(?::DATE, DATE '9999-12-31')
          AND (?::VARCHAR IS NULL OR exchange = ?) AND (?::VARCHAR IS NULL OR market = ?)
          AND (?::DATE IS NULL OR ({quoted(_KEY)}) < (?::DATE, ?, ?))
          AND {known}
        ORDER BY session_date DESC, exchange DESC, market DESC LIMIT ?
        """,
        [span.start, span.end, exchange, exchange, market, market, after[0], *after, *values, page.limit + 1],
    )
    return page.cut(rows, "summary", _KEY)
