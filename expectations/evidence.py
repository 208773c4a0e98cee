"""A result of the library made fit to be kept and shown: a few failing rows by their keys instead of all by their positions.

What does not belong here: judging; by the time a result comes here, every failing position has been read from it.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from expectations.checks import Check
from expectations.suite import check_of
from market.table import Table

SHOWN_ROWS = 20
SHOWN_CHARACTERS = 60
DROPPED = ("unexpected_list", "partial_unexpected_index_list")


def evidence(
    table: Table, frame: pa.Table, checks: Mapping[str, Check], passed: Mapping[str, bool], result: Any
) -> Any:
    """The same result, changed in place: at most 20 failing rows per check, each with its key and the values looked at.

    Parameters
    ----------
    passed : what the verdict says of each check: one whose few failing rows are in quarantine counts as met.
    """
    for one in result.results:
        name = check_of(one)
        check, one.success = checks.get(name), passed.get(name, one.success)
        positions = np.sort(np.asarray(one.result.get("unexpected_index_list") or (), dtype=np.int64))[:SHOWN_ROWS]
        for name in DROPPED:
            one.result.pop(name, None)
        if check is None or not len(positions):
            one.result.pop("unexpected_index_list", None)
            continue
        one.result["unexpected_index_list"] = [
            {"key": key_of(table, frame, at)} | {name: shown(frame.column(name)[at].as_py()) for name in check.columns}
            for at in positions.tolist()
        ]
        one.result["unexpected_index_column_names"] = ["key"]
    return result


def key_of(table: Table, frame: pa.Table, position: int) -> str:
    """The key of a row as people read it: 'XKRX:005930 2024-05-03'."""
    return " ".join(shown(frame.column(name)[position].as_py()) for name in table.key)


def shown(value: object) -> str:
    """A value as people read it, cut where it is long."""
    text = "null" if value is None else str(value)
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[: SHOWN_CHARACTERS - 1]}…"
