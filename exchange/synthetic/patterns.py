"""Chart patterns drawn as lines through corners, and where they stand in the synthetic market: in securities beyond the default ones, one each.

A pattern is drawn upward; downward it is mirrored. Noise is a random walk tied down at the corners, which are themselves off their
places a little. What does not belong here: how a pattern is found (`market.patterns`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any, Final, NamedTuple

import numpy as np

from exchange.model import Float64
from exchange.synthetic.companies import Security

SIGMA, NOISE = 0.022, 0.5
"""Of a session's logarithmic move, as the market's securities have it; of the walk within a pattern, in parts of that."""
REPEATS = 2
_AFTER, _SPREAD = 60, 20
"""Sessions left at the world's end behind a pattern, and within how many more it is confirmed."""

Corners = list[tuple[float, float]]


class Drawing(NamedTuple):
    """Corners as (row, level in sigmas), the first at row 0; start and confirmation rows; size of a gap in sigmas."""

    corners: Corners
    start: int
    row: int
    gap: float = 0.0


Draw = Callable[[np.random.Generator, int], Drawing]
"""Draws a pattern upward, given which way it is to break."""


class Planted(NamedTuple):
    """One pattern of one security: sessions are positions, ``returns`` the log returns of the sessions behind ``first``."""

    security: int
    kind: str
    direction: int
    first: int
    start: int
    row: int
    returns: Float64
    gap: float

    @property
    def side(self) -> int:
        """Which way it is left: a common gap points back."""
        return side_of(self.kind, self.direction)

    @property
    def is_busy(self) -> bool:
        """Whether volume comes with its gap, which lies beyond the whole range before it."""
        return self.kind == "breakaway_gap"

    def volume(self, t: int) -> float:
        """Of the usual volume: it wanes while the pattern is built and doubles where it is left."""
        if self.first <= t < self.row:
            return 1.0 - 0.4 * (t - self.first) / (self.row - self.first)
        return 2.0 if self.row <= t < self.row + 3 else 1.0


def planted(n_securities: int, n_default: int, n_sessions: int, rng: np.random.Generator) -> list[Planted]:
    """Each kind and direction so many times, one a security from number ``n_default`` on, as far as there are securities."""
    found = []
    for security, (kind, direction) in enumerate(KINDS * REPEATS, n_default):
        drawing = DRAWN[kind](rng, direction)
        row = n_sessions - _AFTER - int(rng.integers(0, _SPREAD))
        first = row - drawing.row
        inside = line(drawing, side_of(kind, direction), SIGMA, NOISE, rng)
        one = Planted(
            security, kind, direction, first, first + drawing.start, row, np.diff(inside), drawing.gap * SIGMA
        )
        found.append(one)
    return [one for one in found if one.security < n_securities]


def line(drawing: Drawing, side: int, sigma: float, noise: float, rng: np.random.Generator) -> Float64:
    """Logarithms of the closes along a drawing.

    Parameters
    ----------
    side : 1 upward, -1 for its mirror.
    sigma : of a session's logarithmic move.
    noise : of the walk along the line, in parts of a free one.
    """
    rows = np.array([round(row) for row, _ in drawing.corners])
    level = np.interp(np.arange(rows[-1] + 1), rows, [level for _, level in drawing.corners])
    path = np.cumsum(rng.normal(0.0, sigma, rows[-1] + 1))
    tied = path - np.interp(np.arange(rows[-1] + 1), rows, path[rows])
    return np.asarray(np.log1p(side * sigma * level) + noise * tied)


def side_of(kind: str, direction: int) -> int:
    """Which way a pattern of that kind and direction is left."""
    return -direction if kind == "common_gap" else direction


def describe(
    found: Sequence[Planted], securities: Sequence[Security], sessions: Sequence[date], cut: tuple[int, int]
) -> list[dict[str, Any]]:
    """Those of session ``cut[0]`` on and the first ``cut[1]`` securities: code, kind, direction, first session and the one that confirms it."""
    return [
        {"code": securities[one.security].code, "kind": one.kind, "direction": one.direction,
         "start": sessions[one.start].isoformat(), "date": sessions[one.row].isoformat()}
        for one in found if one.security < cut[1] and one.first >= cut[0]
    ]  # fmt: skip


def _drawn(
    rng: np.random.Generator, shape: Corners, boundary: Callable[[float], float], width: float, tall: float, jitter: float = 0.02
) -> Drawing:  # fmt: skip
    """A drawing from corners in parts of width and height: one before the pattern, its own, and one to which it breaks out."""
    moved = [(x + rng.normal(0.0, 0.012), y + rng.normal(0.0, jitter)) for x, y in shape[:-1]] + shape[-1:]
    begin = moved[0][0]
    (x0, y0), (x1, y1) = moved[-2:]
    beyond = next(x for x in np.linspace(x0, x1, 200) if y0 + (y1 - y0) * (x - x0) / (x1 - x0) > boundary(x))
    corners = [(width * (x - begin), tall * (y - moved[0][1])) for x, y in moved]
    return Drawing(corners, round(corners[1][0]), round(width * (beyond - begin)))


def _under_neckline(*shape: tuple[float, float]) -> Draw:
    """Bottoms at 0 under a neckline at 1."""
    return lambda rng, _: _drawn(rng, list(shape), lambda x: 1.0, rng.uniform(45.0, 90.0), rng.uniform(9.0, 15.0))


def _cup(rng: np.random.Generator, _: int) -> Drawing:
    bowl = [(x, (2.0 * x - 1.0) ** 2) for x in np.linspace(0.0, 1.0, 9)]
    shape = [(-0.4, -0.1), *bowl, (1.15, 0.7), (1.4, 1.3)]
    return _drawn(rng, shape, lambda x: 1.0, rng.uniform(50.0, 90.0), rng.uniform(10.0, 16.0))


def _between(rise: float, lift: float) -> Draw:
    """To and fro between two boundaries, at 1 and 0 first, which rise so much over the width."""

    def draw(rng: np.random.Generator, _: int) -> Drawing:
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


def _flag(rng: np.random.Generator, _: int) -> Drawing:
    """A pole of a third of the width, then a drift between parallel lines."""
    shape = [(-0.2, 0.1), (0.0, 0.0), (0.4, 1.0), (0.55, 0.72), (0.75, 0.93), (0.9, 0.68), (1.2, 1.5)]
    return _drawn(rng, shape, lambda x: 1.08 - 0.2 * x, rng.uniform(26.0, 34.0), rng.uniform(14.0, 20.0))


def _breakaway(rng: np.random.Generator, _: int) -> Drawing:
    """Thirty rows in a narrow range, then a gap above it."""
    corners = [(5.0 * i, 2.0 * (i % 2)) for i in range(7)]
    return Drawing([*corners, (31.0, 2.0), (40.0, 5.0)], 30, 31, rng.uniform(0.5, 1.5))


def _common(rng: np.random.Generator, _: int) -> Drawing:
    """A gap up in the lower half of a broad range."""
    corners = [(0.0, 0.0), (10.0, 10.0), (20.0, 1.0), (21.0, 1.5), (35.0, 5.0)]
    return Drawing(corners, 20, 21, rng.uniform(0.5, 1.2))


_DOUBLE = _under_neckline((-0.5, 1.5), (0.0, 0.0), (0.5, 1.0), (1.0, 0.0), (1.6, 1.4))
_HEAD = _under_neckline((-0.4, 1.5), (0.0, 0.45), (0.24, 1.0), (0.5, 0.0), (0.76, 1.0), (1.0, 0.45), (1.35, 1.4))
DRAWN: Final[Mapping[str, Draw]] = {
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

_EITHER_WAY = (
    "breakaway_gap",
    "common_gap",
    "falling_channel",
    "horizontal_channel",
    "rising_channel",
    "symmetrical_triangle",
)
_DOWN = ("bear_flag", "descending_triangle", "double_top", "head_and_shoulders", "rising_wedge")
KINDS: Final = tuple(
    (kind, direction)
    for kind in DRAWN
    for direction in ((1, -1) if kind in _EITHER_WAY else (-1,) if kind in _DOWN else (1,))
)
"""Every kind and direction there is."""
