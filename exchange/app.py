"""The exchange as an ASGI application: control routes, and each source's wire below its prefix.

What does not belong here: what a source answers (exchange.wires) or what faults do (exchange.faults).
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from exchange.clock import Clock, parse_instant
from exchange.faults.catalogue import FAULTS
from exchange.faults.context import Context
from exchange.faults.fault import FaultBox
from exchange.model import World
from exchange.pace import Meter
from exchange.wires.answer import Answer, Ask, Wire
from market.errors import Permanent
from market.sources import SOURCES


@dataclass(frozen=True)
class Exchange:
    """A running exchange's parts."""

    world: World
    clock: Clock
    faults: FaultBox
    meter: Meter
    wires: dict[str, Wire]

    def answer(self, source: str, ask: Ask) -> Answer:
        """A source's answer at the clock's now, with the faults that strike it."""
        wire = self.wires[source]
        answer = self._paced(source, wire) or wire.answer(ask, self.world, self.clock)
        for fault in self.faults.striking(source, answer.session):
            answer = FAULTS[fault.name](answer, Context(fault, source, ask, wire, self.world, self.clock))
        return answer

    def methods(self, source: str) -> list[str]:
        """Methods that the source's host takes: GET alone, unless its wire says otherwise."""
        return list(getattr(self.wires[source], "methods", ("GET",)))

    def _paced(self, source: str, wire: Wire) -> Answer | None:
        if self.meter.is_spent(source, self.clock.seoul_date):
            return wire.quota_spent()
        if self.meter.is_too_fast(source):
            return Answer(b"Too Many Requests", 429, "text/plain", {"Retry-After": "1"})
        return None


def create_app(exchange: Exchange) -> Starlette:
    """The application over an exchange's parts."""
    control = _Control(exchange)
    routes = [
        Route("/_exchange/health", control.health),
        Route("/_exchange/world", control.world),
        Route("/_exchange/clock", control.clock, methods=["GET", "PUT"]),
        Route("/_exchange/faults", control.faults, methods=["GET", "PUT"]),
        *(_route(exchange, source) for source in exchange.wires),
    ]
    return Starlette(routes=routes)


def _route(exchange: Exchange, source: str) -> Route:
    # The slash is part of the route: one prefix may begin with another.
    return Route(f"/{SOURCES[source].prefix}/{{path:path}}", _serve(exchange, source), methods=exchange.methods(source))


def _serve(exchange: Exchange, source: str) -> Callable[[Request], Awaitable[Response]]:
    async def serve(request: Request) -> Response:
        posted = parse_qsl((await request.body()).decode("utf-8", "replace"), keep_blank_values=True)
        ask = Ask(
            f"/{request.path_params['path']}",
            {**request.query_params, **dict(posted)},
            dict(request.headers),
            request.method,
        )
        answer = exchange.answer(source, ask)
        if answer.delay_s:
            await asyncio.sleep(answer.delay_s)
        return _response(answer, exchange.clock)

    return serve


def _response(answer: Answer, clock: Clock) -> Response:
    headers = {"Date": clock.http_date(timedelta(seconds=answer.skew_s)), **answer.headers}
    body = answer.encode()
    if answer.cut_share is None:
        return Response(body, answer.status, headers, answer.content_type)
    # The server closes the connection when fewer bytes come than the header promised: what a cut line looks like.
    headers["Content-Length"] = str(len(body))
    return StreamingResponse(_part(body, answer.cut_share), answer.status, headers, answer.content_type)


async def _part(body: bytes, share: float) -> AsyncIterator[bytes]:
    yield body[: min(int(len(body) * share), len(body) - 1)]


class _Control:
    """Routes that the real hosts do not have."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    async def health(self, _request: Request) -> Response:
        return self._json({"status": "ok", "world": self._exchange.world.name})

    async def world(self, _request: Request) -> Response:
        return self._json(self._exchange.world.describe())

    async def clock(self, request: Request) -> Response:
        if request.method == "PUT":
            try:
                self._exchange.clock.set(parse_instant((await _body(request, dict))["now"]))
            except (Permanent, KeyError) as error:
                return self._json({"error": str(error)}, 422)
        return self._json({"now": self._exchange.clock.now.isoformat()})

    async def faults(self, request: Request) -> Response:
        if request.method == "PUT":
            try:
                self._exchange.faults.set(await _body(request, list))
            except Permanent as error:
                return self._json({"error": str(error)}, 422)
        return self._json([fault.to_json() for fault in self._exchange.faults.all()])

    def _json(self, body: Any, status: int = 200) -> Response:
        return JSONResponse(body, status, {"Date": self._exchange.clock.http_date()})


async def _body(request: Request, kind: type) -> Any:
    try:
        body = json.loads(await request.body())
    except ValueError as error:
        raise Permanent(str(request.url.path), expected="JSON", found=str(error)) from error
    if not isinstance(body, kind):
        raise Permanent(str(request.url.path), expected=f"a JSON {kind.__name__}", found=type(body).__name__)
    return body
