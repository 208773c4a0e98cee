"""What the champions said of one security, by session; and the features that a model scores."""

from datetime import date, datetime

import pyarrow as pa

from lake.sql import ReleaseSql
from serving.deps import Span
from serving.paging import Page, text
from serving.queries.reading import Series, columns, known_by

COLUMNS = columns("gold.predictions")
_SERIES = Series("predictions", "gold.predictions", COLUMNS, ("session_date", "model"), (date.fromisoformat, text))


def predictions(
    sql: ReleaseSql, security: str, span: Span, page: Page, model: str | None, as_of: datetime | None
) -> tuple[pa.Table, str | None]:
    """Predictions in order of session and model, of those known at the instant, and the cursor of the next page."""
    known, values = known_by(sql, as_of)
    where = f"(?::VARCHAR IS NULL OR model = ?) AND {known}"
    return _SERIES.page(sql, security, span, page, where, [model, model, *values])
