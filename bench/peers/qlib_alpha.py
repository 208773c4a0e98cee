"""Qlib's own Alpha158 over a panel given as Parquet, in float64: `python qlib_alpha.py PANEL OUT` in an environment that has pyqlib.

Qlib's operators run as they are; only their leaves read the panel instead of Qlib's float32 files, whose rounding alone moves a correlation by more
than 1e-6. Nothing of the project is imported: the peer's environment lacks it.

PANEL has `symbol`, `open`, `high`, `low`, `close`, `volume`, `vwap`, rows in order; OUT gets `symbol` and the features by Qlib's names in small letters.
"""

import sys
import time

import pandas as pd
from qlib.contrib.data.loader import Alpha158DL
from qlib.data import ops
from qlib.utils import parse_field


def main(panel: str, out: str) -> None:
    """Compute and write."""
    rows = pd.read_parquet(panel)
    texts, names = Alpha158DL.get_feature_config()
    began, spent, parts = time.perf_counter(), time.process_time(), []
    for symbol, own in rows.groupby("symbol", sort=False):
        series = {name: own[name].reset_index(drop=True) for name in own.columns if name != "symbol"}
        made = {name.lower(): _value(text, series) for name, text in zip(names, texts, strict=True)}
        parts.append(pd.DataFrame(made).assign(symbol=symbol))
    pd.concat(parts, ignore_index=True).to_parquet(out)
    print(f"{time.perf_counter() - began:.2f} s, {time.process_time() - spent:.2f} CPU s for {len(rows)} rows")


def _value(text: str, series: dict[str, pd.Series]) -> pd.Series:
    ops.Feature._load_internal = lambda self, *_: series[self._name]
    # without Qlib's cache, which wants a server's settings
    ops.Feature.load = ops.ExpressionOps.load = lambda self, *args: self._load_internal(*args)
    expression = eval(parse_field(text), {"Operators": ops})
    return pd.Series(expression.load("", 0, 0, "day"), dtype=float)


if __name__ == "__main__":
    main(*sys.argv[1:])
