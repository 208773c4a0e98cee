"""The picture sheets of the reference pages: one SVG for each file of indicators or candlesticks, a small panel for each feature.

All are drawn over one made-up price path, whole numbers in its making, so that every machine draws the same bytes. What does not belong here:
the pages that show them (`marketlake.dictionary`), pictures of a lake's data (`marketlake.pictures`).
"""

import importlib
import pkgutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType

import numpy as np

from market import patterns
from market.features import candles, indicators
from market.features.definition import Feature
from market.features.sections import compile_features
from marketlake.panels import Bars, Drawing, Floats, Panel, Shape, number, sheet

LEAD_IN, SHOWN, WHOLE = 520, 150, 15_000
"""Sessions before those shown, which fill every window; those shown, a rise and a fall; all of them, since the rarest pattern takes so long."""
BEFORE, AFTER = 11, 4
"""Candles around a session where a pattern is there."""
CHART_PATTERNS = "chart_patterns.svg"
_BOUNDED = ("triangle", "wedge", "channel")
_AROUND = 12  # sessions before a chart pattern and behind it

_SEED = 7


@dataclass(frozen=True)
class Group:
    """A file of a library that has features: its name, the first line of what it says of itself, its features."""

    library: str
    name: str
    about: str
    features: tuple[Feature, ...]

    @property
    def sheet(self) -> str:
        """The file of its picture."""
        return f"{self.library}_{self.name}.svg"

    @property
    def title(self) -> str:
        """What the picture is called."""
        return f"{self.library}: {self.name.replace('_', ' ')}"


def groups(home: ModuleType) -> list[Group]:
    """The files of a library by name."""
    library = home.__name__.rpartition(".")[2]
    found = []
    for name in sorted(module.name for module in pkgutil.iter_modules(home.__path__)):
        module = importlib.import_module(f"{home.__name__}.{name}")
        about = (module.__doc__ or "").partition("\n")[0]
        found.append(Group(library, name, about, module.FEATURES))
    return [group for group in found if group.features]


def sheets() -> dict[str, str]:
    """Every sheet by file name, as SVG."""
    bars = price_path()
    price, made = _price(bars), {}
    for group in groups(indicators):
        values = _values(group, {name: column[: LEAD_IN + SHOWN] for name, column in bars.items()})
        made[group.sheet] = sheet(
            group.title, price, [_indicator(f, values[f.name], bars["close"]) for f in group.features]
        )
    for group in groups(candles):
        values = _values(group, bars)
        made[group.sheet] = sheet(group.title, price, [_pattern(f, values[f.name], bars) for f in group.features])
    made[CHART_PATTERNS] = sheet("chart patterns", None, _chart_patterns(bars))
    return made


def price_path() -> dict[str, Floats]:
    """WHOLE sessions of a made-up price: open, high, low, close (to the hundredth), volume in shares, value.

    Gaps, bodies and shadows are uniform draws to a power that is drawn too, so that some sessions hardly move and some leap: with one
    power alone a few patterns never come. The close is drawn back to 100.
    """
    drawn = np.fromiter(_uniform(6 * WHOLE), float, 6 * WHOLE).reshape(WHOLE, 6)
    power = np.array([1.0, 2.0, 4.0])[(3 * drawn[:, 4]).astype(int)]
    gap, body = (np.sign(drawn[:, i] - 0.5) * np.abs(2 * drawn[:, i] - 1) ** power for i in (0, 1))
    opened, close, last = np.empty(WHOLE), np.empty(WHOLE), 100.0
    for i in range(WHOLE):
        opened[i] = last * (1 + 0.02 * gap[i])
        last = close[i] = opened[i] * (1 + 0.03 * body[i] + 0.02 * (100 - opened[i]) / 1000)
    high = np.maximum(opened, close) * (1 + 0.03 * drawn[:, 2] ** (power + 1))
    low = np.minimum(opened, close) * (1 - 0.03 * drawn[:, 3] ** (power + 1))
    volume = np.round(100_000 * (0.5 + drawn[:, 5]) * (1 + 20 * np.abs(close / opened - 1)))
    prices = {"open": opened, "high": high, "low": low, "close": close}
    rounded = {name: np.round(column, 2) for name, column in prices.items()}
    return {**rounded, "volume": volume, "value": np.round(volume * (rounded["high"] + rounded["low"]) / 2)}


def _uniform(n: int) -> Iterator[float]:
    """Draws between 0 and 1: D. Knuth's MMIX generator, The Art of Computer Programming 2 (1997), section 3.3.4."""
    state = _SEED
    for _ in range(n):
        state = (6364136223846793005 * state + 1442695040888963407) % 2**64
        yield (state >> 11) / 2**53


def _values(group: Group, bars: Bars) -> Mapping[str, Floats]:
    rows = len(bars["close"])
    return compile_features(group.features).run(bars, np.array([0, rows]), keeps_state=False).values


def _price(bars: Bars) -> Panel:
    shown = _cut(bars, LEAD_IN, LEAD_IN + SHOWN)
    told = f"{number(shown['low'].min())} to {number(shown['high'].max())}, {SHOWN} made-up sessions; white where the price rose, black where it fell"
    return Panel("price", told, Drawing(bars=shown))


def _cut(bars: Bars, first: int, last: int) -> Bars:
    return {name: column[first:last] for name, column in bars.items()}


def _indicator(feature: Feature, values: Floats, close: Floats) -> Panel:
    shown, price = values[LEAD_IN:], close[LEAD_IN : LEAD_IN + SHOWN]
    known = shown[np.isfinite(shown)]
    if not known.size:
        return Panel(feature.name, f"{feature.unit}: no value here", Drawing())
    told = f"{number(known.min())} to {number(known.max())} {feature.unit.replace('_', ' ')}"
    is_of_the_price = feature.unit == "price" and price.min() <= np.median(known) <= price.max()
    return Panel(feature.name, told, Drawing(shown, price if is_of_the_price else None))


def _turns(bars: Bars, pivots: Sequence[int], direction: int) -> list[int]:
    """1 of each pivot that is a high, -1 of a low: half of them each (of an odd number one more on the side that the pattern leaves), by which end of
    the session stands out from those around it."""
    near = [slice(at - 3, at + 4) for at in pivots]
    above = [bars["high"][at] - bars["high"][some].max() for at, some in zip(pivots, near, strict=True)]
    below = [bars["low"][some].min() - bars["low"][at] for at, some in zip(pivots, near, strict=True)]
    aside = [
        bars["high"][at] + bars["low"][at] - 2 * np.median(bars["close"][some])
        for at, some in zip(pivots, near, strict=True)
    ]
    order = np.lexsort((aside, np.sign(np.subtract(above, below))))
    turns = np.full(len(pivots), -1)
    turns[order[len(order) // 2 if direction < 0 else -(-len(order) // 2) :]] = 1
    return [int(turn) for turn in turns]


def _extended(corners: list[tuple[int, float]], row: int) -> list[tuple[int, float]]:
    (x0, y0), (x1, y1) = corners[0], corners[-1]
    return [(x0, y0), (row, y0 + (y1 - y0) * (row - x0) / (x1 - x0))]


def _pattern(feature: Feature, values: Floats, bars: Bars) -> Panel:
    there = np.flatnonzero(np.nan_to_num(values[LEAD_IN:]))
    if not there.size:
        return Panel(feature.name, f"never in {WHOLE:,} sessions", Drawing())
    at = LEAD_IN + int(there[0])
    told = f"{values[at]:+.0f} in session {at - LEAD_IN + 1:,}"
    return Panel(
        feature.name, told, Drawing(bars=_cut(bars, at - BEFORE, at + AFTER), marked=(BEFORE, float(values[at])))
    )


def _chart_patterns(bars: Bars) -> list[Panel]:
    columns = {name: bars[name] for name in ("open", "high", "low", "close", "volume")}
    found = patterns.find(**columns, offsets=[0, WHOLE])
    return [
        _chart_pattern(name, way, found, bars)
        for name, one in patterns.PATTERNS.items()
        for way in ((one.direction,) if one.direction else (1, -1))
    ]


def _chart_pattern(name: str, direction: int, found: patterns.Found, bars: Bars) -> Panel:
    """Of all that is found the one that fits best, the first of several."""
    way = "up" if direction > 0 else "down"
    ours = np.flatnonzero((found.kind == name) & (found.direction == direction) & (found.start >= _AROUND))
    if not ours.size:
        return Panel(name, f"{way}: never in {WHOLE:,} sessions", Drawing())
    best = int(ours[np.argmax(found.confidence[ours])])
    row, first = int(found.row[best]), int(found.start[best]) - _AROUND
    sides = {1: "high", -1: "low"}
    pivots = [int(at) for at in found.pivots[best] if at >= 0]
    turns = _turns(bars, pivots, direction)
    corners = [(at - first, float(bars[sides[turn]][at])) for at, turn in zip(pivots, turns, strict=True)]
    lines = [corners]
    if name.endswith(_BOUNDED):  # two boundaries, each from its first pivot through its last to where it is left
        sides_of = [[corner for corner, turn in zip(corners, turns, strict=True) if turn == way_] for way_ in (1, -1)]
        lines = [_extended(side, row - first) for side in sides_of if len(side) > 1]
    shape = Shape(lines, row - first, float(found.target[best]), float(found.failure[best]))
    told = f"{way}, confidence {found.confidence[best]:.2f}"
    return Panel(name, told, Drawing(bars=_cut(bars, first, row + _AROUND), shape=shape))
