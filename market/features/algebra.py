"""The words a feature is written in: columns and operators that only look back. Building an expression computes nothing.

What does not belong here: what the nodes are (``nodes``), computing values (``engine``), reading text (``parse``), names,
units and documentation (``definition``).
"""

from market.features.nodes import Column, Expr, ExpressionError, Operand, call

__all__ = [
    "Expr", "ExpressionError", "Operand", "abs_", "call", "col", "corr", "delta", "ema", "equal", "log", "max_", "maximum",
    "mean", "min_", "minimum", "rank_", "ref", "sign", "slope", "sqrt", "std", "sum_", "where", "wilder",
]  # fmt: skip


def col(name: str) -> Expr:
    """The column ``name``."""
    return Column(name)


def ref(x: Operand, n: int) -> Expr:
    """``x`` as it was ``n`` rows ago; NaN on the first n rows. A negative ``n`` would look ahead: refused."""
    return call("ref", (x,), n)


def delta(x: Operand, n: int) -> Expr:
    """``x`` minus ``x`` ``n`` rows ago; NaN on the first n rows."""
    return call("delta", (x,), n)


def mean(x: Operand, n: int) -> Expr:
    """Mean of the last ``n`` rows, the current one included."""
    return call("mean", (x,), n)


def std(x: Operand, n: int) -> Expr:
    """Sample standard deviation (divisor n - 1) of the last ``n`` rows; n is at least 2."""
    return call("std", (x,), n)


def sum_(x: Operand, n: int) -> Expr:
    """Sum of the last ``n`` rows; in text ``sum``."""
    return call("sum", (x,), n)


def min_(x: Operand, n: int) -> Expr:
    """Smallest of the last ``n`` rows; in text ``min``."""
    return call("min", (x,), n)


def max_(x: Operand, n: int) -> Expr:
    """Largest of the last ``n`` rows; in text ``max``."""
    return call("max", (x,), n)


def rank_(x: Operand, n: int) -> Expr:
    """Rank of the current row among the last ``n``, in (0, 1], ties share the mean rank; in text ``rank``."""
    return call("rank", (x,), n)


def slope(x: Operand, n: int) -> Expr:
    """Least-squares slope of the last ``n`` rows, in units of ``x`` per row; n is at least 2."""
    return call("slope", (x,), n)


def corr(x: Operand, y: Operand, n: int) -> Expr:
    """Pearson correlation of the last ``n`` rows, -1 to 1; NaN when either is constant; n is at least 2."""
    return call("corr", (x, y), n)


def ema(x: Operand, n: int) -> Expr:
    """Exponential mean with weight 2 / (n + 1), seeded with the simple mean of the first ``n`` values."""
    return call("ema", (x,), n)


def wilder(x: Operand, n: int) -> Expr:
    """Wilder's smoothing, weight 1 / n, seeded with the simple mean of the first ``n`` values."""
    return call("wilder", (x,), n)


def abs_(x: Operand) -> Expr:
    """Size of ``x``; in text ``abs``."""
    return call("abs", (x,))


def log(x: Operand) -> Expr:
    """Natural logarithm; NaN for zero and below."""
    return call("log", (x,))


def sqrt(x: Operand) -> Expr:
    """Square root; NaN below zero."""
    return call("sqrt", (x,))


def sign(x: Operand) -> Expr:
    """-1, 0 or 1."""
    return call("sign", (x,))


def where(condition: Operand, a: Operand, b: Operand) -> Expr:
    """``a`` where the condition is not zero, else ``b``; NaN where the condition is NaN."""
    return call("where", (condition, a, b))


def maximum(a: Operand, b: Operand) -> Expr:
    """The larger of two values of the same row."""
    return call("maximum", (a, b))


def minimum(a: Operand, b: Operand) -> Expr:
    """The smaller of two values of the same row."""
    return call("minimum", (a, b))


def equal(a: Operand, b: Operand) -> Expr:
    """1 where two values of the same row are equal, else 0; in text ``a == b``."""
    return call("eq", (a, b))
