"""Features of one security by session, those named or all."""

from collections.abc import Sequence
from datetime import date, datetime

import pyarrow as pa

from lake.sql import ReleaseSql
from market.table import Column
from serving.deps import Span
from serving.paging import Page
from serving.problems import Fault, Problem, shown
from serving.queries.reading import Series, columns, known_by

TABLE = "gold.features_daily"
COLUMNS = columns(TABLE)
FEATURES = tuple(column.name for column in COLUMNS if column.type == "float64")


def indicators(
    sql: ReleaseSql, security: str, names: Sequence[str], span: Span, page: Page, as_of: datetime | None
) -> tuple[pa.Table, str | None]:
    """The named features in order of session, of rows known at the instant, and the cursor of the next page; all without names.

    Raises
    ------
    Problem
        422: a feature that there is not.
    """
    chosen = set(names or FEATURES)
    faults = [
        Fault(where="names", expected=f"features among {', '.join(FEATURES)}", found=shown(name))
        for name in dict.fromkeys(names)
        if name not in FEATURES
    ]
    if faults:
        unknown = ", ".join(fault.found for fault in faults)
        raise Problem(422, "bad-input", f"names: there is no feature {unknown}", faults[:50])
    wanted: tuple[Column, ...] = tuple(c for c in COLUMNS if c.type != "float64" or c.name in chosen)
    series = Series("indicators", TABLE, wanted, ("session_date",), (date.fromisoformat,))
    return series.page(sql, security, span, page, *known_by(sql, as_of))
