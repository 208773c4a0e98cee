"""Ratios of one company."""

from datetime import date, datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field
from starlette.responses import Response

from market.ratios import RATIOS
from serving.answers import answer
from serving.bodies import body_of
from serving.deps import AsOf, Sql, Symbol, words
from serving.queries import ratios, stocks

router = APIRouter(tags=["stocks"])


class RatioPart(BaseModel):
    """A figure that a ratio is made of."""

    security_id: str
    item: str = Field(
        description="item of a report; close and listed_shares of a session; split_factor (old shares / new) of an ex-date"
    )
    period_end: date = Field(description="last day of the period, or the day")
    fiscal_period: str | None = Field(description="such as 2024Q1; null where no filing tells it")
    value: float
    currency: str = Field(description="of the value; XXX of a count or factor")
    filing_no: str | None = Field(description="filing that told it; null of what the exchange tells")
    concept: str | None = Field(
        description="account or concept by which the filing tells it; null of what the exchange tells"
    )
    known_at: datetime


class RatioRow(BaseModel):
    """A ratio of one basis."""

    security_id: str
    basis: str = Field(description="of the group (consolidated) or of the company alone (separate)")
    ratio: str = Field(description="; ".join(f"{name}: {formula.doc}" for name, formula in RATIOS.items()))
    value: float | None = Field(description="null where it cannot be told")
    unit: str = Field(description="1, or the currency of a share's part")
    period_end: date = Field(description="last day of the newest period that a report told")
    reason: str | None = Field(description="why there is no value")
    known_at: datetime | None = Field(description="when the last of its parts was known; null without parts")
    parts: list[RatioPart] = Field(description="what it is made of; without a value, what shows why")


Ratios = body_of("Ratios", RatioRow)


@router.get("/stocks/{symbol}/ratios", response_model=Ratios)
def list_ratios(
    sql: Sql,
    symbol: Symbol,
    as_of: AsOf = None,
    basis: Annotated[list[str] | None, Query(description="consolidated or separate; both by default")] = None,
) -> Response:
    """Margins, returns, gearing, earnings per share and multiples as they could be known, each with its parts; none without a report."""
    rows = ratios.ratios(sql, stocks.resolve(sql, symbol, as_of), words(basis), as_of)
    known_at = max((row["known_at"] for row in rows if row["known_at"]), default=None)
    return answer(sql.release, rows, as_of=as_of, known_at=known_at)
