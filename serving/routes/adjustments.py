"""The adjustment ledger of one security."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from serving.answers import answer
from serving.bodies import body
from serving.deps import AsOf, Paged, Sessions, Sql, Symbol
from serving.queries import adjustments, stocks

router = APIRouter(tags=["stocks"])
Adjustments = body("Adjustments", adjustments.COLUMNS)


@router.get("/stocks/{symbol}/adjustments", response_model=Adjustments)
def list_adjustments(
    sql: Sql,
    symbol: Symbol,
    span: Sessions,
    page: Paged,
    as_of: AsOf = None,
    unexplained: Annotated[
        bool | None, Query(description="only factors that nothing disclosed accounts for; false: only the others")
    ] = None,
) -> Response:
    """Factors by ex-date, oldest first, each with its cause, evidence, confidence and what disclosed it."""
    security = stocks.resolve(sql, symbol, as_of)
    rows, following = adjustments.adjustments(sql, security, span, page, as_of, unexplained)
    return answer(sql.release, rows, next_cursor=following, as_of=as_of)
