"""Expressions with cross-sections, cut into stages: what goes into a cross-section is computed for all securities before anybody reads it.

How it works: the innermost cross-sections are taken out, each replaced by a column of its own, until none is left; what they take is a
program of its own. What does not belong here: computing (``engine``, ``cross``).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, cast

from market.features.nodes import Column, Cross, Expr, ExpressionError, Recursive

_MADE: Final = "cs__"


@dataclass(frozen=True)
class Stage:
    """Cross-sections that can be computed at once.

    Parameters
    ----------
    args : expressions without a cross-section, what the operators take.
    made : by name of the column that it becomes: the operator, and the position of its argument.
    reach : sessions before the first new one for which later stages read the columns.
    """

    args: tuple[Expr, ...]
    made: Mapping[str, tuple[Cross, int]]
    reach: int


def staged(expressions: Sequence[Expr]) -> tuple[tuple[Stage, ...], tuple[Expr, ...]]:
    """The stages, and the expressions with columns in place of their cross-sections.

    Raises
    ------
    ExpressionError : a window over a cross-section of what has no finite lookback, whose past is not stored.
    """
    left, found = list(expressions), []
    n_made = 0
    while ready := _innermost(left):
        # what remembers stands apart: its reach must be none, and its neighbours' need not
        inner = [node for node in ready if node.is_recursive] or ready
        args = list(dict.fromkeys(node.args[0] for node in inner))
        names = {node: f"{_MADE}{n_made + at}" for at, node in enumerate(inner)}
        n_made += len(inner)
        found.append((args, {name: (node, args.index(node.args[0])) for node, name in names.items()}))
        left = [_replaced(one, names) for one in left]
    reads = _reads(left, {})
    stages: list[Stage] = []
    for args, made in reversed(found):
        reach = max(reads.get(name, 0) for name in made)
        for node, _ in made.values():
            if reach and node.is_recursive:
                do = "Take the window inside, the cross-section last."
                raise ExpressionError(str(node), expected="a finite lookback inside a window", found="a recursive operator", do=do)  # fmt: skip
        stages.insert(0, Stage(tuple(args), made, reach))
        reads = _reads(args, reads, reach)
    return tuple(stages), tuple(left)


def _innermost(expressions: Sequence[Expr]) -> list[Cross]:
    """Cross-sections that have none inside, each once."""
    found: dict[Cross, None] = {}

    def visit(node: Expr) -> bool:
        has_inside = any([visit(child) for child in node.children])
        if isinstance(node, Cross) and not has_inside:
            found[node] = None
        return has_inside or isinstance(node, Cross)

    for one in expressions:
        visit(one)
    return list(found)


def _replaced(node: Expr, names: Mapping[Cross, str]) -> Expr:
    if isinstance(node, Cross) and node in names:
        return Column(names[node])
    if not node.children:
        return node
    args = tuple(_replaced(child, names) for child in node.children)
    return cast(Expr, replace(cast(Any, node), args=args))


def _reads(expressions: Sequence[Expr], known: Mapping[str, int], begin: int = 0) -> dict[str, int]:
    """By column made of a cross-section, the most rows back at which it is read."""
    reads = dict(known)

    def visit(node: Expr, back: int) -> None:
        if isinstance(node, Column) and node.name.startswith(_MADE):
            reads[node.name] = max(reads.get(node.name, 0), back)
        for child in node.children:
            visit(child, node.reach + (0 if isinstance(node, Recursive) else back))  # it reads new rows alone

    for one in expressions:
        visit(one, begin)
    return reads
