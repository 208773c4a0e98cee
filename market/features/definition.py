"""A feature: a named expression with its unit, its sentence and its source. Everything else is computed from it.

What does not belong here: the features themselves (``library``), finding them (``catalogue``), computing them (``engine``).
"""

import re
from dataclasses import dataclass
from typing import Final

from market.errors import Permanent
from market.features.nodes import Expr

_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,62}\Z")
_RESERVED: Final = frozenset(
    """
    all and any array as asc between by case cast check column constraint create cross current_date default delete desc
    distinct drop else end except exists false fetch filter for foreign from full grant group having in index inner insert
    intersect interval into is join key left like limit natural not null offset on or order outer over partition primary
    references right row rows select set some table then time timestamp to true union unique update user using values when
    where window with
    """.split()
)


@dataclass(frozen=True)
class Feature:
    """One column of ``gold.features_daily``.

    Parameters
    ----------
    name : lower-case snake case, at most 63 letters, no SQL word; it becomes a column, a Feast field and a URL part.
    expr : the formula.
    doc : one sentence, saying what is measured.
    unit : unit of the value, e.g. ``fraction`` or ``percent``.
    source : author, title, year, section; or ``ours``.
    low, high : bounds the formula cannot leave, None where it has none; the quality gate checks them.

    Raises
    ------
    Permanent : a name that SQL cannot take, an empty or sprawling text, bounds reversed, a formula that reads no column.
    """

    name: str
    expr: Expr
    doc: str
    unit: str
    source: str
    low: float | None = None
    high: float | None = None

    def __post_init__(self) -> None:
        where = f"feature {self.name!r}"
        if not _NAME.match(self.name) or self.name in _RESERVED:
            raise Permanent(
                where, expected="a lower-case name that is no SQL word, at most 63 letters", found=self.name
            )
        if not self.doc.endswith(".") or "\n" in self.doc:
            raise Permanent(where, expected="one sentence ending in a full stop as doc", found=repr(self.doc))
        if not self.unit.strip() or not self.source.strip():
            found = f"unit {self.unit!r}, source {self.source!r}"
            raise Permanent(where, expected="a unit and a source", found=found)
        if self.low is not None and self.high is not None and self.low >= self.high:
            raise Permanent(where, expected="low below high", found=f"{self.low} and {self.high}")
        if not self.expr.inputs:
            raise Permanent(where, expected="a formula over at least one column", found=str(self.expr))

    @property
    def formula(self) -> str:
        """The expression as text; ``parse`` reads it back."""
        return str(self.expr)

    @property
    def inputs(self) -> tuple[str, ...]:
        """Columns read, sorted."""
        return tuple(sorted(self.expr.inputs))

    @property
    def lookback(self) -> int:
        """Rows before the current one that an incremental run must read."""
        return self.expr.lookback

    @property
    def is_recursive(self) -> bool:
        """Whether an incremental run also needs the stored state."""
        return self.expr.is_recursive
