"""How many planted patterns are found, how many of those told were planted, and how often a random walk shows one.

Shapes were tuned on seeds below 1,000; here are others. Floors and ceilings leave room for chance: they are what
`python -m tests.market.patterns.planted` measured on 200 other seeds and 287,500 other rows, less four standard errors
of both: there are 69 numbers to hold.
"""

import math
from typing import Final

import pytest

from market.patterns.rates import RATES
from tests.market.patterns.planted import BOTH, SURE, false_alarms, scored

SEEDS: Final = range(20_000, 20_100)


@pytest.fixture(scope="module")
def rates() -> dict[tuple[str, int], float]:
    return false_alarms(20_000)


def test_every_kind_and_direction_is_measured() -> None:
    assert set(RATES) == set(BOTH)


@pytest.mark.parametrize(("kind", "direction"), BOTH, ids=lambda value: str(value))
def test_planted_patterns_are_found_where_they_were_planted(kind: str, direction: int) -> None:
    recall, precision, _ = RATES[kind, direction]
    score = scored(kind, direction, SEEDS)
    assert score.recall >= recall - _room(recall, score.planted)
    assert score.precision >= precision - _room(precision, score.told)


@pytest.mark.parametrize(("kind", "direction"), BOTH, ids=lambda value: str(value))
def test_a_random_walk_shows_few(kind: str, direction: int, rates: dict[tuple[str, int], float]) -> None:
    rate = RATES[kind, direction][2]
    assert rates[kind, direction] <= rate + 4.0 * math.sqrt(
        rate / 75.0 + rate / 287.5
    )  # thousands of rows here and there


@pytest.mark.parametrize("kind", ["double_bottom", "falling_wedge", "head_and_shoulders", "bear_flag"])
def test_a_confident_pattern_was_planted_more_often(kind: str) -> None:
    direction = next(way for name, way in BOTH if name == kind)
    assert scored(kind, direction, SEEDS, least=SURE).precision > scored(kind, direction, SEEDS).precision + 0.05


def test_noise_hides_patterns() -> None:
    calm, rough = (scored("head_and_shoulders", -1, SEEDS, noise) for noise in (0.25, 1.5))
    assert calm.recall > rough.recall + 0.2


def _room(share: float, n: int) -> float:
    """Four standard errors of the difference of two shares, one of ``n``, one of twice as many; of a share near 1 those of 0.98."""
    return 4.0 * math.sqrt(max(share * (1.0 - share), 0.02) * 1.5 / n)
