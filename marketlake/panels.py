"""Panels of a picture sheet as SVG: lines, candles, marks and outlines in boxes, in pixels; every machine draws the same bytes.

What does not belong here: what is drawn (`marketlake.sheets`).
"""

from collections.abc import Mapping, Sequence
from textwrap import shorten
from typing import NamedTuple
from xml.sax.saxutils import escape

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bars = Mapping[str, Floats]

_LETTER = 5  # pixels of a letter of the small text, in a wide font
_COLUMNS, _WIDTH, _GAP, _HEAD, _PANEL, _PRICE = 4, 920, 12, 28, 84, 150
_INK, _QUIET, _FAINT, _LINE, _BULL, _BEAR = "#222222", "#666666", "#bbbbbb", "#1f5f99", "#1b7837", "#b2182b"


class Box(NamedTuple):
    """Where something is drawn, in pixels from the upper left."""

    x: float
    y: float
    width: float
    height: float


class Panel(NamedTuple):
    """A panel before it has a place: its two lines of text, and what draws the rest into a box."""

    name: str
    told: str
    draw: "Drawing"


class Drawing(NamedTuple):
    """A line over the shown sessions (beside the close where both have one scale), or candles with a mark, or with a chart pattern in them."""

    values: Floats | None = None
    beside: Floats | None = None
    bars: Bars | None = None
    marked: tuple[int, float] | None = None
    shape: "Shape | None" = None


class Shape(NamedTuple):
    """A chart pattern: lines through its pivots as session and price, the session that confirms it, and where it leads and fails."""

    lines: Sequence[Sequence[tuple[int, float]]]
    row: int
    target: float
    failure: float


def sheet(title: str, price: Panel | None, panels: Sequence[Panel]) -> str:
    """An SVG of panels in four columns, below one of the price over the whole width where there is one."""
    width = (_WIDTH - _GAP) / _COLUMNS - _GAP
    top = _GAP + (_HEAD + _PRICE + _GAP if price else 0)
    rows = -(-len(panels) // _COLUMNS)
    height = top + rows * (_HEAD + _PANEL + _GAP)
    drawn = _drawn(price, Box(_GAP, _GAP + _HEAD, _WIDTH - 2 * _GAP, _PRICE)) if price else []
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


def number(value: float) -> str:
    """As people read it: three digits, or whole from a thousand on."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def _drawn(panel: Panel, box: Box) -> list[str]:
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
        lines += _candles(box, panel.draw.bars, panel.draw.marked, panel.draw.shape)
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


def _candles(box: Box, bars: Bars, marked: tuple[int, float] | None, shape: Shape | None = None) -> list[str]:
    """Shadows as lines, bodies white where the price rose and black where it fell, the mark below or above its candle, the pattern over them."""
    levels = [] if shape is None else [shape.target, shape.failure]
    span = _Span.of(box, np.concatenate((bars["low"], bars["high"], levels)), 0.22 if marked else 0.04)
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
    if shape is not None:
        return lines + _outline(box, span, step, shape)
    if marked is None:
        return lines
    at, value = marked
    x = box.x + (at + 0.5) * step
    if value > 0:
        return [*lines, _path(f"M{x - 4:.1f} {span.y(bars['low'][at]) + 11:.1f}h8l-4 -7z", _BULL, _BULL)]
    return [*lines, _path(f"M{x - 4:.1f} {span.y(bars['high'][at]) - 11:.1f}h8l-4 7z", _BEAR, _BEAR)]


def _outline(box: Box, span: "_Span", step: float, shape: Shape) -> list[str]:
    """The lines, the session that confirms, and from there on the target in green and the failure level in red."""
    joined = "".join(
        f"{'L' if i else 'M'}{box.x + (at + 0.5) * step:.1f} {span.y(price):.1f}"
        for line in shape.lines
        for i, (at, price) in enumerate(line)
    )
    now = box.x + (shape.row + 0.5) * step
    level = f"M{now:.1f} {{:.1f}}H{box.x + box.width:.1f}"
    return [
        _path(f"M{now:.1f} {box.y:.1f}V{box.y + box.height:.1f}", _FAINT), *([_path(joined, _LINE)] if joined else []),
        _path(level.format(span.y(shape.target)), _BULL), _path(level.format(span.y(shape.failure)), _BEAR),
    ]  # fmt: skip


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


def _path(words: str, stroke: str, fill: str = "none") -> str:
    return f'<path d="{words}" stroke="{stroke}" fill="{fill}"/>'
