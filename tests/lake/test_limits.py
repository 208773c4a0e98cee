"""How often a source is asked: as its real host allows, without limit at the exchange, and as the settings say before either."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from lake.clients import client
from lake.delivery import ClientContext
from lake.host import Host
from lake.http import Fetcher
from lake.settings import Settings
from lake.world import open_world
from market.errors import Permanent
from market.sources import SOURCES

NOW = datetime(2024, 5, 7, 9, 0, tzinfo=UTC)
LIMITED = ("krx", "dart", "naver", "daum")


def host_of(intake: Any, source: str, **values: object) -> Host:
    """The host as that source's client asks it, live unless a base URL is given."""
    settings = intake.with_settings(**{SOURCES[source].setting("base_url"): "live", **values}).settings
    ctx = ClientContext(settings, open_world(settings))
    with ctx.fetcher(client(source).host(ctx)) as fetcher:  # type: ignore[attr-defined]
        return fetcher.host


@pytest.mark.parametrize("source", LIMITED)
def test_a_live_host_is_asked_as_it_allows(intake: Any, source: str) -> None:
    host = host_of(intake, source)
    assert host.pace_per_s and host.quota_per_day


@pytest.mark.parametrize("source", LIMITED)
def test_the_exchange_is_asked_without_limit(intake: Any, source: str) -> None:
    host = host_of(intake, source, **{SOURCES[source].setting("base_url"): ""})
    assert host.pace_per_s is None
    assert host.quota_per_day is None


def test_the_settings_say_before_the_host(make: Callable[..., Settings]) -> None:
    host = Host("dart", "http://127.0.0.1:9", quota_per_day=20_000)
    settings = make(dart_quota_per_day=0)
    with (
        Fetcher(
            host, settings, lambda: NOW, transport=httpx.MockTransport(lambda r: httpx.Response(200, json={}))
        ) as fetcher,
        pytest.raises(Permanent, match="at most 0 calls"),
    ):
        fetcher.get("/x", {}, NOW.date())
