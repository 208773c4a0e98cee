"""Chart patterns planted with noise into random walks, and how well they are found: `python -m tests.market.patterns.planted` prints the table.

They are drawn as those of the synthetic market are (`exchange.synthetic.patterns`). What does not belong here: what counts as good enough (the tests).
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from exchange.synthetic.patterns import DRAWN, line, side_of
from market import patterns

BOTH: Final = tuple(
    (name, direction)
    for name, pattern in patterns.PATTERNS.items()
    for direction in ((pattern.direction,) if pattern.direction else (1, -1))
)
"""Every kind and direction there is."""
BEFORE, AFTER = 280, 60
"""Rows of random walk around a planted pattern."""
NEAR = 10
"""Rows between the planted and the found confirmation: a pivot is known three rows late, and noise closes beyond sooner or later."""

SURE = 0.6
"""Confidence from which a pattern is called sure in the table."""


class Bars(NamedTuple):
    """One security's columns, as ``patterns.find`` takes them."""

    open: np.ndarray
    high: np.ndarray
    low: np.ndarray
    close: np.ndarray
    volume: np.ndarray


class Planted(NamedTuple):
    """Bars with one pattern in them: its kind and direction, the row it starts in, and the row that closes beyond its boundary."""

    bars: Bars
    kind: str
    direction: int
    start: int
    row: int


class Score(NamedTuple):
    """Of ``planted`` patterns so many found, of so many told of the kind and direction in all their rows."""

    planted: int
    found: int
    told: int

    @property
    def recall(self) -> float:
        return self.found / self.planted

    @property
    def precision(self) -> float:
        return self.found / self.told if self.told else float("nan")


def walk(rng: np.random.Generator, rows: int, sigma: float = 0.03) -> Bars:
    """A random walk without drift: 15 steps a session behind an overnight one that holds a fifth of its variance, volume of its own."""
    steps = rng.normal(0.0, sigma * np.sqrt(0.8 / 15), (rows, 16))
    steps[:, 0] *= np.sqrt(0.2 / 0.8 * 15)
    path = 1e4 * np.exp(np.cumsum(steps.ravel())).reshape(rows, 16)
    return Bars(path[:, 0], path.max(axis=1), path.min(axis=1), path[:, -1], rng.lognormal(10.0, 0.5, rows))


def plant(kind: str, direction: int, rng: np.random.Generator, noise: float = 0.5, sigma: float = 0.025) -> Planted:
    """A pattern of random size in a random walk.

    Parameters
    ----------
    noise : of the walk inside the pattern, in parts of that outside it.
    sigma : of a session's logarithmic move.
    """
    drawing, side = DRAWN[kind](rng, direction), side_of(kind, direction)
    rows = np.array([round(row) for row, _ in drawing.corners])
    inside = line(drawing, side, sigma, noise, rng)
    before = np.cumsum(rng.normal(0.0, sigma, BEFORE))
    after = np.cumsum(rng.normal(0.0, sigma, AFTER))
    close = np.concatenate((before - before[-1] + inside[0], inside, inside[-1] + after))
    broken = BEFORE + drawing.row
    bars = _bars(rng, close, sigma, BEFORE + rows[0], broken)
    if drawing.gap:
        bars = _gapped(bars, broken, side, drawing.gap * sigma, kind == "breakaway_gap")
    return Planted(bars, kind, direction, BEFORE + drawing.start, broken)


def is_hit(planted: Planted, found: patterns.Found) -> np.ndarray:
    """Which of the found patterns is the planted one: confirmed near it, and over the same rows for the most part."""
    same = (found.kind == planted.kind) & (found.direction == planted.direction)
    if planted.kind.endswith("gap"):
        return np.asarray(same & (found.row == planted.row))
    both = np.minimum(found.row, planted.row) - np.maximum(found.start, planted.start)
    either = np.maximum(found.row, planted.row) - np.minimum(found.start, planted.start)
    return np.asarray(same & (np.abs(found.row - planted.row) <= NEAR) & (both >= 0.5 * either))


def scored(kind: str, direction: int, seeds: Sequence[int], noise: float = 0.5, least: float = 0.0) -> Score:
    """How well a kind is found where it was planted, once per seed; of what is told with a confidence of ``least`` or more."""
    all_planted = [plant(kind, direction, np.random.default_rng(seed), noise) for seed in seeds]
    offsets = np.concatenate(([0], np.cumsum([len(planted.bars.close) for planted in all_planted])))
    found = patterns.find(*_end_to_end([planted.bars for planted in all_planted]), offsets)
    told = (found.kind == kind) & (found.direction == direction) & (found.confidence >= least)
    n_found = sum(
        bool((is_hit(planted._replace(start=planted.start + begin, row=planted.row + begin), found) & told).any())
        for planted, begin in zip(all_planted, offsets[:-1], strict=True)
    )
    return Score(len(all_planted), n_found, int(told.sum()))


def false_alarms(seed: int, n_series: int = 60, rows: int = 1250, least: float = 0.0) -> dict[tuple[str, int], float]:
    """Patterns per 1,000 rows of random walks, by kind and direction; of what is told with a confidence of ``least`` or more."""
    rng = np.random.default_rng(seed)
    columns = _end_to_end([walk(rng, rows) for _ in range(n_series)])
    found = patterns.find(*columns, np.arange(n_series + 1) * rows)
    told = list(zip(found.kind.tolist(), found.direction.tolist(), (found.confidence >= least).tolist(), strict=True))
    return {(kind, way): told.count((kind, way, True)) / (n_series * rows) * 1e3 for kind, way in BOTH}


def _end_to_end(securities: Sequence[Bars]) -> Bars:
    return Bars(*(np.concatenate(column) for column in zip(*securities, strict=True)))


def _bars(rng: np.random.Generator, close: np.ndarray, sigma: float, begin: int, broken: int) -> Bars:
    """Bars around closes in logarithms; volume wanes while the pattern is built and doubles where it is left."""
    n = len(close)
    opened = np.concatenate((close[:1], close[:-1])) + rng.normal(0.0, 0.3 * sigma, n)
    high = np.maximum(opened, close) + np.abs(rng.normal(0.0, 0.4 * sigma, n))
    low = np.minimum(opened, close) - np.abs(rng.normal(0.0, 0.4 * sigma, n))
    volume = rng.lognormal(10.0, 0.5, n)
    volume[begin:broken] *= np.linspace(1.0, 0.6, broken - begin)
    volume[broken : broken + 3] *= 2.0
    return Bars(*(1e4 * np.exp(part) for part in (opened, high, low, close)), volume)


def _gapped(bars: Bars, row: int, side: int, size: float, is_busy: bool) -> Bars:
    """The same bars, from a row on moved to where that row lies beyond the one before it, or beyond the range before if it is busy."""
    past = slice(row - 20 if is_busy else row - 1, row)
    edge, near = (bars.high[past].max(), bars.low[row]) if side > 0 else (bars.low[past].min(), bars.high[row])
    factor = np.where(np.arange(len(bars.close)) < row, 1.0, edge / near * np.exp(side * size))
    volume = bars.volume.copy()
    volume[row] = np.mean(volume[row - 20 : row]) * (2.5 if is_busy else 0.9)
    return Bars(bars.open * factor, bars.high * factor, bars.low * factor, bars.close * factor, volume)


def main(seeds: Sequence[int] = range(10_000, 10_200), noises: Sequence[float] = (0.25, 0.5, 0.75)) -> None:
    """Print recall / precision of each kind by noise, of all and of what has a confidence of 0.6 or more, and its rate in random walks."""
    rates, sure = false_alarms(1, 230), false_alarms(1, 230, least=SURE)
    heads = [f"noise {noise}" for noise in noises]
    print("kind".ljust(26), "way", *(head.rjust(11) for head in (*heads, "0.5, sure", "per 1,000", "sure")))
    for kind, way in BOTH:
        scores = [scored(kind, way, seeds, noise) for noise in noises] + [scored(kind, way, seeds, least=SURE)]
        cells = [f"{score.recall:.2f} / {score.precision:.2f}" for score in scores]
        print(kind.ljust(26), f"{way:+d} ", *cells, f"{rates[kind, way]:11.2f} {sure[kind, way]:11.2f}")


if __name__ == "__main__":
    main()
