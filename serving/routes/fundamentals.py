"""Figures that one company reported."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from serving.answers import answer
from serving.bodies import body
from serving.deps import AsOf, Paged, Sessions, Sql, Symbol, words
from serving.queries import fundamentals, stocks

router = APIRouter(tags=["stocks"])
Fundamentals = body("Fundamentals", fundamentals.FUNDAMENTALS.columns)


@router.get("/stocks/{symbol}/fundamentals", response_model=Fundamentals)
def list_fundamentals(
    sql: Sql,
    symbol: Symbol,
    dates: Sessions,
    page: Paged,
    as_of: AsOf = None,
    items: Annotated[
        list[str] | None, Query(description="items, separated by commas or repeated; all by default")
    ] = None,
    basis: Annotated[list[str] | None, Query(description="consolidated or separate; both by default")] = None,
    span: Annotated[list[str] | None, Query(description="quarter, year or instant; all by default")] = None,
) -> Response:
    """Figures by the end of their period, newest first; `from` and `to` are ends of periods. `known_at` is when the filing could be read."""
    security = stocks.resolve(sql, symbol, as_of)
    asked = {"items": words(items), "basis": words(basis), "span": words(span)}
    rows, following = fundamentals.fundamentals(sql, security, asked, dates, page, as_of)
    return answer(sql.release, rows, next_cursor=following, as_of=as_of)
