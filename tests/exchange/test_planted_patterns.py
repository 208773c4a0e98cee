"""Chart patterns planted in the synthetic market are told as planted, and found in what the exchange serves of it."""

from collections.abc import Sequence
from functools import cache

import numpy as np
import pytest

from exchange.model import World
from exchange.synthetic import patterns as drawn
from exchange.synthetic.build import N_SESSIONS, N_SYMBOLS, build
from market import patterns
from market.patterns.rates import IN_THE_MARKET, RATES

N = len(drawn.KINDS) * drawn.REPEATS
NEAR = 10
"""Sessions between the planted and the found confirmation: a pivot is known three sessions late."""
SEEDS = (7, 11, 12, 13)


@cache
def world(seed: int) -> World:
    return build(seed, symbols=N_SYMBOLS + N, us_symbols=1)


@cache
def told(seed: int) -> patterns.Found:
    """What is found in the bars of the planted securities, laid end to end."""
    daily = world(seed).daily
    rows = [np.flatnonzero(daily.code == code) for code in range(N_SYMBOLS, N_SYMBOLS + N)]
    assert {len(one) for one in rows} == {N_SESSIONS}
    at = np.concatenate(rows)
    assert (daily.numbers["volume"][at] > 0).all(), "nothing else happens to them"
    columns = [daily.numbers[name][at].astype(float) for name in ("open", "high", "low", "close", "volume")]
    return patterns.find(*columns, offsets=np.arange(N + 1) * N_SESSIONS)


def hits(seed: int, one: dict[str, object]) -> int:
    """How many of the found patterns are the planted one: confirmed near it, and over the same sessions for the most part."""
    days = [f"{day}" for day in world(seed).daily.sessions]
    begin = world(seed).daily.codes.index(str(one["code"])) - N_SYMBOLS
    start, row = (begin * N_SESSIONS + days.index(str(one[name])) for name in ("start", "date"))
    found = told(seed)
    same = (found.kind == one["kind"]) & (found.direction == one["direction"]) & (np.abs(found.row - row) <= NEAR)
    if str(one["kind"]).endswith("gap"):
        return int((same & (found.row == row)).sum())
    both = np.minimum(found.row, row) - np.maximum(found.start, start)
    return int((same & (both >= 0.5 * (np.maximum(found.row, row) - np.minimum(found.start, start)))).sum())


def test_every_kind_and_direction_is_planted_and_the_default_market_has_none() -> None:
    planted = world(7).truth["krx"]["patterns"]
    assert set(drawn.KINDS) == set(RATES) == {(one["kind"], one["direction"]) for one in planted}
    assert len(planted) == N
    assert build(7, us_symbols=1).truth["krx"]["patterns"] == []


def found_share(seeds: Sequence[int]) -> tuple[float, int]:
    """Of the patterns planted in the worlds of these seeds, the share that is found, and how many there are."""
    found = [hits(seed, one) > 0 for seed in seeds for one in world(seed).truth["krx"]["patterns"]]
    return float(np.mean(found)), len(found)


def test_most_are_found_where_they_were_planted() -> None:
    share, n = found_share(SEEDS)
    assert share >= IN_THE_MARKET - 4 * np.sqrt(IN_THE_MARKET * (1 - IN_THE_MARKET) / n)


@pytest.mark.parametrize("kind", ["breakaway_gap", "cup_and_handle", "double_bottom"])
def test_of_what_is_told_of_a_kind_in_its_securities_the_planted_one_is_the_most(kind: str) -> None:
    n_told = n_hits = 0
    for seed in SEEDS:
        for one in (one for one in world(seed).truth["krx"]["patterns"] if one["kind"] == kind):
            begin = (world(seed).daily.codes.index(one["code"]) - N_SYMBOLS) * N_SESSIONS
            found = told(seed)
            here = (found.row >= begin) & (found.row < begin + N_SESSIONS)
            n_told += int((here & (found.kind == kind) & (found.direction == one["direction"])).sum())
            n_hits += min(hits(seed, one), 1)
    assert n_hits / n_told > 0.4, (n_hits, n_told)


if __name__ == "__main__":
    print(*found_share(range(100, 130)))
