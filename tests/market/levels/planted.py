"""Levels that are known to be there, and markets in which none is: what is found of the first, and how much is seen in the second.

``python -m tests.market.levels.planted`` prints the table for the seeds that the floors of the tests were not read from.
"""

from dataclasses import dataclass, replace

import numpy as np

from market import levels
from market.levels.bars import Bars, checked
from market.levels.candidates import Candidates, candidates
from market.levels.levels import Events, follow

DAILY = 0.025  # deviation of a daily return, about that of a KOSDAQ share
STEPS = 8  # of a session, so that highs and lows lie beyond open and close as they do
LEVEL, ROWS, READY, BREAK = 10_000.0, 320, 140, 300
TUNED, TESTED = range(0, 100), range(1000, 1200)


def bars_of(paths: np.ndarray, rng: np.random.Generator) -> Bars:
    """Bars of (k, rows, steps) prices."""
    k, rows, _ = paths.shape
    volume = np.exp(rng.normal(12, 0.5, k * rows))
    prices = (paths[:, :, 0], paths.max(axis=2), paths.min(axis=2), paths[:, :, -1])
    opened, high, low, close = (price.ravel() for price in prices)
    return checked(opened, high, low, close, volume, np.arange(k + 1) * rows)


def random_walks(k: int, rows: int, rng: np.random.Generator, price: float = 20_000.0) -> Bars:
    """Geometric random walks without drift."""
    steps = rng.normal(-(DAILY**2) / 2 / STEPS, DAILY / STEPS**0.5, (k, rows * STEPS))
    return bars_of(price * np.exp(np.cumsum(steps, axis=1)).reshape(k, rows, STEPS), rng)


def bouncing(role: int, noise: float, rng: np.random.Generator) -> Bars:
    """A price that keeps coming back to LEVEL and is thrown back by it, up to row BREAK, on which it goes through.

    Parameters
    ----------
    role : 1 it comes from above, -1 from below.
    noise : deviation of the price at which it is thrown back each time, in daily deviations.
    """
    away, wall = np.empty(ROWS * STEPS), 0.0  # in daily deviations
    x = 4.0
    for step in range(ROWS * STEPS):
        if step < BREAK * STEPS:
            x += (2.0 - x) * 0.1 / STEPS + rng.normal(0, 1 / STEPS**0.5)
            if x < wall:
                x, wall = 2 * wall - x, rng.normal(0, noise)
        else:
            x += (-6.0 - x) * 0.5 / STEPS + rng.normal(0, 0.3 / STEPS**0.5)
        away[step] = x
    return bars_of(LEVEL * np.exp(role * DAILY * away).reshape(1, ROWS, STEPS), rng)


@dataclass(frozen=True)
class Recall:
    """What was found of a planted level: shares of rows and of series.

    ``alive``: rows from READY on with a level of the right role within its own tolerance. ``pivot``: the same of pivots alone. ``broken``:
    series with such a pivot level on the row before the break in which one broke within five rows. ``early``: pivot levels per series that
    broke there before.
    """

    alive: float
    pivot: float
    broken: float
    early: float


def at_price(events: Events, price: float, role: int) -> Events:
    return events.take((np.abs(events.price - price) <= events.tolerance) & (events.role == role))


def recall(seeds: range, noise: float) -> Recall:
    """Over as many planted series as seeds, supports and resistances in turn."""
    alive, pivot, broken, early = [], [], [], []
    for seed in seeds:
        role = 1 if seed % 2 else -1
        bars = bouncing(role, noise, np.random.default_rng(seed))
        events = follow(bars, candidates(bars, np.full(ROWS, np.nan)))
        near = at_price(events, LEVEL, role)
        for row in range(READY, BREAK, 10):
            there = levels.alive(near, row)
            alive.append(len(there.row) > 0)
            pivot.append((there.kind == 0).any())
        if (levels.alive(near, BREAK - 1).kind == 0).any():
            breaks = near.row[(near.event == levels.BROKEN) & (near.kind == 0)]
            broken.append(bool(((breaks >= BREAK) & (breaks <= BREAK + 5)).any()))
        early.append(int(((near.event == levels.BROKEN) & (near.row < BREAK) & (near.kind == 0)).sum()))
    return Recall(*(float(np.mean(values)) for values in (alive, pivot, broken, early)))


def held(events: Events) -> float:
    """Touches over touches and breaks: the share of meetings that held."""
    touched = (events.event == levels.TOUCHED).sum()
    return float(touched / (touched + (events.event == levels.BROKEN).sum()))


def displaced(found: Candidates, rng: np.random.Generator) -> Candidates:
    """The same candidates at prices that mean nothing: one to six tolerances farther from the close."""
    far = rng.uniform(1, 6, len(found.price)) * found.tolerance
    return replace(found, price=np.maximum(found.price - found.role * far, found.tolerance))


def foretold(events: Events) -> float:
    """How often the stronger of two levels just touched is the one that holds at its next meeting: 0.5 is no better than a coin."""
    order = np.lexsort((events.row, events.serial, events.kind, events.formed))
    own = events.take(order)
    same = (np.diff(own.formed) == 0) & (np.diff(own.kind) == 0) & (np.diff(own.serial) == 0)
    same &= own.event[:-1] == levels.TOUCHED
    strength, is_held = own.strength[:-1][same], own.event[1:][same] == levels.TOUCHED
    rank = strength.argsort().argsort() + 1.0
    n_held, n_not = is_held.sum(), (~is_held).sum()
    return float((rank[is_held].sum() - n_held * (n_held + 1) / 2) / (n_held * n_not))


@dataclass(frozen=True)
class Nothing:
    """What is seen in random walks.

    Per kind of level, ``alive``: living levels per security; ``held``: share of meetings that held; ``held_elsewhere``: the same at prices
    without meaning. ``chance``: how often any price within four daily deviations of the close lies in the zone of a living level of the right
    role, what a recall is to be held against; ``chance_pivot``: the same of pivots alone.
    """

    alive: dict[str, float]
    held: dict[str, float]
    held_elsewhere: dict[str, float]
    foretold: float
    chance: float
    chance_pivot: float


def on_random_walks(seed: int, k: int = 60, rows: int = 750) -> Nothing:
    rng = np.random.default_rng(seed)
    bars = random_walks(k, rows, rng)
    found = candidates(bars, levels.round_steps(bars.close))
    events, elsewhere = follow(bars, found), follow(bars, displaced(found, rng))
    at = [begin + row for begin in bars.offsets[:-1] for row in range(300, rows, 150)]
    living = [levels.alive(events, row, bars.offsets) for row in at]
    away = rng.uniform(-4 * DAILY, 4 * DAILY, len(at))
    there = [
        at_price(one, bars.close[row] * np.exp(far), 1 if far < 0 else -1)
        for one, row, far in zip(living, at, away, strict=True)
    ]
    kinds = dict(enumerate(levels.KINDS))
    return Nothing(
        {name: float(np.mean([(one.kind == kind).sum() for one in living])) for kind, name in kinds.items()},
        {name: held(events.take(events.kind == kind)) for kind, name in kinds.items()},
        {name: held(elsewhere.take(elsewhere.kind == kind)) for kind, name in kinds.items()},
        foretold(events),
        float(np.mean([len(one.row) > 0 for one in there])),
        float(np.mean([(one.kind == 0).any() for one in there])),
    )


def main() -> None:
    print("planted: noise  alive  pivot  broken  broken early per series")
    for noise in (0.0, 0.1, 0.3, 0.5):
        one = recall(TESTED, noise)
        print(f"         {noise:5.1f}  {one.alive:5.3f}  {one.pivot:5.3f}  {one.broken:6.3f}  {one.early:5.2f}")
    print("random walks: alive per security, share of meetings held, the same at prices without meaning")
    for seed in (2001, 2002):
        nothing = on_random_walks(seed)
        for name in levels.KINDS:
            figures = nothing.alive[name], nothing.held[name], nothing.held_elsewhere[name]
            print(f"  seed {seed} {name:7}" + "".join(f"{figure:8.3f}" for figure in figures))
        print(f"  seed {seed} the stronger level is the one that holds: {nothing.foretold:.3f}")
        print(
            f"  seed {seed} any price lies at a level: {nothing.chance:.3f}, at a pivot level: {nothing.chance_pivot:.3f}"
        )


if __name__ == "__main__":
    main()
