"""From features to an order of work: each distinct sub-expression once, and where each recursive operator keeps its state.

What does not belong here: touching values (``engine``).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from market.errors import Permanent
from market.features.definition import Feature
from market.features.nodes import Expr, Recursive, Window
from market.features.recursion import CELLS

SEEN: Final = 0
"""Column of the state that counts the rows of the series so far; how a context that is too short is noticed."""


@dataclass(frozen=True)
class Step:
    """One distinct sub-expression.

    Parameters
    ----------
    node : what to compute.
    args : steps that give its operands.
    frees : steps whose values nobody needs after this one, features among them: they are written out when their step is done.
    cells : for a recursive operator, its first column in the state and how many it has; (0, 0) otherwise.
    together : for the first window of its length over its operand, all steps of such windows, this one included; they share work.
    """

    node: Expr
    args: tuple[int, ...]
    frees: tuple[int, ...] = ()
    cells: tuple[int, int] = (0, 0)
    together: tuple[int, ...] = ()


@dataclass(frozen=True)
class Plan:
    """Steps in an order in which operands come first, the step of each feature, and the width of the state."""

    steps: tuple[Step, ...]
    outputs: dict[str, int]
    state_width: int


def plan(features: Sequence[Feature]) -> Plan:
    """The order of work for ``features``.

    Raises
    ------
    Permanent : no feature, or two of one name.
    """
    names = [feature.name for feature in features]
    if not names or len(set(names)) < len(names):
        twice = sorted({name for name in names if names.count(name) > 1})
        raise Permanent(
            "compile_features", expected="at least one feature, distinct names", found=f"{len(names)}", keys=twice
        )
    order: dict[Expr, int] = {}
    for feature in features:
        _visit(feature.expr, order)
    nodes = list(order)
    args = [tuple(order[child] for child in node.children) for node in nodes]
    outputs = {feature.name: order[feature.expr] for feature in features}
    cells, width = _cells(nodes, _remembered(nodes, args))
    frees = _frees(args)
    together = _together(nodes, args)
    steps = tuple(Step(*parts) for parts in zip(nodes, args, frees, cells, together, strict=True))
    return Plan(steps, outputs, width)


def _visit(node: Expr, order: dict[Expr, int]) -> None:
    if node not in order:
        for child in node.children:
            _visit(child, order)
        order[node] = len(order)


def _remembered(nodes: list[Expr], args: list[tuple[int, ...]]) -> list[int]:
    """Rows before the current one at which each step's value is read by windows above it.

    A recursive operator reads its operand on new rows only, so what is asked of it is not handed on.
    """
    asked = [0] * len(nodes)
    for step in reversed(range(len(nodes))):
        handed_on = nodes[step].reach + (0 if isinstance(nodes[step], Recursive) else asked[step])
        for child in args[step]:
            asked[child] = max(asked[child], handed_on)
    return asked


def _cells(nodes: list[Expr], remembered: list[int]) -> tuple[list[tuple[int, int]], int]:
    cells, width = [], SEEN + 1
    for node, past in zip(nodes, remembered, strict=True):
        taken = CELLS + past if isinstance(node, Recursive) else 0
        cells.append((width, taken) if taken else (0, 0))
        width += taken
    return cells, width


def _together(nodes: list[Expr], args: list[tuple[int, ...]]) -> list[tuple[int, ...]]:
    groups: dict[tuple[int, int], list[int]] = {}
    for step, node in enumerate(nodes):
        if isinstance(node, Window) and len(args[step]) == 1:
            groups.setdefault((args[step][0], node.n), []).append(step)
    first = {steps[0]: tuple(steps) for steps in groups.values()}
    return [first.get(step, ()) for step in range(len(nodes))]


def _frees(args: list[tuple[int, ...]]) -> list[tuple[int, ...]]:
    last = {step: step for step in range(len(args))}
    last |= {child: step for step, children in enumerate(args) for child in children}
    frees: list[list[int]] = [[] for _ in args]
    for child, step in last.items():
        frees[step].append(child)
    return [tuple(sorted(children)) for children in frees]
