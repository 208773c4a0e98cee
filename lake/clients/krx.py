"""KRX Open API: a whole market on one day per call, raw prices. Wire: `/svc/apis/sto/<api>?basDd=YYYYMMDD`, header AUTH_KEY.

It says no with HTTP 200 and `respCode`, and answers an empty list for a day it does not have.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pyarrow as pa

from lake.delivery import ClientContext, Delivery, SchemaDrift, deliver, not_there, own_columns, text_rows
from lake.host import Answer, Host, Reply
from lake.http import Fetcher
from lake.pace import in_order
from market import calendars, registry
from market.errors import MarketlakeError, Permanent, Transient
from market.table import empty

SOURCE = "krx"
TABLES = ("bronze.krx_daily", "bronze.krx_listing")
LIVE = "https://data-dbg.krx.co.kr"
KEYS = ("krx_api_key",)
KEY_FROM = "get a key at openapi.krx.co.kr and apply there for each service (API) that is used"

# Market: prefix of its services, first day on which it trades.
MARKETS = {"KOSPI": ("stk", date.min), "KOSDAQ": ("ksq", date.min), "KONEX": ("knx", date(2013, 7, 1))}
_SERVICES = {"bronze.krx_daily": "bydd_trd", "bronze.krx_listing": "isu_base_info"}


@dataclass(frozen=True)
class _Call:
    """One request: a service on a day, for a session (a holiday is asked on behalf of the session after it)."""

    table: str
    api: str
    day: date
    session: date
    is_last: bool = False

    @property
    def is_holiday(self) -> bool:
        return self.day != self.session


def deliveries(session_dates: Sequence[date], ctx: ClientContext) -> Iterator[Delivery]:
    """Daily trades and base information of every covered market, session by session, closed weekdays before each included.

    Raises
    ------
    Permanent, Transient
        From the request; what is wrong with an answer comes as the delivery's `problem`, so that its payload is kept.
    """
    covered = [day for day in sorted(set(session_dates)) if ctx.world.covers(SOURCE, day)]
    calls = [call for session in covered for call in _calls(session, ctx.world.markets(SOURCE))]
    with ctx.fetcher(host(ctx)) as fetcher:
        yield from in_order(lambda call: _delivery(fetcher, call, ctx), calls, ctx.settings.http_parallel)


def host(ctx: ClientContext) -> Host:
    """Where KRX Open API is and how it lets us in."""
    key = ctx.key(KEYS[0], KEY_FROM)
    return Host(
        SOURCE, ctx.base_url(SOURCE, LIVE), headers={"AUTH_KEY": key}, key_settings="MARKETLAKE_KRX_API_KEY",
        key_from=KEY_FROM, complaint=complaint, pace_per_s=5.0, quota_per_day=10_000,
    )  # fmt: skip


def complaint(reply: Reply) -> MarketlakeError | None:
    """KRX's own no: `respCode`, often with HTTP 200, or its error page for a blocked caller."""
    if "에러페이지".encode() in reply.payload:
        do = "KRX blocks callers that ask too fast for a day: lower MARKETLAKE_KRX_PACE_PER_S and go on tomorrow"
        return Permanent(reply.where, expected="rows", found="KRX's error page: this address is blocked", do=do)
    body: Any = reply.body
    if not isinstance(body, dict) or "respCode" not in body:
        return None
    code, service = str(body["respCode"]), reply.where.partition("?")[0].rpartition("/")[2]
    found = f"respCode {code}: {body.get('respMsg', '')}"
    if code in ("401", "403"):
        do = f"Check MARKETLAKE_KRX_API_KEY and that it is approved for the service {service}; {KEY_FROM}"
        return Permanent(reply.where, expected=f"a key that KRX accepts for {service}", found=found, do=do)
    if code == "429":
        do = "Go on tomorrow (Seoul time); MARKETLAKE_KRX_QUOTA_PER_DAY says how many calls the key allows"
        return Permanent(reply.where, expected="calls left for today", found=found, do=do)
    if code.startswith("5"):
        return Transient(reply.where, expected="rows", found=found)
    return Permanent(reply.where, expected="rows", found=found, do=f"KRX does not take this request of {service}")


def _calls(session: date, markets: Sequence[str]) -> list[_Call]:
    prefixes = [prefix for name, (prefix, first) in MARKETS.items() if name in markets and session >= first]
    holidays = [_Call(TABLES[0], f"{prefixes[0]}_bydd_trd", day, session) for day in _closed_weekdays(session)]
    own = [_Call(t, f"{prefix}_{service}", session, session) for t, service in _SERVICES.items() for prefix in prefixes]
    last = own[-1]
    return [*holidays, *own[:-1], _Call(last.table, last.api, last.day, last.session, is_last=True)]


def _closed_weekdays(session: date) -> list[date]:
    """Weekdays between the previous session and this one: closed by the calendar, so KRX must have nothing for them."""
    previous = calendars.previous_session("XKRX", session)
    between = [previous + timedelta(days=n) for n in range(1, (session - previous).days)]
    return [day for day in between if day.weekday() < 5]


def _delivery(fetcher: Fetcher, call: _Call, ctx: ClientContext) -> Delivery:
    answer = fetcher.get(f"/svc/apis/sto/{call.api}", {"basDd": f"{call.day:%Y%m%d}"}, call.session)
    schema = own_columns(registry.table(call.table))
    problem: Permanent | Transient | None = None
    rows = empty(schema)
    try:
        rows = text_rows(_records(answer), schema, f"{answer.url_redacted} of {SOURCE}")
    except SchemaDrift as drift:
        problem = drift
    if problem is None:
        problem = _misplaced(call, rows.num_rows, ctx) or _of_another_day(call, rows)
    kept = empty(schema) if problem else rows
    return deliver(answer, call.table, call.session, call.api, kept, problem=problem, ends_unit=call.is_last)


def _records(answer: Answer) -> object:
    body = answer.body
    if not isinstance(body, dict) or "OutBlock_1" not in body:
        found = ", ".join(body) if isinstance(body, dict) else type(body).__name__
        raise SchemaDrift(answer.url_redacted, expected="OutBlock_1", found=found)
    return body["OutBlock_1"]


def _misplaced(call: _Call, n_rows: int, ctx: ClientContext) -> Permanent | Transient | None:
    if call.is_holiday and n_rows:
        return Permanent(
            f"{SOURCE} {call.day}", expected=f"nothing: {calendars.why_closed('XKRX', call.day)}",
            found=f"blocked: {n_rows} rows of {call.api}",
            do="If the exchange did trade, correct market.calendars; else the source is wrong",
        )  # fmt: skip
    if not call.is_holiday and not n_rows:
        return not_there(SOURCE, call.session, ctx.clock(SOURCE)(), f"{call.api} answered with no rows")
    return None


def _of_another_day(call: _Call, rows: pa.Table) -> Permanent | Transient | None:
    """The problem of an answer none of whose rows is of the day asked for; a single strange row is the gate's to judge."""
    if not rows.num_rows or "BAS_DD" not in rows.column_names:
        return None  # base information carries no day
    said = sorted({re.sub(r"\D", "", text or "") for text in rows["BAS_DD"].to_pylist()})
    if f"{call.day:%Y%m%d}" in said:
        return None
    where, expected = f"{SOURCE} {call.day}", f"rows of {call.day:%Y%m%d} from {call.api}"
    found = f"{rows.num_rows} rows of {', '.join(text or 'no day' for text in said[:5])} alone"
    if any(len(text) == 8 for text in said):
        do = "KRX has not put the day in place of the one before: run it again later"
        return Transient(where, expected=expected, found=f"a stale answer: {found}", do=do)
    return SchemaDrift(where, expected=expected, found=found, do="KRX writes days in another way: see the kept payload")
