"""SEC's bodies as faults see them: figures are objects below concept and unit, filings are columns, tickers are an object of objects.

What does not belong here: when a fault strikes, and what it is called (exchange.faults.rows).
"""

from __future__ import annotations

from datetime import date
from typing import Any

_COLUMN = "accessionNumber"


def records(body: dict[str, Any]) -> list[dict[str, Any]]:
    """Figures, the tickers' objects, or the one object of columns of a list of filings."""
    if "facts" in body:
        return [row for rows in _units(body) for row in rows]
    columns = _columns(body)
    return [columns] if columns is not None else list(body.values())


def turn_around(figures: list[dict[str, Any]], step: int) -> None:
    """Every ``step``-th figure of a period ends before it begins."""
    spans = [figure for figure in figures if "start" in figure]
    for figure in spans[step // 2 :: step]:
        figure["start"], figure["end"] = figure["end"], figure["start"]


def double(body: dict[str, Any], share: float) -> None:
    """The first ``share`` of the rows come twice."""
    if "facts" in body:
        for rows in _units(body):
            rows.extend([dict(row) for row in rows[: int(len(rows) * share)]])
    elif (columns := _columns(body)) is not None:
        for values in columns.values():
            values.extend(values[: int(len(values) * share)])
    else:
        body.update(
            {str(len(body) + i): dict(row) for i, row in enumerate(list(body.values())[: int(len(body) * share)])}
        )


def revise(row: dict[str, Any], filed: date) -> None:
    """A figure of the filings of that day is one percent more."""
    if row.get("filed") == filed.isoformat():
        row["val"] += abs(row["val"]) // 100


def clear(body: dict[str, Any]) -> None:
    """Nothing filed, nothing reported, nobody listed."""
    if "facts" in body:
        body["facts"] = {}
    elif (columns := _columns(body)) is not None:
        for values in columns.values():
            values.clear()
    else:
        body.clear()


def _units(body: dict[str, Any]) -> list[list[dict[str, Any]]]:
    concepts = [concept for taxonomy in body["facts"].values() for concept in taxonomy.values()]
    return [rows for concept in concepts for rows in concept["units"].values()]


def _columns(body: dict[str, Any]) -> dict[str, list[Any]] | None:
    columns = body["filings"]["recent"] if "filings" in body else body
    return columns if _COLUMN in columns else None
