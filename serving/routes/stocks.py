"""Securities: the list, and one of them."""

from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from market import calendars
from serving.answers import answer
from serving.bodies import body
from serving.deps import AsOf, Paged, Sql, Symbol
from serving.queries import stocks

router = APIRouter(tags=["stocks"])
Exchange = StrEnum("Exchange", {name: name for name in calendars.EXCHANGES})  # type: ignore[misc]
Stocks, Stock = body("Stocks", stocks.LISTED), body("Stock", stocks.DETAIL)


@router.get("/stocks", response_model=Stocks)
def list_stocks(
    sql: Sql,
    page: Paged,
    as_of: AsOf = None,
    exchange: Annotated[Exchange | None, Query(description="only this exchange")] = None,
    market: Annotated[str | None, Query(description="only this board, such as KOSPI", max_length=40)] = None,
    q: Annotated[str | None, Query(description="part of a code or name, whatever its case", max_length=100)] = None,
) -> Response:
    """Every security known at `as_of`, delisted ones included, in order of id."""
    rows, following = stocks.listing(sql, page, exchange.value if exchange else None, market, q, as_of)
    return answer(sql.release, rows, next_cursor=following, as_of=as_of)


@router.get("/stocks/{symbol}", response_model=Stock)
def get_stock(sql: Sql, symbol: Symbol, as_of: AsOf = None) -> Response:
    """What is known of one security, and the sessions that the release has of it; no row where nothing was known at `as_of`."""
    return answer(sql.release, stocks.detail(sql, stocks.resolve(sql, symbol, as_of), as_of), as_of=as_of)
