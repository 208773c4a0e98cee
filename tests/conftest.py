"""What the whole suite shares: CI draws the same examples at each run, a developer new ones; a small lake; a Redis."""

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from tests.support.small_lake import SmallLake
from tests.support.small_lake import small_lake as made_once

if TYPE_CHECKING:
    from tests.support.redis_server import RedisServer

settings.register_profile("ci", derandomize=True, deadline=None, print_blob=True)
settings.register_profile("developer", deadline=None)
settings.load_profile("ci" if os.environ.get("CI") else "developer")


@pytest.fixture(scope="session")
def small_lake(tmp_path_factory: pytest.TempPathFactory) -> SmallLake:
    """The lake of `tests/support`, built once per run whoever asks first; never changed by a test."""
    return made_once(tmp_path_factory.getbasetemp() / "small-lake")


@pytest.fixture(scope="module")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[RedisServer]":
    """A real Redis 8 for one file of tests."""
    from tests.support.redis_server import running

    with running(tmp_path_factory.mktemp("redis")) as server:
        yield server
