"""Daily bars of one security."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from serving.answers import answer
from serving.bodies import body
from serving.deps import AsOf, Paged, Sessions, Sql, Symbol
from serving.queries import prices, stocks

router = APIRouter(tags=["stocks"])
Prices = body("Prices", prices.COLUMNS)


@router.get("/stocks/{symbol}/prices", response_model=Prices)
def list_prices(
    sql: Sql,
    symbol: Symbol,
    span: Sessions,
    page: Paged,
    as_of: AsOf = None,
    adjust: Annotated[
        bool, Query(description="put all bars on the scale of the last session known at `as_of`")
    ] = False,
) -> Response:
    """Bars by session, oldest first: raw as traded, or made comparable across splits with the factors known then."""
    rows, following = prices.bars(sql, stocks.resolve(sql, symbol), span, page, as_of, adjust)
    return answer(sql.release, rows, next_cursor=following, as_of=as_of)
