"""Candlestick patterns: the 61 that TA-Lib has, one file per number of candles, each with a tuple ``FEATURES``. Columns: open, high, low, close.

100 says bullish, -100 bearish, 0 that the pattern is not there; a few know other sizes (their sentence says which). Every signal equals
TA-Lib's at its default settings; ``tests/market/features/test_candles.py`` holds them against it. They differ in the first rows: TA-Lib
says 0 until its lookback is over, here the signal is NaN until its own windows are full, which is never later. A halted session has no
open, high and low: patterns that read it are NaN.

What does not belong here: numbers made of prices (``indicators``), features of the published table (``library``).
"""
