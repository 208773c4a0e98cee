"""Which release answers: switched and rolled back without a restart, one per request, and said in every answer."""

from dataclasses import replace

import pytest
from fastapi.testclient import TestClient

from lake.settings import Settings
from serving.app import create_app

PRICES = "/api/v1/stocks/005930/prices?from=2024-05-03&to=2024-05-03"


def closed(client):
    answer = client.get(PRICES)
    return answer.headers["X-Release-Id"], answer.json()["data"][0]["close"]


def test_a_new_release_is_served_without_a_restart_and_a_rollback_too(client, lake):
    first = closed(client)
    lake.releases.publish(lake.second)
    assert closed(client) == first
    client.app.state.current.refresh()
    assert closed(client) == ("r00002", 15_555.0)
    lake.releases.rollback()
    client.app.state.current.refresh()
    assert closed(client) == first


def test_a_release_that_cannot_be_opened_is_not_served_and_is_said(client, lake):
    broken = replace(lake.second, tables={**lake.second.tables, "gold.prices": 99})
    lake.releases.publish(broken)
    client.app.state.current.refresh()
    assert client.get("/readyz").json()["release_id"] == "r00001"
    assert "gold.prices version 99" in client.get("/readyz").json()["failure"]
    assert "marketlake_release_switch_failed 1.0" in client.get("/metrics").text


def test_the_releases_are_listed_newest_first(client, lake):
    lake.releases.publish(lake.second)
    client.app.state.current.refresh()
    body = client.get("/api/v1/releases", params={"limit": 1}).json()
    assert (body["data"][0]["release_id"], body["data"][0]["is_current"]) == ("r00002", True)
    older = client.get("/api/v1/releases", params={"limit": 1, "cursor": body["next"]}).json()
    assert (older["data"][0]["release_id"], older["data"][0]["is_current"], older["next"]) == ("r00001", False, None)
    (current,) = client.get("/api/v1/releases/current").json()["data"]
    assert current["tables"] == dict(lake.second.tables)
    assert client.get("/api/v1/releases/current").json()["meta"]["code_sha"].endswith("+dirty")


@pytest.mark.parametrize("path", ["/api/v1/stocks", "/api/v1/models", "/api/v1/releases/current", "/readyz"])
def test_before_the_first_release_there_is_nothing_to_answer_from(tmp_path, path):
    settings = Settings(lake_url=str(tmp_path / "empty"), online_url=f"sqlite:///{tmp_path}/online.db",
                        cache_url=f"sqlite:///{tmp_path}/cache.db", _env_file=None)  # fmt: skip
    with TestClient(create_app(settings)) as client:
        answer = client.get(path)
        assert (answer.status_code, answer.json()["type"]) == (503, "urn:marketlake:problem:no-release")
        assert answer.headers["Retry-After"]
        assert client.get("/healthz").status_code == 200
        assert client.get("/").status_code == 200
