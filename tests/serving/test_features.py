"""Online features over HTTP, from the real store filled from the real release."""

import pytest
from fastapi.testclient import TestClient

from lake import online
from lake.online_rows import Packed
from lake.online_stores import open_online
from lake.settings import ROOT
from market.errors import Permanent
from serving.app import create_app


@pytest.fixture
def filled(lake):
    online.fill(lake.settings, lake.first)
    return lake


def test_online_features_are_those_of_the_last_session_with_their_release(client, filled, built_tables):
    answer = client.get("/api/v1/features/005930")
    assert answer.status_code == 200, answer.text
    (row,) = answer.json()["data"]
    features = built_tables[0]["gold.features_daily"].to_pandas()
    last = features[features["security_id"] == "XKRX:005930"].sort_values("session_date").iloc[-1]
    assert (row["release_id"], row["session_date"], row["rsi_14"]) == ("r00001", "2024-05-31", float(last["rsi_14"]))
    assert client.get("/api/v1/features/999999").status_code == 404


def test_an_answer_is_from_one_release_while_the_store_is_ahead_or_behind(client, filled, built_tables):
    """The pointer moves, then the store is filled, then this process looks: three moments, and any order of the last two."""
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


@pytest.mark.parametrize(
    "bytes_of_another",
    [Packed(b'{"layout":99}', {}), Packed(b"no head", {"XKRX:005930": b"no row"})],
    ids=["layout", "no rows"],
)
def test_a_store_that_cannot_be_read_costs_no_answer(client, filled, bytes_of_another):
    """Filled by another version of the code: the release has the answer."""
    here = client.get("/api/v1/features/005930").json()
    open_online(filled.settings.online_url, ROOT).replace({"features_daily": bytes_of_another})
    answer = client.get("/api/v1/features/005930")
    assert (answer.status_code, answer.json()) == (200, here)
    assert 'source="lake"' in client.get("/metrics").text


def test_an_url_of_no_store_is_refused_at_the_start(lake):
    with pytest.raises(Permanent, match="MARKETLAKE_ONLINE_URL"):
        create_app(lake.settings.model_copy(update={"online_url": "mongodb://host"}))


def test_the_store_is_closed_with_the_app(lake, monkeypatch):
    closed = []
    app = create_app(lake.settings)
    monkeypatch.setattr(app.state.online._features, "close", lambda: closed.append(1))
    with TestClient(app):
        assert not closed
    assert closed
