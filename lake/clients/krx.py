"""KRX Open API: a whole market on one day per call, raw prices. Wire: `/svc/apis/<category>/<api>?basDd=YYYYMMDD`, header AUTH_KEY.

It says no with HTTP 200 and `respCode`, and answers an empty list for a day it does not have. A key is approved for each service
on its own: the stocks' are needed, and a refusal of another one is noted in `bronze.krx_services` while the rest goes on.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import pyarrow as pa
from loguru import logger

from lake.delivery import ClientContext, Delivery, SchemaDrift, deliver, not_there, own_columns, said, text_rows
from lake.host import Answer, Call, Host, Reply
from lake.http import Fetcher
from lake.pace import in_order
from lake.world import OFF
from market import calendars, registry
from market.datasets.bronze.krx_services import OPEN, REFUSED
from market.errors import MarketlakeError, Permanent, Transient
from market.table import empty

SOURCE = "krx"
TABLES = ("bronze.krx_daily", "bronze.krx_listing", "bronze.krx_indices", "bronze.krx_etfs", "bronze.krx_services")
SERVICES = TABLES[4]
LIVE = "https://data-dbg.krx.co.kr"
KEYS = ("krx_api_key",)
KEY_FROM = "get a key at openapi.krx.co.kr and apply there for each service (API) that is used"

# Market: prefix of its services, first day on which it trades.
MARKETS = {"KOSPI": ("stk", date.min), "KOSDAQ": ("ksq", date.min), "KONEX": ("knx", date(2013, 7, 1))}
_SERVICES = {"bronze.krx_daily": "bydd_trd", "bronze.krx_listing": "isu_base_info"}
# Service beside the stocks': its category and the table of its rows.
OPTIONAL = {
    "krx_dd_trd": ("idx", "bronze.krx_indices"),
    "kospi_dd_trd": ("idx", "bronze.krx_indices"),
    "kosdaq_dd_trd": ("idx", "bronze.krx_indices"),
    "etf_bydd_trd": ("etp", "bronze.krx_etfs"),
}
_REFUSALS = ("401", "403")


@dataclass(frozen=True)
class _Call:
    """One request: a service on a day, for a session (a holiday is asked on behalf of the session after it)."""

    table: str
    api: str
    day: date
    session: date
    market: str | None = None
    is_last: bool = False

    @property
    def path(self) -> str:
        category = OPTIONAL[self.api][0] if self.api in OPTIONAL else "sto"
        return f"/svc/apis/{category}/{self.api}"

    @property
    def is_holiday(self) -> bool:
        return self.day != self.session


def deliveries(session_dates: Sequence[date], ctx: ClientContext) -> Iterator[Delivery]:
    """Daily trades and base information of every covered market, then indices and funds, session by session, closed weekdays before
    each included; after every answer of a session what its service said.

    Raises
    ------
    Permanent, Transient
        From the request; what is wrong with an answer comes as the delivery's `problem`, so that its payload is kept. A service that
        the settings name and KRX does not have.
    """
    covered = [day for day in sorted(set(session_dates)) if ctx.world.covers(SOURCE, day)]
    further = services(ctx)
    calls = [call for session in covered for call in _calls(session, ctx.world.markets(SOURCE), further)]
    with ctx.fetcher(host(ctx)) as fetcher:
        for told in in_order(lambda call: _deliveries(fetcher, call, ctx), calls, ctx.settings.http_parallel):
            yield from told


def services(ctx: ClientContext) -> tuple[str, ...]:
    """The services asked beside the stocks': those of the settings that the world covers.

    Raises
    ------
    Permanent
        The settings name one that this client does not know.
    """
    setting = ctx.settings.krx_services.strip()
    named = [] if setting == OFF else [name.strip() for name in setting.split(",") if name.strip()]
    unknown = [name for name in named if name not in OPTIONAL]
    if unknown:
        expected = f"services among {', '.join(OPTIONAL)}, or {OFF}"
        do = "Correct it; the stocks' services are always asked and not named"
        raise Permanent("MARKETLAKE_KRX_SERVICES", expected=expected, found=", ".join(unknown), do=do)
    return tuple(name for name in OPTIONAL if name in named and ctx.world.has_service(SOURCE, name))


def host(ctx: ClientContext) -> Host:
    """Where KRX Open API is and how it lets us in."""
    key = ctx.key(KEYS[0], KEY_FROM)
    return Host(
        SOURCE, ctx.base_url(SOURCE, LIVE), headers={"AUTH_KEY": key}, key_settings="MARKETLAKE_KRX_API_KEY",
        key_from=KEY_FROM, complaint=_complaint, pace_per_s=5.0, quota_per_day=10_000,
    )  # fmt: skip


def _complaint(reply: Reply) -> MarketlakeError | None:
    """As `complaint`; that an optional service is refused is an answer and no error."""
    return None if _service(reply.where) in OPTIONAL and _refusal(reply.body) else complaint(reply)


def one_call(ctx: ClientContext, session: date) -> Call:
    """A market's base information; each service is approved on its own, and others may refuse still."""
    return Call(host(ctx), "/svc/apis/sto/stk_isu_base_info", {"basDd": f"{session:%Y%m%d}"})


def complaint(reply: Reply) -> MarketlakeError | None:
    """KRX's own no: `respCode`, often with HTTP 200, or its error page for a blocked caller."""
    if "에러페이지".encode() in reply.payload:
        do = "KRX blocks callers that ask too fast for a day: lower MARKETLAKE_KRX_PACE_PER_S and go on tomorrow"
        return Permanent(reply.where, expected="rows", found="KRX's error page: this address is blocked", do=do)
    body: Any = reply.body
    if not isinstance(body, dict) or "respCode" not in body:
        return None
    code, service = str(body["respCode"]), _service(reply.where)
    found = f"respCode {code}: {body.get('respMsg', '')}"
    if code in _REFUSALS:
        do = f"Check MARKETLAKE_KRX_API_KEY and that it is approved for the service {service}; {KEY_FROM}"
        return Permanent(reply.where, expected=f"a key that KRX accepts for {service}", found=found, do=do)
    if code == "429":
        do = "Go on tomorrow (Seoul time); MARKETLAKE_KRX_QUOTA_PER_DAY says how many calls the key allows"
        return Permanent(reply.where, expected="calls left for today", found=found, do=do)
    if code.startswith("5"):
        return Transient(reply.where, expected="rows", found=found)
    return Permanent(reply.where, expected="rows", found=found, do=f"KRX does not take this request of {service}")


def _service(where: str) -> str:
    return where.partition("?")[0].rpartition("/")[2]


def _refusal(body: object) -> str:
    """What KRX said where it does not let the key in; empty where it does."""
    if not isinstance(body, dict) or str(body.get("respCode", "")) not in _REFUSALS:
        return ""
    return f"respCode {body['respCode']}: {body.get('respMsg', '')}"


def _calls(session: date, markets: Sequence[str], further: Sequence[str]) -> list[_Call]:
    prefixes = {name: prefix for name, (prefix, first) in MARKETS.items() if name in markets and session >= first}
    holiday = f"{next(iter(prefixes.values()))}_bydd_trd"
    holidays = [_Call(TABLES[0], holiday, day, session) for day in _closed_weekdays(session)]
    own = [
        _Call(table, f"{prefix}_{service}", session, session, name)
        for table, service in _SERVICES.items()
        for name, prefix in prefixes.items()
    ]
    own += [_Call(OPTIONAL[api][1], api, session, session) for api in further]
    return [*holidays, *own[:-1], replace(own[-1], is_last=True)]


def _closed_weekdays(session: date) -> list[date]:
    """Weekdays between the previous session and this one: closed by the calendar, so KRX must have nothing for them."""
    previous = calendars.previous_session("XKRX", session)
    between = [previous + timedelta(days=n) for n in range(1, (session - previous).days)]
    return [day for day in between if day.weekday() < 5]


def _deliveries(fetcher: Fetcher, call: _Call, ctx: ClientContext) -> list[Delivery]:
    """The answer's rows, and what it says of its service; a holiday's says nothing, and a problem comes alone."""
    accept = (200, *map(int, _REFUSALS)) if call.api in OPTIONAL else (200,)
    answer = fetcher.get(call.path, {"basDd": f"{call.day:%Y%m%d}"}, call.session, accept=accept)
    refusal = _refusal(answer.body)
    if refusal:
        logger.warning("KRX refuses a service", service=call.api, session=str(call.session), told=refusal, do=KEY_FROM)
        return [_noted(answer, call, 0, refusal)]
    found = _delivery(answer, call, ctx)
    if found.problem is not None or call.is_holiday:
        return [found]
    return [found, _noted(answer, call, found.rows.num_rows)]


def _noted(answer: Answer, call: _Call, n_rows: int, refusal: str = "") -> Delivery:
    said = {
        "service": call.api, "market": call.market, "state": REFUSED if refusal else OPEN, "n_rows": str(n_rows),
        "told": refusal or None,
    }  # fmt: skip
    rows = pa.Table.from_pylist([said], schema=own_columns(registry.table(SERVICES)))
    return deliver(answer, SERVICES, call.session, call.api, rows, ends_unit=call.is_last)


def _delivery(answer: Answer, call: _Call, ctx: ClientContext) -> Delivery:
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
    return deliver(answer, call.table, call.session, call.api, kept, problem=problem)


def _records(answer: Answer) -> object:
    body = answer.body
    if not isinstance(body, dict) or "OutBlock_1" not in body:
        raise SchemaDrift(answer.url_redacted, expected="OutBlock_1", found=said(body))
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
