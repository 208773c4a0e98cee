"""Qlib's own features over a panel given as Parquet, in float64: `python qlib_features.py PANEL OUT EXPRESSIONS` where pyqlib is.

Qlib's operators run as they are, each distinct expression of a symbol once as with its memory cache; only their leaves read the panel instead of Qlib's
float32 files, whose rounding alone moves a correlation by more than 1e-6. Nothing of the project is imported: the peer's environment lacks it.

PANEL has `symbol`, `open`, `high`, `low`, `close`, `volume`, `vwap`, rows in order. EXPRESSIONS is a JSON file of texts by name, or the word
`alpha158`: Qlib's own, by its names in small letters. OUT gets `symbol` and the features. Prints seconds and CPU seconds as JSON.
"""

import json
import sys
import time
from pathlib import Path

import pandas as pd
from qlib.contrib.data.loader import Alpha158DL
from qlib.data import ops
from qlib.utils import parse_field

Columns = dict[str, pd.Series]


def main(panel: str, out: str, asked: str) -> None:
    """Compute and write."""
    began, spent = time.perf_counter(), time.process_time()
    rows, parts = pd.read_parquet(panel), []
    for symbol, own in rows.groupby("symbol", sort=False):
        columns = {name: own[name].reset_index(drop=True) for name in own.columns if name != "symbol"}
        parts.append(pd.DataFrame(computed(texts(asked), columns)).assign(symbol=symbol))
    made = pd.concat(parts, ignore_index=True)
    told = {"seconds": round(time.perf_counter() - began, 3), "cpu_s": round(time.process_time() - spent, 3)}
    made.to_parquet(out)
    print(json.dumps(told))


def texts(asked: str) -> dict[str, str]:
    """Qlib's expressions by name."""
    if asked != "alpha158":
        return dict(json.loads(Path(asked).read_text()))
    expressions, names = Alpha158DL.get_feature_config()
    return {name.lower(): text for name, text in zip(names, expressions, strict=True)}


def computed(asked: dict[str, str], columns: Columns) -> Columns:
    """The features of one symbol."""
    known: Columns = {}

    def load(self: object, *args: object) -> pd.Series:
        key = str(self)
        if key not in known:
            known[key] = self._load_internal(*args)
        return known[key]

    ops.Feature._load_internal = lambda self, *_: columns[self._name]
    ops.Feature.load = ops.ExpressionOps.load = load
    made = {name: eval(parse_field(text), {"Operators": ops}).load("", 0, 0, "day") for name, text in asked.items()}
    return {name: pd.Series(values, dtype=float) for name, values in made.items()}


if __name__ == "__main__":
    main(*sys.argv[1:])
