"""The newest measurement of a champion, beside its pointer: one small object, so that whoever shows it needs no Delta reader.

`ops.model_drift` has all of them. What does not belong here: measuring (`assets.drift`), showing.
"""

import json
from datetime import date, datetime
from typing import Any

from lake.objects import Store

Row = dict[str, Any]


def keep(store: Store, model: str, rows: list[Row]) -> None:
    """Store the rows of `ops.model_drift` in place of those before."""
    store.put(_path(model), json.dumps(rows, default=lambda at: at.isoformat()).encode())


def kept(store: Store, model: str, version: int) -> list[Row]:
    """The rows stored of that version; none where another one, or none, was measured last."""
    if not store.exists(_path(model)):
        return []
    return [_read(row) for row in json.loads(store.get(_path(model))) if row["model_version"] == version]


def _path(model: str) -> str:
    return f"models/{model}/drift.json"


def _read(row: Row) -> Row:
    return row | {
        "session_date": date.fromisoformat(row["session_date"]),
        "known_at": datetime.fromisoformat(row["known_at"]),
    }
