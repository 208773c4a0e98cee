"""Korean charts of Yahoo: asked for beside the US ones, in Seoul's time and won, held against KRX's closes, and never prices of ours."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import httpx
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from exchange.server import Server
from lake import us_symbols, yahoo_check
from lake.clients import yahoo
from lake.delivery import ClientContext, Delivery
from lake.settings import Settings
from lake.world import open_world
from market import calendars, registry
from market.datasets.bronze import krx_daily, yahoo_chart
from market.errors import Permanent
from market.table import Window
from tests.lake.conftest import LIVE, Intake

SEOUL = ZoneInfo("Asia/Seoul")
SAMSUNG, KAKAO = "005930.KS", "035720.KS"
FRIDAY, MONDAY, TUESDAY = date(2024, 5, 24), date(2024, 5, 27), date(2024, 5, 28)
"""New York rests on that Monday, Seoul does not."""


def korean(days: list[date], **meta: Any) -> dict[str, Any]:
    """A chart as Yahoo has a share of KOSPI, closing at 70,000 won."""
    quote = {name: [70_000.0] * len(days) for name in ("open", "high", "low", "close", "volume")}
    told = {
        "currency": "KRW",
        "exchangeName": "KSC",
        "exchangeTimezoneName": "Asia/Seoul",
        "gmtoffset": 32_400,
        "dataGranularity": "1d",
    }
    stamps = [int(calendars.open_at("XKRX", day).timestamp()) for day in days]
    result = {"meta": told | meta, "timestamp": stamps, "indicators": {"quote": [quote]}}
    return {"chart": {"result": [result], "error": None}}


@pytest.fixture
def charts(make: Callable[..., Settings]) -> Callable[..., Iterator[Delivery]]:
    """Deliveries of one Korean symbol for Tuesday, which is asked for alone, and the requests that were made."""

    def deliveries(body: dict[str, Any], asked: list[httpx.URL] | None = None, status: int = 200) -> Iterator[Delivery]:
        def host(request: httpx.Request) -> httpx.Response:
            if asked is not None:
                asked.append(request.url)
            return httpx.Response(status, json=body)

        settings = make(**LIVE, yahoo_kr_symbols=SAMSUNG, yahoo_pace_per_s=0)
        ctx = ClientContext(settings, open_world(settings), transport=httpx.MockTransport(host))
        return yahoo.deliveries([TUESDAY], ctx)

    return deliveries


def test_a_korean_chart_is_asked_for_the_sessions_of_seoul_since_new_york_s_last(
    charts: Callable[..., Iterator[Delivery]],
) -> None:
    asked: list[httpx.URL] = []
    [delivery] = charts(korean([FRIDAY, MONDAY, TUESDAY]), asked)
    assert {url.path for url in asked} == {f"/v8/finance/chart/{SAMSUNG}"}
    assert datetime.fromtimestamp(int(asked[0].params["period1"]), SEOUL) == datetime(2024, 5, 27, tzinfo=SEOUL)
    assert delivery.session_date == TUESDAY, "taken with New York's session"
    assert delivery.rows["session_date"].to_pylist() == [MONDAY, TUESDAY]
    assert set(delivery.rows["currency"].to_pylist()) == {"KRW"}


@pytest.mark.parametrize("meta", [{"currency": "USD"}, {"exchangeTimezoneName": "America/New_York"}])
def test_a_chart_of_another_exchange_is_no_korean_one_and_holds_nobody_up(
    charts: Callable[..., Iterator[Delivery]], meta: dict[str, str], logged: list[str]
) -> None:
    delivery = next(charts(korean([MONDAY], **meta)))
    assert delivery.problem is None and not delivery.rows.num_rows
    [line] = [line for line in logged if "Korean chart not taken" in line]
    assert SAMSUNG in line and "XKRX" in line and next(iter(meta.values())) in line


def test_a_korean_symbol_that_yahoo_does_not_know_holds_nobody_up(
    charts: Callable[..., Iterator[Delivery]], logged: list[str]
) -> None:
    unknown = {"chart": {"result": None, "error": {"code": "Not Found", "description": "No data found"}}}
    assert [delivery.rows.num_rows for delivery in charts(unknown, status=404)] == [0]
    assert any("symbol unknown" in line and SAMSUNG in line for line in logged)


def test_korean_charts_alone_owe_no_session_of_new_york(make: Callable[..., Settings]) -> None:
    world = open_world(make(**LIVE, us_symbols="", yahoo_kr_symbols=SAMSUNG))
    assert world.covers("yahoo", TUESDAY), "it is asked"
    assert not world.covers_exchange("XNYS") and world.sessions("XNYS", FRIDAY, TUESDAY) == []


def test_only_codes_with_the_suffix_of_a_board_are_taken() -> None:
    assert us_symbols.read_korean(" 005930.ks,0001A0.KQ,,005930.KS") == ("005930.KS", "0001A0.KQ")
    with pytest.raises(Permanent, match=r"MARKETLAKE_YAHOO_KR_SYMBOLS: expected codes.*was 005930, AAPL"):
        us_symbols.read_korean("005930,AAPL,005930.KS")


@pytest.fixture
def both(intake: Intake) -> tuple[pa.Table, pa.Table, list[date]]:
    """Delivered charts of the small world with two Korean ones, delivered rows of KRX, and KRX's sessions."""
    intake = intake.with_settings(yahoo_kr_symbols=f"{SAMSUNG},{KAKAO}")
    intake.take("yahoo", intake.sessions("yahoo"))
    intake.take("krx", intake.sessions("krx"))
    names = ("bronze.yahoo_chart", "bronze.krx_daily")
    charts, rows = (intake.delta.read(registry.table(name)) for name in names)
    return charts, rows, intake.sessions("krx")


def sessions() -> dict[str, pa.Table]:
    """What functions to silver read beside: the calendar, and no code that passed on."""
    build = registry.table("silver.sessions").build
    assert build is not None
    window = Window(date(2024, 1, 2), date(2024, 12, 30), datetime(2025, 1, 2, tzinfo=UTC))
    return {"silver.sessions": build({}, window)}


def test_korean_charts_agree_with_krx_across_a_split_and_feed_no_table(
    both: tuple[pa.Table, pa.Table, list[date]], exchange: Server
) -> None:
    charts, rows, days = both
    is_korean = pc.is_in(charts["symbol"], pa.array([SAMSUNG, KAKAO]))
    ours = charts.filter(is_korean)
    assert 1.0 < max(ours["later_splits"].to_pylist()), "Kakao splits within the world"
    bars = {
        name: feed(charts, sessions()) for name, feed in yahoo_chart.FEEDS.items()
    }  # fmt: skip
    for name, feed in yahoo_chart.FEEDS.items():
        assert not [one for one in bars[name]["symbol"].to_pylist() if one.endswith(".KS")], name
        assert bars[name].num_rows == feed(charts.filter(pc.invert(is_korean)), sessions()).num_rows > 0
        assert feed(ours, sessions()).num_rows == 0, name
    prices = registry.table("silver.prices").conform(krx_daily.FEEDS["silver.prices"](rows, sessions()))
    now = exchange.world.end + timedelta(days=1)
    found = beside(charts, prices, now)
    assert [(row["security_id"], row["session_date"]) for row in found] == [
        (f"XKRX:{code}", day) for code in ("005930", "035720") for day in days
    ]
    assert {row["agrees"] for row in found} == {True}
    assert [row["krx_close"] for row in found] == pytest.approx([row["yahoo_close"] for row in found], rel=1e-6)
    without = charts.set_column(
        charts.schema.get_field_index("later_splits"), "later_splits", pa.array([1.0] * charts.num_rows)
    )
    off = [row for row in beside(without, prices, now) if not row["agrees"]]
    assert {row["yahoo_symbol"] for row in off} == {KAKAO}
    assert {round(row["ratio"], 3) for row in off} == {0.2}, "a split that Yahoo does not tell is seen"
    assert beside(charts, prices, exchange.world.end - timedelta(days=90)) == [], "and nothing before it was told"


def beside(charts: pa.Table, prices: pa.Table, at: datetime) -> list[dict[str, Any]]:
    """Both closes, by the SQL of the check on DuckDB."""
    connection = duckdb.connect()
    connection.execute("CREATE SCHEMA bronze; CREATE SCHEMA silver; SET TimeZone = 'UTC'")
    connection.execute("CREATE TABLE bronze.yahoo_chart AS SELECT * FROM charts")
    connection.execute("CREATE TABLE silver.prices AS SELECT * FROM prices")

    class Sql:
        def query(self, text: str, values: list[Any]) -> pa.Table:
            return connection.execute(text, values).to_arrow_table()

    return yahoo_check.korean_closes(Sql(), at).to_pylist()  # type: ignore[arg-type]  # what it asks of a release's SQL
