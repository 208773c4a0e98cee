"""Levels and patterns over HTTP and on the chart: what lives at a session, on its scale, and nothing that was known later."""

import re
from xml.etree import ElementTree

import pandas as pd
import pytest

from market import calendars, levels, patterns
from tests.serving.conftest import SPLIT

API = "/api/v1/stocks"
LAST = "2024-05-31"


def rows_of(answer):
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


def closes(client, symbol):
    return {row["session_date"]: row for row in rows_of(client.get(f"{API}/{symbol}/prices", params={"limit": 1000}))}


@pytest.mark.parametrize("symbol", ["005930", "000660", "AAPL"])
@pytest.mark.parametrize("on", [LAST, "2024-05-10", None])
def test_the_levels_of_a_session_are_those_that_the_kernel_says_live(client, symbol, on):
    bars = pd.DataFrame(closes(client, symbol).values())
    bars = bars[bars["session_date"] <= (on or LAST)]
    split = (bars["session_date"] >= f"{SPLIT}") if symbol == "005930" else pd.Series(False, index=bars.index)
    factor = split.map({True: 0.2, False: 1.0}).to_numpy()
    columns = {name: (bars[name] / factor).to_numpy() for name in ("open", "high", "low", "close")}
    steps = levels.round_steps(bars["close"].to_numpy()) / factor
    found = levels.find(
        **columns, volume=(bars["volume"] * factor).to_numpy(), round_step=steps, offsets=[0, len(bars)]
    )
    living = levels.alive(found, len(bars) - 1)
    answered = rows_of(client.get(f"{API}/{symbol}/levels", params={"on": on} if on else {}))
    assert [row["price"] for row in answered] == pytest.approx(list(living.price * factor[-1]))
    assert [row["touches"] for row in answered] == living.touches.tolist() and answered
    exchange = "XNYS" if symbol == "AAPL" else "XKRX"
    newest = bars["session_date"].max()
    for row in answered:
        days = (pd.Timestamp(row["formed_date"]).date(), pd.Timestamp(newest).date())
        assert row["age"] == calendars.session_no(exchange, days[1]) - calendars.session_no(exchange, days[0])


def test_events_are_paged_without_loss_and_end_with_what_lives(client):
    first = client.get(f"{API}/005930/levels/events", params={"limit": 7}).json()
    rows, following = first["data"], first["next"]
    while following:
        body = client.get(f"{API}/005930/levels/events", params={"limit": 7, "cursor": following}).json()
        rows, following = rows + body["data"], body["next"]
    whole = rows_of(client.get(f"{API}/005930/levels/events", params={"limit": 1000}))
    assert rows == whole and len(whole) > 7
    assert {row["event"] for row in whole} <= set(levels.EVENTS)


def test_before_its_first_session_and_for_a_short_history_there_are_none(client):
    assert rows_of(client.get(f"{API}/005930/levels", params={"on": "2023-01-02"})) == []
    assert rows_of(client.get(f"{API}/005930/levels", params={"on": "2024-01-31"})) == []


def test_an_earlier_instant_leaves_out_what_was_not_known(client):
    told = {"as_of": "2024-05-20T00:00Z", "limit": 1000}
    rows = rows_of(client.get(f"{API}/000660/levels/events", params=told))
    assert rows and all(row["known_at"] <= "2024-05-20T00:00" for row in rows)
    assert client.get(f"{API}/000660/levels", params=told | {"limit": 5}).status_code == 422, "no such parameter"


def test_patterns_are_filtered_by_kind_and_confidence(client):
    every = [row for symbol in ("005930", "000660", "035720", "247540", "AAPL")
             for row in rows_of(client.get(f"{API}/{symbol}/patterns", params={"limit": 1000}))]  # fmt: skip
    assert every, "a hundred sessions of five walks have some"
    assert {row["pattern"] for row in every} <= set(patterns.PATTERNS)
    one = every[0]
    symbol = one["security_id"]
    kept = rows_of(
        client.get(f"{API}/{symbol}/patterns", params={"pattern": one["pattern"], "confidence": one["confidence"]})
    )
    assert one in kept and {row["pattern"] for row in kept} == {one["pattern"]}
    assert rows_of(client.get(f"{API}/{symbol}/patterns", params={"confidence": 1, "pattern": one["pattern"]})) in (
        [],
        [one],
    )


def test_a_pattern_that_there_is_not_is_named_with_those_that_there_are(client):
    problem = client.get(f"{API}/005930/patterns", params={"pattern": "double_top,triple_axel"})
    assert problem.status_code == 422
    assert problem.json()["errors"][0]["found"] == "triple_axel"
    assert "double_bottom" in problem.json()["errors"][0]["expected"]


def test_a_chart_shows_bars_levels_and_patterns_and_needs_no_network(client):
    page = client.get("/charts/005930")
    assert page.status_code == 200
    assert "src=" not in page.text and "https://" not in page.text and "$" not in page.text
    picture = ElementTree.fromstring(re.search(r"<svg.*</svg>", page.text, re.DOTALL).group())
    told = [title.text for title in picture.iter("{http://www.w3.org/2000/svg}title")]
    days = closes(client, "005930")
    last = days[LAST]
    assert any(text.startswith(f"{LAST}: open") and f"close {last['close']:,.10g}" in text for text in told)
    assert sum(bool(re.match(r"\d{4}-\d\d-\d\d: (open|no trading)", text)) for text in told) == len(days), (
        "a candle a session"
    )
    living = rows_of(client.get(f"{API}/005930/levels"))
    shown = [
        row
        for row in living
        if min(d["low"] for d in days.values()) < row["price"] < max(d["high"] for d in days.values())
    ]
    assert len(shown) <= sum(text.startswith(("support", "resistance")) for text in told) <= len(living) and shown
    found = rows_of(client.get(f"{API}/005930/patterns", params={"limit": 1000}))
    assert len(list(picture.iter("{http://www.w3.org/2000/svg}polygon"))) == len(found)
    for row in living:
        assert f"{row['price']:,.10g}" in page.text
    [line] = picture.iter("{http://www.w3.org/2000/svg}polyline")
    assert line.get("class") == "vwap" and "nan" not in page.text
    assert any(text.startswith("value area: ") for text in told)
    assert "<h1>삼성전자 005930</h1>" in page.text
    assert "<b>" not in client.get("/charts/035720").text, "names are text"


def test_a_chart_may_end_earlier_and_there_is_none_before_the_first_price(client):
    assert "2024-05-10, KRW" in client.get("/charts/005930", params={"on": "2024-05-12"}).text
    assert client.get("/charts/005930", params={"on": "2023-05-12"}).status_code == 404
    assert client.get("/charts/nothing").status_code == 404
    assert 'href="/charts/005930"' in client.get("/").text
