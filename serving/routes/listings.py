"""Since when and until when one security was listed, on its first day, halted, an administrative issue or in liquidation trading."""

from fastapi import APIRouter
from starlette.responses import Response

from serving.answers import answer
from serving.bodies import body
from serving.deps import AsOf, Paged, Sessions, Sql, Symbol
from serving.queries import listings, stocks

router = APIRouter(tags=["stocks"])
Listings = body("Listings", listings.LISTINGS.columns)


@router.get("/stocks/{symbol}/listings", response_model=Listings)
def list_listings(sql: Sql, symbol: Symbol, span: Sessions, page: Paged, as_of: AsOf = None) -> Response:
    """Spells that reach into `from` and `to`, oldest first, each with what shows it; Korean securities alone have them.

    A `last_session` null is a spell that goes on; a `listed` spell that ended is a delisting, with the exchange's reason where it was told.
    """
    rows, following = listings.listings(sql, stocks.resolve(sql, symbol, as_of), span, page, as_of)
    return answer(sql.release, rows, next_cursor=following, as_of=as_of)
