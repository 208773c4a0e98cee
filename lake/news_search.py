"""What the news searches share: windows of sessions, pages newest first, headlines by session, and what a search covered.

A search has no date filter and shows only so many of its newest items, so what it covered is data of its own: a session whose
window begins before the oldest item shown is not covered, which is not the same as no news. What does not belong here: a
source's address, keys and words (its client, `lake.clients`).
"""

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import pyarrow as pa

from lake.delivery import (
    ClientContext,
    Company,
    Delivery,
    SchemaDrift,
    deliver,
    not_there,
    own_columns,
    said,
    text_rows,
)
from lake.host import Answer, Host
from lake.http import Fetcher
from lake.pace import in_order
from market import registry
from market.errors import Transient
from market.sources import SOURCES, news_window

Row = Mapping[str, str | None]


@dataclass(frozen=True)
class Search:
    """How one source is searched.

    Parameters
    ----------
    news, coverage : the bronze tables of its headlines, and of what it covered.
    path : of the request, as the settings have it.
    pages : what its pages are asked for by, newest items first; none follows the last.
    params : of a request for a text and a page.
    items : name of the list in the body.
    ends : by body and number of items: whether the search shows nothing further, and whether there is nothing older at all.
    address : columns of which the first that is not empty identifies an item, together with its publication.
    published : column of the publication; `instant` reads it, None where it cannot.
    is_news : whether an item is one; the search may find other things.
    """

    source: str
    news: str
    coverage: str
    path: Callable[[ClientContext], str]
    pages: tuple[int, ...]
    params: Callable[[str, int], Mapping[str, str]]
    items: str
    ends: Callable[[Mapping[str, Any], int], tuple[bool, bool]]
    address: tuple[str, ...]
    published: str
    instant: Callable[[str | None], datetime | None]
    is_news: Callable[[Row], bool] = lambda row: True


@dataclass(frozen=True)
class _Page:
    """One page: its answer, its items as text columns, their instants, and the places of those that came for the first time.

    Items move to the next page when newer ones are published meanwhile, and a last page may overlap the one before.

    Parameters
    ----------
    news : the places of the fresh items that are news.
    is_end, is_all : nothing further is shown; there is nothing older.
    """

    answer: Answer
    number: int
    rows: pa.Table
    published: tuple[datetime | None, ...] = ()
    fresh: tuple[int, ...] = ()
    news: tuple[int, ...] = ()
    is_end: bool = True
    is_all: bool = False
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


def deliveries(
    search: Search, session_dates: Sequence[date], ctx: ClientContext, host: Callable[[ClientContext], Host]
) -> Iterator[Delivery]:
    """Headlines of every company by name, within the windows of the sessions of that name, and which of them each search covered.

    Nothing at all where the world does not have the source.

    Raises
    ------
    Permanent
        The key is refused, the quota is spent, the request is not understood.
    Transient
        The last session's window is not over, or no company is known yet.
    """
    source = search.source
    sessions = [day for day in sorted(set(session_dates)) if ctx.world.covers(source, day)]
    if not sessions:
        return
    if not ctx.companies:  # nothing asked must not pass for taken
        raise Transient(
            source, expected="companies to search for", found="none in bronze.krx_listing",
            do="Run it again once the listing is there",
        )  # fmt: skip
    now = ctx.clock(source)()
    if now < SOURCES[source].due_at(sessions[-1]):
        raise not_there(source, sessions[-1], now, "its window is not over")
    asked = [(company, windows) for company in ctx.companies if (windows := _windows(source, company, sessions))]
    with ctx.fetcher(host(ctx)) as fetcher:
        path = search.path(ctx)
        searches = in_order(
            lambda one: _pages(search, fetcher, path, one[0].name, one[1]),
            asked,
            ctx.settings.http_parallel,
        )
        for (company, windows), pages in zip(asked, searches, strict=True):
            yield from _news(search, pages, company, windows)
            yield _coverage(search, pages, company, windows)


def _windows(source: str, company: Company, sessions: Sequence[date]) -> _Windows | None:
    """The windows of those sessions on which the company had the name; None without any."""
    named = tuple(day for day in sessions if company.first <= day <= company.last)
    pairs = [news_window(SOURCES[source].exchange, day) for day in named]
    return _Windows(named, tuple(b for b, _ in pairs), tuple(e for _, e in pairs)) if named else None


def _pages(search: Search, fetcher: Fetcher, path: str, query: str, windows: _Windows) -> list[_Page]:
    """Pages, newest first, until one reaches back before the first window or there are no more."""
    pages: list[_Page] = []
    seen: set[tuple[str, str]] = set()
    for number in search.pages:
        page = _page(search, fetcher.get(path, search.params(query, number), windows.sessions[-1]), number, seen)
        pages.append(page)
        if page.is_end or _reaches(page, windows.begins[0]):
            break
    return pages


def _page(search: Search, answer: Answer, number: int, seen: set[tuple[str, str]]) -> _Page:
    """The page; what is new on it is added to what was seen."""
    schema = pa.schema([f for f in own_columns(registry.table(search.news)) if f.name not in ("query", "code")])
    try:
        body = answer.body
        if not isinstance(body, dict) or search.items not in body:
            raise SchemaDrift(answer.url_redacted, expected=search.items, found=said(body))
        rows = text_rows(body[search.items], schema, f"{answer.url_redacted} of {search.source}")
        is_end, is_all = search.ends(body, rows.num_rows)
    except SchemaDrift as drift:
        return _Page(answer, number, schema.empty_table(), drift=drift)
    items = rows.to_pylist()
    fresh = []
    for at, row in enumerate(items):
        item = (next((row[name] for name in search.address if row[name]), ""), row[search.published] or "")
        if item not in seen:
            seen.add(item)
            fresh.append(at)
    published = tuple(search.instant(text) for text in rows.column(search.published).to_pylist())
    news = tuple(at for at in fresh if search.is_news(items[at]))
    return _Page(answer, number, rows, published, tuple(fresh), news, is_end, is_all)


def _reaches(page: _Page, begin: datetime) -> bool:
    reached = _reached(page.published)
    return reached is not None and reached <= begin


def _reached(published: Sequence[datetime | None]) -> datetime | None:
    """How far back items lead, newest first: the later of the last two that are dated, since one of them may be out of order."""
    return max([at for at in published if at is not None][-2:], default=None)


def _news(search: Search, pages: Sequence[_Page], company: Company, windows: _Windows) -> Iterator[Delivery]:
    for page in pages:
        sessions = [windows.session_of(at) for at in page.published]
        kept = [i for i in page.news if sessions[i] is not None]
        rows = page.rows.take(pa.array(kept, pa.int64()))
        rows = rows.append_column("query", pa.array([company.name] * len(kept), pa.string()))
        rows = rows.append_column("code", pa.array([company.code] * len(kept), pa.string()))
        rows = rows.append_column("session_date", pa.array([sessions[i] for i in kept], pa.date32()))
        rows = rows.append_column("row_no", pa.array(kept, pa.int32()))
        suffix = f"{company.code}-{page.number}"
        yield deliver(page.answer, search.news, windows.sessions[-1], suffix, rows, problem=page.drift)


def _coverage(search: Search, pages: Sequence[_Page], company: Company, windows: _Windows) -> Delivery:
    """One row per session, said on the strength of the oldest page; its number in the payload is the session's ordinal."""
    counts = dict.fromkeys(windows.sessions, 0)
    for at in (at for page in pages for i in page.news if (at := page.published[i]) is not None):
        session = windows.session_of(at)
        if session is not None:
            counts[session] += 1
    reached = _reached([page.published[i] for page in pages for i in page.fresh])
    covered = [pages[-1].is_all or (reached is not None and reached <= begin) for begin in windows.begins]
    n = len(windows.sessions)
    rows = pa.table(
        {
            "query": pa.array([company.name] * n, pa.string()),
            "code": pa.array([company.code] * n, pa.string()),
            "is_covered": pa.array(covered, pa.bool_()),
            "n_items": pa.array(list(counts.values()), pa.int64()),
            "session_date": pa.array(windows.sessions, pa.date32()),
            "row_no": pa.array([day.toordinal() for day in windows.sessions], pa.int32()),
        }
    )
    last = windows.sessions[-1]
    return deliver(pages[-1].answer, search.coverage, last, f"{company.code}-{pages[-1].number}", rows)
