"""Yahoo's chart: the shape of recorded answers, split-adjusting to now, empty windows, live bars."""

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from exchange.model import Chart

NVDA_SPLIT = "2024-06-10"


def test_an_answer_has_the_keys_and_types_of_a_recorded_one(client, shared: Path):
    recorded = json.loads((shared / "yahoo_v8_chart/chart-AAPL-2020-08-31-to-2020-11-07.json").read_text())
    real = recorded["response"]["bodyJson"]["chart"]
    ours = client.yahoo("NVDA", range="max", events="div,splits,capitalGains")
    assert ours.headers["content-type"] == recorded["response"]["headers"]["content-type"]
    chart = ours.json()["chart"]
    result, real_result = chart["result"][0], real["result"][0]
    assert set(chart) == set(real)
    assert set(result) == set(real_result)
    assert set(real_result["meta"]) - set(result["meta"]) <= {"chartPreviousClose"}
    for key in set(real_result["meta"]) & set(result["meta"]):
        assert type(result["meta"][key]) is type(real_result["meta"][key]), key
    assert set(result["indicators"]["quote"][0]) == set(real_result["indicators"]["quote"][0])
    assert set(result["indicators"]["adjclose"][0]) == {"adjclose"}
    assert set(result["events"]["splits"].popitem()[1]) == set(real_result["events"]["splits"].popitem()[1])
    assert set(result["events"]["dividends"].popitem()[1]) == set(real_result["events"]["dividends"].popitem()[1])


def test_prices_are_float32_widened_and_volumes_whole(client):
    quote = client.bars("AAPL")["indicators"]["quote"][0]
    for name in ("open", "high", "low", "close"):
        assert all(float(np.float32(price)) == price for price in quote[name])
    assert all(isinstance(volume, int) for volume in quote["volume"])


def test_an_empty_window_has_no_timestamps_and_an_empty_quote(client, shared: Path):
    name = "chart-AAPL-2025-02-01-to-2025-02-02-includePrePost-false-interval-1m.json"
    real = json.loads((shared / "yahoo_v8_chart" / name).read_text())["response"]["bodyJson"]["chart"]["result"][0]
    ours = client.bars("AAPL", period1=100, period2=200)
    assert set(ours) == set(real) == {"meta", "indicators"}
    assert ours["indicators"] == real["indicators"] == {"quote": [{}]}


def test_an_unknown_symbol_is_not_found(client):
    answer = client.yahoo("NOSUCH")
    assert answer.status_code == 404
    error = {"code": "Not Found", "description": "No data found, symbol may be delisted"}
    assert answer.json() == {"chart": {"result": None, "error": error}}


@pytest.mark.parametrize(
    ("params", "status"), [({"interval": "7d"}, 422), ({"period1": "x"}, 400), ({"period1": 9, "period2": 5}, 400)]
)
def test_bad_parameters_are_refused_with_an_error_body(client, params, status):
    answer = client.yahoo("AAPL", **params)
    assert (answer.status_code, answer.json()["chart"]["result"]) == (status, None)


def test_a_split_rescales_history_from_its_ex_day_on(client, server):
    server.set_clock(datetime.fromisoformat("2024-06-09T12:00:00+00:00"))
    before = client.bars("NVDA")
    assert "splits" not in before.get("events", {})
    server.set_clock(datetime.fromisoformat("2024-06-12T12:00:00+00:00"))
    after = client.bars("NVDA")
    n = len(before["timestamp"])
    assert after["timestamp"][:n] == before["timestamp"]
    old, new = (np.array(chart["indicators"]["quote"][0]["close"]) for chart in (before, after))
    assert old == pytest.approx(new[:n] * 10, rel=1e-6)
    volumes = [np.array(chart["indicators"]["quote"][0]["volume"]) for chart in (before, after)]
    assert (volumes[0] * 10 == volumes[1][:n]).all()
    split = next(iter(after["events"]["splits"].values()))
    assert (split["numerator"], split["denominator"], split["splitRatio"]) == (10, 1, "10:1")
    assert abs(new[n] / new[n - 1] - 1) < 0.3


def test_a_dividend_lowers_adjusted_closes_before_it_only(client):
    chart = client.bars("JPM")
    ex = max(int(at) for at in chart["events"]["dividends"])
    close, adjusted = (
        np.array(chart["indicators"][k][0][v]) for k, v in (("quote", "close"), ("adjclose", "adjclose"))
    )
    is_before = np.array(chart["timestamp"]) < ex
    assert (adjusted[is_before] < close[is_before]).all()
    assert (adjusted[~is_before] == close[~is_before]).all()


def test_a_bar_comes_after_its_close_and_a_live_one_does_not_tell_it(client, server):
    chart: Chart = server.world.charts["AAPL"]
    at = chart.sessions.index(date(2024, 5, 3))
    opened, closed = int(chart.opens_at[at]), int(chart.closes_at[at])
    window = {"period1": opened - 86_400 * 5, "period2": closed + 86_400 * 5}
    server.set_clock(datetime.fromtimestamp(opened - 1, UTC))
    assert client.bars("AAPL", **window)["timestamp"][-1] < opened
    server.set_clock(datetime.fromtimestamp(opened + 3600, UTC))
    live = client.bars("AAPL", **window)
    assert live["timestamp"][-1] == opened
    assert live["indicators"]["quote"][0]["close"][-1] != pytest.approx(chart.prices["close"][at], rel=1e-6)
    server.set_clock(datetime.fromtimestamp(closed, UTC) + timedelta(seconds=1))
    done = client.bars("AAPL", **window)
    assert done["indicators"]["quote"][0]["close"][-1] == pytest.approx(chart.prices["close"][at], rel=1e-6)


def test_events_come_only_when_asked_for(client):
    assert "events" not in client.bars("NVDA", events="")
    assert set(client.bars("NVDA", events="split")["events"]) == {"splits"}
