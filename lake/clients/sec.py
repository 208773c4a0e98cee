"""SEC EDGAR: filings and their figures by company. Wires: `/files/company_tickers.json` at www.sec.gov;
`/submissions/CIK##########.json` and `/api/xbrl/companyfacts/CIK##########.json` at data.sec.gov.

No key, but whoever asks names himself. A company is downloaded once a run, whatever the number of sessions. What does not belong
here: what an answer's rows are (`lake.sec_rows`), and which figures mean what (silver).
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc
from loguru import logger

from lake import sec_rows
from lake.delivery import ClientContext, Delivery, SchemaDrift, deliver, not_there, own_columns
from lake.host import Answer, Call, Host, Reply
from lake.http import Fetcher
from lake.pace import in_order
from lake.sec_rows import FACTS, SUBMISSIONS, TICKERS, Company, told_by
from market import calendars, registry
from market.errors import MarketlakeError, Permanent, Transient
from market.sources import SOURCES

SOURCE = "sec"
TABLES = (TICKERS, SUBMISSIONS, FACTS)
LIVE_TICKERS = "https://www.sec.gov"
LIVE = "https://data.sec.gov"

_AGENT = re.compile(r"\S.*\s\S+@\S+\.\S+")
_OURS = "Marketlake marketlake@example.com"  # for the exchange alone: SEC wants to know who really asks
_TOO_FAST = b"Request Rate Threshold Exceeded"
_REPORTS = ("10-K", "10-Q", "20-F", "40-F")
_ALL, _LATER = "the figures of every report", "Run it again later: figures follow their filing by minutes"
_FIGURES_DUE = timedelta(days=1)
_APART = timedelta(days=45)  # a filing's day may be weeks before its acceptance (staff letters), or the session after


class NotThere(Permanent):
    """SEC has no such file."""


def deliveries(session_dates: Sequence[date], ctx: ClientContext) -> Iterator[Delivery]:
    """What every company filed within these sessions, and the figures in it; a symbol that SEC does not know is told in the log.

    Raises
    ------
    Permanent
        SEC does not take who asks.
    Transient
        EDGAR is open still on the last session's day; or SEC shut us out for being too fast.

    What is wrong with an answer comes as the delivery's `problem`: a changed format, nothing at all, or a report of today whose
    figures are not there yet.
    """
    sessions = [day for day in sorted(set(session_dates)) if ctx.world.covers(SOURCE, day)]
    if not sessions:
        return
    now = ctx.clock(SOURCE)()
    if now < SOURCES[SOURCE].due_at(sessions[-1]):
        raise not_there(SOURCE, sessions[-1], now, "EDGAR is open still")
    with ctx.fetcher(host(ctx, LIVE_TICKERS)) as fetcher:
        known = _tickers(fetcher.get("/files/company_tickers.json", {}, sessions[-1]), ctx, sessions[-1])
    yield known
    numbers = dict(zip(known.rows["symbol"].to_pylist(), known.rows["cik_str"].to_pylist(), strict=True))
    for one in ctx.world.us.since(ctx.told, sessions):
        numbers.setdefault(one.symbol, one.cik)  # left the list: behind who is on it, whose filings they are
    with ctx.fetcher(host(ctx)) as fetcher:
        asked = in_order(
            lambda company: list(_company(fetcher, company, sessions, now)),
            _companies(numbers, ctx.world.symbols(SOURCE)), ctx.settings.http_parallel,
        )  # fmt: skip
        for found in asked:
            yield from found


def host(ctx: ClientContext, live: str = LIVE) -> Host:
    """One of SEC's two hosts and who asks it; under any other address both are one."""
    return Host(
        SOURCE, ctx.base_url(SOURCE, live), headers={"User-Agent": _agent(ctx)}, complaint=complaint, pace_per_s=9.0
    )


def one_call(ctx: ClientContext, session: date) -> Call:
    """The list of tickers."""
    return Call(host(ctx, LIVE_TICKERS), "/files/company_tickers.json")


def complaint(reply: Reply) -> MarketlakeError | None:
    """SEC's own no: a page for who is too fast or unknown, no JSON for what is not there, the gateway's words in JSON."""
    if _TOO_FAST in reply.payload:
        do = "SEC lets nobody in for about ten minutes then; lower MARKETLAKE_SEC_PACE_PER_S"
        return Transient(reply.where, expected="an answer", found=f"HTTP {reply.status}: too many requests", do=do)
    if reply.status == 403:
        do = "Set MARKETLAKE_SEC_USER_AGENT to 'Name email@host': SEC refuses who does not say who he is"
        return Permanent(reply.where, expected="to be let in", found="HTTP 403 with a page for people", do=do)
    if reply.status == 404:
        return NotThere(reply.where, expected="a file", found="HTTP 404", do="Check MARKETLAKE_SEC_BASE_URL")
    if isinstance(reply.body, dict) and set(reply.body) <= {"message", "error"} and reply.body:
        return Transient(reply.where, expected="an answer", found=str(reply.body))
    return None


def _agent(ctx: ClientContext) -> str:
    value = ctx.settings.sec_user_agent.strip()
    if not value and SOURCE in ctx.world.simulated:
        return _OURS
    if not _AGENT.fullmatch(value) or not value.isascii():
        raise Permanent(
            "MARKETLAKE_SEC_USER_AGENT", expected="'Name email@host'", found=repr(value) if value else "empty",
            do="Set it: SEC refuses who does not say who he is",
        )  # fmt: skip
    return value


def _tickers(answer: Answer, ctx: ClientContext, session: date) -> Delivery:
    """The symbols that are asked for and that SEC lists; the others stay in the payload."""
    rows, problem, us = own_columns(registry.table(TICKERS)).empty_table(), None, ctx.world.us
    try:
        listed = sec_rows.listed(answer)
        symbols = us.of_list(list(listed), ctx.told) if us.takes_list else ctx.world.symbols(SOURCE)
        rows = sec_rows.tickers(answer, listed, symbols)
    except SchemaDrift as drift:
        return deliver(answer, TICKERS, session, "tickers", rows, problem=drift)
    if not answer.body:
        problem = Transient(told_by(answer), expected="tickers", found="none", do="Run it again later")
    return deliver(answer, TICKERS, session, "tickers", rows, problem=problem)


def _companies(numbers: Mapping[str, int], named: Sequence[str]) -> list[Company]:
    """The companies of the symbols, by their numbers; several symbols of one company are one."""
    found: dict[int, tuple[str, ...]] = {}
    for symbol, cik in numbers.items():
        found[cik] = (*found.get(cik, ()), symbol)
    for symbol in sorted(set(named) - numbers.keys()):
        logger.warning("symbol without a CIK: no filings, no figures", source=SOURCE, symbol=symbol)
    return [Company(cik, symbols) for cik, symbols in found.items()]


def _company(fetcher: Fetcher, company: Company, sessions: Sequence[date], now: datetime) -> Iterator[Delivery]:
    """One company's filings of the sessions, page by page, and the figures of those that have any."""
    head = fetcher.get(f"/submissions/CIK{company.digits}.json", {}, sessions[-1])
    first, listed = _listed(head, head, company, sessions, now)
    if first.problem is not None:
        yield first
        return
    begin = calendars.previous_session(SOURCES[SOURCE].exchange, sessions[0])
    pages = sec_rows.pages(head, begin - _APART, sessions[-1] + _APART)
    try:
        answers = [fetcher.get(f"/submissions/{page}", {}, sessions[-1]) for page in pages]
    except NotThere as absent:  # the list that names the page is what must be looked at
        yield replace(first, problem=absent)
        return
    yield first
    for answer in answers:
        older, more = _listed(answer, head, company, sessions, now)
        yield older
        if older.problem is not None:
            return
        listed = pa.concat_tables([listed, more])
    taken = listed.filter(pc.is_in(listed["session_date"], pa.array(sessions, pa.date32())))
    if pc.any(pc.equal(taken["isXBRL"], 1)).as_py():
        yield from _figures(fetcher, company, listed, sessions, now)


def _listed(
    answer: Answer, head: Answer, company: Company, sessions: Sequence[date], now: datetime
) -> tuple[Delivery, pa.Table]:
    """A list of filings as the delivery of those of the sessions, and all of them."""
    suffix = answer.request.rpartition("/")[2].partition(".")[0]
    rows = own_columns(registry.table(SUBMISSIONS)).empty_table()
    try:
        rows = sec_rows.filings(answer, company, head.body)
        if answer is head:
            sec_rows.pages(head, sessions[0], sessions[-1])
    except SchemaDrift as drift:
        return deliver(answer, SUBMISSIONS, sessions[-1], suffix, rows.slice(0, 0), problem=drift), rows
    problem = None
    if not rows.num_rows:
        problem = Transient(told_by(answer), expected=f"filings of {company.symbol}", found="none at all, ever")
    kept = rows.filter(pc.is_in(rows["session_date"], pa.array(sessions, pa.date32())))
    return deliver(answer, SUBMISSIONS, sessions[-1], suffix, kept, problem=problem), rows


def _figures(
    fetcher: Fetcher, company: Company, listed: pa.Table, sessions: Sequence[date], now: datetime
) -> Iterator[Delivery]:
    accepted = dict(zip(listed["accessionNumber"].to_pylist(), listed["accepted_at"].to_pylist(), strict=True))
    try:
        answer = fetcher.get(f"/api/xbrl/companyfacts/CIK{company.digits}.json", {}, sessions[-1])
    except NotThere as absent:
        if missing := _without_figures(listed, set(), sessions, now):
            raise Transient(absent.where, expected=_ALL, found=absent.found, keys=missing, do=_LATER) from absent
        logger.warning("company without figures at SEC", source=SOURCE, symbol=company.symbol, cik=company.digits)
        return
    suffix = f"facts-CIK{company.digits}"
    try:
        rows = sec_rows.facts(answer, company, accepted, sessions)
    except SchemaDrift as drift:
        none = own_columns(registry.table(FACTS)).empty_table()
        yield deliver(answer, FACTS, sessions[-1], suffix, none, problem=drift)
        return
    delivery = deliver(answer, FACTS, sessions[-1], suffix, rows)
    missing = _without_figures(listed, set(rows["accn"].to_pylist()), sessions, now)
    if missing:
        late = Transient(
            told_by(answer), expected=_ALL, found=f"none of {len(missing)} of the last day", keys=missing, do=_LATER
        )
        delivery = replace(delivery, problem=late)
    yield delivery


def _without_figures(listed: pa.Table, told: set[str], sessions: Sequence[date], now: datetime) -> list[str]:
    """Reports of the sessions, accepted within the last day, that say they have figures and of which none came."""
    return [
        row["accessionNumber"]
        for row in listed.to_pylist()
        if row["session_date"] in set(sessions)
        and row["form"] in _REPORTS
        and row["isXBRL"] == 1
        and row["accessionNumber"] not in told
        and now - row["accepted_at"] < _FIGURES_DUE
    ]
