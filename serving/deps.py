"""What an endpoint may ask for in its signature: the release, the models, and parameters already checked.

What does not belong here: SQL, and what an endpoint answers.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Annotated, Any

from fastapi import Depends, Path, Query, Request, params
from fastapi.dependencies.utils import get_flat_params
from pydantic import BeforeValidator

from lake.explain import Past
from lake.objects import Store
from lake.sql import Current, ReleaseSql
from serving.champions import Champions
from serving.online import Online
from serving.paging import Page
from serving.problems import Problem, bad_input, shown

MAX_LIMIT = 1000
DEFAULT_LIMIT = 250  # a year of sessions
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}\Z", re.ASCII)
_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|z|[+ -]\d{2}:?\d{2})\Z", re.ASCII)


@dataclass(frozen=True)
class Span:
    """Sessions asked for, both ends included; None leaves an end open."""

    start: date | None
    end: date | None


def iso_date(value: Any) -> date | None:
    """The date of text such as 2024-05-03."""
    if value is None or isinstance(value, date):
        return value
    if not isinstance(value, str) or not _DATE.match(value):
        raise ValueError("a date such as 2024-05-03")
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise ValueError("a date that exists, such as 2024-05-03") from None


def instant(value: Any) -> datetime | None:
    """The instant of text such as 2024-05-03T09:00+09:00; a '+' that came unescaped in a URL is a space there."""
    if value is None or isinstance(value, datetime):
        return value
    if not isinstance(value, str) or not _INSTANT.match(value):
        raise ValueError("an instant with its offset, such as 2024-05-03T09:00+09:00 or 2024-05-03T00:00Z")
    repaired = value[:10] + "T" + value[11:].replace(" ", "+").upper()
    try:
        return datetime.fromisoformat(repaired).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("an instant that exists, such as 2024-05-03T09:00+09:00") from None


Date = Annotated[date | None, BeforeValidator(iso_date)]
AsOf = Annotated[
    Annotated[datetime | None, BeforeValidator(instant)],
    Query(description="answer with what was known at this instant (with offset); by default at the release"),
]
Symbol = Annotated[
    str, Path(description="code (005930, AAPL) or id (XKRX:005930)", examples=["005930"], max_length=100)
]


def words(texts: list[str] | None) -> list[str]:
    """The words of a parameter that is repeated, or has them separated by commas."""
    return [word.strip() for text in texts or () for word in text.split(",") if word.strip()]


async def _span(
    start: Annotated[Date, Query(alias="from", description="first session")] = None,
    to: Annotated[Date, Query(description="last session")] = None,
) -> Span:
    if start and to and start > to:
        raise bad_input("from", f"a date on or before `to`, {to}", str(start))
    return Span(start, to)


async def _page(
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT, description="rows at most")] = DEFAULT_LIMIT,
    cursor: Annotated[str | None, Query(description="`next` of the page before", max_length=2000)] = None,
) -> Page:
    return Page(limit, cursor)


async def _release(request: Request) -> ReleaseSql:
    held = request.scope.get("release")
    if held is None:
        failure = request.app.state.current.failure
        detail = f"No release is open{': ' + failure if failure else '. Publish one: run a day'}"
        raise Problem(503, "no-release", detail, headers={"Retry-After": "5"})
    sql: ReleaseSql = held.sql
    return sql


async def _current(request: Request) -> Current:
    current: Current = request.app.state.current
    return current


async def _champions(request: Request) -> Champions:
    champions: Champions = request.app.state.champions
    return champions


async def _online(request: Request) -> Online:
    online: Online = request.app.state.online
    return online


async def _past(request: Request) -> Past:
    past: Past = request.app.state.past
    return past


async def _files(request: Request) -> Store:
    files: Store = request.app.state.files
    return files


# `async def` above, since FastAPI sends every plain `def` dependency to a thread of its own.
Sql = Annotated[ReleaseSql, Depends(_release)]
Pointer = Annotated[Current, Depends(_current)]
Models = Annotated[Champions, Depends(_champions)]
OnlineStore = Annotated[Online, Depends(_online)]
History = Annotated[Past, Depends(_past)]
Files = Annotated[Store, Depends(_files)]
Sessions = Annotated[Span, Depends(_span)]
Paged = Annotated[Page, Depends(_page)]


async def known_parameters(request: Request) -> None:
    """Refuses a query parameter that the endpoint does not have: a misspelt `from` would answer the whole history."""
    fields = get_flat_params(request.scope["route"].dependant)
    known = sorted(field.alias for field in fields if isinstance(field.field_info, params.Query))
    for name in request.query_params:
        if name not in known:
            raise bad_input(
                shown(name), f"one of the parameters {', '.join(known) or '(none)'}", request.query_params[name]
            )
