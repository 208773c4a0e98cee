"""What the whole suite shares: the examples drawn, a small lake, a Redis, and which tests run in one process."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings
from xdist.scheduler import LoadScopeScheduling

from tests.support.small_lake import SmallLake
from tests.support.small_lake import small_lake as made_once

if TYPE_CHECKING:
    from tests.support.disk import Disk
    from tests.support.redis_server import RedisServer

LONGEST = "pipeline"
SLOW_S = 1200

settings.register_profile("ci", derandomize=True, deadline=None, print_blob=True)
settings.register_profile("developer", deadline=None)
settings.register_profile("thorough", deadline=None, max_examples=200)  # of make test-all
settings.load_profile("ci" if os.environ.get("CI") else "developer")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The folder that takes the longest goes first; slow tests get time, where they ask for none of their own."""
    for item in items:
        if item.get_closest_marker("slow") and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(SLOW_S))
    items.sort(key=lambda item: item.path.parent.name != LONGEST)


class ByFolder(LoadScopeScheduling):  # type: ignore[misc, unused-ignore]
    """With `-n`, a folder stays in one process: it shares a lake, a Spark, servers."""

    def _split_scope(self, nodeid: str) -> str:
        return nodeid.partition("::")[0].rpartition("/")[0]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByFolder:
    """Marks of groups (`loadgroup`) do not reach the scheduler with this pytest."""
    return ByFolder(config, log)


@pytest.fixture(scope="session")
def small_lake(tmp_path_factory: pytest.TempPathFactory) -> SmallLake:
    """The lake of `tests/support`, built once per process; never changed by a test."""
    return made_once(tmp_path_factory.getbasetemp() / "small-lake")


@pytest.fixture(scope="module")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[RedisServer]":
    """A real Redis 8 for one file of tests."""
    from tests.support.redis_server import running

    with running(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def disk(tmp_path: Path) -> "Iterator[Disk]":
    """A file system that can be full."""
    from tests.support.disk import small_disk

    with small_disk(tmp_path / "disk") as made:
        yield made
