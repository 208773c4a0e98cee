"""A name of the default world that was split, then delisted: read after its end, raw and adjusted, in Python and in SQL."""

from datetime import date, timedelta
from pathlib import Path

import pandas as pd
import pytest

import marketlake
from exchange.server import serve
from lake.bronze import Bronze
from lake.clients import client
from lake.delivery import ClientContext
from lake.delta import DeltaLake
from lake.objects import lake_store
from lake.world import open_world
from market.table import Window
from marketlake.facade import Lake
from tests.lake.conftest import make_settings
from tests.support.small_lake import publish

README = Path(__file__).resolve().parents[2] / "README.md"
CODE, SPLIT_DAY, LAST = "210340", date(2024, 4, 23), date(2024, 6, 10)


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """The last sessions of nine securities of the default world, as its exchange tells them, published as a release."""
    with serve("synthetic:7", symbols=9, us_symbols=1, sessions=50) as server:
        settings = make_settings(lake_url=str(tmp_path_factory.mktemp("delisted")), exchange_url=server.url)
        store, delta = lake_store(settings), DeltaLake(settings)
        bronze, sessions = Bronze(delta, store), list(server.world.daily.sessions)
        ctx = ClientContext(settings, open_world(settings), bronze.request_log())
        bronze.take(client("krx").deliveries(sessions, ctx), requests=ctx.requests)
        publish(store, delta, 1, Window(sessions[0], sessions[-1], server.world.end + timedelta(days=1)), "")
    return marketlake.open(settings=settings)


def test_prices_of_a_delisted_name_are_on_the_scale_of_its_last_session(lake: Lake) -> None:
    raw, adjusted = (lake.prices(CODE, "2024-04-16", "2024-06-28", adjust=told) for told in (False, True))
    assert raw["session_date"].max() == adjusted["session_date"].max() == pd.Timestamp(LAST)
    (factor,) = lake.adjustments(CODE)["factor"]
    assert factor == pytest.approx(0.5, rel=0.01)
    before = (raw["session_date"] < pd.Timestamp(SPLIT_DAY)).to_numpy()
    assert 0 < before.sum() < len(raw)
    assert adjusted["close"][before].tolist() == (raw["close"][before] * factor).tolist()
    assert adjusted["close"][~before].tolist() == raw["close"][~before].tolist()


def test_the_readme_shows_its_closes_as_traded_and_adjusted(lake: Lake) -> None:
    panels = [lake.prices(CODE, "2024-04-16", "2024-06-28", adjust=told).panel("close") for told in (False, True)]
    shown = panels[0].join(panels[1], lsuffix=" raw", rsuffix=" adjusted").iloc[[0, 4, 5, -1]]
    assert "\n".join(line.rstrip() for line in f"{shown}".splitlines()) in README.read_text()


def test_sql_reads_a_delisted_name_as_python_does(lake: Lake) -> None:
    told = lake.sql(f"SELECT close, volume FROM gold.prices_adjusted WHERE symbol = '{CODE}' ORDER BY session_date")
    ours = lake.prices(CODE, "2024-04-16", "2024-06-28")
    assert told["close"].tolist() == ours["close"].tolist()
    assert told["volume"].tolist() == ours["volume"].tolist()


def test_what_was_known_before_the_split_is_on_the_scale_of_then(lake: Lake) -> None:
    then = lake.prices(CODE, "2024-04-16", "2024-04-17", as_of="2024-04-22T18:00+09:00")["close"]
    assert then.tolist() == lake.prices(CODE, "2024-04-16", "2024-04-17", adjust=False)["close"].tolist()
