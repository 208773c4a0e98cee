"""The picture sheets of the reference pages: one SVG for each file of indicators or candlesticks, a small panel for each feature.

All are drawn over one made-up price path, whole numbers in its making, so that every machine draws the same bytes. What does not belong here:
the pages that show them (`marketlake.dictionary`), pictures of a lake's data (`marketlake.pictures`).
"""

import importlib
import pkgutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from textwrap import shorten
from types import ModuleType
from typing import NamedTuple
from xml.sax.saxutils import escape

import numpy as np
from numpy.typing import NDArray

from market.features import candles, indicators
from market.features.definition import Feature
from market.features.sections import compile_features

Floats = NDArray[np.float64]
Bars = Mapping[str, Floats]

LEAD_IN, SHOWN, WHOLE = 520, 150, 15_000
"""Sessions before those shown, which fill every window; those shown, a rise and a fall; all of them, since the rarest pattern takes so long."""
BEFORE, AFTER = 11, 4
"""Candles around a session where a pattern is there."""

_SEED = 7
_LETTER = 5  # pixels of a letter of the small text, in a wide font
_COLUMNS, _WIDTH, _GAP, _HEAD, _PANEL, _PRICE = 4, 920, 12, 28, 84, 150
_INK, _QUIET, _FAINT, _LINE, _BULL, _BEAR = "#222222", "#666666", "#bbbbbb", "#1f5f99", "#1b7837", "#b2182b"


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


class Box(NamedTuple):
    """Where something is drawn, in pixels from the upper left."""

    x: float
    y: float
    width: float
    height: float


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
    made = {}
    for group in groups(indicators):
        values = _values(group, {name: column[: LEAD_IN + SHOWN] for name, column in bars.items()})
        made[group.sheet] = _sheet(group, bars, [_indicator(f, values[f.name], bars["close"]) for f in group.features])
    for group in groups(candles):
        values = _values(group, bars)
        made[group.sheet] = _sheet(group, bars, [_pattern(f, values[f.name], bars) for f in group.features])
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


class _Panel(NamedTuple):
    """A panel before it has a place: its two lines of text, and what draws the rest into a box."""

    name: str
    told: str
    draw: "_Drawing"


class _Drawing(NamedTuple):
    """A line over the shown sessions (beside the close where both have one scale), or candles with a mark."""

    values: Floats | None = None
    beside: Floats | None = None
    bars: Bars | None = None
    marked: tuple[int, float] | None = None


def _indicator(feature: Feature, values: Floats, close: Floats) -> _Panel:
    shown, price = values[LEAD_IN:], close[LEAD_IN : LEAD_IN + SHOWN]
    known = shown[np.isfinite(shown)]
    if not known.size:
        return _Panel(feature.name, f"{feature.unit}: no value here", _Drawing())
    told = f"{_number(known.min())} to {_number(known.max())} {feature.unit.replace('_', ' ')}"
    is_of_the_price = feature.unit == "price" and price.min() <= np.median(known) <= price.max()
    return _Panel(feature.name, told, _Drawing(shown, price if is_of_the_price else None))


def _pattern(feature: Feature, values: Floats, bars: Bars) -> _Panel:
    there = np.flatnonzero(np.nan_to_num(values[LEAD_IN:]))
    if not there.size:
        return _Panel(feature.name, f"never in {WHOLE:,} sessions", _Drawing())
    at = LEAD_IN + int(there[0])
    told = f"{values[at]:+.0f} in session {at - LEAD_IN + 1:,}"
    return _Panel(
        feature.name, told, _Drawing(bars=_cut(bars, at - BEFORE, at + AFTER), marked=(BEFORE, float(values[at])))
    )


def _sheet(group: Group, bars: Bars, panels: Sequence[_Panel]) -> str:
    width = (_WIDTH - _GAP) / _COLUMNS - _GAP
    top = _GAP + _HEAD + _PRICE + _GAP
    rows = -(-len(panels) // _COLUMNS)
    height = top + rows * (_HEAD + _PANEL + _GAP)
    title = f"{group.library}: {group.name.replace('_', ' ')}"
    shown = _cut(bars, LEAD_IN, LEAD_IN + SHOWN)
    told = f"{_number(shown['low'].min())} to {_number(shown['high'].max())}, {SHOWN} made-up sessions; white where the price rose, black where it fell"
    price = _Panel("price", told, _Drawing(bars=shown))
    drawn = _drawn(price, Box(_GAP, _GAP + _HEAD, _WIDTH - 2 * _GAP, _PRICE))
    for i, panel in enumerate(panels):
        x = _GAP + (i % _COLUMNS) * (width + _GAP)
        y = top + (i // _COLUMNS) * (_HEAD + _PANEL + _GAP) + _HEAD
        drawn += _drawn(panel, Box(x, y, width, _PANEL))
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" height="{height}" '
        f'font-family="sans-serif" font-size="11" fill="{_INK}">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{_WIDTH}" height="{height}" fill="#ffffff"/>', *drawn, "</svg>", "",
    ])  # fmt: skip


def _cut(bars: Bars, first: int, last: int) -> Bars:
    return {name: column[first:last] for name, column in bars.items()}


def _drawn(panel: _Panel, box: Box) -> list[str]:
    """The texts, the frame, and what is in it."""
    told = shorten(panel.told, int(box.width / _LETTER), placeholder=" ...")
    lines = [
        f'<text x="{box.x:.1f}" y="{box.y - 16:.1f}">{escape(panel.name)}</text>',
        f'<text x="{box.x:.1f}" y="{box.y - 4:.1f}" font-size="9" fill="{_QUIET}">{escape(told)}</text>',
        f'<rect x="{box.x:.1f}" y="{box.y:.1f}" width="{box.width:.1f}" height="{box.height:.1f}" fill="none" stroke="{_FAINT}"/>',
    ]
    if panel.draw.values is not None:
        lines += _series(box, panel.draw.values, panel.draw.beside)
    if panel.draw.bars is not None:
        lines += _candles(box, panel.draw.bars, panel.draw.marked)
    return lines


def _series(box: Box, values: Floats, beside: Floats | None) -> list[str]:
    both = values if beside is None else np.concatenate((values, beside))
    span = _Span.of(box, both)
    lines = []
    if span.low < 0 < span.high:
        y = span.y(0.0)
        lines.append(_path(f"M{box.x:.1f} {y:.1f}H{box.x + box.width:.1f}", _FAINT))
    if beside is not None:
        lines.append(_path(_line(box, span, beside), _FAINT))
    return [*lines, _path(_line(box, span, values), _LINE)]


def _line(box: Box, span: "_Span", values: Floats) -> str:
    """One stroke per unbroken stretch of known values."""
    step, words, is_down = box.width / max(len(values) - 1, 1), [], False
    for i, value in enumerate(values):
        if np.isfinite(value):
            words.append(f"{'L' if is_down else 'M'}{box.x + i * step:.1f} {span.y(float(value)):.1f}")
        is_down = bool(np.isfinite(value))
    return "".join(words)


def _candles(box: Box, bars: Bars, marked: tuple[int, float] | None) -> list[str]:
    """Shadows as lines, bodies white where the price rose and black where it fell, and the mark below or above its candle."""
    span = _Span.of(box, np.concatenate((bars["low"], bars["high"])), 0.22 if marked else 0.04)
    step = box.width / len(bars["close"])
    half = 0.33 * step
    shadows, bodies = "", {True: "", False: ""}
    for i, (opened, high, low, close) in enumerate(
        zip(*(bars[n] for n in ("open", "high", "low", "close")), strict=True)
    ):
        x, top, bottom = box.x + (i + 0.5) * step, span.y(max(opened, close)), span.y(min(opened, close))
        shadows += f"M{x:.1f} {span.y(high):.1f}V{top:.1f}M{x:.1f} {bottom:.1f}V{span.y(low):.1f}"
        bodies[close >= opened] += f"M{x - half:.1f} {top:.1f}h{2 * half:.1f}V{bottom:.1f}h{-2 * half:.1f}z"
    lines = [_path(shadows, _INK), _path(bodies[True], _INK, "#ffffff"), _path(bodies[False], _INK, _INK)]
    if marked is None:
        return lines
    at, value = marked
    x = box.x + (at + 0.5) * step
    if value > 0:
        return [*lines, _path(f"M{x - 4:.1f} {span.y(bars['low'][at]) + 11:.1f}h8l-4 -7z", _BULL, _BULL)]
    return [*lines, _path(f"M{x - 4:.1f} {span.y(bars['high'][at]) - 11:.1f}h8l-4 7z", _BEAR, _BEAR)]


class _Span(NamedTuple):
    """The values that a box reaches over."""

    low: float
    high: float
    bottom: float
    height: float

    @classmethod
    def of(cls, box: Box, values: Floats, margin: float = 0.06) -> "_Span":
        low, high = float(np.nanmin(values)), float(np.nanmax(values))
        room = (high - low or 1.0) * margin
        return cls(low - room, high + room, box.y + box.height, box.height)

    def y(self, value: float) -> float:
        """How far down the value is."""
        return self.bottom - (value - self.low) / (self.high - self.low) * self.height


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def _path(words: str, stroke: str, fill: str = "none") -> str:
    return f'<path d="{words}" stroke="{stroke}" fill="{fill}"/>'
