"""KRX Data Marketplace, for its members: delistings with their reasons, and the industries of all issues of a session. Wire: a login with
a cookie, then forms to `getJsonData.cmd`.

Optional: without a member's id nothing is asked. It ends a session after an hour (HTTP 400, `LOGOUT`) and blocks an address that asks too
often for about a day, with a page for people; whoever goes on asking is blocked for longer, so that is never tried again.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

import pyarrow as pa
from loguru import logger

from lake.delivery import ClientContext, Delivery, SchemaDrift, deliver, not_there, own_columns, said, text_rows
from lake.host import Answer, Call, Form, Host, Reply
from lake.http import Fetcher
from lake.member import LoggedOut, Member
from lake.spans import Span, spans
from market import registry
from market.errors import MarketlakeError, Permanent, Transient
from market.sources import SOURCES

SOURCE = "krx_market"
TABLES = ("bronze.krx_delistings", "bronze.krx_sectors")
LIVE = "https://data.krx.co.kr"
KEYS = ("krx_id", "krx_password")
KEY_FROM = "get an account at data.krx.co.kr, or leave it out: MARKETLAKE_KRX_MARKET_BASE_URL=off"

DATA, LOGIN = "/comm/bldAttendant/getJsonData.cmd", "/contents/MDC/COMS/client/MDCCOMS001D1.cmd"
PAGES: tuple[tuple[str, dict[str, str]], ...] = (
    ("/contents/MDC/COMS/client/MDCCOMS001.cmd", {}),
    ("/contents/MDC/COMS/client/view/login.jsp", {"site": "mdc"}),
)
"""Asked before a login, for the cookie that it needs."""

DELISTINGS = "dbms/MDC/STAT/issue/MDCSTAT23801"
SECTORS = "dbms/MDC/STAT/standard/MDCSTAT03901"
MARKETS = {"KOSPI": "STK", "KOSDAQ": "KSQ"}
"""Boards that it divides into industries, and their ids; KONEX is not divided."""
OK, PASSWORD_DUE, ELSEWHERE = "CD001", "CD010", "CD011"
_ANYWAY = "skipDup=Y"
_SETTINGS = "MARKETLAKE_KRX_ID and MARKETLAKE_KRX_PASSWORD"
_REFUSALS = {
    PASSWORD_DUE: (
        "a password that is still good",
        "Change it at data.krx.co.kr, then set MARKETLAKE_KRX_PASSWORD to it",
    ),
    ELSEWHERE: ("one session of the account", "End the session elsewhere: KRX does not end it for us"),
}
BLOCKED = "에러페이지".encode()
_LONGEST = timedelta(days=729)  # it refuses more than two years
_SURELY_SOME = timedelta(days=90)  # the shortest gap between two delistings of 2010 to 2026 is far below
_LASTS_S = 3300.0  # an hour, less five minutes
_PAGE = Form("a page", bytes)
_MARKETPLACE = "/contents/MDC/MDI/outerLoader/index.cmd"


def deliveries(session_dates: Sequence[date], ctx: ClientContext) -> Iterator[Delivery]:
    """The delistings after the previous session and up to each of these, in ranges of up to two years; behind each, the industries of
    its sessions, a request for each board and session, for it takes no range of them.

    Raises
    ------
    Permanent
        The id or the password is refused, the address is blocked, the request is not understood.
    Transient
        Nothing good came, or the last session is not due.

    What is wrong with an answer comes as the delivery's `problem`: a changed format, a board without issues, and no delisting at all in a long
    range of the real world.
    """
    sessions = [day for day in sorted(set(session_dates)) if ctx.world.covers(SOURCE, day)]
    if not sessions:
        return
    now = ctx.clock(SOURCE)()
    if now < SOURCES[SOURCE].due_at(sessions[-1]):
        raise not_there(SOURCE, sessions[-1], now, "the list of that day is not out")
    with ctx.fetcher(host(ctx)) as fetcher:
        member = Member(fetcher, partial(log_in, ctx), _LASTS_S)
        boards = [id_ for board, id_ in MARKETS.items() if board in ctx.world.markets(SOURCE)]
        for span in spans(SOURCES[SOURCE].exchange, sessions, _LONGEST):
            yield _delistings(member.post(DATA, _fields(span), span.last), span, ctx, is_all=not boards)
            for session in span.sessions:
                for board in boards:
                    answer = member.post(DATA, _fields_of(session, board), session)
                    yield _sectors(answer, session, board, ctx, is_last=board == boards[-1])


def host(ctx: ClientContext) -> Host:
    """Where the Marketplace is and how it is asked; the session comes from `log_in`."""
    base_url = ctx.base_url(SOURCE, LIVE)
    return Host(
        SOURCE, base_url, plain_headers={"Referer": f"{base_url}{_MARKETPLACE}", "X-Requested-With": "XMLHttpRequest"},
        secrets=_id_and_password(ctx), key_settings=_SETTINGS, key_from=KEY_FROM,
        complaint=complaint, pace_per_s=1.0,
    )  # fmt: skip


def one_call(ctx: ClientContext, session: date) -> Call:
    """A login, which is all that a member's account can be refused."""
    return Call(host(ctx), LOGIN, ask=partial(log_in, ctx))


def log_in(ctx: ClientContext, fetcher: Fetcher, session_date: date) -> Answer:
    """The answer to a login that was let in; a session of the same account elsewhere ends with it.

    Raises
    ------
    Permanent
        KRX refuses the id or the password, wants another password, or will not end the session elsewhere.
    """
    for path, params in PAGES:
        fetcher.get(path, params, session_date, accept=(200, 302), form=_PAGE)
    name, password = _id_and_password(ctx)
    fields = {"mbrNm": "", "telNo": "", "di": "", "certType": "", "mbrId": name, "pw": password}
    answer = fetcher.post(LOGIN, fields, session_date)
    if _code(answer.body) == ELSEWHERE:
        logger.info("the account has another session, which ends now", source=SOURCE)
        answer = fetcher.post(LOGIN, fields | {"skipDup": "Y"}, session_date)
    return answer


def complaint(reply: Reply) -> MarketlakeError | None:
    """The Marketplace's own no: its error page for a blocked address, `LOGOUT`, or the code of a login that is not let in."""
    if BLOCKED in reply.payload:
        do = (
            "Ask nothing for a day: every further call makes the block longer; lower MARKETLAKE_KRX_MARKET_PACE_PER_S, "
            "or leave the source out: MARKETLAKE_KRX_MARKET_BASE_URL=off"
        )
        return Permanent(reply.where, expected="rows", found="KRX's error page: this address is blocked", do=do)
    if reply.payload.strip() == b"LOGOUT":
        do = "The account's session was ended elsewhere, or KRX keeps none: run it again later"
        return LoggedOut(reply.where, expected="a session", found=f"HTTP {reply.status}, LOGOUT", do=do)
    return _refusal(reply)


def _refusal(reply: Reply) -> MarketlakeError | None:
    """What a login says where it does not let in, and any code of another answer; a session elsewhere may be ended once."""
    code, is_login = _code(reply.body), f"{LOGIN}?" in reply.where
    is_let_in = code == OK or (code == ELSEWHERE and is_login and _ANYWAY not in reply.where)
    if reply.body is None or is_let_in or not (code or is_login):
        return None
    found = f"{code or said(reply.body)}: {_message(reply.body)}"
    if not is_login and code not in _REFUSALS:
        return Transient(
            reply.where, expected="rows", found=found, do="Run it again later; KRX does not say what the code means"
        )
    expected, do = _REFUSALS.get(code, ("an id and a password that KRX accepts", f"Check {_SETTINGS}; {KEY_FROM}"))
    return Permanent(reply.where, expected=expected, found=found, do=do)


def _id_and_password(ctx: ClientContext) -> tuple[str, str]:
    return ctx.key(KEYS[0], KEY_FROM), ctx.key(KEYS[1], KEY_FROM)


def _code(body: Any) -> str:
    return str(body.get("_error_code") or "") if isinstance(body, dict) else ""


def _message(body: Any) -> str:
    return str(body.get("_error_message", "")) if isinstance(body, dict) else ""


def _fields(span: Span) -> Mapping[str, str]:
    days = {"strtDd": f"{span.first:%Y%m%d}", "endDd": f"{span.last:%Y%m%d}"}
    every = {"mktId": "ALL", "isuCd": "ALL", "isuCd2": "ALL", "share": "1", "csvxls_isNo": "true"}
    return {"bld": DELISTINGS, **every, **days}


def _fields_of(session: date, board: str) -> Mapping[str, str]:
    return {"bld": SECTORS, "mktId": board, "trdDd": f"{session:%Y%m%d}", "money": "1", "csvxls_isNo": "false"}


def _sectors(answer: Answer, session: date, board: str, ctx: ClientContext, *, is_last: bool) -> Delivery:
    schema, problem = own_columns(registry.table(TABLES[1])), None
    rows = schema.empty_table()
    try:
        rows = text_rows(records(answer), schema, f"{answer.url_redacted} of {SOURCE}")
        if not rows.num_rows:
            problem = not_there(SOURCE, session, ctx.clock(SOURCE)(), f"no industries of {board}")
    except SchemaDrift as drift:
        problem = drift
    return deliver(answer, TABLES[1], session, f"sectors-{board}", rows, problem=problem, ends_unit=is_last)


def _delistings(answer: Answer, span: Span, ctx: ClientContext, *, is_all: bool) -> Delivery:
    """The range's delistings, ahead of what follows of its first session: no other session is whole with them."""
    schema = own_columns(registry.table(TABLES[0]))
    rows = schema.empty_table()
    problem: Permanent | Transient | None = None
    try:
        rows = text_rows(records(answer), schema, f"{answer.url_redacted} of {SOURCE}")
    except SchemaDrift as drift:
        problem = drift
    if problem is None and not rows.num_rows and span.last - span.first > _SURELY_SOME and _is_real(ctx):
        what = f"no delisting since {span.first}"
        problem = not_there(SOURCE, span.last, ctx.clock(SOURCE)(), what)
    told = [_day(text) for text in rows.column("DELIST_DD").to_pylist()]
    strange = sorted({f"{day}" for day in told if day is not None and not span.first <= day <= span.last})
    if strange and problem is None:
        problem = SchemaDrift(
            f"{answer.url_redacted} of {SOURCE}", expected=f"delistings from {span.first} to {span.last}, as asked",
            found=f"{len(strange)} other days", keys=strange, do="The range is not kept any more: compare the kept payload",
        )  # fmt: skip
        rows = schema.empty_table()
    days = [span.session_of(_day(text)) for text in rows.column("DELIST_DD").to_pylist()]
    rows = rows.append_column("session_date", pa.array(days, pa.date32()))
    suffix = f"delistings-{span.first:%Y%m%d}"
    session = span.last if is_all else span.sessions[0]
    return deliver(answer, TABLES[0], session, suffix, rows, problem=problem, ends_unit=is_all)


def _is_real(ctx: ClientContext) -> bool:
    return SOURCE not in ctx.world.simulated


def records(answer: Answer) -> object:
    """The rows of an answer of the Marketplace, wherever this service puts them.

    Raises
    ------
    SchemaDrift
        There are none by any of the names that it uses.
    """
    body = answer.body
    found = [body[name] for name in ("output", "OutBlock_1", "block1") if isinstance(body, dict) and name in body]
    if not found:
        raise SchemaDrift(f"{answer.url_redacted} of {SOURCE}", expected="output", found=said(body))
    return found[0]


def _day(text: str | None) -> date | None:
    """The day of a text such as 2024/05/03, in every form that silver reads; None where it is none."""
    try:
        return datetime.strptime(re.sub(r"[-/.]", "", (text or "").strip()), "%Y%m%d").date()
    except ValueError:
        return None
