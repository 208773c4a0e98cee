"""Servers killed in the middle of a day on the local stack, and commits whose answers are lost: the day ends as an undisturbed one."""

import os
import random
from collections.abc import Mapping
from unittest import mock

import pytest

from bench import chaos
from market import registry

NOT_IN_THE_WORLD = {"bronze.dart_companies"}  # years end in December

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3000)]  # a stack, a backfill, and two days


@pytest.fixture(autouse=True)
def variables_of_their_own():
    """A stack moves its ports through the environment."""
    with mock.patch.dict(os.environ):
        yield


def test_a_day_whose_servers_are_killed_and_whose_commits_go_unanswered_leaves_what_an_undisturbed_one_does(tmp_path):
    broken: dict[str, int] = {}
    kinds = (*chaos.KILLS, chaos.COMMITS)

    def count(told: Mapping[str, int], *_: object) -> None:
        broken.update(told)

    with chaos.arena(tmp_path) as made:
        of_lake = {name for name, table in registry.tables().items() if table.layer != "ops"}
        assert of_lake - set(made.expected) <= NOT_IN_THE_WORLD
        doubled = {line.split()[1] for line in made.expected["rows twice"].splitlines()}
        assert doubled == {"0"}, made.expected["rows twice"]
        assert chaos.trial(made, kinds, random.Random(7), count)
    assert broken[chaos.COMMITS] > 0
    assert len(broken) >= len(kinds) - 2, f"a blow may find nothing to kill; struck were {', '.join(broken)}"
