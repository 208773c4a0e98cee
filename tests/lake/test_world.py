"""What the outside covers, simulated and live."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from exchange.server import Server
from lake.lake import Lake
from lake.settings import Settings
from lake.world import WORLD_FILE, open_world
from market.errors import Permanent, Transient
from market.sources import SOURCES

LIVE = {source.setting("base_url"): "live" for source in SOURCES.values()}


def test_a_simulated_world_says_what_it_covers(settings: Settings, exchange: Server) -> None:
    world = open_world(settings)
    days = exchange.world.daily.sessions
    assert world.is_simulated
    assert world.name == "synthetic:7"
    assert world.price_basis == "raw"
    assert world.sessions("XKRX", date(2000, 1, 1), date(2100, 1, 1)) == list(days)
    assert world.sessions("XKRX", days[3], days[5]) == list(days[3:6])
    assert world.covers("krx", days[0])
    assert not world.covers("krx", date(2001, 5, 4))
    assert world.symbols("yahoo") == tuple(exchange.world.charts)
    assert world.clock()() == exchange.world.end


def test_symbols_of_the_settings_come_first(settings: Settings) -> None:
    assert open_world(settings.model_copy(update={"us_symbols": "AAPL, MSFT"})).symbols("yahoo") == ("AAPL", "MSFT")


def test_a_live_world_is_its_calendar(make: Callable[..., Settings]) -> None:
    world = open_world(make(**LIVE))
    assert not world.is_simulated
    assert world.covers("krx", date(2024, 5, 3))
    assert not world.covers("krx", date(2024, 5, 6))
    assert world.sessions("XKRX", date(2024, 5, 1), date(2024, 5, 7)) == [date(2024, 5, 2), date(2024, 5, 3), date(2024, 5, 7)]  # fmt: skip
    assert abs(world.clock()() - datetime.now(UTC)).total_seconds() < 5


def test_a_source_that_is_off_is_covered_nowhere_and_takes_nothing_from_the_rest(make: Callable[..., Settings]) -> None:
    world = open_world(make(**{**LIVE, "kakao_base_url": "off"}))
    assert not world.is_simulated
    assert not world.covers("daum", date(2024, 5, 3))
    assert world.covers("naver", date(2024, 5, 3))


def test_one_live_source_keeps_its_own_clock(exchange: Server, make: Callable[..., Settings]) -> None:
    world = open_world(make(exchange_url=exchange.url, yahoo_base_url="live", us_symbols="AAPL"))
    assert world.clock("krx")() == exchange.world.end
    assert abs(world.clock("yahoo")() - datetime.now(UTC)).total_seconds() < 5
    assert world.covers("yahoo", date(2010, 5, 3))
    unasked = open_world(make(exchange_url=exchange.url, yahoo_base_url="live"))
    assert not unasked.covers("yahoo", date(2010, 5, 3)), "no symbol to ask for"
    assert unasked.sessions("XNYS", date(2010, 5, 3), date(2010, 5, 4)) == []


def test_an_exchange_that_does_not_answer_says_how_to_start_it(make: Callable[..., Settings]) -> None:
    with pytest.raises(Transient, match="marketlake up"):
        open_world(make(exchange_url="http://127.0.0.1:9"))


def test_a_lake_refuses_an_exchange_that_serves_another_world(
    exchange: Server, make: Callable[..., Settings], tmp_path: Path
) -> None:
    lake = Lake(make(lake_url=str(tmp_path / "lake"), exchange_url=exchange.url))
    lake.store.put(WORLD_FILE, b'{"world": "recorded:/somewhere"}')
    with pytest.raises(Permanent, match=r"own world, recorded:/somewhere; was synthetic:7"):
        _ = lake.world
    lake.store.put(WORLD_FILE, b'{"world": "synthetic:7"}')
    assert lake.world.name == "synthetic:7"
