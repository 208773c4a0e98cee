"""A small simulated world, a lake in a folder, and an S3 server, for the tests of the adapters."""

import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from loguru import logger

from exchange.keys import DEFAULT_KEYS
from exchange.server import Server, serve
from lake.bronze import Bronze, Taken
from lake.clients import client
from lake.delivery import ClientContext, Company, Delivery
from lake.delta import DeltaLake
from lake.objects import lake_store
from lake.settings import Settings
from lake.world import open_world
from market.sources import SOURCES
from marketlake.stack.place import Place
from marketlake.stack.servers import s3
from tests.support.s3_server import s3_server

LIVE = {source.setting("base_url"): "live" for source in SOURCES.values()}
KEYS = {name.lower(): key for name, key in DEFAULT_KEYS.items()}


@pytest.fixture(scope="session")
def _served() -> Iterator[Server]:
    with serve("synthetic:7", symbols=12, us_symbols=3, sessions=30) as server:
        yield server


@pytest.fixture
def exchange(_served: Server) -> Iterator[Server]:
    """The world without faults, at its end."""
    _served.set_faults(())
    _served.set_clock(_served.world.end)
    yield _served
    _served.set_faults(())


@pytest.fixture
def settings(exchange: Server, tmp_path: Path) -> Settings:
    """Settings of that world and an empty lake; pauses are short."""
    return make_settings(lake_url=str(tmp_path / "lake"), exchange_url=exchange.url)


@pytest.fixture
def make() -> Callable[..., Settings]:
    """Settings that read no environment file."""
    return make_settings


def make_settings(**values: Any) -> Settings:
    """Settings with the exchange's keys and short pauses, overridden by name."""
    quick = {"http_backoff_s": 0.01, "http_attempts": 3, "http_timeout_s": 10.0, "http_max_pause_s": 2.0}
    return Settings(_env_file=None, **{**quick, **KEYS, **values})


class Intake:
    """The real parts together: a source's client, the landing zone and bronze."""

    def __init__(self, settings: Settings, companies: tuple[Company, ...] = ()) -> None:
        self.settings, self.companies = settings, companies
        self.world = open_world(settings)
        self.delta = DeltaLake(settings)
        self.store = lake_store(settings)
        self.bronze = Bronze(self.delta, self.store)

    def context(self) -> ClientContext:
        """What a client gets."""
        return ClientContext(self.settings, self.world, self.bronze.request_log(), self.companies)

    def sessions(self, source: str) -> list[date]:
        """All sessions of the world that the source has."""
        return self.world.sessions(SOURCES[source].exchange, date(2000, 1, 1), date(2100, 1, 1))

    def take(self, source: str, sessions: list[date]) -> Taken:
        """Ingest these sessions."""
        ctx = self.context()
        taken = self.bronze.take(client(source).deliveries(sessions, ctx), requests=ctx.requests)
        self.bronze.mark(source, sessions)
        return taken

    def with_settings(self, **values: Any) -> "Intake":
        """The same lake and world under other settings."""
        other = Intake.__new__(Intake)
        other.__dict__.update(self.__dict__)
        other.settings = self.settings.model_copy(update=values)
        other.world = replace(self.world, settings=other.settings)
        return other


@pytest.fixture
def intake(settings: Settings, exchange: Server) -> Intake:
    """Ingestion over the small world."""
    companies = tuple(Company(c.stock_code, c.corp_name) for c in list(exchange.world.companies.values())[:4])
    return Intake(settings, companies)


@pytest.fixture
def logged() -> Iterator[list[str]]:
    """Every log line, its fields included."""
    lines: list[str] = []
    handle = logger.add(lambda m: lines.append(f"{m} {m.record['extra']}"), level="TRACE", format="{message}")
    yield lines
    logger.remove(handle)


@pytest.fixture(scope="session")
def s3_place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A running SeaweedFS, as the local stack has it."""
    with s3_server(tmp_path_factory.mktemp("s3")) as place:
        yield place


@pytest.fixture
def on_s3(s3_place: Place) -> dict[str, str]:
    """Settings of an empty lake on the S3 server, by name."""
    values = {name.lower(): value for name, value in s3.values(s3_place).items()}
    return {**values, "lake_url": f"{values['lake_url']}/{uuid.uuid4().hex}"}


@pytest.fixture
def now() -> datetime:
    """An instant for clocks of tests."""
    return datetime(2024, 5, 7, 9, 0, tzinfo=UTC)


@pytest.fixture
def ask(make: Callable[..., Settings]) -> Callable[..., list[Delivery]]:
    """Deliveries of a source's client from a scripted real host."""

    def deliveries(
        source: str, sessions: list[date], handler: Callable[[httpx.Request], httpx.Response], **values: Any
    ) -> list[Delivery]:
        settings = make(**{**LIVE, **values})
        ctx = ClientContext(
            settings,
            open_world(settings),
            companies=(Company("005930", "삼성전자"),),
            transport=httpx.MockTransport(handler),
        )
        return list(client(source).deliveries(sessions, ctx))

    return deliveries
