"""Features of one security by session."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from serving import cache
from serving.answers import body_of
from serving.bodies import body
from serving.cache import Cached
from serving.deps import AsOf, Paged, Sessions, Sql, Symbol, words
from serving.queries import indicators

router = APIRouter(tags=["stocks"])
Indicators = body("Indicators", indicators.COLUMNS)


@router.get("/stocks/{symbol}/indicators", response_model=Indicators)
async def list_indicators(
    sql: Sql,
    cached: Cached,
    symbol: Symbol,
    span: Sessions,
    page: Paged,
    as_of: AsOf = None,
    names: Annotated[
        list[str] | None, Query(description="features, separated by commas or repeated; all by default")
    ] = None,
) -> Response:
    """Indicators by session, oldest first; null until a window is full. Only the named columns are in the answer.

    As of the release; an earlier `as_of` leaves out what was not known then or has changed since, and `meta.hindsight` says so.
    """
    chosen = words(names)

    def query(security: str) -> bytes:
        rows, following = indicators.indicators(sql, security, chosen, span, page, as_of)
        return body_of(sql.release, rows, next_cursor=following, as_of=as_of, is_present=True)

    slot = partial(cache.indicators, chosen, indicators.FEATURES)
    return await cached.of_security(sql, symbol, slot, cache.variant(span, page, as_of=as_of), query, as_of)
