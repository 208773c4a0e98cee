"""OpenDART: filings by receipt date, what each periodic report and each decision with a ratio among them tells, and the list of companies.

Wires: `/api/list.json`; `corpCode.xml`; of a filing, those of `lake.dart_asked`. Key in the query, always HTTP 200 with its own `status`.
What does not belong here: what an answer's rows are (`lake.dart_rows`, `lake.dart_codes`), and since when a filing counts (silver).
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pyarrow as pa
from loguru import logger

from lake import dart_asked, dart_codes, dart_rows
from lake.dart_asked import NO_DATA, is_empty
from lake.dart_rows import ACCOUNTS, BONUS_ISSUES, CHANGES, COMPANIES, DIVIDENDS, REDUCTIONS, SHARES
from lake.delivery import ClientContext, Delivery, SchemaDrift, deliver, not_there, own_columns, said, text_rows
from lake.host import Answer, Call, Host, Reply
from lake.http import Fetcher
from lake.pace import in_order
from lake.spans import Span, spans
from market import registry
from market.errors import MarketlakeError, Permanent, Transient
from market.sources import SOURCES

SOURCE = "dart"
FILINGS = "bronze.dart_filings"
TABLES = (
    FILINGS, dart_codes.TABLE, COMPANIES, ACCOUNTS, SHARES, DIVIDENDS, CHANGES, BONUS_ISSUES, REDUCTIONS,
)  # fmt: skip
LIVE = "https://opendart.fss.or.kr"
KEYS = ("dart_api_key",)
KEY_FROM = "get a key at opendart.fss.or.kr"

_PAGE = 100
_SHOWN = 5
_LONGEST = timedelta(days=85)  # without a company, OpenDART takes three months at most


def deliveries(session_dates: Sequence[date], ctx: ClientContext) -> Iterator[Delivery]:
    """Every filing received after the previous session and up to each of these, by ranges of up to three months; after each range
    what its periodic reports and its decisions with a ratio tell, asked for these alone; at last the list of companies.

    Raises
    ------
    Permanent
        The key is refused, the quota is spent, the request is not understood.
    Transient
        OpenDART is closed for maintenance; or the last session's day is not over.

    What is wrong with an answer comes as the delivery's `problem`: a changed format, fewer filings than were counted, and none
    at all in the real world, where every session has some. A simulated world may be too small for that.
    """
    sessions = [day for day in sorted(set(session_dates)) if ctx.world.covers(SOURCE, day)]
    if not sessions:
        return
    now = ctx.clock(SOURCE)()
    if now < SOURCES[SOURCE].due_at(sessions[-1]):
        raise not_there(SOURCE, sessions[-1], now, "its day is not over")
    with ctx.fetcher(host(ctx)) as fetcher:
        ranges = spans(SOURCES[SOURCE].exchange, sessions, _LONGEST)
        parallel = ctx.settings.http_parallel
        firsts = in_order(lambda span: _page(fetcher, span, 1), ranges, parallel)
        for span, first in zip(ranges, firsts, strict=True):
            found = _of_range(fetcher, ctx, span, first)
            yield from found if span is ranges[-1] else _ended(found)
        yield _codes(fetcher, sessions[-1])  # a row of the last session, which is whole with it


def _of_range(fetcher: Fetcher, ctx: ClientContext, span: Span, first: Answer) -> Iterator[Delivery]:
    """The receipts of a range, then what its decisions and its periodic reports tell."""
    if is_empty(first) and SOURCE not in ctx.world.simulated:
        now = ctx.clock(SOURCE)()
        problem = not_there(SOURCE, span.last, now, f"status {NO_DATA}: no filing since {span.first}")
        yield replace(_delivery(first, span, 1), problem=problem)
        return
    parallel, listed = ctx.settings.http_parallel, []
    for delivery in _listing(fetcher, span, first, parallel):
        listed.append(delivery.rows)
        yield delivery
    told = pa.concat_tables(listed)
    for delivery in in_order(lambda one: dart_asked.of_decision(fetcher, one), dart_rows.decisions(told), parallel):
        if not delivery.rows.num_rows and delivery.problem is None:
            logger.warning("decisions without figures", source=SOURCE, request=delivery.request)
        yield delivery
    reports = dart_rows.reports(told)
    untold = []
    for report, found in zip(
        reports, in_order(lambda one: dart_asked.of_report(fetcher, one), reports, parallel), strict=True
    ):
        if not any(delivery.table == ACCOUNTS and (delivery.rows.num_rows or delivery.problem) for delivery in found):
            untold.append(f"{report.stock_code} {max(report.receipts)}")
        yield from found
    if untold:
        logger.warning(
            "periodic reports without accounts under their own receipts: corrected since, most often", source=SOURCE, n=len(untold),
            first=", ".join(untold[:_SHOWN]), first_session=f"{span.first}", last_session=f"{span.last}",
        )  # fmt: skip


def _ended(deliveries: Iterator[Delivery]) -> Iterator[Delivery]:
    """The deliveries of a range; with the last one its sessions are whole. Where it breaks off, what came before is handed out."""
    held = next(deliveries)
    try:
        for delivery in deliveries:
            yield held
            held = delivery
    except MarketlakeError:
        yield held
        raise
    yield replace(held, ends_unit=True)


def host(ctx: ClientContext) -> Host:
    """Where OpenDART is and how it lets us in."""
    key = ctx.key(KEYS[0], KEY_FROM)
    return Host(
        SOURCE, ctx.base_url(SOURCE, LIVE), params={"crtfc_key": key}, key_settings="MARKETLAKE_DART_API_KEY",
        key_from=KEY_FROM, complaint=complaint, pace_per_s=5.0, quota_per_day=20_000,
    )  # fmt: skip


def one_call(ctx: ClientContext, session: date) -> Call:
    """One filing of a day."""
    day = f"{session:%Y%m%d}"
    return Call(host(ctx), "/api/list.json", {"bgn_de": day, "end_de": day, "page_count": "1"})


def complaint(reply: Reply) -> MarketlakeError | None:
    """OpenDART's own no, by its status; 013 (no data) is an answer."""
    body: Any = reply.body
    if not isinstance(body, dict) or "status" not in body:
        return None
    status = str(body["status"])
    if status in ("000", NO_DATA):
        return None
    where, found = reply.where, f"status {status}: {body.get('message', '')}"
    if status in ("010", "011", "012", "901"):
        do = f"Check MARKETLAKE_DART_API_KEY; {KEY_FROM}" + ("; this address is not allowed" * (status == "012"))
        return Permanent(where, expected="a key that OpenDART accepts", found=found, do=do)
    if status in ("020", "021"):
        do = "Go on tomorrow (Seoul time); MARKETLAKE_DART_QUOTA_PER_DAY says how many calls the key allows"
        return Permanent(where, expected="calls left for today", found=found, do=do)
    if status == "800":
        return Transient(where, expected="an open service", found=found)
    return Permanent(where, expected="status 000 or 013", found=found, do="OpenDART does not take this request")


def _codes(fetcher: Fetcher, session: date) -> Delivery:
    answer = fetcher.get("/api/corpCode.xml", {}, session, form=dart_codes.ZIP)
    try:
        return deliver(answer, dart_codes.TABLE, session, "corpCode", dart_codes.companies(answer))
    except SchemaDrift as drift:
        none = own_columns(registry.table(dart_codes.TABLE)).empty_table()
        return deliver(answer, dart_codes.TABLE, session, "corpCode", none, problem=drift)


def _page(fetcher: Fetcher, span: Span, page: int) -> Answer:
    params = {
        "bgn_de": f"{span.first:%Y%m%d}",
        "end_de": f"{span.last:%Y%m%d}",
        "page_no": str(page),
        "page_count": str(_PAGE),
        "sort": "date",
        "sort_mth": "asc",
    }
    return fetcher.get("/api/list.json", params, span.last)


def _listing(fetcher: Fetcher, span: Span, first: Answer, parallel: int) -> Iterator[Delivery]:
    """The pages of a range. The last one is a problem where fewer filings came than the first one counted; more may have."""
    delivery = _delivery(first, span, 1)
    n_pages, n_filings = (1, 0) if delivery.problem or is_empty(first) else _counts(first)
    more, n_rows = range(2, n_pages + 1), delivery.rows.num_rows
    answers = in_order(lambda page: _page(fetcher, span, page), more, parallel)
    for page, answer in zip(more, answers, strict=True):
        yield delivery
        delivery = _delivery(answer, span, page)
        n_rows += delivery.rows.num_rows
    if delivery.problem is None and n_rows < n_filings:
        short = Transient(
            f"{SOURCE} {span.first} to {span.last}", expected=f"{n_filings} filings, as the first page counts them",
            found=f"{n_rows} on {n_pages} pages", do="Run it again: the list changed while it was read",
        )  # fmt: skip
        delivery = replace(delivery, problem=short)
    yield delivery


def _counts(answer: Answer) -> tuple[int, int]:
    """Pages and filings of the whole range; without them everything after the first page would be lost."""
    told = {name: answer.body.get(name) for name in ("total_page", "total_count")}
    texts = [str(value) for value in told.values()]
    if not all(text.isdecimal() and len(text) < 8 for text in texts) or not int(texts[0]) <= int(texts[1]):
        raise SchemaDrift(  # nobody has millions of pages, nor more of them than filings: asking would not end
            answer.url_redacted, expected="total_page and total_count, whole numbers",
            found=", ".join(f"{name} {value!r}" for name, value in told.items()),
            do="The source changed its format: compare the kept payload with the contract",
        )  # fmt: skip
    return int(told["total_page"]), int(told["total_count"])


def _delivery(answer: Answer, span: Span, page: int) -> Delivery:
    schema = own_columns(registry.table(FILINGS))
    rows, problem = schema.empty_table(), None
    if not is_empty(answer):
        try:
            told = text_rows(_listed(answer), schema, f"{answer.url_redacted} of {SOURCE}")
            _counts(answer)
            rows = _known(told, answer)
        except SchemaDrift as drift:
            problem = drift
    days = [_session_of(received, span) for received in rows.column("rcept_dt").to_pylist()]
    rows = rows.append_column("session_date", pa.array(days, pa.date32()))
    return deliver(answer, FILINGS, span.last, f"list-{span.first:%Y%m%d}-{page}", rows, problem=problem)


def _known(rows: pa.Table, answer: Answer) -> pa.Table:
    """The filings, each of which can be told by its name, number and company.

    Raises
    ------
    SchemaDrift
        One cannot; what is asked for by it would then never be asked.
    """
    for column, (expected, is_told) in _TOLD_BY.items():
        told = zip(*(rows.column(name).to_pylist() for name in ("rcept_no", column, "corp_cls")), strict=True)
        if odd := [(number, value) for number, value, board in told if not is_told(value or "", board or "")]:
            raise SchemaDrift(
                f"{answer.url_redacted} of {SOURCE}", expected=expected, found=f"{len(odd)} filings without, such as {odd[0][1]!r}",
                keys=[number for number, _ in odd],
                do="The payload is damaged, or its format changed: run it again, and compare the kept payload",
            )  # fmt: skip
    return rows


_TOLD_BY: Mapping[str, tuple[str, Callable[[str, str], bool]]] = {
    # What no encoding could read became question marks; every name of a filing is Korean.
    "report_nm": ("a report_nm in Korean", lambda told, board: bool(re.search("[가-힣]", told))),
    "rcept_no": ("a rcept_no of 14 digits", lambda told, board: bool(re.fullmatch("[0-9]{14}", told))),
    "corp_code": ("a corp_code of 8 digits", lambda told, board: bool(re.fullmatch("[0-9]{8}", told))),
    "stock_code": (
        "a stock_code of 6 characters where corp_cls is Y, K or N",
        lambda told, board: board == "E" or bool(re.fullmatch("[0-9A-Z]{6}", told.strip())),
    ),
}
"""By column of a filing: what it must be, and whether it is, given the board of the company."""


def _listed(answer: Answer) -> object:
    body = answer.body
    if not isinstance(body, dict) or "list" not in body:
        raise SchemaDrift(answer.url_redacted, expected="list", found=said(body))
    return body["list"]


def _session_of(received: str | None, span: Span) -> date:
    """The first session on or after the receipt; a receipt date that cannot be read goes with the range's last session."""
    try:
        return span.session_of(datetime.strptime(received or "", "%Y%m%d").date())
    except ValueError:
        return span.session_of(None)
