"""What an expression is: its nodes, and the inputs, lookback in rows and text that follow from them.

What does not belong here: the functions people write expressions with (``algebra``), computing values (``engine``).
"""

import keyword
import math
import re
from dataclasses import dataclass
from typing import Final, TypeAlias

from market.errors import Permanent
from market.features.operators import MAX_WINDOW, OPERATORS, Operator

_COLUMN: Final = re.compile(r"[a-z][a-z0-9_]*\Z")
_PRECEDENCE: Final = {
    "lt": 1, "le": 1, "gt": 1, "ge": 1, "eq": 1, "ne": 1, "either": 2, "both": 3, "add": 4, "sub": 4, "mul": 5, "div": 5, "neg": 6, "not": 6,
}  # fmt: skip
_ATOM: Final = 7


class ExpressionError(Permanent):
    """An expression that cannot be written: unknown operator, wrong window, a look ahead."""


class Expr:
    """An expression. ``==`` compares structure (two equal expressions are computed once); for values use ``equal``."""

    __array_ufunc__ = None  # numpy scalars on the left must defer to the operators below

    @property
    def children(self) -> tuple["Expr", ...]:
        """The expressions this one is made of; none for a column or a number."""
        return ()

    @property
    def reach(self) -> int:
        """Rows before the current one that this operator reads from its children; nested ones are not counted."""
        return 0

    @property
    def inputs(self) -> frozenset[str]:
        """Names of the columns read."""
        return frozenset().union(*(child.inputs for child in self.children))

    @property
    def lookback(self) -> int:
        """Rows before the current one that must be at hand; what recursive operators remember is in their state."""
        return self.reach + max((child.lookback for child in self.children), default=0)

    @property
    def is_recursive(self) -> bool:
        """Whether a recursive operator is inside, so that an incremental run needs stored state."""
        return any(child.is_recursive for child in self.children)

    def __add__(self, other: "Operand") -> "Expr":
        return call("add", (self, other))

    def __radd__(self, other: "Operand") -> "Expr":
        return call("add", (other, self))

    def __sub__(self, other: "Operand") -> "Expr":
        return call("sub", (self, other))

    def __rsub__(self, other: "Operand") -> "Expr":
        return call("sub", (other, self))

    def __mul__(self, other: "Operand") -> "Expr":
        return call("mul", (self, other))

    def __rmul__(self, other: "Operand") -> "Expr":
        return call("mul", (other, self))

    def __truediv__(self, other: "Operand") -> "Expr":
        return call("div", (self, other))

    def __rtruediv__(self, other: "Operand") -> "Expr":
        return call("div", (other, self))

    def __neg__(self) -> "Expr":
        return call("neg", (self,))

    def __lt__(self, other: "Operand") -> "Expr":
        return call("lt", (self, other))

    def __le__(self, other: "Operand") -> "Expr":
        return call("le", (self, other))

    def __gt__(self, other: "Operand") -> "Expr":
        return call("gt", (self, other))

    def __ge__(self, other: "Operand") -> "Expr":
        return call("ge", (self, other))

    def __and__(self, other: "Operand") -> "Expr":
        return call("both", (self, other))

    def __or__(self, other: "Operand") -> "Expr":
        return call("either", (self, other))

    def __invert__(self) -> "Expr":
        return call("not", (self,))

    def __bool__(self) -> bool:
        # ``a < b < c`` would silently become ``b < c``
        raise ExpressionError(str(self), expected="where(...) instead of a truth value", found="an expression in an if")


Operand: TypeAlias = Expr | int | float


@dataclass(frozen=True)
class Column(Expr):
    """A column of the table, e.g. ``close``. Raises ExpressionError when the name is not lower-case snake case."""

    name: str

    def __post_init__(self) -> None:
        if not _COLUMN.match(self.name) or keyword.iskeyword(self.name):
            raise ExpressionError("column", expected="a lower-case name such as close", found=repr(self.name))

    @property
    def inputs(self) -> frozenset[str]:
        return frozenset({self.name})

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Constant(Expr):
    """A finite number. Raises ExpressionError for NaN and infinities."""

    value: float

    def __post_init__(self) -> None:
        if not math.isfinite(self.value):
            raise ExpressionError("number", expected="a finite number", found=str(self.value))
        object.__setattr__(self, "value", float(self.value) + 0.0)  # + 0.0 turns -0.0 into 0.0: one zero, one text

    def __str__(self) -> str:
        return str(int(self.value)) if self.value.is_integer() and abs(self.value) < 1e15 else repr(self.value)


@dataclass(frozen=True)
class Elementwise(Expr):
    """An operator that reads the current row only."""

    operator: str
    args: tuple[Expr, ...]

    @property
    def children(self) -> tuple[Expr, ...]:
        return self.args

    def __str__(self) -> str:
        symbol = OPERATORS[self.operator].symbol
        if not symbol:
            return f"{self.operator}({', '.join(map(str, self.args))})"
        own = _PRECEDENCE[self.operator]
        if len(self.args) == 1:
            return symbol + _bracketed(self.args[0], own)
        left, right = self.args
        # comparisons do not chain in text, so their left side needs brackets too
        return f"{_bracketed(left, own + (own == 1))} {symbol} {_bracketed(right, own + 1)}"


@dataclass(frozen=True)
class Window(Expr):
    """An operator over the current row and a fixed number of rows before it.

    Parameters
    ----------
    least : known rows that it needs; n, unless fewer are asked for.
    level : of a quantile; None for every other operator.
    """

    operator: str
    args: tuple[Expr, ...]
    n: int
    least: int
    level: float | None = None

    @property
    def children(self) -> tuple[Expr, ...]:
        return self.args

    @property
    def reach(self) -> int:
        return self.n + OPERATORS[self.operator].looks_back

    def __str__(self) -> str:
        words = [*map(str, self.args), str(self.n)]
        words += [] if self.level is None else [f"level={Constant(self.level)}"]
        words += [] if self.least == self.n else [f"least={self.least}"]
        return f"{self.operator}({', '.join(words)})"


@dataclass(frozen=True)
class Recursive(Expr):
    """An operator whose value depends on all rows before: it carries state instead of a lookback.

    Parameters
    ----------
    n : rows of its mean; 0 where it has none.
    skip : values left out before its seed.
    """

    operator: str
    args: tuple[Expr, ...]
    n: int = 0
    skip: int = 0

    @property
    def children(self) -> tuple[Expr, ...]:
        return self.args

    @property
    def reach(self) -> int:
        return int(self.operator == "adaptive")  # it begins with the value before

    @property
    def is_recursive(self) -> bool:
        return True

    def __str__(self) -> str:
        words = [*map(str, self.args)] + [str(self.n)] * bool(self.n) + [f"skip={self.skip}"] * bool(self.skip)
        return f"{self.operator}({', '.join(words)})"


@dataclass(frozen=True)
class Cross(Expr):
    """An operator over the securities of one exchange and session.

    Parameters
    ----------
    by : column of groups within which it works; None: the whole exchange.
    level : of a quantile; None for every other operator.
    """

    operator: str
    args: tuple[Expr, ...]
    by: str | None = None
    level: float | None = None

    @property
    def children(self) -> tuple[Expr, ...]:
        return self.args

    @property
    def inputs(self) -> frozenset[str]:
        return super().inputs | ({self.by} if self.by else frozenset())

    def __str__(self) -> str:
        words = [*map(str, self.args)]
        words += [] if self.level is None else [f"level={Constant(self.level)}"]
        words += [] if self.by is None else [f"by={self.by}"]
        return f"{self.operator}({', '.join(words)})"


def call(
    name: str, args: tuple[Operand, ...], n: int | None = None, *,
    least: int | None = None, level: float | None = None, skip: int | None = None, by: str | None = None,
) -> Expr:  # fmt: skip
    """The operator ``name`` of ``operators.OPERATORS`` applied to ``args``; what the parser uses.

    Parameters
    ----------
    n : rows of the window; None for an operator without one.
    least : known rows that a window needs, 1 to n; None: n.
    level : of a quantile, 0 to 1.
    skip : values left out before a seed, 0 to 10,000.
    by : column of groups for an operator over securities; None: all of the exchange.

    Raises
    ------
    ExpressionError : unknown operator, wrong number of arguments, a window missing, too small, or looking ahead; a least, level, skip or
        by that is out of range, or that the operator does not take.
    """
    operator = OPERATORS.get(name)
    if operator is None:
        raise ExpressionError(name, expected=f"one of {', '.join(sorted(OPERATORS))}", found="no operator")
    if len(args) != operator.arity or (n is not None) != operator.takes_window:
        window = " and a window in rows" if operator.takes_window else ""
        found = f"{len(args)} and {'a' if n is not None else 'no'} window"
        raise ExpressionError(name, expected=f"{operator.arity} expression(s){window}", found=found)
    if n is not None:
        _check_window(name, n, operator.min_window)
    _check_words(operator, n, least, level, skip)
    operands = tuple(map(_operand, args))
    if by is not None and operator.kind != "cross":
        raise ExpressionError(name, expected="no by", found=repr(by))
    if operator.kind == "cross":
        return Cross(name, operands, None if by is None else Column(by).name, None if level is None else float(level))
    if operator.kind == "recursive":
        return Recursive(name, operands, n or 0, skip or 0)
    if n is None:
        if name == "neg" and isinstance(operands[0], Constant):
            return Constant(-operands[0].value)  # text cannot tell -1 from minus 1
        return Elementwise(name, operands)
    return Window(name, operands, n, n if least is None else least, None if level is None else float(level))


def _check_words(operator: Operator, n: int | None, least: int | None, level: float | None, skip: int | None) -> None:
    """What may be said by name."""
    if least is not None and not (operator.takes_least and type(least) is int and 1 <= least <= (n or 0)):
        expected = f"least from 1 to {n}" if operator.takes_least else "no least"
        raise ExpressionError(operator.name, expected=expected, found=repr(least))
    most = operator.max_level
    has_level = type(level) in (int, float) and 0.0 <= float(level) <= (most or 1.0)  # type: ignore[arg-type]
    if has_level != bool(most) or (level is not None and not has_level):
        expected = f"a level from 0 to {Constant(most)}" if most else "no level"
        raise ExpressionError(operator.name, expected=expected, found=repr(level))
    if skip is not None and not (operator.takes_skip and type(skip) is int and 0 <= skip <= MAX_WINDOW):
        expected = f"skip from 0 to {MAX_WINDOW}" if operator.takes_skip else "no skip"
        raise ExpressionError(operator.name, expected=expected, found=repr(skip))


def _operand(value: Operand) -> Expr:
    if isinstance(value, Expr):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return Constant(float(value))
    raise ExpressionError("operand", expected="an expression such as col('close') or a number", found=repr(value))


def _check_window(name: str, n: int, at_least: int) -> None:
    if not isinstance(n, int) or isinstance(n, bool):
        raise ExpressionError(name, expected="a window in whole rows", found=repr(n))
    if n < 0:
        do = "An expression only looks back; what looks ahead is a label."
        raise ExpressionError(name, expected="a window into the past", found=f"{n}, a look ahead", do=do)
    if not at_least <= n <= MAX_WINDOW:
        raise ExpressionError(name, expected=f"a window of {at_least} to {MAX_WINDOW} rows", found=str(n))


def _bracketed(x: Expr, at_least: int) -> str:
    own = _PRECEDENCE.get(x.operator, _ATOM) if isinstance(x, Elementwise) else _ATOM
    return str(x) if own >= at_least else f"({x})"
