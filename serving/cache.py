"""Which answers are cached, under which keys and for how long; and the way of a request through both levels.

A request whose URL was answered a moment ago gets those bytes (`serving.cache_front`). Any other is put in a normal form,
resolved to a security, and looked for in the cache that processes share; where it is not there, one query makes it, however
many ask at once in this process (two processes may both ask). Every level holds the body as it is answered, so that an answer
has the same bytes from each. What does not belong here: what an endpoint answers.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from hashlib import sha256
from typing import Annotated, Any
from urllib.parse import urlencode

from anyio import CapacityLimiter, to_thread
from fastapi import Depends, Request
from starlette.responses import Response
from starlette.types import Scope

from lake import holders
from lake.cache import HIT, MISS, Editions, SharedCache, Slot, open_backend
from lake.settings import Settings
from lake.sql import ReleaseSql
from serving.cache_flights import Flights
from serving.cache_front import Front
from serving.deps import Span
from serving.metrics import Metrics
from serving.paging import Page
from serving.queries import stocks

KEEP_S = "keep_s"
"""In a request's scope: the seconds for which the front may keep the answer."""

LOOKS = 4  # threads that look into the shared cache: each look is short, and more threads wait for each other
_READABLE = 120  # characters of a variant that stays as it is


def price(security: str) -> Slot:
    """Daily bars of a security."""
    return Slot(f"stock:price:{security}", 30)


def indicators(names: Sequence[str], known: Sequence[str], security: str) -> Slot:
    """Indicators of a security; `names` are those asked for, all of those known without any."""
    asked = sorted(set(names))
    kind = "all" if not asked or asked == sorted(known) else _short(",".join(asked))
    return Slot(f"stock:indicators:{security}:{kind}", 300)


SUMMARY = Slot("market:summary", 60)


def variant(span: Span, page: Page, **others: Any) -> str:
    """The parameters of a request in one form, whatever their order and their spelling; long ones as a digest."""
    asked = {"from": span.start, "to": span.end, "limit": page.limit, "cursor": page.cursor, **others}
    return _short(urlencode(sorted((name, str(value)) for name, value in asked.items() if value is not None)))


class Answers:
    """Both levels of the cache, and the questions under way. Construction opens nothing.

    Raises
    ------
    Permanent
        The setting `cache_url` names no cache that we know.
    """

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        self.front, self.flights = Front(), Flights()
        self.shared = SharedCache(open_backend(settings), partial(metrics.cached, "l2"))
        self._editions = Editions(settings.lake_url)
        self._metrics = metrics
        self._looking = CapacityLimiter(LOOKS)
        metrics.watch_cache(self.front, self.shared)

    def edition(self, sql: ReleaseSql) -> bytes:
        """What every answer of the release is marked with."""
        return self._editions.of(sql.release)

    def hit(self) -> None:
        """The first level had the answer."""
        self._metrics.cached("l1", HIT)

    def missed(self) -> None:
        """It had not."""
        self._metrics.cached("l1", MISS)

    async def made(self, sql: ReleaseSql, slot: Slot, asked: str, query: Callable[[], bytes]) -> bytes:
        """The body from the shared cache, or from the query, whose answer is kept; both are asked in threads."""
        edition = self.edition(sql)
        body = await to_thread.run_sync(self.shared.get, slot, asked, edition, limiter=self._looking)
        if body is None:
            with self._metrics.query():
                body = await to_thread.run_sync(query)
            await to_thread.run_sync(self.shared.put, slot, asked, edition, body, limiter=self._looking)
        return body

    def close(self) -> None:
        """Let go of connections."""
        self.shared.close()


@dataclass(frozen=True)
class Asked:
    """One request on its way through the cache."""

    answers: Answers
    scope: Scope

    async def of_security(
        self,
        sql: ReleaseSql,
        symbol: str,
        slot: Callable[[str], Slot],
        asked: str,
        query: Callable[[str], bytes],
        as_of: datetime | None = None,
    ) -> Response:
        """The answer about the security that the symbol meant at the instant.

        Parameters
        ----------
        slot : of a security.
        asked : the request's `variant`.
        query : makes the body for a security, in a thread.
        """
        security = await self.resolve(sql, symbol, as_of)
        return await self.of(sql, slot(security), asked, partial(query, security))

    async def of(self, sql: ReleaseSql, slot: Slot, asked: str, query: Callable[[], bytes]) -> Response:
        """The answer that the slot holds, or the query makes, in a thread."""
        answers = self.answers
        answers.missed()
        key = (answers.edition(sql), slot.key, asked)
        body = await answers.flights.ask(key, partial(answers.made, sql, slot, asked, query))
        self.scope[KEEP_S] = slot.ttl_s
        return Response(body, media_type="application/json")

    async def resolve(self, sql: ReleaseSql, symbol: str, as_of: datetime | None = None) -> str:
        """The security that the symbol meant at the instant; a thread is needed for the release's first question alone.

        Raises
        ------
        Problem
            As `stocks.resolve`.
        """
        if not sql.has(holders.read):
            question = partial(to_thread.run_sync, sql.once, holders.read)
            await self.answers.flights.ask((self.answers.edition(sql), "holders"), question)
        return stocks.resolve(sql, symbol, as_of)


async def _asked(request: Request) -> Asked:
    return Asked(request.app.state.answers, request.scope)


Cached = Annotated[Asked, Depends(_asked)]


def _short(text: str) -> str:
    return text if len(text) <= _READABLE else sha256(text.encode("utf-8", "replace")).hexdigest()
