"""What to do with rows that share a key: a repeat of a row adds nothing, a contradiction leaves nobody to believe.

What does not belong here: finding them, which the suite does.
"""

import numpy as np
import pandas as pd
import pyarrow as pa

from market.table import Table

# Where a row came from is no part of what it says: the same row in a second payload is a repeat, not a contradiction.
PROVENANCE = frozenset({"row_no", "payload_digest", "request", "landing_path"})


def duplicate_reasons(table: Table, frame: pa.Table, rows: pd.DataFrame, positions: np.ndarray) -> dict[int, str]:
    """Why each row that shares a key is refused, by position; the first of rows that say the same is not among them.

    Parameters
    ----------
    rows : the frame as judged, indexed by position.
    positions : the rows that share their key with another.
    """
    if not len(positions):
        return {}
    key = list(table.key)
    said = [c.name for c in table.columns if not c.volatile and c.name not in PROVENANCE and c.name not in key]
    shared = _hashable(rows.loc[positions, [*key, *said]])
    first_to_say = ~shared.duplicated(subset=[*key, *said], keep="first")
    group = shared.groupby(key, dropna=False, sort=False).ngroup()
    versions = first_to_say.groupby(group).transform("sum")
    first = pd.Series(positions, index=shared.index).groupby(group).transform("min")
    members = group.groupby(group).transform("size")
    reasons: dict[int, str] = {}
    names = _Names(frame)
    for position, head, n_versions, n in zip(positions, first, versions, members, strict=True):
        if n_versions > 1:
            reasons[int(position)] = f"one of {n} rows with this key that differ from each other"
        elif position != head:
            reasons[int(position)] = f"repeats row {names.of(int(head), int(position))}"
    return reasons


class _Names:
    """How to name a row: by its number in its payload, or by its position where there is no payload."""

    def __init__(self, frame: pa.Table) -> None:
        has = set(frame.column_names)
        self._numbers = frame.column("row_no") if "row_no" in has else None
        self._payloads = frame.column("payload_digest") if "payload_digest" in has else None

    def of(self, head: int, seen_from: int) -> str:
        """The head's number, with its payload named where it is another than that of the row it is seen from."""
        number = self._numbers[head].as_py() if self._numbers is not None else None
        if number is None:
            return f"{head} of this frame"
        if self._payloads is not None and self._payloads[head] != self._payloads[seen_from]:
            return f"{number} of payload {str(self._payloads[head].as_py())[:12]}"
        return f"{number} of its payload"


def _hashable(rows: pd.DataFrame) -> pd.DataFrame:
    """Lists as text: pandas cannot compare them."""
    lists = [name for name in rows.columns if rows[name].map(lambda v: isinstance(v, np.ndarray)).any()]
    return rows.assign(**{name: rows[name].map(repr) for name in lists})
