"""Naver news search: the legacy host (v1/search/news.json) and NAVER API HUB (search/v1/news), newest first.

What does not belong here: relevance; ``sort=sim`` gives a fixed order of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

from exchange.clock import SEOUL, Clock
from exchange.model import Headline, World
from exchange.wires.answer import Answer, Ask
from exchange.wires.marks import marked, whole

_LEGACY, _HUB = "/v1/search/news.json", "/search/v1/news"
_MOST_DISPLAY, _MOST_START = 100, 1000
_LEGACY_AUTH = "NID AUTH Result Invalid (1000) : Authentication failed. (인증에 실패했습니다.)"


class Naver:
    """Both hosts of the news search; they differ in path, headers and errors, not in the body."""

    def __init__(self, keys: Mapping[str, str]) -> None:
        self._pair = (keys["NAVER_CLIENT_ID"], keys["NAVER_CLIENT_SECRET"])

    def answer(self, ask: Ask, world: World, clock: Clock) -> Answer:
        """Items that fit the query and are published by now."""
        if ask.path not in (_LEGACY, _HUB):
            return _legacy_error(404, "Not Exist API (존재하지 않는 API 입니다.)", "051")
        is_hub = ask.path == _HUB
        names = (
            ("x-ncp-apigw-api-key-id", "x-ncp-apigw-api-key")
            if is_hub
            else ("x-naver-client-id", "x-naver-client-secret")
        )
        if tuple(ask.headers.get(name) for name in names) != self._pair:
            return _hub_error(401, "200", "Authentication Failed") if is_hub else self.expired_key()
        answer = _search(ask.query, world, clock)
        if is_hub and answer.status == 200:
            # The hub labels its JSON as text.
            answer.content_type = "text/plain;charset=UTF-8"
        return answer

    def expired_key(self) -> Answer:
        """A client id or secret that is not taken."""
        return _legacy_error(401, _LEGACY_AUTH, "024")

    def quota_spent(self) -> Answer:
        """Calls of the day used up."""
        return _legacy_error(429, "Query limit exceeded (쿼리 한도를 초과했습니다.)", "010")

    def error_body(self) -> Answer:
        """A system error that claims to be HTTP 200."""
        return _legacy_error(200, "System Error (시스템 에러)", "SE99")


def _search(query: Mapping[str, str], world: World, clock: Clock) -> Answer:
    text = query.get("query", "").strip()
    if not text:
        return _legacy_error(400, "Incorrect query request (잘못된 쿼리요청입니다.)", "SE01")
    display, start = whole(query.get("display"), 10), whole(query.get("start"), 1)
    if not 1 <= display <= _MOST_DISPLAY:
        return _legacy_error(400, "Invalid display value (부적절한 display 값입니다.)", "SE02")
    if not 1 <= start <= _MOST_START:
        return _legacy_error(400, "Invalid start value (부적절한 start 값입니다.)", "SE03")
    if query.get("sort", "sim") not in ("sim", "date"):
        return _legacy_error(400, "Invalid sort value (부적절한 sort 값입니다.)", "SE04")
    found = world.news.matching(text, clock.seconds) if world.news else []
    if query.get("sort", "sim") == "sim":
        found = sorted(found, key=lambda item: (len(item.title), item.title, -item.published_at))
    page = found[start - 1 : start - 1 + display]
    body = {
        "lastBuildDate": _rfc822(clock.seconds),
        "total": len(found),
        "start": start,
        "display": len(page),
        "items": [_item(item, text) for item in page],
    }
    session = clock.seoul_date
    return Answer(body, rows=("items",), escape_slashes=True, session=session)


def _item(item: Headline, query: str) -> dict[str, Any]:
    return {
        "title": marked(item.title, query, "&apos;"),
        "originallink": item.original_url,
        "link": item.naver_url,
        "description": marked(item.summary, query, "&apos;") + "... ",
        "pubDate": _rfc822(item.published_at),
    }


def _rfc822(at: int) -> str:
    return format_datetime(datetime.fromtimestamp(at, UTC).astimezone(SEOUL))


def _legacy_error(status: int, message: str, code: str) -> Answer:
    return Answer({"errorMessage": message, "errorCode": code}, status=status)


def _hub_error(status: int, code: str, message: str) -> Answer:
    return Answer({"error": {"errorCode": code, "message": message}}, status=status)
