"""Support and resistance of one security: the levels that live at a session, and what happened to levels."""

from datetime import date, datetime

import pyarrow as pa

from lake.sql import ReleaseSql
from market.datasets.gold.levels import SPAN, living
from serving.deps import Span
from serving.paging import Page
from serving.queries.reading import Series, columns, known_by, quoted

TABLE = "gold.levels"
COLUMNS = columns(TABLE)
EVENTS = Series("levels", TABLE, COLUMNS, ("session_date", "level_id"), (date.fromisoformat, str))


def events(
    sql: ReleaseSql, security: str, span: Span, page: Page, as_of: datetime | None
) -> tuple[pa.Table, str | None]:
    """What happened to levels, oldest first, and the cursor of the next page."""
    return EVENTS.page(sql, security, span, page, *known_by(sql, as_of))


def alive(sql: ReleaseSql, security: str, day: date | None, as_of: datetime | None) -> pa.Table:
    """The levels that live after the last session up to the day, by price on the scale of that session; no rows where it has no prices."""
    condition, values = known_by(sql, as_of)
    upto, days = ("session_date <= ?", [day]) if day is not None else ("true", [])
    bars = sql.query(
        f"""
        SELECT session_date, exchange, cumulative_factor FROM gold.prices WHERE security_id = ? AND {condition} AND {upto}
        ORDER BY session_date DESC LIMIT {SPAN}
        """,
        [security, *values, *days],
    )
    if not bars.num_rows:
        return pa.table({column.name: pa.array([], column.arrow.type) for column in COLUMNS})
    told = sql.query(
        f"""
        SELECT {quoted([c.name for c in COLUMNS])} FROM gold.levels
        WHERE security_id = ? AND {condition} AND session_date BETWEEN ? AND ? ORDER BY session_date
        """,
        [security, *values, bars["session_date"][-1].as_py(), bars["session_date"][0].as_py()],
    )
    return living(told, bars)
