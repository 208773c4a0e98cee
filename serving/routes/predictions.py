"""Stored predictions of one security."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from serving.answers import answer
from serving.bodies import body
from serving.deps import AsOf, Paged, Sessions, Sql, Symbol
from serving.queries import predictions, stocks

router = APIRouter(tags=["stocks"])
Predictions = body("Predictions", predictions.COLUMNS)


@router.get("/stocks/{symbol}/predictions", response_model=Predictions)
def list_predictions(
    sql: Sql,
    symbol: Symbol,
    span: Sessions,
    page: Paged,
    as_of: AsOf = None,
    model: Annotated[str | None, Query(description="only this model", max_length=100)] = None,
) -> Response:
    """What the champion of each session said, oldest first; `rank` is within exchange and session, 1 is best.

    As of the release; an earlier `as_of` leaves out what was not known then or was scored again since, and `meta.hindsight` says so.
    """
    rows, following = predictions.predictions(sql, stocks.resolve(sql, symbol, as_of), span, page, model, as_of)
    return answer(sql.release, rows, next_cursor=following, as_of=as_of, is_present=True)
