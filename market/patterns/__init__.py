"""Chart patterns in daily bars: double tops, heads and shoulders, triangles, wedges, flags, cups, channels, gaps.

What does not belong here: candlestick patterns (``features.candles``).
"""

from market.patterns.declarations import PATTERNS, Pattern
from market.patterns.search import LOOKBACK, PIVOTS, QUIET, Found, find

__all__ = ["LOOKBACK", "PATTERNS", "PIVOTS", "QUIET", "Found", "Pattern", "find"]
