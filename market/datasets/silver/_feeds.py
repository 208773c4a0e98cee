"""Which bronze tables feed a silver table, found from the `FEEDS` that the bronze files declare.

A new source is one bronze file with a contract and a function to silver; no silver file changes.
"""

import importlib
import pkgutil
from collections.abc import Callable, Mapping

import pyarrow as pa

from market.datasets import bronze
from market.table import Build, Frames, Window

Feed = Callable[[pa.Table, Frames], pa.Table]


def feeds(table: str) -> Mapping[str, Feed]:
    """Functions to that silver table by bronze table, in name order."""
    found: dict[str, Feed] = {}
    for entry in sorted(pkgutil.iter_modules(bronze.__path__), key=lambda e: e.name):
        if not entry.name.startswith("_"):
            module = importlib.import_module(f"{bronze.__name__}.{entry.name}")
            declared = getattr(module, "FEEDS", {})
            if table in declared:
                found[module.TABLE.name] = declared[table]
    return found


def series_column(table: str) -> str:
    """The bronze column that identifies a series (a company, a security) there, as its file declares."""
    module = importlib.import_module(f"{bronze.__name__}.{table.split('.')[1]}")
    return str(module.SERIES)


def build_from(found: Mapping[str, Feed]) -> Build:
    """A build that hands each bronze table's rows to its own function; one bronze table comes per call."""

    def build(frames: Frames, window: Window) -> pa.Table:
        return pa.concat_tables([feed(frames[name], frames) for name, feed in found.items() if name in frames])

    return build
