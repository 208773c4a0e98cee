"""Yahoo's v8 chart (query2.finance.yahoo.com): one symbol's daily bars, adjusted for the splits known by now.

No key. Prices are float32 widened to float64, as Yahoo sends them; a split rescales all history from its ex day on, so
the same bar changes between two requests. Korean charts are of the world's own KRX rows (exchange.wires.yahoo_korean). What does not belong here: cookies, crumbs, intervals other than a day.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from exchange.clock import NEW_YORK, Clock, epoch
from exchange.model import Chart, Float64, World
from exchange.wires import yahoo_korean
from exchange.wires.answer import Answer, Ask
from market import calendars, identity

_PATH = re.compile(r"^/v8/finance/chart/([^/]+)$")
_TYPE = "application/json;charset=utf-8"
_RANGES = ["1d", "5d", "1mo", "3mo", "6mo", "1y", "2y", "5y", "10y", "ytd", "max"]
_RANGE_DAYS = {"1d": 1, "5d": 7, "1mo": 31, "3mo": 92, "6mo": 183, "1y": 366, "2y": 731, "5y": 1827, "10y": 3653}
_INTERVALS = ("1d",)


class Yahoo:
    """The chart host."""

    def __init__(self, _keys: Mapping[str, str]) -> None:
        """Yahoo asks for no key."""

    def answer(self, ask: Ask, world: World, clock: Clock) -> Answer:
        """The chart of a symbol between period1 and period2 (epoch seconds) or over ``range``."""
        route = _PATH.match(ask.path)
        if route is None:
            return _error(404, "Not Found", "HTTP 404 Not Found")
        symbol = route.group(1).upper()
        chart = world.charts.get(symbol) or yahoo_korean.chart(world, symbol, clock)
        if chart is None:
            return _error(404, "Not Found", "No data found, symbol may be delisted")
        interval = ask.query.get("interval", "1d")
        if interval not in _INTERVALS:
            return _error(422, "Unprocessable Entity", f"Invalid input - interval={interval} is not supported.")
        try:
            begin, end = _window(ask.query, clock)
        except ValueError:
            return _error(400, "Bad Request", "Invalid input - start date or end date is not a number.")
        if begin >= end:
            return _error(400, "Bad Request", "Invalid input - start date cannot be after end date.")
        result = _result(chart, begin, end, ask.query, clock)
        last = [datetime.fromtimestamp(at, _zone(chart)).date() for at in result.get("timestamp", [])[-1:]]
        body = {"chart": {"result": [result], "error": None}}
        return Answer(body, content_type=_TYPE, rows=("chart", "result"), session=last[0] if last else None)

    def expired_key(self) -> Answer:
        """Yahoo's nearest: a crumb it no longer takes."""
        return Answer(
            {"finance": {"result": None, "error": {"code": "Unauthorized", "description": "Invalid Crumb"}}},
            status=401,
            content_type=_TYPE,
        )

    def quota_spent(self) -> Answer:
        """Yahoo has no daily quota; it throttles."""
        return Answer(b"Too Many Requests", 429, "text/plain")

    def error_body(self) -> Answer:
        """The not-found body with HTTP 200, which Yahoo sends at times."""
        return _error(200, "Not Found", "No data found, symbol may be delisted")


def _error(status: int, code: str, description: str) -> Answer:
    body = {"chart": {"result": None, "error": {"code": code, "description": description}}}
    return Answer(body, status=status, content_type=_TYPE)


def _window(query: Mapping[str, str], clock: Clock) -> tuple[int, int]:
    """The half-open window in epoch seconds. Raises ValueError where a period is no number."""
    if "period1" in query or "period2" in query:
        return int(query.get("period1", "0")), int(query.get("period2", str(clock.seconds)))
    days = _RANGE_DAYS.get(query.get("range", "1mo"))
    if query.get("range") == "ytd":
        days = clock.now.timetuple().tm_yday
    begin = clock.now - timedelta(days=days) if days else datetime.fromtimestamp(0, NEW_YORK)
    return epoch(begin), clock.seconds + 1


def _result(chart: Chart, begin: int, end: int, query: Mapping[str, str], clock: Clock) -> dict[str, Any]:
    now = clock.seconds
    # The session under way is shown as a live bar, unfinished, as Yahoo appends it.
    started = int(np.searchsorted(chart.opens_at, now, side="right"))
    closed = int(np.searchsorted(chart.closes_at, now, side="right"))
    today = clock.now.astimezone(_zone(chart)).date()
    factor, cash = _factors(chart, today)
    shown = np.flatnonzero((chart.opens_at[:started] >= begin) & (chart.opens_at[:started] < end))
    result: dict[str, Any] = {"meta": _meta(chart, shown, factor, closed, query, clock)}
    if shown.size == 0:
        result["indicators"] = {"quote": [{}]}
        return result
    result["timestamp"] = chart.opens_at[shown].tolist()
    events = _events(chart, shown, today, query)
    if events:
        result["events"] = events
    is_live = started > closed and int(shown[-1]) == closed
    quote = _quote(chart, factor, shown, _progress(chart, closed, now) if is_live else None)
    close = np.array(quote["close"])
    result["indicators"] = {"quote": [quote], "adjclose": [{"adjclose": _float32(close * cash[shown])}]}
    return result


def _progress(chart: Chart, closed: int, now: int) -> float:
    """How much of the session under way has passed, as a fraction."""
    return (now - int(chart.opens_at[closed])) / (int(chart.closes_at[closed]) - int(chart.opens_at[closed]))


def _quote(chart: Chart, factor: Float64, shown: np.ndarray, live: float | None) -> dict[str, Any]:
    bars = {name: chart.prices[name][shown] / factor[shown] for name in ("open", "high", "low", "close")}
    volume = np.rint(chart.volume[shown] * factor[shown])
    if live is not None:
        # Made from the open and yesterday's volume alone: an unfinished bar must not tell how its session ends.
        opened, before = bars["open"][-1], max(int(shown[-1]) - 1, 0)
        last = opened * (1 + 0.004 * np.sin(7 * live + len(chart.symbol)))
        bars["close"][-1], bars["high"][-1], bars["low"][-1] = last, max(last, opened), min(last, opened)
        volume[-1] = np.rint(chart.volume[before] * factor[before] * live)
    quote: dict[str, Any] = {name: _float32(bars[name]) for name in ("open", "high", "low", "close")}
    quote["volume"] = volume.astype(np.int64).tolist()
    return quote


def _factors(chart: Chart, today: date) -> tuple[Float64, Float64]:
    """(n_sessions,) split divisor and dividend multiplier of each bar, from the events that are ex by ``today``."""
    days = np.array([day.toordinal() for day in chart.sessions])
    splits, cash = np.ones(days.size), np.ones(days.size)
    for day, new, old in chart.splits:
        if day <= today:
            splits[days < day.toordinal()] *= new / old
    for day, amount in chart.dividends:
        if day <= today:
            at = int(np.searchsorted(days, day.toordinal()))
            if at:
                cash[:at] *= 1 - amount / _previous_close(chart, at)
    return splits, cash


def _previous_close(chart: Chart, at: int) -> float:
    """The raw close before session ``at`` in that session's shares."""
    close = float(chart.prices["close"][at - 1])
    for day, new, old in chart.splits:
        if day == chart.sessions[at]:
            close *= old / new
    return close


def _events(chart: Chart, shown: np.ndarray, today: date, query: Mapping[str, str]) -> dict[str, Any]:
    asked = {word for word in re.split(r"[,|]", query.get("events", ""))}
    opens = {chart.sessions[i]: int(chart.opens_at[i]) for i in shown.tolist()}
    found: dict[str, Any] = {}
    if asked & {"div", "dividends"}:
        paid = [
            (opens[d], _split_adjusted(chart, d, a, today)) for d, a in chart.dividends if d in opens and d <= today
        ]
        if paid:
            found["dividends"] = {str(at): {"amount": amount, "date": at} for at, amount in paid}
    if asked & {"split", "splits"}:
        split = [(opens[d], new, old) for d, new, old in chart.splits if d in opens and d <= today]
        if split:
            found["splits"] = {
                str(at): {"date": at, "numerator": new, "denominator": old, "splitRatio": f"{new}:{old}"}
                for at, new, old in split
            }
    return found


def _split_adjusted(chart: Chart, ex: date, amount: float, today: date) -> float:
    for day, new, old in chart.splits:
        if ex < day <= today:
            amount *= old / new
    return round(amount, 6)


def _meta(
    chart: Chart, shown: np.ndarray, factor: Float64, closed: int, query: Mapping[str, str], clock: Clock
) -> dict[str, Any]:
    zone = _zone(chart)
    offset = clock.now.astimezone(zone).utcoffset() or timedelta(0)
    meta: dict[str, Any] = {
        "currency": identity.CURRENCIES[chart.exchange],
        "symbol": chart.symbol,
        "exchangeName": chart.exchange_name,
        "fullExchangeName": chart.full_exchange_name,
        "instrumentType": "EQUITY",
        "firstTradeDate": chart.first_trade,
    }
    if closed:
        last = closed - 1
        year = slice(max(0, closed - 252), closed)
        adjusted = {name: chart.prices[name] / factor for name in ("high", "low", "close")}
        meta["regularMarketTime"] = int(chart.closes_at[last]) + 1
        meta |= {"hasPrePostMarketData": True, "gmtoffset": int(offset.total_seconds())}
        meta |= {"timezone": clock.now.astimezone(zone).tzname(), "exchangeTimezoneName": zone.key}
        meta["regularMarketPrice"] = round(float(adjusted["close"][last]), 2)
        meta["fiftyTwoWeekHigh"] = round(float(adjusted["high"][year].max()), 2)
        meta["fiftyTwoWeekLow"] = round(float(adjusted["low"][year].min()), 2)
        meta["regularMarketDayHigh"] = round(float(adjusted["high"][last]), 2)
        meta["regularMarketDayLow"] = round(float(adjusted["low"][last]), 2)
        meta["regularMarketVolume"] = int(np.rint(chart.volume[last] * factor[last]))
    meta |= {"longName": chart.name, "shortName": chart.name}
    if shown.size and shown[0] > 0:
        meta["chartPreviousClose"] = round(float(chart.prices["close"][shown[0] - 1] / factor[shown[0] - 1]), 3)
    meta |= {
        "priceHint": 2,
        "currentTradingPeriod": _trading_period(chart.exchange, clock, offset),
        "dataGranularity": "1d",
    }
    meta |= {"range": query.get("range", ""), "validRanges": list(_RANGES)}
    return meta


def _zone(chart: Chart) -> ZoneInfo:
    return ZoneInfo(calendars.EXCHANGES[chart.exchange])


def _trading_period(exchange: str, clock: Clock, offset: timedelta) -> dict[str, Any]:
    now = clock.now.astimezone(ZoneInfo(calendars.EXCHANGES[exchange]))
    day, zone = now.date(), now.tzname()
    if not calendars.is_session(exchange, day):
        day = calendars.next_session(exchange, day)
    opens, closes = epoch(calendars.open_at(exchange, day)), epoch(calendars.close_at(exchange, day))
    spans = {"pre": (opens - 19_800, opens), "regular": (opens, closes), "post": (closes, closes + 14_400)}
    return {
        name: {"timezone": zone, "start": start, "end": end, "gmtoffset": int(offset.total_seconds())}
        for name, (start, end) in spans.items()
    }


def _float32(values: Float64) -> list[float]:
    widened: list[float] = np.asarray(values, np.float32).astype(np.float64).tolist()
    return widened
