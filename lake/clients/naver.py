"""Naver news search: headlines about a company, newest first. Wire: `news.json` (legacy) or `search/v1/news` (API HUB).

There is no date filter and nothing beyond the newest 1,100 items; what a search covered is told by `lake.news_search`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from lake import news_search
from lake.delivery import ClientContext, Delivery
from lake.host import Call, Host, Reply
from market.errors import MarketlakeError, Permanent, Transient

SOURCE = "naver"
TABLES = ("bronze.naver_news", "bronze.naver_coverage")
KEYS = ("naver_client_id", "naver_client_secret")
KEY_FROM = "existing keys are at developers.naver.com; new ones only at Naver Cloud's API HUB (flavour hub)"

_DISPLAY = 100
_STARTS = (*range(1, 1000, _DISPLAY), 1000)  # the last page overlaps by one item: start may not exceed 1000
_HUB_KEY = "get a key at Naver Cloud, API HUB, service Search"


@dataclass(frozen=True)
class Flavour:
    """One of Naver's two search APIs: its host, path, and header names."""

    live: str
    path: str
    id_header: str
    secret_header: str
    key_from: str


FLAVOURS: Mapping[str, Flavour] = {
    "legacy": Flavour(
        "https://openapi.naver.com", "/v1/search/news.json", "X-Naver-Client-Id", "X-Naver-Client-Secret", KEY_FROM
    ),
    "hub": Flavour(
        "https://naverapihub.apigw.ntruss.com", "/search/v1/news", "X-NCP-APIGW-API-KEY-ID", "X-NCP-APIGW-API-KEY", _HUB_KEY
    ),
}  # fmt: skip


def deliveries(session_dates: Sequence[date], ctx: ClientContext) -> Iterator[Delivery]:
    """Headlines of every company within these sessions' windows, and which of the sessions each search covered.

    Nothing at all where the world has no news; see `lake.news_search`.

    Raises
    ------
    Permanent
        The key is refused, the quota is spent, the request is not understood.
    Transient
        The last session's window is not over, or no company is known yet.
    """
    yield from news_search.deliveries(_SEARCH, session_dates, ctx, host)


def host(ctx: ClientContext) -> Host:
    """Where the search is and how it lets us in."""
    flavour = _flavour(ctx)
    headers = {
        flavour.id_header: ctx.key(KEYS[0], flavour.key_from),
        flavour.secret_header: ctx.key(KEYS[1], flavour.key_from),
    }
    return Host(  # Naver takes 50 calls a second; a fifth of it leaves room for whoever shares the key
        SOURCE, ctx.base_url(SOURCE, flavour.live), headers=headers, key_from=flavour.key_from, complaint=complaint,
        pace_per_s=10.0, quota_per_day=25_000,
        key_settings="MARKETLAKE_NAVER_CLIENT_ID and MARKETLAKE_NAVER_CLIENT_SECRET (MARKETLAKE_NAVER_FLAVOUR says whose)",
    )  # fmt: skip


def one_call(ctx: ClientContext, session: date) -> Call:
    """One headline."""
    return Call(host(ctx), _flavour(ctx).path, {"query": "삼성전자", "display": "1"})


def complaint(reply: Reply) -> MarketlakeError | None:
    """Naver's own no: `errorCode` of either flavour."""
    body: Any = reply.body
    if not isinstance(body, dict):
        return None
    error = body.get("error", body)
    if not isinstance(error, dict) or "errorCode" not in error:
        return None
    code = str(error["errorCode"])
    message = error.get("errorMessage") or error.get("message") or ""
    where, found = reply.where, f"HTTP {reply.status}, errorCode {code}: {message}"
    if code in ("024", "028", "200", "210") or reply.status in (401, 403):
        do = (
            f"Check MARKETLAKE_NAVER_CLIENT_ID, MARKETLAKE_NAVER_CLIENT_SECRET and MARKETLAKE_NAVER_FLAVOUR; {KEY_FROM}"
        )
        return Permanent(where, expected="a key that Naver accepts", found=found, do=do)
    if code in ("010", "012", "400"):
        do = "Go on tomorrow (Seoul time); MARKETLAKE_NAVER_QUOTA_PER_DAY says how many calls the key allows"
        return Permanent(where, expected="calls left for today", found=found, do=do)
    if reply.status == 429 or reply.status >= 500:
        return Transient(where, expected="news", found=found)
    return Permanent(where, expected="news", found=found, do="Naver does not take this request")


def _flavour(ctx: ClientContext) -> Flavour:
    name = ctx.settings.naver_flavour
    if name not in FLAVOURS:
        raise Permanent("MARKETLAKE_NAVER_FLAVOUR", expected=f"one of {', '.join(FLAVOURS)}", found=repr(name))
    return FLAVOURS[name]


def _params(query: str, start: int) -> Mapping[str, str]:
    return {"query": query, "display": str(_DISPLAY), "start": str(start), "sort": "date"}


def _ends(body: Mapping[str, Any], n_items: int) -> tuple[bool, bool]:
    """A page that is not full is the last of all there is; the total is not asked, because it drifts from page to page."""
    return n_items < _DISPLAY, n_items < _DISPLAY


def _instant(text: str | None) -> datetime | None:
    try:
        published = parsedate_to_datetime(text or "")
        return published.astimezone(UTC) if published.tzinfo else None
    except (TypeError, ValueError, OverflowError):  # the last: the year 10000 in UTC
        return None


_SEARCH = news_search.Search(
    source=SOURCE, news=TABLES[0], coverage=TABLES[1], path=lambda ctx: _flavour(ctx).path, pages=_STARTS, params=_params,
    items="items", ends=_ends, address=("originallink", "link", "title"), published="pubDate", instant=_instant,
)  # fmt: skip
