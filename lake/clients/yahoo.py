"""Yahoo v8 chart: daily bars, dividends and splits of one symbol per call. Wire: `/v8/finance/chart/<symbol>`. Of New York's
sessions; the settings may name Korean symbols (005930.KS) too, whose charts are a check of KRX's closes.

Prices are split-adjusted up to the moment of the request, so every request reaches to now: the splits after a row are then in
the same payload, and their product stands beside the row. What does not belong here: what an answer's rows are
(`lake.yahoo_rows`), and undoing splits (silver).
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from loguru import logger

from lake import yahoo_rows
from lake.delivery import ClientContext, Delivery, SchemaDrift, deliver, not_there
from lake.host import Answer, Call, Host, Reply
from lake.http import Fetcher
from lake.pace import in_order
from market import calendars, identity
from market.errors import MarketlakeError, Permanent, Transient
from market.sources import SOURCES

SOURCE = "yahoo"
TABLES = (yahoo_rows.TABLE,)
LIVE = "https://query2.finance.yahoo.com"

_EXCHANGE = SOURCES[SOURCE].exchange
_ZONE = ZoneInfo(calendars.EXCHANGES[_EXCHANGE])
_MOST_OWING = 0.05
_LEAVE_OUT = "take a symbol that is really gone out of MARKETLAKE_US_SYMBOLS, one of SEC's list by '-SYMBOL'"
_TRANSIENT_CODES = ("Internal Server Error", "internal-error", "Service Unavailable", "Too Many Requests")


def deliveries(session_dates: Sequence[date], ctx: ClientContext) -> Iterator[Delivery]:
    """Bars and events of every symbol for these sessions, one payload per symbol, from the first session up to now.

    Raises
    ------
    Permanent
        No symbol is known to Yahoo; or a session past due has no bar of any symbol.
    Transient
        A session that is not due yet has none; a symbol has none of the last session although Yahoo says that it trades, of those
        that SEC's list alone names more than one in twenty; or that list is needed and not there yet.
    """
    sessions = [day for day in sorted(set(session_dates)) if ctx.world.covers(SOURCE, day)]
    if not sessions:
        return
    if ctx.world.us.takes_list and not ctx.world.covers_source("sec"):
        raise Permanent(
            "MARKETLAKE_US_SYMBOLS", expected="sec to be asked, whose list it takes", found="MARKETLAKE_SEC_BASE_URL is off",
            do="Name the symbols, or let sec be asked",
        )  # fmt: skip
    ctx.world.us.refuse_old(ctx.told, sessions)
    named = ctx.world.symbols(SOURCE)
    symbols = tuple(dict.fromkeys((*named, *(one.symbol for one in ctx.world.us.since(ctx.told, sessions)))))
    wanted = [(symbol, sessions) for symbol in symbols]
    wanted += [(symbol, days) for symbol in ctx.world.korean(SOURCE) if (days := _korean_days(sessions))]
    now = ctx.clock(SOURCE)()
    seen: set[date] = set()
    unknown: list[str] = []
    owing: list[str] = []
    with ctx.fetcher(host(ctx)) as fetcher:
        answers = in_order(lambda one: _ask(fetcher, *one, sessions[-1], now), wanted, ctx.settings.http_parallel)
        for (symbol, days), answer in zip(wanted, answers, strict=True):
            if _is_unknown(answer.body):
                logger.warning("symbol unknown", source=SOURCE, symbol=symbol, request=answer.request)
            delivery = _delivery(answer, symbol, days, sessions[-1], now)
            if days is not sessions:
                yield _as_check(delivery, symbol)
                continue
            yield delivery
            seen.update(yahoo_rows.bar_dates(delivery.rows))
            if _is_unknown(answer.body):
                unknown.append(symbol)
            if delivery.problem is None and _owes_a_bar(answer.body, symbol, sessions[-1], now):
                owing.append(symbol)
    if symbols:
        _complete(symbols, unknown, sessions, seen, now)
    there = ctx.world.covered.get(SOURCE, {}).get("symbols", ())
    owing += (symbol for symbol in unknown if symbol in there)
    _whole(owing, sessions[-1], of_list=set(symbols) - {*named, *there})


def host(ctx: ClientContext) -> Host:
    """Where Yahoo is; it asks for no key."""
    return Host(SOURCE, ctx.base_url(SOURCE, LIVE), complaint=complaint, pace_per_s=2.0)


def one_call(ctx: ClientContext, session: date) -> Call:
    """One symbol's bars of a few days; that the symbol is unknown there is an answer too."""
    begin = datetime.combine(session, time(), _ZONE)
    params = {
        "period1": f"{begin.timestamp():.0f}",
        "period2": f"{(begin + yahoo_rows.SLACK).timestamp():.0f}",
        "interval": "1d",
    }
    return Call(host(ctx), "/v8/finance/chart/AAPL", params, accept=(200, 404))


def complaint(reply: Reply) -> MarketlakeError | None:
    """Yahoo's own no: `chart.error`, with any HTTP status; an unknown symbol, told with 404, and a window without bars are answers."""
    error = _error(reply.body)
    if error is None:
        return None
    found = f"{error.get('code')}: {error.get('description')}"
    if _is_unknown(reply.body):
        do = f"Yahoo says so at times of symbols that it has; {_LEAVE_OUT}"
        return None if reply.status == 404 else Transient(reply.where, expected="a chart", found=found, do=do)
    if _has_no_bars(reply.body):
        return None
    if reply.status == 429 or reply.status >= 500 or error.get("code") in _TRANSIENT_CODES:
        return Transient(reply.where, expected="a chart", found=found)
    return Permanent(reply.where, expected="a chart", found=found, do="Check the symbol and MARKETLAKE_YAHOO_BASE_URL")


def _as_check(delivery: Delivery, symbol: str) -> Delivery:
    """A Korean chart without its problem, which is told: a check holds nobody up."""
    if delivery.problem is not None:
        logger.warning("Korean chart not taken", source=SOURCE, symbol=symbol, problem=str(delivery.problem))
    return replace(delivery, problem=None)


def _korean_days(sessions: Sequence[date]) -> list[date]:
    """KRX's sessions that ended with these of New York: those since the one before each."""
    since = [(calendars.previous_session(_EXCHANGE, day) + timedelta(days=1), day) for day in sessions]
    return sorted({day for first, last in since for day in calendars.sessions("XKRX", first, last)})


def _ask(fetcher: Fetcher, symbol: str, days: Sequence[date], session: date, now: datetime) -> Answer:
    zone = ZoneInfo(calendars.EXCHANGES[identity.yahoo_exchange(symbol)])
    params = {
        "period1": str(int(datetime.combine(days[0], time(), zone).timestamp())),
        "period2": str(int(now.timestamp())),
        "interval": "1d",
        "includePrePost": "false",
        "events": "div,splits,capitalGains",
    }

    def answer() -> Answer:
        path = f"/v8/finance/chart/{symbol}"
        return fetcher.get(path, params, session, now_params=("period2",), accept=(200, 400, 404))

    first = answer()
    return answer() if _is_unknown(first.body) else first  # nobody is taken for delisted on one word


def _delivery(answer: Answer, symbol: str, days: Sequence[date], session: date, now: datetime) -> Delivery:
    problem: Permanent | None = None
    rows = yahoo_rows.schema().empty_table()
    if not _is_unknown(answer.body) and not _has_no_bars(answer.body):
        try:
            rows = yahoo_rows.rows(answer, symbol, days, now)
        except SchemaDrift as drift:
            problem = drift
    return deliver(answer, TABLES[0], session, symbol, rows, problem=problem)


def _owes_a_bar(body: Any, symbol: str, session: date, now: datetime) -> bool:
    return not _is_unknown(body) and not _has_no_bars(body) and yahoo_rows.owes_a_bar(body, symbol, session, now)


def _whole(missing: Sequence[str], session: date, of_list: Collection[str]) -> None:
    """Raises Transient where symbols that trade are missing: a session without them must not pass for complete.

    SEC's list has thousands of symbols that hardly trade, and some always lack a bar that Yahoo's own words promise: a few of it are
    told in the log.
    """
    few = sorted(set(of_list).intersection(missing))
    few = few if len(few) <= _MOST_OWING * len(of_list) else []
    if few:
        logger.warning(
            "symbols of SEC's list without a bar", source=SOURCE, session=f"{session}", symbols=",".join(few)
        )
    if owed := sorted(set(missing).difference(few)):
        raise Transient(
            f"{SOURCE} {session}", expected="a bar of every symbol that trades", found=f"none of {len(owed)}",
            keys=owed, do=f"Run it again later; {_LEAVE_OUT}",
        )  # fmt: skip


def _complete(
    symbols: Sequence[str], unknown: Sequence[str], sessions: Sequence[date], seen: set[date], now: datetime
) -> None:
    if len(unknown) == len(symbols):
        do = "Check MARKETLAKE_US_SYMBOLS"
        raise Permanent(SOURCE, expected="symbols that it knows", found="none known", keys=unknown, do=do)
    for session in sessions:
        if session not in seen:
            raise not_there(SOURCE, session, now, f"no bar of any of {len(symbols)} symbols")


def _error(body: Any) -> dict[str, Any] | None:
    chart = body.get("chart") or body.get("finance") if isinstance(body, dict) else None
    error = chart.get("error") if isinstance(chart, dict) else None
    return error if isinstance(error, dict) else None


def _has_no_bars(body: Any) -> bool:
    """True where Yahoo has the symbol and nothing within the window: it was listed later, is gone, or rests."""
    error = _error(body) or {}
    return error.get("code") == "Bad Request" and str(error.get("description")).startswith("Data doesn't exist")


def _is_unknown(body: Any) -> bool:
    error = _error(body)
    return error is not None and error.get("code") == "Not Found"
