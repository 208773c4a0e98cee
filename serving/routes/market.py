"""The market as a whole."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from serving import cache
from serving.answers import body_of
from serving.bodies import body
from serving.cache import Cached
from serving.deps import AsOf, Paged, Sessions, Sql
from serving.queries import summary

router = APIRouter(tags=["market"])
MarketSummary = body("MarketSummary", summary.COLUMNS)


@router.get("/market/summary", response_model=MarketSummary)
async def list_summaries(
    sql: Sql,
    cached: Cached,
    span: Sessions,
    page: Paged,
    as_of: AsOf = None,
    exchange: Annotated[str | None, Query(description="only this exchange", max_length=40)] = None,
    market: Annotated[str | None, Query(description="only this board", max_length=40)] = None,
) -> Response:
    """Breadth, value and returns of each board by session, newest first.

    As of the release; an earlier `as_of` leaves out what was not known then or has changed since, and `meta.hindsight` says so.
    """

    def query() -> bytes:
        rows, following = summary.summary(sql, span, page, exchange, market, as_of)
        return body_of(sql.release, rows, next_cursor=following, as_of=as_of, is_present=True)

    asked = cache.variant(span, page, exchange=exchange, market=market, as_of=as_of)
    return await cached.of(sql, cache.SUMMARY, asked, query)
