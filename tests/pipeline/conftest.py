"""One small world, backfilled once; each test that changes the lake works on a copy of it."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

from exchange.keys import DEFAULT_KEYS
from exchange.server import Server, serve
from jobs.run import Runner
from lake.lake import Lake
from lake.settings import Settings
from market import registry
from market.digest import digest

SYMBOLS, SESSIONS, HELD_BACK = 12, 75, 3


@dataclass(frozen=True)
class Desk:
    """A lake of its own with what runs it."""

    runner: Runner
    server: Server
    settings: Settings

    @property
    def lake(self) -> Lake:
        return self.runner.lake

    def rows(self, table: str) -> list[dict[str, object]]:
        return self.lake.delta.read(registry.table(table)).to_pylist()

    def digests(
        self, *, without: tuple[str, ...] = (), layers: tuple[str, ...] = ("bronze", "silver", "gold")
    ) -> dict[str, str]:
        found = {}
        for table in registry.tables().values():
            if table.layer in layers and self.lake.delta.exists(table) and table.name != "gold.predictions":
                kept = [name for name in table.digested if name not in without]
                found[table.name] = digest(self.lake.delta.read(table), table.key, kept)
        return found


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    with serve("synthetic:7", symbols=SYMBOLS, us_symbols=4, sessions=SESSIONS) as running:
        yield running


@pytest.fixture(scope="session")
def sessions(server: Server) -> list[date]:
    told = server.world.describe()["sessions"]
    return sorted({date.fromisoformat(str(day)) for days in told.values() for day in days})


@pytest.fixture(scope="session")
def settings_at(server: Server, sessions: list[date]) -> Callable[[Path], Settings]:
    def make(folder: Path) -> Settings:
        return Settings(
            lake_url=str(folder / "lake"), state_dir=folder / "var", dagster_home=folder / "dagster",
            mlflow_tracking_uri=f"sqlite:///{folder}/mlflow/mlflow.db", online_url=f"sqlite:///{folder}/online.db",
            exchange_url=server.url, first_session=sessions[0], last_session=sessions[-1],
            http_attempts=2, http_backoff_s=0.01,
            **{name.lower(): key for name, key in DEFAULT_KEYS.items() if name != "KRX_SERVICES"},
        )  # fmt: skip

    return make


@pytest.fixture(scope="session")
def backfilled(tmp_path_factory, server, sessions, settings_at) -> Desk:
    """All sessions but the last three; never changed by a test."""
    settings = settings_at(tmp_path_factory.mktemp("backfilled"))
    runner = Runner(settings)
    runner.backfill(sessions[0], sessions[-1 - HELD_BACK])
    return Desk(runner, server, settings)


@pytest.fixture(scope="session")
def a_day_later(backfilled, server, sessions, settings_at, tmp_path_factory) -> Desk:
    """The day after, a tenth of whose Korean rows was bad; never changed by a test."""
    settings = settings_at(tmp_path_factory.mktemp("later")).model_copy(update={"quarantine_limit": 0.2})
    shutil.copytree(backfilled.settings.lake_url, settings.lake_url)
    desk, day = Desk(Runner(settings), server, settings), sessions[-HELD_BACK]
    with spoilt(server, day):
        desk.runner.day(day)
    return desk


@contextmanager
def spoilt(server: Server, day: date) -> Iterator[None]:
    """A tenth of the Korean rows of the day is bad, whenever it is asked for."""
    server.set_faults([{"name": "bad-rows", "source": "krx", "date": f"{day}", "share": "0.1"}])
    try:
        yield
    finally:
        server.set_faults([])


@pytest.fixture
def desk(backfilled, server, tmp_path, settings_at) -> Iterator[Desk]:
    """A copy of the backfilled lake; the world has no faults before and after."""
    settings = settings_at(tmp_path)
    shutil.copytree(backfilled.settings.lake_url, settings.lake_url)
    server.set_faults([])
    yield Desk(Runner(settings), server, settings)
    server.set_faults([])
