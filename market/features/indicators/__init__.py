"""Classical technical indicators, one file per group, each with a tuple ``FEATURES``. Columns: open, high, low, close, volume, value.

Those that TA-Lib has give what TA-Lib 0.8 gives, NaN on the same rows; ``tests/market/features/test_indicators.py`` holds them against it.
They differ where their sentence says so: ties of Aroon and PERCENTRANK, and division by a volume of zero, which is NaN here. A halted
session has no open, high and low and a volume of zero: windows over it stay NaN until it has left them, recursive operators pass it over.

What does not belong here: features of the published table (``library``), Alpha158 (``alpha``). Left out, because the algebra cannot say it:
state that is no mean (SAR, SAREXT, SUPERTREND, MAMA, HT_*, MACDFIX), a window per row (MAVP), an arctangent (LINEARREG_ANGLE), the
nearest rank (PERCENTILE), the place of a row in the whole array (MAXINDEX, MININDEX). Left out on purpose: FRACTAL, which waits for later
rows; VWAP since the first row, which hangs on where the history begins. Candlesticks are in ``candles``.
"""
