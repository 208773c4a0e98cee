"""Daum news by Kakao's web search: pages about a company, newest first, of which Daum's own news are kept. Wire: `v2/search/web`.

Best effort: Daum has no news API, and what a web search shows of its news is the search's affair. It shows 50 pages of 50 at most,
of any host and without a date filter; blogs and shops are left out by their address.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import urlsplit

from lake import news_search
from lake.delivery import ClientContext, Delivery, SchemaDrift
from lake.host import Call, Host, Reply
from market.errors import MarketlakeError, Permanent, Transient

SOURCE = "daum"
TABLES = ("bronze.daum_news", "bronze.daum_coverage")
KEYS = ("kakao_api_key",)
KEY_FROM = "get a REST API key at developers.kakao.com, or leave Daum out: MARKETLAKE_KAKAO_BASE_URL=off"
LIVE = "https://dapi.kakao.com"
HOSTS = ("v.daum.net", "news.daum.net")
"""Where Daum's news are; what else the web search finds is none."""

_PATH = "/v2/search/web"
_SIZE, _PAGES = 50, 50
_KEY_CODES, _QUOTA_CODE = (-401, -5, -3, -2), -10  # -2: a malformed key; -3, -5: an app without this API
_PASSING_CODES = (-1, -7, -603, -9798)  # its own trouble, a time-out, maintenance


def deliveries(session_dates: Sequence[date], ctx: ClientContext) -> Iterator[Delivery]:
    """Headlines of every company within these sessions' windows, and which of the sessions each search covered.

    Nothing at all where the world has no Daum or the settings leave it out; see `lake.news_search`.

    Raises
    ------
    Permanent
        The key is empty or refused, the quota is spent, the request is not understood.
    Transient
        The last session's window is not over, or no company is known yet.
    """
    yield from news_search.deliveries(_SEARCH, session_dates, ctx, host)


def host(ctx: ClientContext) -> Host:
    """Where the search is and how it lets us in."""
    return Host(  # Kakao tells no pace; a day's 30,000 calls are what is usually quoted
        SOURCE, ctx.base_url(SOURCE, LIVE), headers={"Authorization": f"KakaoAK {ctx.key(KEYS[0], KEY_FROM)}"},
        key_from=KEY_FROM, complaint=complaint, pace_per_s=10.0, quota_per_day=30_000,
        key_settings="MARKETLAKE_KAKAO_API_KEY",
    )  # fmt: skip


def one_call(ctx: ClientContext, session: date) -> Call:
    """One page."""
    return Call(host(ctx), _PATH, {"query": "삼성전자", "size": "1"})


def complaint(reply: Reply) -> MarketlakeError | None:
    """Kakao's own no: `errorType` of the search, or `code` of the gateway."""
    body: Any = reply.body
    if not isinstance(body, dict) or not ("errorType" in body or "code" in body):
        return None
    kind, code = str(body.get("errorType", "")), body.get("code")
    said = kind or f"code {code}"
    where, found = reply.where, f"HTTP {reply.status}, {said}: {body.get('message') or body.get('msg') or ''}"
    if kind == "AccessDeniedError" or code in _KEY_CODES or reply.status in (401, 403):
        do = f"Check MARKETLAKE_KAKAO_API_KEY; {KEY_FROM}"
        return Permanent(where, expected="a key that Kakao accepts", found=found, do=do)
    if code == _QUOTA_CODE:
        do = "Go on tomorrow (Seoul time); MARKETLAKE_KAKAO_QUOTA_PER_DAY says how many calls the key allows"
        return Permanent(where, expected="calls left for today", found=found, do=do)
    if code in _PASSING_CODES or reply.status == 429 or reply.status >= 500:
        return Transient(where, expected="pages", found=found)
    return Permanent(where, expected="pages", found=found, do="Kakao does not take this request")


def _params(query: str, page: int) -> Mapping[str, str]:
    return {"query": query, "sort": "recency", "page": str(page), "size": str(_SIZE)}


def _ends(body: Mapping[str, Any], n_items: int) -> tuple[bool, bool]:
    """The last page says so; it is all there is only where everything that was found may be paged to."""
    meta = body.get("meta")
    names = ("is_end", "pageable_count", "total_count")
    if not isinstance(meta, dict) or not all(isinstance(meta.get(name), int) for name in names):
        raise SchemaDrift(f"{_PATH} of {SOURCE}", expected=f"meta with {', '.join(names)}", found=repr(meta))
    is_end = bool(meta["is_end"])
    return is_end, is_end and meta["total_count"] <= meta["pageable_count"]


def _is_news(row: news_search.Row) -> bool:
    """Of one of Daum's hosts; an address that names no host at all goes on to the gate, which refuses it."""
    try:
        return urlsplit(row["url"] or "").hostname in (*HOSTS, None)
    except ValueError:
        return True


def _instant(text: str | None) -> datetime | None:
    try:
        published = datetime.fromisoformat(text or "")
        return published.astimezone(UTC) if published.tzinfo else None
    except (ValueError, OverflowError):  # the latter: the year 10000 in UTC
        return None


_SEARCH = news_search.Search(
    source=SOURCE, news=TABLES[0], coverage=TABLES[1], path=lambda ctx: _PATH, pages=tuple(range(1, _PAGES + 1)),
    params=_params, items="documents", ends=_ends, address=("url", "title"), published="datetime", instant=_instant,
    is_news=_is_news,
)  # fmt: skip
