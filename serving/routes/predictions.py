"""Stored predictions of one security."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from serving.answers import answer
from serving.bodies import body
from serving.deps import Paged, Sessions, Sql, Symbol
from serving.queries import predictions, stocks

router = APIRouter(tags=["stocks"])
Predictions = body("Predictions", predictions.COLUMNS)


@router.get("/stocks/{symbol}/predictions", response_model=Predictions)
def list_predictions(
    sql: Sql,
    symbol: Symbol,
    span: Sessions,
    page: Paged,
    model: Annotated[str | None, Query(description="only this model", max_length=100)] = None,
) -> Response:
    """What the champion of each session said, oldest first; `rank` is within exchange and session, 1 is best."""
    rows, following = predictions.predictions(sql, stocks.resolve(sql, symbol), span, page, model)
    return answer(sql.release, rows, next_cursor=following)
