"""Yahoo's chart: splits, zones, gaps and unknown symbols, from bodies as Yahoo sends them."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest

from lake.clients import yahoo
from lake.delivery import ClientContext, Delivery, SchemaDrift
from lake.settings import Settings
from lake.world import open_world
from market.errors import Permanent, Transient
from market.sources import SOURCES

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data"
NEW_YORK = ZoneInfo("America/New_York")
WEEK = [date(2024, 5, day) for day in (6, 7, 8, 9, 10)]


@pytest.fixture
def ask(make: Callable[..., Settings]) -> Callable[..., Iterator[Delivery]]:
    """Deliveries of the symbol AAA for some sessions, from a host that always answers this."""

    def deliveries(
        body: Any,
        sessions: list[date] = WEEK,
        *,
        status: int = 200,
        symbols: str = "AAA",
        others: Mapping[str, Any] | None = None,
        named: tuple[str, ...] = (),
    ) -> Iterator[Delivery]:
        live = {source.setting("base_url"): "live" for source in SOURCES.values()}
        settings = make(us_symbols=symbols, **live)
        unknown = {"chart": {"result": None, "error": {"code": "Not Found", "description": "No data found"}}}

        def host(request: httpx.Request) -> httpx.Response:
            symbol = request.url.path.rpartition("/")[2]
            is_gone = symbol == "GONE"
            told = unknown if is_gone else (others or {}).get(symbol, body)
            return httpx.Response(404 if is_gone else status, json=told)

        transport = httpx.MockTransport(host)
        world = replace(open_world(settings), covered={"yahoo": {"symbols": named}})
        return yahoo.deliveries(sessions, ClientContext(settings, world, transport=transport))

    return deliveries


def opens(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, 9, 30, tzinfo=NEW_YORK).timestamp())


def chart(days: list[date], closes: list[float | None], events: dict[str, Any] | None = None) -> dict[str, Any]:
    """A body as Yahoo's, all four prices and the volume alike."""
    quote = {name: closes for name in ("open", "high", "low", "close", "volume")}
    meta = {"currency": "USD", "exchangeName": "NYQ", "exchangeTimezoneName": "America/New_York", "gmtoffset": -14400, "priceHint": 2}  # fmt: skip
    result: dict[str, Any] = {"meta": meta, "timestamp": [opens(day) for day in days], "indicators": {"quote": [quote]}}
    if events:
        result["events"] = events
    return {"chart": {"result": [result], "error": None}}


def split(day: date, new: float, old: float) -> dict[str, Any]:
    at = opens(day)
    return {str(at): {"date": at, "numerator": new, "denominator": old, "splitRatio": f"{new}:{old}"}}


def test_the_product_of_the_later_splits_stands_beside_every_row(ask: Callable[..., Iterator[Delivery]]) -> None:
    splits = {**split(WEEK[1], 4, 1), **split(WEEK[3], 3, 2)}
    [delivery] = ask(chart(WEEK, [1.0] * 5, {"splits": splits}))
    rows = delivery.rows.to_pylist()
    assert [r["later_splits"] for r in rows if r["kind"] == "bar"] == [6.0, 1.5, 1.5, 1.0, 1.0]
    assert [(r["numerator"], r["later_splits"]) for r in rows if r["kind"] == "split"] == [(4.0, 1.5), (3.0, 1.0)]


def test_splits_after_the_sessions_asked_for_still_count(ask: Callable[..., Iterator[Delivery]]) -> None:
    [delivery] = ask(chart(WEEK, [1.0] * 5, {"splits": split(WEEK[4], 10, 1)}), WEEK[:2])
    assert delivery.rows.column("later_splits").to_pylist() == [10.0, 10.0]


def test_a_bar_without_any_number_is_left_out_and_keeps_its_place(ask: Callable[..., Iterator[Delivery]]) -> None:
    body = chart(WEEK, [1.0, None, 3.0, 4.0, 5.0])
    body["chart"]["result"][0]["indicators"]["quote"][0]["high"] = [1.0, None, None, 4.0, 5.0]
    rows = next(ask(body)).rows.to_pylist()
    assert [r["session_date"] for r in rows] == [WEEK[0], *WEEK[2:]]
    assert rows[1]["high"] is None


def test_a_bar_on_a_day_without_a_session_goes_on_under_its_own_date(ask: Callable[..., Iterator[Delivery]]) -> None:
    saturday, monday = date(2024, 5, 11), date(2024, 5, 13)
    [delivery] = ask(chart([*WEEK, saturday, monday], [1.0] * 7), [*WEEK, monday])
    assert delivery.rows.column("session_date").to_pylist() == [*WEEK, saturday, monday]


def test_an_unknown_symbol_is_reported_and_the_others_go_on(
    ask: Callable[..., Iterator[Delivery]], logged: list[str]
) -> None:
    gone, there = ask(chart(WEEK, [1.0] * 5), symbols="GONE,AAA")
    assert (gone.rows.num_rows, there.rows.num_rows) == (0, 5)
    assert b"Not Found" in gone.payload
    assert sum("symbol unknown" in line and "GONE" in line for line in logged) == 1


def test_symbols_that_are_all_unknown_are_permanent(ask: Callable[..., Iterator[Delivery]]) -> None:
    with pytest.raises(Permanent, match=r"GONE.*MARKETLAKE_US_SYMBOLS"):
        list(ask({}, symbols="GONE"))


def test_an_empty_window_of_every_symbol_is_blocked(ask: Callable[..., Iterator[Delivery]]) -> None:
    body = chart([], [])
    body["chart"]["result"][0].pop("timestamp")
    body["chart"]["result"][0]["indicators"]["quote"] = [{}]
    with pytest.raises(Permanent, match=r"yahoo 2024-05-06.*blocked: no bar of any of 1 symbols"):
        list(ask(body))


def lived(first: date, last: date, days: list[date]) -> dict[str, Any]:
    """A chart of a symbol that first and last traded on those days, with bars on these."""
    body = chart(days, [1.0] * len(days))
    result = body["chart"]["result"][0]
    result["meta"] |= {"firstTradeDate": opens(first), "regularMarketTime": opens(last) + 23_400}
    if not days:
        del result["timestamp"]
        result["indicators"] = {"quote": [{}]}
    return body


@pytest.mark.parametrize("days", [[], WEEK[:4]], ids=["an empty window", "no last bar"])
def test_a_symbol_that_traded_the_last_session_and_has_no_bar_of_it_makes_the_day_incomplete(
    ask: Callable[..., Iterator[Delivery]], days: list[date]
) -> None:
    whole = lived(date(1980, 12, 12), WEEK[4], WEEK)
    lacking = lived(date(1980, 12, 12), WEEK[4], days)
    with pytest.raises(Transient, match=r"yahoo 2024-05-10: expected a bar of every symbol.*none of 1; keys BBB"):
        list(ask(whole, symbols="AAA,BBB", others={"BBB": lacking}))


@pytest.mark.parametrize(
    ("first", "last", "days"),
    [
        (date(1980, 12, 12), WEEK[2], WEEK[:3]),
        (date(1980, 12, 12), date(2021, 3, 1), []),
        (date(2024, 6, 3), date(2024, 6, 28), []),
    ],
    ids=["delisted within", "delisted before", "listed later"],
)
def test_a_symbol_that_did_not_trade_then_holds_nobody_up(
    ask: Callable[..., Iterator[Delivery]], first: date, last: date, days: list[date]
) -> None:
    whole = lived(date(1980, 12, 12), WEEK[4], WEEK)
    found = list(ask(whole, symbols="AAA,BBB", others={"BBB": lived(first, last, days)}))
    assert [delivery.rows.num_rows for delivery in found] == [5, len(days)]


def test_a_bar_without_numbers_says_that_the_symbol_did_not_trade(ask: Callable[..., Iterator[Delivery]]) -> None:
    suspended = lived(date(1980, 12, 12), date(2024, 5, 20), WEEK)
    quote = suspended["chart"]["result"][0]["indicators"]["quote"][0]
    quote.update({name: [*values[:4], None] for name, values in quote.items()})
    whole = lived(date(1980, 12, 12), WEEK[4], WEEK)
    found = list(ask(whole, symbols="AAA,BBB", others={"BBB": suspended}))
    assert [delivery.rows.num_rows for delivery in found] == [5, 4]


def test_not_found_with_http_200_is_no_answer(ask: Callable[..., Iterator[Delivery]]) -> None:
    not_found = {"chart": {"result": None, "error": {"code": "Not Found", "description": "No data found"}}}
    with pytest.raises(Transient, match=r"BBB.*Not Found.*MARKETLAKE_US_SYMBOLS"):
        list(ask(chart(WEEK, [1.0] * 5), symbols="AAA,BBB", others={"BBB": not_found}))


def test_a_symbol_that_the_world_itself_names_cannot_be_unknown(ask: Callable[..., Iterator[Delivery]]) -> None:
    with pytest.raises(Transient, match="keys GONE"):
        list(ask(chart(WEEK, [1.0] * 5), symbols="GONE,AAA", named=("GONE", "AAA")))


@pytest.mark.parametrize("hint", [10**40, "2", [2]])
def test_a_number_that_is_none_or_too_large_is_drift(ask: Callable[..., Iterator[Delivery]], hint: Any) -> None:
    body = chart(WEEK, [1.0] * 5)
    body["chart"]["result"][0]["meta"]["priceHint"] = hint
    first = next(ask(body))
    assert isinstance(first.problem, SchemaDrift) and first.payload


@pytest.mark.parametrize("change", [{"close": ["1.0"] * 5}, {"close": [1.0]}, {"open": None}])
def test_another_shape_is_drift_and_comes_with_the_payload(
    ask: Callable[..., Iterator[Delivery]], change: dict[str, Any]
) -> None:
    body = chart(WEEK, [1.0] * 5)
    quote = body["chart"]["result"][0]["indicators"]["quote"][0]
    quote.update(change)
    body["chart"]["result"][0]["indicators"]["quote"] = [{k: v for k, v in quote.items() if v is not None}]
    first = next(ask(body))
    assert isinstance(first.problem, SchemaDrift)
    assert json.loads(first.payload) == body


def test_a_recorded_chart_is_read_with_its_split() -> None:
    path = SHARED / "yahoo_v8_chart" / "chart-AAPL-2020-08-31-to-2020-11-07.json"
    if not path.exists():
        pytest.skip(f"{path} is not there")
    recorded = json.loads(path.read_text())["response"]
    body = recorded.get("bodyJson") or json.loads(recorded["body"])
    live = {source.setting("base_url"): "live" for source in SOURCES.values()}
    settings = Settings(_env_file=None, us_symbols="AAPL", **live)
    transport = httpx.MockTransport(lambda request: httpx.Response(200, json=body))
    ctx = ClientContext(settings, open_world(settings), transport=transport)
    [delivery] = yahoo.deliveries([date(2020, 8, 31), date(2020, 11, 6)], ctx)
    rows = delivery.rows.to_pylist()
    assert [(r["session_date"], r["kind"]) for r in rows] == [
        (date(2020, 8, 31), "bar"),
        (date(2020, 11, 6), "bar"),
        (date(2020, 11, 6), "dividend"),
        (date(2020, 8, 31), "split"),
    ]
    assert rows[0]["close"] == 129.0399932861328
    assert {r["later_splits"] for r in rows} == {1.0}
