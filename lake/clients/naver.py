"""Naver news search: headlines about a company, newest first. Wire: `news.json` (legacy) or `search/v1/news` (API HUB).

There is no date filter and nothing beyond the newest 1,100 items, so what a search covered is data of its own: a session whose
window begins before the oldest item shown is not covered, which is not the same as no news.
"""

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import pyarrow as pa

from lake.delivery import ClientContext, Delivery, SchemaDrift, deliver, not_there, own_columns, text_rows
from lake.host import Answer, Host, Reply
from lake.http import Fetcher
from lake.pace import in_order
from market import registry
from market.errors import MarketlakeError, Permanent, Transient
from market.sources import SOURCES, news_window

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


@dataclass(frozen=True)
class _Page:
    """One page: its answer, its items as text columns, their instants, and the places of those that came for the first time.

    Items move to the next page when newer ones are published meanwhile, and the last page overlaps the one before.
    """

    answer: Answer
    start: int
    rows: pa.Table
    published: tuple[datetime | None, ...]
    fresh: tuple[int, ...]
    drift: SchemaDrift | None = None


@dataclass(frozen=True)
class _Windows:
    """The sessions asked for and the ends of their windows (UTC), ascending."""

    sessions: tuple[date, ...]
    begins: tuple[datetime, ...]
    ends: tuple[datetime, ...]

    def session_of(self, published: datetime | None) -> date | None:
        """The session in whose window it was published; an unreadable instant goes with the last one, for the quarantine."""
        if published is None:
            return self.sessions[-1]
        at = bisect_left(self.ends, published)
        return self.sessions[at] if at < len(self.ends) and published > self.begins[at] else None


def deliveries(session_dates: Sequence[date], ctx: ClientContext) -> Iterator[Delivery]:
    """Headlines of every company within these sessions' windows, and which of the sessions each search covered.

    Nothing at all where the world has no news.

    Raises
    ------
    Permanent
        The key is refused, the quota is spent, the request is not understood.
    Transient
        The last session's window is not over, or no company is known yet.
    """
    sessions = [day for day in sorted(set(session_dates)) if ctx.world.covers(SOURCE, day)]
    if not sessions:
        return
    if not ctx.companies:  # nothing asked must not pass for taken
        raise Transient(
            SOURCE, expected="companies to search for", found="none in bronze.krx_listing",
            do="Run it again once the listing is there",
        )  # fmt: skip
    now = ctx.clock(SOURCE)()
    if now < SOURCES[SOURCE].due_at(sessions[-1]):
        raise not_there(SOURCE, sessions[-1], now, "its window is not over")
    pairs = [news_window(SOURCES[SOURCE].exchange, day) for day in sessions]
    windows = _Windows(tuple(sessions), tuple(b for b, _ in pairs), tuple(e for _, e in pairs))
    with ctx.fetcher(host(ctx)) as fetcher:
        path = _flavour(ctx).path
        searches = in_order(
            lambda company: _search(fetcher, path, company[1], windows), ctx.companies, ctx.settings.http_parallel
        )
        for (code, name), pages in zip(ctx.companies, searches, strict=True):
            yield from _news(pages, code, name, windows)
            yield _coverage(pages, code, name, windows)


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


def _search(fetcher: Fetcher, path: str, query: str, windows: _Windows) -> list[_Page]:
    """Pages, newest first, until one reaches back before the first window or there are no more."""
    pages: list[_Page] = []
    seen: set[tuple[str, str]] = set()
    for start in _STARTS:
        params = {"query": query, "display": str(_DISPLAY), "start": str(start), "sort": "date"}
        page = _page(fetcher.get(path, params, windows.sessions[-1]), start, seen)
        pages.append(page)
        if page.drift or _is_last(page) or _reaches(page, windows.begins[0]):
            break
    return pages


def _page(answer: Answer, start: int, seen: set[tuple[str, str]]) -> _Page:
    """The page; what is new on it is added to what was seen."""
    schema = pa.schema([f for f in own_columns(registry.table(TABLES[0])) if f.name not in ("query", "code")])
    try:
        body = answer.body
        if not isinstance(body, dict) or "items" not in body:
            found = ", ".join(body) if isinstance(body, dict) else type(body).__name__
            raise SchemaDrift(answer.url_redacted, expected="items", found=found)
        rows = text_rows(body["items"], schema, f"{answer.url_redacted} of {SOURCE}")
    except SchemaDrift as drift:
        return _Page(answer, start, schema.empty_table(), (), (), drift)
    fresh = []
    for at, row in enumerate(rows.to_pylist()):
        item = (row["originallink"] or row["link"] or row["title"] or "", row["pubDate"] or "")
        if item not in seen:
            seen.add(item)
            fresh.append(at)
    published = tuple(_instant(text) for text in rows.column("pubDate").to_pylist())
    return _Page(answer, start, rows, published, tuple(fresh))


def _is_last(page: _Page) -> bool:
    """True where the search has nothing older; its total is not asked, because it drifts from page to page."""
    return bool(page.rows.num_rows < _DISPLAY)


def _reaches(page: _Page, begin: datetime) -> bool:
    return any(at is not None and at <= begin for at in page.published)


def _news(pages: Sequence[_Page], code: str, name: str, windows: _Windows) -> Iterator[Delivery]:
    for page in pages:
        sessions = [windows.session_of(at) for at in page.published]
        kept = [i for i in page.fresh if sessions[i] is not None]
        rows = page.rows.take(pa.array(kept, pa.int64()))
        rows = rows.append_column("query", pa.array([name] * len(kept), pa.string()))
        rows = rows.append_column("code", pa.array([code] * len(kept), pa.string()))
        rows = rows.append_column("session_date", pa.array([sessions[i] for i in kept], pa.date32()))
        rows = rows.append_column("row_no", pa.array(kept, pa.int32()))
        suffix = f"{code}-{page.start}"
        yield deliver(page.answer, TABLES[0], windows.sessions[-1], suffix, rows, problem=page.drift)


def _coverage(pages: Sequence[_Page], code: str, name: str, windows: _Windows) -> Delivery:
    """One row per session, said on the strength of the oldest page; its number in the payload is the session's ordinal."""
    shown = [at for page in pages for i in page.fresh if (at := page.published[i]) is not None]
    counts = dict.fromkeys(windows.sessions, 0)
    for session in map(windows.session_of, shown):
        if session is not None:
            counts[session] += 1
    everything, oldest = _is_last(pages[-1]), min(shown, default=None)
    covered = [everything or (oldest is not None and oldest <= begin) for begin in windows.begins]
    n = len(windows.sessions)
    rows = pa.table(
        {
            "query": pa.array([name] * n, pa.string()),
            "code": pa.array([code] * n, pa.string()),
            "is_covered": pa.array(covered, pa.bool_()),
            "n_items": pa.array(list(counts.values()), pa.int64()),
            "session_date": pa.array(windows.sessions, pa.date32()),
            "row_no": pa.array([day.toordinal() for day in windows.sessions], pa.int32()),
        }
    )
    return deliver(pages[-1].answer, TABLES[1], windows.sessions[-1], f"{code}-{pages[-1].start}", rows)


def _instant(text: str | None) -> datetime | None:
    try:
        published = parsedate_to_datetime(text or "")
    except (TypeError, ValueError):
        return None
    return published.astimezone(UTC) if published.tzinfo else None
