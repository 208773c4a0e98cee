"""Daily bars of one security."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from serving import cache
from serving.answers import body_of
from serving.bodies import body
from serving.cache import Cached
from serving.deps import AsOf, Paged, Sessions, Sql, Symbol
from serving.queries import prices

router = APIRouter(tags=["stocks"])
Prices = body("Prices", prices.COLUMNS)


@router.get("/stocks/{symbol}/prices", response_model=Prices)
async def list_prices(
    sql: Sql,
    cached: Cached,
    symbol: Symbol,
    span: Sessions,
    page: Paged,
    as_of: AsOf = None,
    adjust: Annotated[
        bool, Query(description="put all bars on the scale of the last session known at `as_of`")
    ] = False,
) -> Response:
    """Bars by session, oldest first: raw as traded, or made comparable across splits with the factors known then."""

    def query(security: str) -> bytes:
        rows, following = prices.bars(sql, security, span, page, as_of, adjust)
        return body_of(sql.release, rows, next_cursor=following, as_of=as_of)

    asked = cache.variant(span, page, as_of=as_of, adjust=adjust or None)
    return await cached.of_security(sql, symbol, cache.price, asked, query, as_of)
