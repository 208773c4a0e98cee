"""The ledger of adjustment factors, as believed at an instant: of one security, or those of all that nothing disclosed explains."""

from datetime import date, datetime

import pyarrow as pa

from lake.sql import ReleaseSql
from market.table import Column
from serving.deps import Span
from serving.paging import Page
from serving.queries.reading import Series, columns, quoted, true_at

_LEDGER = columns("silver.adjustments")
COLUMNS = (*_LEDGER, Column("is_unexplained", "bool", "no disclosed action accounts for it"))
ADJUSTMENTS = Series(
    "adjustments",
    "(SELECT *, disclosed_by IS NULL AS is_unexplained FROM silver.adjustments) ledger",
    COLUMNS,
    ("session_date",),
    (date.fromisoformat,),
)
SHOWN = 500
"""Unexplained factors on the page, the newest."""


def adjustments(
    sql: ReleaseSql, security: str, span: Span, page: Page, as_of: datetime | None, is_unexplained: bool | None
) -> tuple[pa.Table, str | None]:
    """One page of the factors by ex-date, oldest first, and the cursor of the next.

    Parameters
    ----------
    is_unexplained : only those that nothing disclosed accounts for, or only the others; None: all.
    """
    condition, values = true_at(sql, as_of)
    if is_unexplained is not None:
        condition += " AND is_unexplained = ?"
        values.append(is_unexplained)
    return ADJUSTMENTS.page(sql, security, span, page, condition, values)


def unexplained(sql: ReleaseSql) -> tuple[pa.Table, int, int]:
    """The newest factors that the release believes and nothing disclosed accounts for, with each security's name; how many there are,
    and how many factors in all."""
    condition, values = true_at(sql, None)
    counts = sql.query(
        f"SELECT count(*) AS n, count(*) FILTER (WHERE disclosed_by IS NULL) AS n_unexplained FROM silver.adjustments WHERE {condition}",
        values,
    ).to_pylist()[0]
    rows = sql.query(
        f"""
        SELECT {quoted([c.name for c in _LEDGER])}, name FROM (
            SELECT * FROM silver.adjustments WHERE disclosed_by IS NULL AND {condition}
        ) LEFT JOIN (
            SELECT security_id AS named, name FROM silver.symbols WHERE {condition}
        ) ON named = security_id
        ORDER BY session_date DESC, security_id LIMIT {SHOWN}
        """,
        [*values, *values],
    )
    return rows, counts["n_unexplained"], counts["n"]
