"""What one company reported, by the end of the period, as believed at an instant."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime

import pyarrow as pa

from lake.sql import ReleaseSql
from market.fundamentals import BASES, ITEMS, SPANS
from serving.deps import Span
from serving.paging import Page, text
from serving.problems import Fault, Problem, shown
from serving.queries.reading import Series, columns, true_at

FUNDAMENTALS = Series(
    "fundamentals",
    "silver.fundamentals",
    columns("silver.fundamentals"),
    ("period_end", "item", "basis", "span", "currency"),
    (date.fromisoformat, text, text, text, text),
    is_newest_first=True,
    span_column="period_end",
)
WORDS = {"items": ("item", ITEMS), "basis": ("basis", BASES), "span": ("span", SPANS)}  # column, what it may hold


def fundamentals(
    sql: ReleaseSql, security: str, asked: Mapping[str, Sequence[str]], span: Span, page: Page, as_of: datetime | None
) -> tuple[pa.Table, str | None]:
    """One page of the figures, the newest period first, and the cursor of the next.

    Parameters
    ----------
    asked : `items`, `basis` and `span` to which the answer is held; empty ones hold it to nothing.

    Raises
    ------
    Problem
        422: a word that there is not.
    """
    refuse_unknown(asked)
    condition, values = true_at(sql, as_of)
    for where, words in asked.items():
        if words:
            condition += f" AND {WORDS[where][0]} IN ({', '.join('?' * len(words))})"
            values += words
    return FUNDAMENTALS.page(sql, security, span, page, condition, values)


def refuse_unknown(asked: Mapping[str, Sequence[str]]) -> None:
    """Nothing, where every word is one that there is.

    Raises
    ------
    Problem
        422: a word that there is not.
    """
    faults = [
        Fault(where=where, expected=f"among {', '.join(WORDS[where][1])}", found=shown(word))
        for where, words in asked.items()
        for word in dict.fromkeys(words)
        if word not in WORDS[where][1]
    ]
    if faults:
        raise Problem(422, "bad-input", f"{faults[0].where}: there is no {faults[0].found}", faults[:50])
