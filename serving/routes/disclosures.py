"""Filings, headlines and corporate actions of one security."""

from fastapi import APIRouter
from starlette.responses import Response

from serving.answers import answer
from serving.bodies import body
from serving.deps import AsOf, Paged, Sessions, Sql, Symbol
from serving.queries import disclosures, stocks

router = APIRouter(tags=["stocks"])
Filings = body("Filings", disclosures.FILINGS.columns)
News = body("News", disclosures.NEWS.columns)
Actions = body("Actions", disclosures.ACTIONS.columns)


@router.get("/stocks/{symbol}/filings", response_model=Filings)
def list_filings(sql: Sql, symbol: Symbol, span: Sessions, page: Paged, as_of: AsOf = None) -> Response:
    """Filings by session of receipt, newest first."""
    security = stocks.resolve(sql, symbol, as_of)
    rows, following = disclosures.disclosures(sql, disclosures.FILINGS, security, span, page, as_of)
    return answer(sql.release, rows, next_cursor=following, as_of=as_of)


@router.get("/stocks/{symbol}/news", response_model=News)
def list_news(sql: Sql, symbol: Symbol, span: Sessions, page: Paged, as_of: AsOf = None) -> Response:
    """Headlines, newest first; `from` and `to` are sessions whose window holds the publication."""
    security = stocks.resolve(sql, symbol, as_of)
    rows, following = disclosures.disclosures(sql, disclosures.NEWS, security, span, page, as_of)
    return answer(sql.release, rows, next_cursor=following, as_of=as_of)


@router.get("/stocks/{symbol}/actions", response_model=Actions)
def list_actions(sql: Sql, symbol: Symbol, span: Sessions, page: Paged, as_of: AsOf = None) -> Response:
    """Splits, dividends and the decisions behind them, newest first."""
    security = stocks.resolve(sql, symbol, as_of)
    rows, following = disclosures.disclosures(sql, disclosures.ACTIONS, security, span, page, as_of)
    return answer(sql.release, rows, next_cursor=following, as_of=as_of)
