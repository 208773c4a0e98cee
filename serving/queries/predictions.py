"""What the champions said of one security, by session; and the features that a model scores."""

from datetime import date

import pyarrow as pa

from lake.sql import ReleaseSql
from serving.deps import Span
from serving.paging import Page, text
from serving.queries.reading import Series, columns

COLUMNS = columns("gold.predictions")
_SERIES = Series("predictions", "gold.predictions", COLUMNS, ("session_date", "model"), (date.fromisoformat, text))


def predictions(
    sql: ReleaseSql, security: str, span: Span, page: Page, model: str | None
) -> tuple[pa.Table, str | None]:
    """Predictions in order of session and model, and the cursor of the next page."""
    return _SERIES.page(sql, security, span, page, "?::VARCHAR IS NULL OR model = ?", [model, model])
