"""Recorded charts of Yahoo through the client, bronze and silver: later splits undone, declared events the ledger.

What does not belong here: shapes and faults of answers (`test_yahoo`), rounding worked by hand (`tests/market/silver/test_us_prices`).
"""

import copy
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from lake.bronze_rows import with_identity
from lake.clients import yahoo
from lake.delivery import ClientContext, Delivery, SchemaDrift
from lake.settings import Settings
from lake.world import open_world
from market import adjust, calendars, registry
from market.sources import SOURCES
from market.table import Window

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "yahoo_v8_chart"
APPLE = "chart-AAPL-2020-08-31-to-2020-11-07.json"
NVIDIA = "historical-via-chart-NVDA-split-2021-02-01-to-2022-01-31.csv.json"
MICROSOFT = "historical-via-chart-MSFT-dividends-2021-02-01-to-2022-01-31.csv.json"

NEW_YORK = ZoneInfo("America/New_York")
FETCHED = datetime(2025, 2, 21, 22, tzinfo=UTC)

pytestmark = pytest.mark.skipif(
    not SHARED.exists(), reason="../shared/data is absent: Yahoo's recorded charts are not here"
)


def recorded(name: str) -> dict[str, Any]:
    """A body as Yahoo sent it."""
    response = json.loads((SHARED / name).read_text())["response"]
    return dict(response.get("bodyJson") or json.loads(response["body"]))


def fetched(body: Mapping[str, Any], symbol: str, sessions: list[date]) -> Iterator[Delivery]:
    """The client's deliveries of that symbol from a host that answers with this body."""
    live = {source.setting("base_url"): "live" for source in SOURCES.values()}
    settings = Settings(_env_file=None, us_symbols=symbol, **live)
    transport = httpx.MockTransport(lambda request: httpx.Response(200, json=body))
    return yahoo.deliveries(sessions, ClientContext(settings, open_world(settings), transport=transport))


def told(body: Mapping[str, Any], symbol: str, fetched_at: datetime) -> pa.Table:
    """Rows of bronze.yahoo_chart: everything in the body, by our client and as one payload fetched then."""
    stamps = body["chart"]["result"][0]["timestamp"]
    first, last = (datetime.fromtimestamp(at, UTC).date() for at in (stamps[0], stamps[-1]))
    deliveries = list(fetched(body, symbol, calendars.sessions("XNYS", first, last)))
    assert [delivery.problem for delivery in deliveries] == [None] * len(deliveries)
    digest = hashlib.sha256(json.dumps(body).encode()).hexdigest()
    stamped = [replace(delivery, fetched_at=fetched_at) for delivery in deliveries]
    return pa.concat_tables([with_identity(delivery, digest, "landing/x") for delivery in stamped])


def silver(name: str, *answers: pa.Table) -> pd.DataFrame:
    """The rows of a silver table from these payloads, ordered by its key."""
    rows = made(name, pa.concat_tables(answers)).to_pandas(timestamp_as_object=False)
    return rows.sort_values(list(registry.table(name).key), ignore_index=True)


def made(name: str, bronze: pa.Table) -> pa.Table:
    """A silver table from Yahoo's rows alone."""
    table = registry.table(name)
    days = bronze["session_date"].to_pylist()
    frames = {"bronze.yahoo_chart": bronze}
    for read in table.reads:
        if read.table.startswith("silver."):
            frames[read.table] = made(read.table, bronze)
    ours = {read.table for read in table.reads} & frames.keys()
    assert table.build is not None
    return table.conform(table.build({name: frames[name] for name in ours}, Window(min(days), max(days), FETCHED)))


def scaled(body: dict[str, Any], ratio: float, split: dict[str, Any]) -> dict[str, Any]:
    """The same chart as it is sent after one more split: prices divided, volumes multiplied, the event added."""
    body = copy.deepcopy(body)
    [result] = body["chart"]["result"]
    [quote] = result["indicators"]["quote"]
    for name in ("open", "high", "low", "close"):
        quote[name] = [float(np.float32(value / ratio)) for value in quote[name]]
    quote["volume"] = [int(value * ratio) for value in quote["volume"]]
    result.setdefault("events", {}).setdefault("splits", {})[str(split["date"])] = split
    return body


def with_split(body: dict[str, Any], split: dict[str, Any]) -> dict[str, Any]:
    """The chart with an event that lies behind its recorded window: our client always asks up to now, and so has it."""
    return scaled(body, 1.0, split)


def event(day: date, new: float, old: float) -> dict[str, Any]:
    at = int(calendars.open_at("XNYS", day).timestamp())
    return {"date": at, "numerator": new, "denominator": old, "splitRatio": f"{new:g}:{old:g}"}


SPLIT_OF_2024 = event(date(2024, 6, 10), 10, 1)


@pytest.mark.parametrize("name", sorted(path.name for path in SHARED.glob("*chart-*.json")))
def test_each_recorded_chart_is_all_its_bars_or_a_drift_that_says_what_is_not_new_york_s(name: str) -> None:
    """Funds, crypto, currencies, futures, other exchanges, minutes and charts without timestamps, all as if asked for a US symbol."""
    body = recorded(name)
    [result] = body["chart"]["result"]
    [quote] = result["indicators"]["quote"]
    meta, stamps = result["meta"], result.get("timestamp", [])
    days = [datetime.fromtimestamp(at, NEW_YORK).date() for at in stamps] or [date(2020, 1, 2)]
    asked = calendars.sessions("XNYS", min(days), max(days) + timedelta(days=3))
    delivery = next(fetched(body, "AAA", asked))
    ours = {"currency": "USD", "exchangeTimezoneName": "America/New_York", "dataGranularity": "1d"}
    foreign = [meta[key] for key, value in ours.items() if meta[key] != value]
    if foreign or (not stamps and quote):
        assert isinstance(delivery.problem, SchemaDrift) and delivery.rows.num_rows == 0
        assert [told for told in foreign or ["none"] if told not in delivery.problem.found] == []
        assert delivery.payload
    else:
        assert delivery.problem is None
        bars = delivery.rows.filter(pc.equal(delivery.rows["kind"], "bar"))
        assert bars["session_date"].to_pylist() == days
        assert bars["close"].to_pylist() == quote["close"]


def test_apple_s_split_of_2020_is_on_its_ex_date_and_the_dividend_is_a_cash_flow() -> None:
    bronze = told(recorded(APPLE), "AAPL", FETCHED)
    [factor] = silver("silver.adjustments", bronze).to_dict("records")
    assert (factor["session_date"], factor["factor"], factor["cause"]) == (date(2020, 8, 31), 0.25, "split")
    assert factor["confidence"] == "medium", (
        "the chart begins on the ex-date: nothing before it to hold the split against"
    )
    assert factor["known_at"] == pd.Timestamp("2020-08-31T20:00Z"), "the close that shows it"
    actions = silver("silver.corporate_actions", bronze).set_index("action")
    assert actions["session_date"].to_dict() == {"cash_dividend": date(2020, 11, 6), "split": date(2020, 8, 31)}
    assert actions.loc["cash_dividend", "amount"] == 0.205
    closes = silver("silver.prices", bronze).set_index("session_date")["close"]
    assert (closes[date(2020, 8, 31)], len(closes)) == (129.04, 49)


def test_nvidia_s_prices_of_2021_are_those_of_the_day_once_both_splits_after_it_are_undone() -> None:
    """It closed at 751.19 on 2021-07-19 and opened at 187.31 the day after; the chart, sent in 2025, says 18.78 and 18.73."""
    bronze = told(with_split(recorded(NVIDIA), SPLIT_OF_2024), "NVDA", FETCHED)
    prices = silver("silver.prices", bronze).set_index("session_date")
    assert prices.loc[date(2021, 7, 19), "close"] == 751.19
    assert prices.loc[date(2021, 7, 20), "open"] == pytest.approx(187.3, abs=0.05)
    [factor] = silver("silver.adjustments", bronze).to_dict("records")
    assert (factor["session_date"], factor["factor"], factor["confidence"]) == (date(2021, 7, 20), 0.25, "high")
    rows = prices.reset_index()
    own = adjust.cumulative_factor(silver("silver.adjustments", bronze), rows)
    sent = recorded(NVIDIA)["chart"]["result"][0]["indicators"]["quote"][0]["close"]
    assert (rows["close"] * own[-1] / own).tolist() == pytest.approx([10 * close for close in sent], rel=2e-5)


def test_a_chart_rescaled_by_a_later_split_is_no_revision_of_any_bar_or_dividend() -> None:
    first = told(recorded(NVIDIA), "NVDA", datetime(2022, 2, 1, 22, tzinfo=UTC))
    again = told(scaled(recorded(NVIDIA), 10.0, SPLIT_OF_2024), "NVDA", FETCHED)
    assert again["close"].to_pylist() != first["close"].to_pylist()
    alone, both = silver("silver.prices", first), silver("silver.prices", first, again)
    pd.testing.assert_frame_equal(both, alone)
    assert both["known_until"].isna().all()
    assert len(silver("silver.adjustments", first, again)) == 1


def test_microsoft_s_dividends_are_cash_flows_as_paid_and_no_factor() -> None:
    bronze = told(recorded(MICROSOFT), "MSFT", FETCHED)
    actions = silver("silver.corporate_actions", bronze)
    paid = list(zip(actions["session_date"], actions["amount"], strict=True))
    assert paid == [
        (date(2021, 2, 17), 0.56), (date(2021, 5, 19), 0.56), (date(2021, 8, 18), 0.56), (date(2021, 11, 17), 0.62),
    ]  # fmt: skip
    assert set(actions["action"]) == {"cash_dividend"}
    assert silver("silver.adjustments", bronze).empty
    assert len(silver("silver.prices", bronze)) == 252
