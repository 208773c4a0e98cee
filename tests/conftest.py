"""What the whole suite shares: the examples drawn, a small lake, a Redis, and which tests run in one process."""

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from tests.support.small_lake import SmallLake
from tests.support.small_lake import small_lake as made_once

if TYPE_CHECKING:
    from tests.support.redis_server import RedisServer

LONGEST = "pipeline"
SLOW_S = 1200

settings.register_profile("ci", derandomize=True, deadline=None, print_blob=True)
settings.register_profile("developer", deadline=None)
settings.load_profile("ci" if os.environ.get("CI") else "developer")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """With `-n`, a folder stays in one process: it shares a lake, a Spark, servers. The longest goes first; slow ones get time."""
    for item in items:
        if not item.get_closest_marker("xdist_group"):
            item.add_marker(pytest.mark.xdist_group(item.path.parent.name))
        if item.get_closest_marker("slow"):
            item.add_marker(pytest.mark.timeout(SLOW_S))
    items.sort(key=lambda item: item.path.parent.name != LONGEST)


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
