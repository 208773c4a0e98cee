"""From Yahoo's chart to rows: bars, dividends and splits, each under its date at its exchange; a changed format is drift.

What does not belong here: asking, and which symbols (`lake.clients.yahoo`).
"""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from itertools import accumulate
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pyarrow as pa

from lake.delivery import SchemaDrift, noting, own_columns
from lake.host import Answer
from market import calendars, identity, registry

TABLE = "bronze.yahoo_chart"
SLACK = timedelta(days=7)
"""How far from the sessions asked for an instant may be."""

_PRICES = ("open", "high", "low", "close", "volume")
_NUMBERS = (*_PRICES, "dividend", "numerator", "denominator")
_CHART = ("meta", "timestamp", "events", "indicators")
_DAY_S = 86_400
_EARLIEST_S = -2_208_988_800  # 1900, before any chart


def schema() -> pa.Schema:
    """The source's own columns, and where each row belongs."""
    return pa.schema([*own_columns(registry.table(TABLE)), ("session_date", pa.date32()), ("row_no", pa.int32())])


@dataclass(frozen=True)
class _Row:
    """A bar or an event: its place in the payload, its kind, its instant (epoch seconds) and its numbers."""

    row_no: int
    kind: str
    at: int
    numbers: Mapping[str, float | None]


def rows(answer: Answer, symbol: str, sessions: Sequence[date], now: datetime) -> pa.Table:
    """Bars and events of these sessions of the symbol's exchange, with their place in the payload; see `schema`.

    Raises
    ------
    SchemaDrift
        Another form, another type, an instant far from the sessions, or a chart of another exchange or currency.
    """
    where = f"{answer.url_redacted} of yahoo"
    chart, exchange = _chart(answer.body, where), identity.yahoo_exchange(symbol)
    meta = chart["meta"]
    _refuse_foreign(meta, exchange, where)
    found = [*_bars(chart, where), *_events(chart, where)]
    found = [_Row(row_no, row.kind, row.at, row.numbers) for row_no, row in enumerate(found)]
    _refuse_strange(found, exchange, sessions, now, where)
    dates = [_session_of(row.at, meta, exchange) for row in found]
    later = _later_splits([(day, row) for day, row in zip(dates, found, strict=True) if row.kind == "split"])
    kept = [(day, row) for day, row in zip(dates, found, strict=True) if _is_wanted(day, row, exchange, sessions, now)]
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
        "first_trade": [_first_trade(meta, exchange, now)] * n,
        "session_date": [day for day, _ in kept],
        "row_no": [row.row_no for _, row in kept],
    }
    try:
        table = pa.table([pa.array(columns[field.name], field.type) for field in schema()], schema=schema())
        return noting(table, _unknown(chart))
    except (pa.ArrowTypeError, pa.ArrowInvalid, OverflowError) as error:
        raise SchemaDrift(where, expected="numbers in the chart", found=str(error)) from error


def owes_a_bar(body: Any, symbol: str, session: date, now: datetime) -> bool:
    """True where a chart has nothing for a closed session although its own words say that the symbol traded then.

    A bar without numbers counts as one: Yahoo says that the symbol did not trade. Where it does not tell since when and until
    when the symbol trades, nothing is owed: it may be listed later, or delisted.
    """
    exchange = identity.yahoo_exchange(symbol)
    if calendars.close_at(exchange, session) > now:
        return False
    chart = body["chart"]["result"][0]
    meta = chart["meta"]
    first, last = _first_trade(meta, exchange, now), meta.get("regularMarketTime")
    if first is None or not _is_past(last, now):
        return False
    is_trading = first <= session <= _session_of(last, meta, exchange)
    return is_trading and session not in {_session_of(at, meta, exchange) for at in chart.get("timestamp") or []}


def bar_dates(table: pa.Table) -> set[date]:
    """The sessions that have a bar."""
    kinds, days = table.column("kind").to_pylist(), table.column("session_date").to_pylist()
    return {day for kind, day in zip(kinds, days, strict=True) if kind == "bar"}


def _refuse_foreign(meta: Mapping[str, Any], exchange: str, where: str) -> None:
    """Raises SchemaDrift where the chart says that it is of other clocks or other money than the symbol's exchange, or not of days."""
    own = {"exchangeTimezoneName": calendars.EXCHANGES[exchange], "currency": identity.CURRENCIES[exchange]}
    own["dataGranularity"] = "1d"
    told = {name: meta.get(name) for name in own} | {"exchangeTimezoneName": _named_zone(meta)}
    foreign = {name: value for name, value in told.items() if value is not None and str(value) != own[name]}
    if foreign:
        raise SchemaDrift(
            where, expected=f"a daily chart of {exchange}: {', '.join(f'{name} {own[name]}' for name in foreign)}",
            found=", ".join(f"{name} {value}" for name, value in foreign.items()),
            do="Where it is no share of that exchange, take the symbol out of the settings",
        )  # fmt: skip


def _refuse_strange(found: Sequence[_Row], exchange: str, sessions: Sequence[date], now: datetime, where: str) -> None:
    """Raises SchemaDrift where an instant is none, or far from those asked for: its row would belong to no session, and vanish."""
    first = datetime.combine(sessions[0], time(), ZoneInfo(calendars.EXCHANGES[exchange])) - SLACK
    for row in found:
        if type(row.at) is not int or not first.timestamp() <= row.at <= (now + SLACK).timestamp():
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


def _session_of(at: int, meta: Mapping[str, Any], exchange: str) -> date:
    """The date at the exchange; the zone's name follows daylight saving, the offset of today does not."""
    zone: tzinfo | None = _named_zone(meta)
    offset = meta.get("gmtoffset")
    if zone is None and type(offset) is int and abs(offset) < _DAY_S:
        zone = timezone(timedelta(seconds=offset))
    return datetime.fromtimestamp(at, zone or ZoneInfo(calendars.EXCHANGES[exchange])).date()


def _named_zone(meta: Mapping[str, Any]) -> ZoneInfo | None:
    """The zone that the chart names; None where it names none that there is."""
    try:
        return ZoneInfo(str(meta["exchangeTimezoneName"]))
    except (KeyError, ValueError, OSError, ZoneInfoNotFoundError):  # OSError: a name such as America is a folder
        return None


def _first_trade(meta: Mapping[str, Any], exchange: str, now: datetime) -> date | None:
    """Since when whoever has the symbol now is traded; None where Yahoo tells no such day. Before 1970 it counts backwards."""
    at: Any = meta.get("firstTradeDate")
    return _session_of(at, meta, exchange) if _is_past(at, now) else None


def _is_past(at: Any, now: datetime) -> bool:
    return type(at) is int and _EARLIEST_S <= at <= now.timestamp() + _DAY_S


def _later_splits(splits: Sequence[tuple[date, _Row]]) -> Any:
    """The product of the ratios of all splits strictly after a day."""
    newest_first = sorted(splits, key=lambda split: split[0], reverse=True)
    days = [day for day, _ in newest_first]
    ratios = [float(row.numbers["numerator"] or 1) / float(row.numbers["denominator"] or 1) for _, row in newest_first]
    products = [1.0, *accumulate(ratios, lambda so_far, ratio: so_far * ratio)]
    return lambda day: products[sum(split_day > day for split_day in days)]


def _is_wanted(day: date, row: _Row, exchange: str, sessions: Sequence[date], now: datetime) -> bool:
    """Asked for and closed. A bar on a day that is no session goes on under its own date: silver quarantines it."""
    if calendars.is_session(exchange, day):
        return day in sessions and calendars.close_at(exchange, day) <= now
    return row.kind == "bar" and sessions[0] < day < sessions[-1]
