"""Features of one security by session."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from serving.answers import answer
from serving.bodies import body
from serving.deps import Paged, Sessions, Sql, Symbol
from serving.queries import indicators, stocks

router = APIRouter(tags=["stocks"])
Indicators = body("Indicators", indicators.COLUMNS)


@router.get("/stocks/{symbol}/indicators", response_model=Indicators)
def list_indicators(
    sql: Sql,
    symbol: Symbol,
    span: Sessions,
    page: Paged,
    names: Annotated[
        list[str] | None, Query(description="features, separated by commas or repeated; all by default")
    ] = None,
) -> Response:
    """Indicators by session, oldest first; null until a window is full. Only the named columns are in the answer."""
    chosen = [name.strip() for text in names or () for name in text.split(",") if name.strip()]
    rows, following = indicators.indicators(sql, stocks.resolve(sql, symbol), chosen, span, page)
    return answer(sql.release, rows, next_cursor=following)
