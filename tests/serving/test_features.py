"""Online features over HTTP, from the real store filled from the real release."""

import pytest

from lake import online
from serving.online import Online


@pytest.fixture
def filled(lake):
    online.fill(lake.settings, lake.first)
    return lake


def test_online_features_are_those_of_the_last_session_with_their_release(client, filled, built_tables):
    client.app.state.online.refresh()
    answer = client.get("/api/v1/features/005930")
    assert answer.status_code == 200, answer.text
    (row,) = answer.json()["data"]
    features = built_tables[0]["gold.features_daily"].to_pandas()
    last = features[features["security_id"] == "XKRX:005930"].sort_values("session_date").iloc[-1]
    assert (row["release_id"], row["session_date"], row["rsi_14"]) == ("r00001", "2024-05-31", float(last["rsi_14"]))
    assert client.get("/api/v1/features/999999").status_code == 404


def test_an_answer_is_from_one_release_while_the_store_is_ahead_or_behind(client, filled, built_tables):
    """The pointer moves, then the store is filled, then this process looks: three moments, and any order of the last two."""
    client.app.state.online.refresh()
    here = client.get("/api/v1/features/005930").json()
    online.fill(filled.settings, filled.second)
    ahead = client.get("/api/v1/features/005930")
    assert ahead.headers["X-Release-Id"] == "r00001"
    assert ahead.json() == here
    assert here["meta"]["known_at"] == "2024-05-31T06:30:00Z"
    filled.releases.publish(filled.second)
    client.app.state.current.refresh()
    online.fill(filled.settings, filled.first)
    behind = client.get("/api/v1/features/005930")
    assert behind.json()["meta"]["release_id"] == behind.json()["data"][0]["release_id"] == "r00002"
    later = built_tables[1]["gold.features_daily"].to_pandas()
    last = later[later["security_id"] == "XKRX:005930"].sort_values("session_date").iloc[-1]
    assert behind.json()["data"][0]["rsi_14"] == float(last["rsi_14"])


def test_a_store_that_is_still_opening_says_come_back(client, lake):
    client.app.state.online = Online(lake.settings)
    answer = client.get("/api/v1/features/005930")
    assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")
