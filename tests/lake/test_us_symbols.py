"""Which US symbols are asked for: named ones, SEC's list and its first, what falls behind on it, leaves it, or is left out."""

import json
import re
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pyarrow as pa
import pytest

from assets import bronze
from assets.ingestion import ingest
from exchange.server import Server
from lake import us_symbols
from lake.clients import client
from lake.delivery import ClientContext, Delivery, own_columns
from lake.lake import Lake
from lake.settings import Settings
from lake.us_symbols import Told, UsSymbols
from lake.world import open_world
from market import calendars, identity, registry
from market.errors import Permanent, Transient
from tests.lake.conftest import LIVE

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "sec_edgar"
THURSDAY, FRIDAY = date(2024, 5, 2), date(2024, 5, 3)
EVENING = datetime(2024, 5, 4, 2, 30, tzinfo=UTC)  # of Friday in New York


@pytest.mark.parametrize(
    ("value", "asked", "shown"),
    [
        ("", UsSymbols(), "none"),
        ("AAPL, brk.b,AAPL", UsSymbols(("AAPL", "BRK-B")), "2 named"),
        ("sec", UsSymbols(first=sys.maxsize), "all of SEC's list"),
        ("sec:1500,SPY,-TSLA", UsSymbols(("SPY",), 1500, frozenset({"TSLA"})), "1 named, the first 1,500 of SEC's list, 1 left out"),
    ],
)  # fmt: skip
def test_the_setting_names_symbols_or_takes_secs_list(value: str, asked: UsSymbols, shown: str) -> None:
    assert us_symbols.read(value) == asked
    assert str(asked) == shown


@pytest.mark.parametrize("value", ["sec:0", "sec:", "sec:many", "005930.KS", "AAPL;MSFT", "-", "-sec:5"])
def test_an_entry_that_is_no_symbol_is_refused(value: str) -> None:
    with pytest.raises(Permanent, match=rf"MARKETLAKE_US_SYMBOLS: expected US symbols.*{re.escape(value)}"):
        us_symbols.read(f"MSFT,{value}")


def test_secs_recorded_list_is_taken_whole_or_its_first_and_every_symbol_makes_an_id(
    make: Callable[..., Settings],
) -> None:
    if not SHARED.exists():
        pytest.skip(f"{SHARED} is not there")
    recorded = json.loads((SHARED / "company_tickers.json").read_text())
    [first] = Edgar(recorded).deliveries(make, "sec:20", companies=False)
    assert first.rows["symbol"].to_pylist() == [row["ticker"] for row in recorded.values()][:20]
    assert first.rows["symbol"][6].as_py() == "BRK-B"
    [every] = Edgar(recorded).deliveries(make, "sec", companies=False)
    assert (every.rows.num_rows, len(every.rows["cik_str"].unique())) == (9610, 7919)
    ids = [f"XNYS:{symbol}" for symbol in every.rows["symbol"].to_pylist()]
    assert [one for one in ids if not re.fullmatch(identity.ID, one)] == []


def test_a_company_that_falls_behind_is_asked_for_as_long_as_sec_lists_it(make: Callable[..., Settings]) -> None:
    told = [Told("AAA", 1, 0, EVENING - timedelta(days=1)), Told("OLD", 9, 0, EVENING - timedelta(days=1))]
    told.append(Told("CCC", 3, 2, EVENING - timedelta(days=1)))
    edgar = Edgar(listed("BBB", "AAA", "CCC"))
    [known, *_] = edgar.deliveries(make, "sec:1", told)
    assert known.rows["symbol"].to_pylist() == ["BBB", "AAA"], "OLD is gone, and CCC was never the first"
    assert edgar.companies == {1, 2}


def test_what_left_the_list_is_asked_for_the_sessions_that_ended_before(make: Callable[..., Settings]) -> None:
    told = [Told("OLD", 9, 0, EVENING), Told("AAA", 1, 1, EVENING + timedelta(days=9)), Told("EXW", 8, 5, EVENING)]
    for day, asked in ((FRIDAY, {"OLD", "AAA"}), (calendars.next_session("XNYS", FRIDAY), {"AAA"})):
        assert {one.symbol for one in us_symbols.read("sec:2").since(told, [day])} == asked
    assert us_symbols.read("sec,-OLD").since(told, [FRIDAY]) == (told[1], told[2])
    edgar = Edgar(listed("AAA"))
    edgar.deliveries(make, "sec:2", told)
    assert edgar.companies == {1, 9}, "by the number that the list told of it last"


def test_a_company_s_filings_are_those_of_its_symbol_on_the_list(
    make: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The old ticker is asked for too, behind the one that is on the list."""
    sec, asked = client("sec"), []
    companies = sec._companies
    monkeypatch.setattr(sec, "_companies", lambda *given: asked.append(companies(*given)) or asked[-1])
    Edgar(listed("META")).deliveries(make, "sec", [Told("FB", ord("M") - 64, 0, EVENING)])
    assert [one.symbols for one in asked[0]] == [("META", "FB")]


def test_yahoo_says_at_once_that_secs_list_is_not_asked_for(make: Callable[..., Settings]) -> None:
    settings = make(**{**LIVE, "sec_base_url": "off"}, us_symbols="sec", yahoo_pace_per_s=0)
    with pytest.raises(Permanent, match="MARKETLAKE_SEC_BASE_URL is off"):
        list(client("yahoo").deliveries([FRIDAY], ClientContext(settings, open_world(settings))))


def test_the_lists_in_bronze_tell_the_best_place_and_the_newest_number() -> None:
    day = timedelta(days=1)
    lists = [("AAA", 1, 0, EVENING), ("BBB", 2, 1, EVENING), ("BBB", 2, 0, EVENING + day), ("AAA", 7, 3, EVENING + day)]
    rows = pa.table(list(zip(*reversed(lists), strict=True)), names=list(us_symbols.TOLD))
    assert us_symbols.told(rows) == (Told("AAA", 7, 0, EVENING + day), Told("BBB", 2, 0, EVENING + day))
    assert us_symbols.told(rows.slice(0, 0)) == ()


def test_yahoo_is_asked_for_secs_list_once_bronze_has_it(settings: Settings, exchange: Server) -> None:
    lake = Lake(settings.model_copy(update={"us_symbols": "sec:2"}))
    days = lake.world.sessions("XNYS", date(2000, 1, 1), date(2100, 1, 1))[-3:]
    with pytest.raises(Transient, match=r"bronze.sec_tickers for .*was none.*Take the session of sec first"):
        ingest(lake, "yahoo", days)
    ingest(lake, "sec", days)
    ingest(lake, "yahoo", days)
    listed = lake.delta.read(registry.table("bronze.sec_tickers"))
    assert listed["symbol"].to_pylist() == [one.symbol for one in exchange.world.registrants.values()][:2]
    assert {at >= calendars.close_at("XNYS", days[-1]) for at in listed["known_at"].to_pylist()} == {True}
    bars = lake.delta.read(registry.table("bronze.yahoo_chart"))
    assert set(bars["symbol"].to_pylist()) == set(listed["symbol"].to_pylist())
    assert bars.num_rows >= 2 * len(days)


@pytest.mark.parametrize(("n_owing", "is_whole"), [(1, True), (2, False)])
def test_a_few_of_a_long_list_may_owe_a_bar_and_are_told(
    make: Callable[..., Settings], logged: list[str], n_owing: int, is_whole: bool
) -> None:
    told = [Told("A" * (place // 5 + 1) + "BCDEF"[place % 5], place, place, EVENING) for place in range(20)]
    owing = {one.symbol for one in told[:n_owing]}

    def yahoo(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=chart(has_bar=request.url.path.rpartition("/")[2] not in owing))

    ctx = context(make, "sec", told, yahoo)
    if is_whole:
        assert len(list(client("yahoo").deliveries([FRIDAY], ctx))) == 20
        assert any("without a bar" in line and "AB" in line for line in logged)
    else:
        with pytest.raises(Transient, match=r"none of 2; keys AB, AC.*'-SYMBOL'"):
            list(client("yahoo").deliveries([FRIDAY], ctx))


def test_a_window_that_yahoo_has_nothing_for_is_an_answer_without_bars(make: Callable[..., Settings]) -> None:
    """So it says of days before a listing, which SEC's list of today brings in thousands."""
    told = "Data doesn't exist for startDate = 1714708800, endDate = 1714789800"
    none = {"chart": {"result": None, "error": {"code": "Bad Request", "description": told}}}

    def yahoo(request: httpx.Request) -> httpx.Response:
        is_new = request.url.path.endswith("NEW")
        return httpx.Response(400 if is_new else 200, json=none if is_new else chart())

    ctx = context(make, "AAA,NEW", (), yahoo)
    assert [one.rows.num_rows for one in client("yahoo").deliveries([FRIDAY], ctx)] == [1, 0]


def test_yahoo_waits_for_secs_table_only_where_the_settings_take_its_list() -> None:
    for takes_list, upstream in ((False, set()), (True, {"sec_tickers"})):
        [fetched] = [
            one for one in bronze.assets(THURSDAY, FRIDAY, takes_list=takes_list) if one.op.name == "fetch_yahoo"
        ]
        assert {key.path[-1] for keys in fetched.asset_deps.values() for key in keys} == upstream


def listed(*symbols: str) -> dict[str, Any]:
    """SEC's list of these symbols, AAA being CIK 1 and so on."""
    return {str(i): {"cik_str": ord(s[0]) - 64, "ticker": s, "title": "X"} for i, s in enumerate(symbols)}


def chart(*, has_bar: bool = True) -> dict[str, Any]:
    """Yahoo's chart of Friday, of a symbol that trades since long."""
    at = int(calendars.open_at("XNYS", FRIDAY).timestamp())
    meta = {"currency": "USD", "exchangeTimezoneName": "America/New_York", "firstTradeDate": 345_479_400}
    meta["regularMarketTime"] = at + 23_400
    quote = {name: [1.0] for name in ("open", "high", "low", "close", "volume")} if has_bar else {}
    result = {"meta": meta, "timestamp": [at] if has_bar else [], "indicators": {"quote": [quote]}}
    return {"chart": {"result": [result], "error": None}}


def context(
    make: Callable[..., Settings], value: str, told: Sequence[Told], host: Callable[[httpx.Request], httpx.Response]
) -> ClientContext:
    settings = make(
        **LIVE, us_symbols=value, sec_user_agent="Jane jane@example.com", yahoo_pace_per_s=0, sec_pace_per_s=0
    )
    return ClientContext(settings, open_world(settings), told=told, transport=httpx.MockTransport(host))


class Edgar:
    """A scripted SEC: its list, and which companies were asked for."""

    def __init__(self, tickers: dict[str, Any]) -> None:
        self.tickers, self.companies = tickers, set[int]()

    def deliveries(
        self, make: Callable[..., Settings], value: str, told: Sequence[Told] = (), *, companies: bool = True
    ) -> list[Delivery]:
        found = client("sec").deliveries([FRIDAY], context(make, value, told, self))
        return list(found) if companies else [next(found)]

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/files/company_tickers.json":
            return httpx.Response(200, json=self.tickers)
        self.companies.add(int(request.url.path.removesuffix(".json")[-10:]))
        return httpx.Response(200, json=submissions())


def submissions() -> dict[str, Any]:
    """A company with one filing, of years ago."""
    names = [
        name
        for name in own_columns(registry.table("bronze.sec_submissions")).names
        if name not in ("cik", "symbol", "name", "accepted_at")
    ]
    filed = {
        "acceptanceDateTime": "2019-05-03T20:30:00.000Z",
        "filingDate": "2019-05-03",
        "form": "8-K",
        "accessionNumber": "a",
    }
    numbers = ("size", "isXBRL", "isInlineXBRL")
    recent = {name: [filed.get(name, 0 if name in numbers else "")] for name in names}
    return {"cik": "1", "name": "X", "filings": {"recent": recent, "files": []}}
