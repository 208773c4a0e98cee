"""Around every request: its id, one release from first to last, its tag (ETag), its line in the log and its count.

What does not belong here: anything that depends on which route it is.
"""

import hashlib
import os
import re
import time

from loguru import logger
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lake.sql import Current, Held
from serving import logs
from serving.cache import KEEP_S, Answers
from serving.cache_front import Kept, has_tag
from serving.leaving import CLIENT_HAS_GONE, watched
from serving.metrics import Metrics

_REQUEST_ID = re.compile(r"[A-Za-z0-9._\-]{1,64}\Z", re.ASCII)
_UNTAGGED = ("/metrics", "/healthz", "/readyz")


class Around:
    """Gives each request one release, tags and answers 304 where the caller has the body, logs and counts."""

    def __init__(self, app: ASGIApp, *, current: Current, metrics: Metrics, answers: Answers, prefix: str) -> None:
        self._app, self._current, self._metrics, self._prefix = app, current, metrics, prefix
        self._answers = answers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _id_of(Headers(scope=scope).get("x-request-id"))
        held = self._current.acquire()
        release_id = held.sql.release.release_id if held else ""
        scope["release"], scope["release_id"], scope["request_id"] = held, release_id, request_id
        reply = _Reply(scope, send, request_id, release_id)
        started = time.perf_counter()
        kept = self._kept(scope, held)
        try:
            if kept is not None:
                reply.status = await kept.send(scope, send, request_id)
            else:
                with self._metrics.request(), logger.contextualize(request_id=request_id):
                    async with watched(receive) as (messages, asker):
                        await self._app(scope, messages, reply.send)
                if asker.has_left and reply.status == 503:
                    reply.status = CLIENT_HAS_GONE
        finally:
            if held:
                self._current.give_back(held)
            seconds = time.perf_counter() - started
            route = kept.route if kept else self._template(scope)
            if held and KEEP_S in scope and reply.tag:
                self._answers.front.keep(
                    self._answers.edition(held.sql), scope, seconds=scope[KEEP_S], body=reply.body, tag=reply.tag,
                    release_id=release_id, route=route,
                )  # fmt: skip
            self._metrics.observe(scope["method"], route, reply.status, seconds)
            logs.request({
                "request_id": request_id, "method": scope["method"], "path": scope["path"], "route": route,
                "status": reply.status, "ms": round(seconds * 1000, 2), "release": release_id,
            })  # fmt: skip

    def _kept(self, scope: Scope, held: Held | None) -> Kept | None:
        """The whole answer, where this URL was answered a moment ago from this release."""
        if held is None or scope["method"] != "GET":
            return None
        kept = self._answers.front.find(self._answers.edition(held.sql), scope)
        if kept is not None:
            self._answers.hit()
        return kept

    def _template(self, scope: Scope) -> str:
        # FastAPI names the route without the prefix under which it is included.
        path = str(getattr(scope.get("route"), "path", ""))
        if not path:
            return "other"
        is_under = scope["path"].startswith(self._prefix) and not path.startswith(self._prefix)
        return self._prefix + path if is_under else path


class _Reply:
    """Holds the answer back until it is whole, so that its tag can be in its head; answers have 1,000 rows at most."""

    def __init__(self, scope: Scope, send: Send, request_id: str, release_id: str) -> None:
        self._scope, self._send = scope, send
        self._request_id, self._release_id = request_id, release_id
        self._head: Message | None = None
        self._parts: list[bytes] = []
        self.status = 500
        self.body, self.tag = b"", ""

    async def send(self, message: Message) -> None:
        """Take one ASGI message; pass all of them on with the last."""
        if message["type"] == "http.response.start":
            self._head, self.status = message, message["status"]
            return
        self._parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            await self._finish(b"".join(self._parts))

    async def _finish(self, body: bytes) -> None:
        assert self._head is not None
        headers = MutableHeaders(scope=self._head)
        headers["X-Request-Id"] = self._request_id
        if self._release_id:
            headers["X-Release-Id"] = self._release_id
        if self.status == 200 and self._scope["path"] not in _UNTAGGED:
            self.body, self.tag = body, self._tag(body)
            headers["ETag"] = self.tag
            headers.setdefault("Cache-Control", "no-cache")  # keep it, but ask each time: the release may have moved
            asked = Headers(scope=self._scope).getlist("if-none-match") if self._scope["method"] == "GET" else []
            if has_tag(asked, self.tag):
                self.status = self._head["status"] = 304
                body = b""
                del headers["content-length"]
                del headers["content-type"]
        await self._send(self._head)
        await self._send({"type": "http.response.body", "body": body})

    def _tag(self, body: bytes) -> str:
        hashed = hashlib.sha256(
            self._release_id.encode() + b"\n" + self._scope["path"].encode("utf-8", "replace") + b"?"
        )
        hashed.update(self._scope["query_string"] + b"\n")
        hashed.update(body)
        return f'"{hashed.hexdigest()[:32]}"'


def _id_of(given: str | None) -> str:
    return given if given and _REQUEST_ID.match(given) else os.urandom(16).hex()
