"""Chart patterns planted with noise into random walks, and how well they are found: `python -m tests.market.patterns.planted` prints the table.

A pattern is drawn as a line through its corners, upward; downward it is mirrored. Noise is a random walk tied
down at the corners, which are themselves off their places a little. What does not belong here: what counts as good enough (the tests).
"""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

import numpy as np

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

Corners = list[tuple[float, float]]


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
    drawing = _DRAWN[kind](rng, direction)
    side = -direction if kind == "common_gap" else direction
    rows = np.array([round(row) for row, _ in drawing.corners])
    level = np.interp(np.arange(rows[-1] + 1), rows, [level for _, level in drawing.corners])
    inside = np.log1p(side * sigma * level) + noise * _tied(rng, rows, sigma)
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


class _Drawing(NamedTuple):
    """Corners as (row, level in sigmas), the first at row 0; start and confirmation rows; size of a gap in sigmas."""

    corners: Corners
    start: int
    row: int
    gap: float = 0.0


Draw = Callable[[np.random.Generator, int], _Drawing]
"""Draws a pattern upward, given which way it is to break."""


def _tied(rng: np.random.Generator, rows: np.ndarray, sigma: float) -> np.ndarray:
    """A random walk that is 0 at each corner."""
    path = np.cumsum(rng.normal(0.0, sigma, rows[-1] + 1))
    return np.asarray(path - np.interp(np.arange(rows[-1] + 1), rows, path[rows]))


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


def _drawn(
    rng: np.random.Generator, shape: Corners, boundary: Callable[[float], float], width: float, tall: float, jitter: float = 0.02
) -> _Drawing:  # fmt: skip
    """A drawing from corners in parts of width and height: one before the pattern, its own, and one to which it breaks out."""
    moved = [(x + rng.normal(0.0, 0.012), y + rng.normal(0.0, jitter)) for x, y in shape[:-1]] + shape[-1:]
    begin = moved[0][0]
    (x0, y0), (x1, y1) = moved[-2:]
    beyond = next(x for x in np.linspace(x0, x1, 200) if y0 + (y1 - y0) * (x - x0) / (x1 - x0) > boundary(x))
    corners = [(width * (x - begin), tall * (y - moved[0][1])) for x, y in moved]
    return _Drawing(corners, round(corners[1][0]), round(width * (beyond - begin)))


def _under_neckline(*shape: tuple[float, float]) -> Draw:
    """Bottoms at 0 under a neckline at 1."""
    return lambda rng, _: _drawn(rng, list(shape), lambda x: 1.0, rng.uniform(45.0, 90.0), rng.uniform(9.0, 15.0))


def _cup(rng: np.random.Generator, _: int) -> _Drawing:
    bowl = [(x, (2.0 * x - 1.0) ** 2) for x in np.linspace(0.0, 1.0, 9)]
    shape = [(-0.4, -0.1), *bowl, (1.15, 0.7), (1.4, 1.3)]
    return _drawn(rng, shape, lambda x: 1.0, rng.uniform(50.0, 90.0), rng.uniform(10.0, 16.0))


def _between(rise: float, lift: float) -> Draw:
    """To and fro between two boundaries, at 1 and 0 first, which rise so much over the width."""

    def draw(rng: np.random.Generator, _: int) -> _Drawing:
        upper, lower = rise + rng.normal(0.0, 0.04), lift + rng.normal(0.0, 0.04)
        swings = int(rng.integers(5, 8))
        width, tall = swings * rng.uniform(10.0, 14.0), rng.uniform(9.0, 13.0)
        is_top = (np.arange(swings + 1) + swings) % 2 == 1  # the last corner is below: from there it breaks out
        places = np.linspace(0.0, 1.0, swings + 1)
        corners = [(x, 1.0 + upper * x if top else lower * x) for x, top in zip(places, is_top, strict=True)]
        shape = [(-0.2, 0.5), *corners, (1.25, 1.6 + upper * 1.25)]
        return _drawn(rng, shape, lambda x: 1.0 + upper * x, width, tall)

    return draw


def _channel(rise: float) -> Draw:
    """Between parallels that rise so much, whichever way they are left."""
    return lambda rng, direction: _between(direction * rise, direction * rise)(rng, direction)


def _flag(rng: np.random.Generator, _: int) -> _Drawing:
    """A pole of a third of the width, then a drift between parallel lines."""
    shape = [(-0.2, 0.1), (0.0, 0.0), (0.4, 1.0), (0.55, 0.72), (0.75, 0.93), (0.9, 0.68), (1.2, 1.5)]
    return _drawn(rng, shape, lambda x: 1.08 - 0.2 * x, rng.uniform(26.0, 34.0), rng.uniform(14.0, 20.0))


def _breakaway(rng: np.random.Generator, _: int) -> _Drawing:
    """Thirty rows in a narrow range, then a gap above it."""
    corners = [(5.0 * i, 2.0 * (i % 2)) for i in range(7)]
    return _Drawing([*corners, (31.0, 2.0), (40.0, 5.0)], 30, 31, rng.uniform(0.5, 1.5))


def _common(rng: np.random.Generator, _: int) -> _Drawing:
    """A gap up in the lower half of a broad range."""
    corners = [(0.0, 0.0), (10.0, 10.0), (20.0, 1.0), (21.0, 1.5), (35.0, 5.0)]
    return _Drawing(corners, 20, 21, rng.uniform(0.5, 1.2))


_DOUBLE = _under_neckline((-0.5, 1.5), (0.0, 0.0), (0.5, 1.0), (1.0, 0.0), (1.6, 1.4))
_HEAD = _under_neckline((-0.4, 1.5), (0.0, 0.45), (0.24, 1.0), (0.5, 0.0), (0.76, 1.0), (1.0, 0.45), (1.35, 1.4))
_DRAWN: Final[dict[str, Draw]] = {
    "ascending_triangle": _between(0.0, 0.65),
    "bear_flag": _flag,
    "breakaway_gap": _breakaway,
    "bull_flag": _flag,
    "common_gap": _common,
    "cup_and_handle": _cup,
    "descending_triangle": _between(0.0, 0.65),
    "double_bottom": _DOUBLE,
    "double_top": _DOUBLE,
    "falling_channel": _channel(-1.0),
    "falling_wedge": _between(-1.2, -0.55),
    "head_and_shoulders": _HEAD,
    "horizontal_channel": _channel(0.0),
    "inverse_head_and_shoulders": _HEAD,
    "rising_channel": _channel(1.0),
    "rising_wedge": _between(-1.2, -0.55),
    "symmetrical_triangle": _between(-0.35, 0.35),
}
"""How each kind is drawn. What breaks downward is drawn as its mirror: a channel that rises and is left downward as one that falls."""


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
