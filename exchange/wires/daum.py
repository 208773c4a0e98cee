"""Daum's web search as Kakao's API gives it (v2/search/web): pages of any host, news among them.

What does not belong here: relevance; ``sort=accuracy`` gives a fixed order of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from exchange.clock import SEOUL, Clock
from exchange.model import Headline, World
from exchange.wires.answer import Answer, Ask
from exchange.wires.marks import marked, whole

_PATH = "/v2/search/web"
_MOST_PAGE, _MOST_SIZE = 50, 50
_APOSTROPHE = "&#39;"


class Daum:
    """Kakao's search API; its errors come in two shapes, of the gateway and of the service."""

    def __init__(self, keys: Mapping[str, str]) -> None:
        self._authorization = f"KakaoAK {keys['KAKAO_API_KEY']}"

    def answer(self, ask: Ask, world: World, clock: Clock) -> Answer:
        """Pages that fit the query and are published by now."""
        if ask.path != _PATH:
            return _service_error(404, "NotFound", f"Not Found: {ask.path}")
        said = ask.headers.get("authorization", "")
        if not said.startswith("KakaoAK "):
            return _service_error(401, "AccessDeniedError", "cannot find Authorization : KakaoAK header")
        if said != self._authorization:
            return self.expired_key()
        return _search(ask.query, world, clock)

    def expired_key(self) -> Answer:
        """An app key that is not taken."""
        return Answer({"code": -401, "msg": "wrong appKey"}, status=401)

    def quota_spent(self) -> Answer:
        """Calls of the day used up."""
        return Answer({"code": -10, "msg": "API limit has been exceeded."}, status=429)

    def error_body(self) -> Answer:
        """A fault of the server that claims to be HTTP 200."""
        return Answer({"code": -1, "msg": "internal error"})


def _search(query: Mapping[str, str], world: World, clock: Clock) -> Answer:
    text = query.get("query", "").strip()
    if not text:
        return _service_error(400, "MissingParameter", "query parameter required")
    page, size = whole(query.get("page"), 1), whole(query.get("size"), 10)
    for name, value, most in (("page", page, _MOST_PAGE), ("size", size, _MOST_SIZE)):
        if not 1 <= value <= most:
            return _service_error(
                400, "InvalidArgument", f"{name} is {'more than max' if value > most else 'less than min'}"
            )
    if query.get("sort", "accuracy") not in ("accuracy", "recency"):
        return _service_error(400, "InvalidArgument", "sort is not in [accuracy, recency]")
    found = world.web.matching(text, clock.seconds) if world.web else []
    if query.get("sort", "accuracy") == "accuracy":
        found = sorted(found, key=lambda item: (len(item.title), item.title, -item.published_at))
    pageable = min(len(found), _MOST_PAGE * size)
    body = {
        "documents": [_document(item, text) for item in found[(page - 1) * size : min(page * size, pageable)]],
        "meta": {"is_end": page * size >= pageable, "pageable_count": pageable, "total_count": len(found)},
    }
    return Answer(body, rows=("documents",), session=clock.seoul_date)


def _document(item: Headline, query: str) -> dict[str, Any]:
    return {
        "contents": marked(item.summary, query, _APOSTROPHE),
        "datetime": datetime.fromtimestamp(item.published_at, UTC).astimezone(SEOUL).isoformat(timespec="milliseconds"),
        "title": marked(item.title, query, _APOSTROPHE),
        "url": item.original_url,
    }


def _service_error(status: int, kind: str, message: str) -> Answer:
    return Answer({"errorType": kind, "message": message}, status=status)
