"""A price chart as SVG: candles, volume, levels, patterns and the volume profile, in the colours of the page.

Written by hand rather than drawn by a library: the API starts without one, and a page needs no script. What does not belong here: what
is shown (`serving.queries.charts`).
"""

import html
from collections.abc import Iterator

import numpy as np

from market.levels import anchored_vwap, checked, divergence, profiles
from serving.queries.charts import Shown

WIDTH, PRICES, VOLUME, GAP = 1000.0, 380.0, 70.0, 26.0
PROFILE, MARGIN = 90.0, 84.0
"""Widths at the right: of the volume profile, and of the prices written there."""
TICKS = 6


def chart(shown: Shown) -> str:
    """The picture; text and shapes carry titles that say what they are."""
    return "".join(_Chart(shown).parts())


class _Chart:
    def __init__(self, shown: Shown) -> None:
        self._shown, bars = shown, shown.bars
        traded = (bars["volume"] > 0) & (bars["open"] > 0)
        low, high = bars["low"].where(traded), bars["high"].where(traded)
        lowest, highest = (
            float(x) for x in (np.nanmin(low.fillna(bars["close"])), np.nanmax(high.fillna(bars["close"])))
        )
        room = (highest - lowest or highest * 0.1 or 1.0) * 0.05
        self._lowest, self._highest = lowest - room, highest + room
        self._step = (WIDTH - MARGIN - PROFILE) / len(bars)
        names = ("open", "high", "low", "close", "volume")
        opened, highs, lows, closes, volume = (bars[name].to_numpy(dtype=np.float64, na_value=np.nan) for name in names)
        self._traded = checked(opened, highs, lows, closes, volume, [0, len(bars)])

    def parts(self) -> Iterator[str]:
        height = PRICES + GAP + VOLUME + GAP
        name = html.escape(self._shown.name)
        yield f'<svg viewBox="0 0 {WIDTH:.0f} {height:.0f}" role="img" aria-label="Chart of {name}" xmlns="http://www.w3.org/2000/svg">'
        yield from self._grid()
        yield from self._profile()
        yield from self._levels()
        yield from self._vwap()
        yield from self._candles()
        yield from self._divergences()
        yield from self._patterns()
        yield "</svg>"

    def _x(self, at: int) -> float:
        return (at + 0.5) * self._step

    def _y(self, price: float) -> float:
        return (self._highest - price) / (self._highest - self._lowest) * PRICES

    def _grid(self) -> Iterator[str]:
        for price in _round_prices(self._lowest, self._highest):
            y = self._y(price)
            yield f'<line class="grid" x1="0" x2="{WIDTH - MARGIN:.0f}" y1="{y:.1f}" y2="{y:.1f}"/>'
            yield f'<text class="axis" x="{WIDTH - MARGIN + 6:.0f}" y="{y + 4:.1f}">{price:,.10g}</text>'
        months, y = "", PRICES + GAP + VOLUME + 16
        last = -1e9
        for at, day in enumerate(self._shown.bars["session_date"]):
            x = self._x(at)
            if f"{day:%Y-%m}" != months and x - last > 60:
                months, last = f"{day:%Y-%m}", x
                yield f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="0" y2="{PRICES + GAP + VOLUME:.0f}"/>'
                yield f'<text class="axis" x="{x:.1f}" y="{y:.0f}">{months}</text>'

    def _candles(self) -> Iterator[str]:
        bars, width = self._shown.bars, max(self._step * 0.62, 0.8)
        most = float(bars["volume"].max()) or 1.0
        columns = (bars[name] for name in ("session_date", "open", "high", "low", "close", "volume"))
        for at, (day, opened, high, low, close, volume) in enumerate(zip(*columns, strict=True)):
            x, rises = self._x(at), not opened > close
            kind = "up" if rises else "down"
            if not (volume > 0 and opened > 0):
                yield f'<line class="halt" x1="{x - width / 2:.1f}" x2="{x + width / 2:.1f}" y1="{self._y(close):.1f}" y2="{self._y(close):.1f}"><title>{day}: no trading, {close:,.10g}</title></line>'
                continue
            said = f"{day}: open {opened:,.10g}, high {high:,.10g}, low {low:,.10g}, close {close:,.10g}, volume {volume:,.0f}"
            top, tall = self._y(max(opened, close)), max(abs(self._y(opened) - self._y(close)), 0.8)
            yield f'<g class="{kind}"><title>{said}</title><line x1="{x:.1f}" x2="{x:.1f}" y1="{self._y(high):.1f}" y2="{self._y(low):.1f}"/>'
            yield f'<rect x="{x - width / 2:.1f}" y="{top:.1f}" width="{width:.1f}" height="{tall:.1f}"/>'
            bar = volume / most * VOLUME
            yield f'<rect class="volume" x="{x - width / 2:.1f}" y="{PRICES + GAP + VOLUME - bar:.1f}" width="{width:.1f}" height="{bar:.1f}"/></g>'

    def _levels(self) -> Iterator[str]:
        for one in self._shown.levels:
            price, strength = one["price"], one["strength"]
            if not self._lowest < price < self._highest:
                continue
            y = self._y(price)
            said = f"{one['role']} {price:,.10g} ({one['kind']}), touched {one['touches']} times in {one['age']} sessions, strength {strength:.2f}"
            yield f'<line class="level {one["role"]}" stroke-opacity="{0.25 + 0.65 * strength:.2f}" x1="0" x2="{WIDTH - MARGIN:.0f}" y1="{y:.1f}" y2="{y:.1f}"><title>{html.escape(said)}</title></line>'

    def _patterns(self) -> Iterator[str]:
        places = {day: at for at, day in enumerate(self._shown.bars["session_date"])}
        for one in self._shown.patterns:
            at, rises = places[one["session_date"]], one["direction"] == 1
            x = self._x(at)
            bar = self._shown.bars.iloc[at]
            y = self._y(float(bar["low"])) + 9 if rises else self._y(float(bar["high"])) - 9
            ends = (x - 4.5, y + 8, x + 4.5, y + 8) if rises else (x - 4.5, y - 8, x + 4.5, y - 8)
            said = f"{one['pattern']} confirmed {one['session_date']}: target {one['target']:,.10g}, fails at {one['failure_level']:,.10g}, confidence {one['confidence']:.2f}"
            start = places.get(one["start_date"])
            if start is not None:
                edge = PRICES - 2 if rises else 2
                yield f'<line class="span {"up" if rises else "down"}" x1="{self._x(start):.1f}" x2="{x:.1f}" y1="{edge:.0f}" y2="{edge:.0f}"/>'
            points = f"{x:.1f},{y:.1f} {ends[0]:.1f},{ends[1]:.1f} {ends[2]:.1f},{ends[3]:.1f}"
            yield f'<polygon class="pattern {"up" if rises else "down"}" points="{points}"><title>{html.escape(said)}</title></polygon>'

    def _profile(self) -> Iterator[str]:
        found = profiles(self._traded, [len(self._traded.close) - 1], len(self._traded.close))
        most = float(found.volume.max())
        if not most > 0:
            return
        tall, right = float(found.width[0]), WIDTH - MARGIN
        top, bottom = self._y(float(found.value_high[0])), self._y(float(found.value_low[0]))
        said = (
            f"value area: {found.value_low[0]:,.10g} to {found.value_high[0]:,.10g}, seven tenths of the volume shown"
        )
        yield f'<rect class="area" x="{right - PROFILE:.1f}" y="{top:.1f}" width="{PROFILE:.1f}" height="{bottom - top:.1f}"><title>{said}</title></rect>'
        for price, shares in zip(found.prices[0], found.volume[0], strict=True):
            long = shares / most * PROFILE
            kind = "control" if price == found.point_of_control[0] else "profile"
            top, bottom = self._y(price + tall / 2), self._y(price - tall / 2)
            yield f'<rect class="{kind}" x="{right - long:.1f}" y="{top:.1f}" width="{long:.1f}" height="{max(bottom - top - 0.5, 0.5):.1f}"><title>{shares:,.0f} shares about {price:,.10g}</title></rect>'

    def _vwap(self) -> Iterator[str]:
        """The mean price since the last turn, weighed by volume: a line for each turn that it began with."""
        bars = self._traded
        found = anchored_vwap(bars.open, bars.high, bars.low, bars.close, bars.volume, bars.offsets)
        points = [
            f"{self._x(at):.1f},{self._y(float(price)):.1f}" for at, price in enumerate(found) if np.isfinite(price)
        ]
        if points:
            yield f'<polyline class="vwap" points="{" ".join(points)}"><title>mean price since the last turn, by volume</title></polyline>'

    def _divergences(self) -> Iterator[str]:
        bars = self._traded
        found = divergence(bars.open, bars.high, bars.low, bars.close, bars.volume, bars.offsets)
        days = self._shown.bars["session_date"]
        for at in np.flatnonzero(found.bullish | found.bearish):
            kind, word = ("up", "low") if found.bullish[at] else ("down", "high")
            x, y = self._x(int(at)), PRICES + GAP / 2
            said = f"{days.iloc[at]}: a new {word} of the price that on-balance volume did not follow"
            yield f'<circle class="{kind}" cx="{x:.1f}" cy="{y:.1f}" r="3"><title>{said}</title></circle>'


def _round_prices(lowest: float, highest: float) -> Iterator[float]:
    """About TICKS prices that end in 1, 2 or 5 and zeros."""
    step = (highest - lowest) / TICKS
    power = 10.0 ** np.floor(np.log10(step))
    step = power * next(times for times in (1, 2, 5, 10) if power * times >= step)
    first = np.ceil(lowest / step)
    return (float((first + n) * step) for n in range(int((highest - first * step) // step) + 1))
