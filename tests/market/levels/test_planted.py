"""What is found of planted levels, and that nothing is seen in random walks. Floors lie below what other seeds gave; see ``planted``."""

import pytest

from market import levels
from tests.market.levels.planted import TESTED, on_random_walks, recall

SEEDS = TESTED[:60]


@pytest.mark.parametrize(
    ("noise", "least", "early"),
    [
        pytest.param(0.1, 0.95, 0.2, id="thrown back at nearly one price"),
        pytest.param(0.3, 0.90, 0.5, id="thrown back within a third of a daily deviation"),
    ],
)
def test_a_planted_level_lives_in_its_role_until_it_is_broken(noise: float, least: float, early: float) -> None:
    one = recall(SEEDS, noise)
    assert one.alive >= least and one.pivot >= least - 0.02
    assert one.broken >= 0.95 and one.early <= early


def test_a_random_walk_has_levels_that_hold_no_better_than_any_price() -> None:
    nothing = on_random_walks(2003, k=40)
    assert 10 <= sum(nothing.alive.values()) <= 20
    for kind in levels.KINDS:
        assert nothing.held[kind] == pytest.approx(nothing.held_elsewhere[kind], abs=0.03), kind
    assert nothing.foretold == pytest.approx(0.5, abs=0.03)
    assert nothing.chance_pivot <= 0.35  # what the recall of planted levels is to be held against
