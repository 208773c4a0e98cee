"""Support and resistance of one security."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from serving.answers import answer
from serving.bodies import body
from serving.deps import AsOf, Date, Paged, Sessions, Sql, Symbol
from serving.queries import levels, stocks

router = APIRouter(tags=["stocks"])
Levels = body("Levels", levels.COLUMNS)


@router.get("/stocks/{symbol}/levels", response_model=Levels)
def list_levels(
    sql: Sql,
    symbol: Symbol,
    on: Annotated[
        Date, Query(description="after the close of the last session up to this date; by default the release's")
    ] = None,
    as_of: AsOf = None,
) -> Response:
    """The levels that live at a session, lowest first: price on that session's scale, and how each stands since its last event.

    As of the release; an earlier `as_of` leaves out what was not known then or has changed since, and `meta.hindsight` says so.
    """
    security = stocks.resolve(sql, symbol, as_of)
    return answer(sql.release, levels.alive(sql, security, on, as_of), as_of=as_of, is_present=True)


@router.get("/stocks/{symbol}/levels/events", response_model=Levels)
def list_level_events(sql: Sql, symbol: Symbol, span: Sessions, page: Paged, as_of: AsOf = None) -> Response:
    """What happened to levels by session, oldest first: formed, touched, broken."""
    security = stocks.resolve(sql, symbol, as_of)
    rows, following = levels.events(sql, security, span, page, as_of)
    return answer(sql.release, rows, next_cursor=following, as_of=as_of, is_present=True)
