"""Chart patterns of one security, at the sessions that confirmed them."""

from collections.abc import Sequence
from datetime import date, datetime

import pyarrow as pa

from lake.sql import ReleaseSql
from market.patterns import PATTERNS
from serving.deps import Span
from serving.paging import Page
from serving.problems import Fault, Problem, shown
from serving.queries.reading import Series, columns, known_by

TABLE = "gold.patterns"
COLUMNS = columns(TABLE)
FOUND = Series("patterns", TABLE, COLUMNS, ("session_date", "pattern", "direction"), (date.fromisoformat, str, int))


def patterns(
    sql: ReleaseSql, security: str, kinds: Sequence[str], least: float, span: Span, page: Page, as_of: datetime | None
) -> tuple[pa.Table, str | None]:
    """Those of the kinds, all without any, that fit at least so well, oldest first, and the cursor of the next page.

    Raises
    ------
    Problem
        422: a kind that there is not.
    """
    faults = [
        Fault(where="pattern", expected=f"patterns among {', '.join(PATTERNS)}", found=shown(kind))
        for kind in dict.fromkeys(kinds)
        if kind not in PATTERNS
    ]
    if faults:
        raise Problem(422, "bad-input", f"pattern: there is no {', '.join(one.found for one in faults)}", faults[:50])
    condition, values = known_by(sql, as_of)
    condition += " AND confidence >= ?"
    values.append(least)
    if kinds:
        condition += f" AND pattern IN ({', '.join('?' * len(kinds))})"
        values += kinds
    return FOUND.page(sql, security, span, page, condition, values)
