"""Yahoo v8 chart: daily bars, dividends and splits of one symbol per call. Wire: `/v8/finance/chart/<symbol>`.

Prices are split-adjusted up to the moment of the request, so every request reaches to now: the splits after a row are then in
the same payload, and their product stands beside the row. What does not belong here: undoing them (silver).
"""

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from itertools import accumulate
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pyarrow as pa
from loguru import logger

from lake.delivery import ClientContext, Delivery, SchemaDrift, deliver, not_there, noting, own_columns
from lake.host import Answer, Call, Host, Reply
from lake.http import Fetcher
from lake.pace import in_order
from market import calendars, registry
from market.errors import MarketlakeError, Permanent, Transient
from market.sources import SOURCES

SOURCE = "yahoo"
TABLES = ("bronze.yahoo_chart",)
LIVE = "https://query2.finance.yahoo.com"

_EXCHANGE = SOURCES[SOURCE].exchange
_ZONE = ZoneInfo(calendars.EXCHANGES[_EXCHANGE])
_PRICES = ("open", "high", "low", "close", "volume")
_NUMBERS = (*_PRICES, "dividend", "numerator", "denominator")
_CHART = ("meta", "timestamp", "events", "indicators")
_SLACK = timedelta(days=7)
_DAY_S = 86_400
_EARLIEST_S = -2_208_988_800  # 1900, before any chart
_TRANSIENT_CODES = ("Internal Server Error", "internal-error", "Service Unavailable", "Too Many Requests")


@dataclass(frozen=True)
class _Row:
    """A bar or an event: its place in the payload, its kind, its instant (epoch seconds) and its numbers."""

    row_no: int
    kind: str
    at: int
    numbers: Mapping[str, float | None]


def deliveries(session_dates: Sequence[date], ctx: ClientContext) -> Iterator[Delivery]:
    """Bars and events of every symbol for these sessions, one payload per symbol, from the first session up to now.

    Raises
    ------
    Permanent
        No symbol is known to Yahoo; or a session past due has no bar of any symbol.
    Transient
        A session that is not due yet has none; or a symbol has none of the last session although Yahoo says that it trades.
    """
    sessions = [day for day in sorted(set(session_dates)) if ctx.world.covers(SOURCE, day)]
    symbols = ctx.world.symbols(SOURCE)
    if not sessions or not symbols:
        return
    now = ctx.clock(SOURCE)()
    seen: set[date] = set()
    unknown: list[str] = []
    owing: list[str] = []
    with ctx.fetcher(host(ctx)) as fetcher:
        answers = in_order(lambda s: _ask(fetcher, s, sessions, now), symbols, ctx.settings.http_parallel)
        for symbol, answer in zip(symbols, answers, strict=True):
            if _is_unknown(answer.body):
                unknown.append(symbol)
                logger.warning("symbol unknown", source=SOURCE, symbol=symbol, request=answer.request)
            delivery = _delivery(answer, symbol, sessions, now)
            seen.update(_bar_dates(delivery.rows))
            if delivery.problem is None and _owes_a_bar(answer.body, sessions[-1], now):
                owing.append(symbol)
            yield delivery
    _complete(symbols, unknown, sessions, seen, now)
    named = ctx.world.covered.get(SOURCE, {}).get("symbols", ())
    _whole(sorted({*owing, *(symbol for symbol in unknown if symbol in named)}), sessions[-1])


def host(ctx: ClientContext) -> Host:
    """Where Yahoo is; it asks for no key."""
    return Host(SOURCE, ctx.base_url(SOURCE, LIVE), complaint=complaint, pace_per_s=2.0)


def one_call(ctx: ClientContext, session: date) -> Call:
    """One symbol's bars of a few days; that the symbol is unknown there is an answer too."""
    begin = datetime.combine(session, time(), _ZONE)
    params = {"period1": f"{begin.timestamp():.0f}", "period2": f"{(begin + _SLACK).timestamp():.0f}", "interval": "1d"}
    return Call(host(ctx), "/v8/finance/chart/AAPL", params, accept=(200, 404))


def complaint(reply: Reply) -> MarketlakeError | None:
    """Yahoo's own no: `chart.error`, with any HTTP status; an unknown symbol, told with 404, is an answer."""
    error = _error(reply.body)
    if error is None:
        return None
    found = f"{error.get('code')}: {error.get('description')}"
    if _is_unknown(reply.body):
        do = "Yahoo says so at times of symbols that it has; take one that is really gone out of MARKETLAKE_US_SYMBOLS"
        return None if reply.status == 404 else Transient(reply.where, expected="a chart", found=found, do=do)
    if reply.status == 429 or reply.status >= 500 or error.get("code") in _TRANSIENT_CODES:
        return Transient(reply.where, expected="a chart", found=found)
    return Permanent(reply.where, expected="a chart", found=found, do="Check the symbol and MARKETLAKE_YAHOO_BASE_URL")


def _ask(fetcher: Fetcher, symbol: str, sessions: Sequence[date], now: datetime) -> Answer:
    params = {
        "period1": str(int(datetime.combine(sessions[0], time(), _ZONE).timestamp())),
        "period2": str(int(now.timestamp())),
        "interval": "1d",
        "includePrePost": "false",
        "events": "div,splits,capitalGains",
    }

    def answer() -> Answer:
        path = f"/v8/finance/chart/{symbol}"
        return fetcher.get(path, params, sessions[-1], now_params=("period2",), accept=(200, 404))

    first = answer()
    return answer() if _is_unknown(first.body) else first  # nobody is taken for delisted on one word


def _delivery(answer: Answer, symbol: str, sessions: Sequence[date], now: datetime) -> Delivery:
    schema = pa.schema([*own_columns(registry.table(TABLES[0])), ("session_date", pa.date32()), ("row_no", pa.int32())])
    problem: Permanent | None = None
    rows = schema.empty_table()
    if not _is_unknown(answer.body):
        try:
            rows = _rows(answer, symbol, sessions, now, schema)
        except SchemaDrift as drift:
            problem = drift
    return deliver(answer, TABLES[0], sessions[-1], symbol, rows, problem=problem)


def _rows(answer: Answer, symbol: str, sessions: Sequence[date], now: datetime, schema: pa.Schema) -> pa.Table:
    where = f"{answer.url_redacted} of {SOURCE}"
    chart = _chart(answer.body, where)
    meta = chart["meta"]
    found = [*_bars(chart, where), *_events(chart, where)]
    found = [_Row(row_no, row.kind, row.at, row.numbers) for row_no, row in enumerate(found)]
    _refuse_strange(found, sessions, now, where)
    dates = [_session_of(row.at, meta) for row in found]
    later = _later_splits([(day, row) for day, row in zip(dates, found, strict=True) if row.kind == "split"])
    kept = [(day, row) for day, row in zip(dates, found, strict=True) if _is_wanted(day, row, sessions, now)]
    n = len(kept)
    columns: dict[str, Any] = {
        "symbol": [symbol] * n,
        "kind": [row.kind for _, row in kept],
        "bar_at": [datetime.fromtimestamp(row.at, UTC) for _, row in kept],
        **{name: [row.numbers.get(name) for _, row in kept] for name in _NUMBERS},
        "later_splits": [later(day) for day, _ in kept],
        "currency": [meta.get("currency")] * n,
        "exchange_name": [meta.get("exchangeName")] * n,
        "price_hint": [meta.get("priceHint")] * n,
        "long_name": [meta.get("longName")] * n,
        "first_trade": [_first_trade(meta, now)] * n,
        "session_date": [day for day, _ in kept],
        "row_no": [row.row_no for _, row in kept],
    }
    try:
        table = pa.table([pa.array(columns[field.name], field.type) for field in schema], schema=schema)
        return noting(table, _unknown(chart))
    except (pa.ArrowTypeError, pa.ArrowInvalid, OverflowError) as error:
        raise SchemaDrift(where, expected="numbers in the chart", found=str(error)) from error


def _refuse_strange(found: Sequence[_Row], sessions: Sequence[date], now: datetime, where: str) -> None:
    """Raises SchemaDrift where an instant is none, or far from those asked for: its row would belong to no session, and vanish."""
    first = datetime.combine(sessions[0], time(), _ZONE) - _SLACK
    for row in found:
        if type(row.at) is not int or not first.timestamp() <= row.at <= (now + _SLACK).timestamp():
            expected = f"epoch seconds between {sessions[0]} and {now.date()}"
            raise SchemaDrift(where, expected=expected, found=f"a {row.kind} at {row.at!r}")


def _chart(body: Any, where: str) -> dict[str, Any]:
    try:
        chart = body["chart"]["result"][0]
        if not isinstance(chart["meta"], dict) or not isinstance(chart["indicators"]["quote"][0], dict):
            raise TypeError("meta or quote is no object")
        return dict(chart)
    except (KeyError, IndexError, TypeError) as error:
        raise SchemaDrift(
            where, expected="chart.result[0] with meta, indicators.quote[0]", found=f"{type(error).__name__} {error}",
            do="Yahoo changed its format: compare the kept payload with the contract",
        ) from error  # fmt: skip


def _unknown(chart: Mapping[str, Any]) -> set[str]:
    """Names beside those of a chart, an indicator, a bar and an event that there have always been."""
    told = {"": (chart, _CHART), "indicators.": (chart["indicators"], ("quote", "adjclose")),
            "quote.": (chart["indicators"]["quote"][0], _PRICES),
            "events.": (chart.get("events") or {}, ("dividends", "splits", "capitalGains"))}  # fmt: skip
    return {f"{place}{name}" for place, (part, known) in told.items() for name in part if name not in known}


def _bars(chart: Mapping[str, Any], where: str) -> list[_Row]:
    """Bars in the order of the payload; one without any number is a day on which the symbol did not trade."""
    times, quote = chart.get("timestamp"), chart["indicators"]["quote"][0]
    if times is None or times == []:
        if any(quote.values()):
            raise SchemaDrift(where, expected="timestamps of the bars", found="none")
        return []
    if not isinstance(times, list):
        raise SchemaDrift(where, expected="a list of timestamps", found=type(times).__name__)
    missing = [name for name in _PRICES if not isinstance(quote.get(name), list)]
    uneven = [name for name in _PRICES if name not in missing and len(quote[name]) != len(times)]
    if missing or uneven:
        found = f"none of {', '.join(missing)}" if missing else f"another number of {', '.join(uneven)}"
        raise SchemaDrift(
            where, expected=f"{', '.join(_PRICES)} for each of {len(times)} timestamps",
            found=f"{found}; there are {', '.join(sorted(quote))}",
            do="Yahoo changed its format: compare the kept payload with the contract",
        )  # fmt: skip
    bars = (
        _Row(0, "bar", at, {name: _number(quote[name][i], name, where) for name in _PRICES})
        for i, at in enumerate(times)
    )
    return [bar for bar in bars if any(value is not None for value in bar.numbers.values())]


def _events(chart: Mapping[str, Any], where: str) -> list[_Row]:
    events = chart.get("events") or {}
    try:
        dividends = sorted((d["date"], d["amount"]) for d in events.get("dividends", {}).values())
        splits = sorted((s["date"], s["numerator"], s["denominator"]) for s in events.get("splits", {}).values())
    except (KeyError, TypeError, AttributeError) as error:
        raise SchemaDrift(where, expected="dividends and splits with date and numbers", found=repr(error)) from error
    return [
        *(_Row(0, "dividend", at, {"dividend": _number(amount, "dividend", where)}) for at, amount in dividends),
        *(
            _Row(0, "split", at, {"numerator": _number(new, "numerator", where), "denominator": _number(old, "denominator", where)})
            for at, new, old in splits
        ),
    ]  # fmt: skip


def _number(value: Any, name: str, where: str) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) <= sys.float_info.max:
        raise SchemaDrift(where, expected=f"a number in {name}", found=f"{type(value).__name__} {value!r}")
    return float(value)


def _session_of(at: int, meta: Mapping[str, Any]) -> date:
    """The date at the exchange; the zone's name follows daylight saving, the offset of today does not."""
    zone: tzinfo = _ZONE
    try:
        zone = ZoneInfo(str(meta["exchangeTimezoneName"]))
    except (KeyError, ValueError, OSError, ZoneInfoNotFoundError):  # OSError: a name such as America is a folder
        offset = meta.get("gmtoffset")
        if type(offset) is int and abs(offset) < _DAY_S:
            zone = timezone(timedelta(seconds=offset))
    return datetime.fromtimestamp(at, zone).date()


def _first_trade(meta: Mapping[str, Any], now: datetime) -> date | None:
    """Since when whoever has the symbol now is traded; None where Yahoo tells no such day. Before 1970 it counts backwards."""
    at: Any = meta.get("firstTradeDate")
    return _session_of(at, meta) if _is_past(at, now) else None


def _is_past(at: Any, now: datetime) -> bool:
    return type(at) is int and _EARLIEST_S <= at <= now.timestamp() + _DAY_S


def _later_splits(splits: Sequence[tuple[date, _Row]]) -> Any:
    """The product of the ratios of all splits strictly after a day."""
    newest_first = sorted(splits, key=lambda split: split[0], reverse=True)
    days = [day for day, _ in newest_first]
    ratios = [float(row.numbers["numerator"] or 1) / float(row.numbers["denominator"] or 1) for _, row in newest_first]
    products = [1.0, *accumulate(ratios, lambda so_far, ratio: so_far * ratio)]
    return lambda day: products[sum(split_day > day for split_day in days)]


def _is_wanted(day: date, row: _Row, sessions: Sequence[date], now: datetime) -> bool:
    """Asked for and closed. A bar on a day that is no session goes on under its own date: silver quarantines it."""
    if calendars.is_session(_EXCHANGE, day):
        return day in sessions and calendars.close_at(_EXCHANGE, day) <= now
    return row.kind == "bar" and sessions[0] < day < sessions[-1]


def _bar_dates(rows: pa.Table) -> set[date]:
    kinds, days = rows.column("kind").to_pylist(), rows.column("session_date").to_pylist()
    return {day for kind, day in zip(kinds, days, strict=True) if kind == "bar"}


def _owes_a_bar(body: Any, session: date, now: datetime) -> bool:
    """True where a chart has nothing for a closed session although its own words say that the symbol traded then.

    A bar without numbers counts as one: Yahoo says that the symbol did not trade. Where it does not tell since when and until
    when the symbol trades, nothing is owed: it may be listed later, or delisted.
    """
    if _is_unknown(body) or calendars.close_at(_EXCHANGE, session) > now:
        return False
    chart = body["chart"]["result"][0]
    meta = chart["meta"]
    first, last = _first_trade(meta, now), meta.get("regularMarketTime")
    if first is None or not _is_past(last, now):
        return False
    is_trading = first <= session <= _session_of(last, meta)
    return is_trading and session not in {_session_of(at, meta) for at in chart.get("timestamp") or []}


def _whole(missing: Sequence[str], session: date) -> None:
    """Raises Transient where symbols that trade are missing: a session without them must not pass for complete."""
    if missing:
        raise Transient(
            f"{SOURCE} {session}", expected="a bar of every symbol that trades", found=f"none of {len(missing)}",
            keys=missing, do="Run it again later; take a symbol that is really gone out of MARKETLAKE_US_SYMBOLS",
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


def _is_unknown(body: Any) -> bool:
    error = _error(body)
    return error is not None and error.get("code") == "Not Found"
