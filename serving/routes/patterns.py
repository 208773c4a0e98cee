"""Chart patterns of one security."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from serving.answers import answer
from serving.bodies import body
from serving.deps import AsOf, Paged, Sessions, Sql, Symbol, words
from serving.queries import patterns, stocks

router = APIRouter(tags=["stocks"])
Patterns = body("Patterns", patterns.COLUMNS)


@router.get("/stocks/{symbol}/patterns", response_model=Patterns)
def list_patterns(
    sql: Sql,
    symbol: Symbol,
    span: Sessions,
    page: Paged,
    as_of: AsOf = None,
    pattern: Annotated[
        list[str] | None, Query(description="kinds, separated by commas or repeated; all by default")
    ] = None,
    confidence: Annotated[float, Query(ge=0, le=1, description="how well it fits, at least")] = 0.0,
) -> Response:
    """Chart patterns by the session whose close confirmed each, oldest first; before it nothing of them was known.

    As of the release; an earlier `as_of` leaves out what was not known then or has changed since, and `meta.hindsight` says so.
    """
    security = stocks.resolve(sql, symbol, as_of)
    rows, following = patterns.patterns(sql, security, words(pattern), confidence, span, page, as_of)
    return answer(sql.release, rows, next_cursor=following, as_of=as_of, is_present=True)
