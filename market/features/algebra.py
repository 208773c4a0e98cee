"""The words a feature is written in: columns and operators that only look back. Building an expression computes nothing.

What does not belong here: what the nodes are (``nodes``), computing values (``engine``), reading text (``parse``), names,
units and documentation (``definition``).
"""

from market.features.nodes import Column, Expr, ExpressionError, Operand, call

__all__ = [
    "Expr", "ExpressionError", "Operand", "abs_", "adaptive", "argmax", "argmin", "call", "col", "corr", "count", "cov", "cs_demean", "cs_rank", "cs_winsorize", "cs_zscore", "cumsum", "delta", "ema",
    "equal", "exp", "fill", "known", "kurt", "log", "mad", "max_", "maximum", "mean", "median", "min_", "minimum", "power", "quantile",
    "rank_", "ref", "residual", "rsquare", "sign", "skew", "slope", "sqrt", "std", "sum_", "unequal", "var", "where", "wilder", "wilder_sum", "wma",
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


def count(x: Operand, n: int, least: int | None = None) -> Expr:
    """Known rows among the last ``n``, 0 to n; with no ``least`` it is n or NaN."""
    return call("count", (x,), n, least=least)


def mean(x: Operand, n: int, least: int | None = None) -> Expr:
    """Mean of the last ``n`` rows, the current one included; ``least`` known ones are enough, all n without."""
    return call("mean", (x,), n, least=least)


def sum_(x: Operand, n: int, least: int | None = None) -> Expr:
    """Sum of the last ``n`` rows; in text ``sum``."""
    return call("sum", (x,), n, least=least)


def wma(x: Operand, n: int, least: int | None = None) -> Expr:
    """Mean of the last ``n`` rows, weighted 1 for the oldest to n for the current one."""
    return call("wma", (x,), n, least=least)


def var(x: Operand, n: int, least: int | None = None) -> Expr:
    """Sample variance (divisor n - 1) of the last ``n`` rows; n is at least 2."""
    return call("var", (x,), n, least=least)


def std(x: Operand, n: int, least: int | None = None) -> Expr:
    """Sample standard deviation (divisor n - 1) of the last ``n`` rows; n is at least 2."""
    return call("std", (x,), n, least=least)


def mad(x: Operand, n: int, least: int | None = None) -> Expr:
    """Mean absolute deviation of the last ``n`` rows from their mean."""
    return call("mad", (x,), n, least=least)


def skew(x: Operand, n: int, least: int | None = None) -> Expr:
    """Sample skewness of the last ``n`` rows, unbiased; NaN when they are equal; n is at least 3."""
    return call("skew", (x,), n, least=least)


def kurt(x: Operand, n: int, least: int | None = None) -> Expr:
    """Sample excess kurtosis of the last ``n`` rows, unbiased; NaN when they are equal; n is at least 4."""
    return call("kurt", (x,), n, least=least)


def min_(x: Operand, n: int, least: int | None = None) -> Expr:
    """Smallest of the last ``n`` rows; in text ``min``."""
    return call("min", (x,), n, least=least)


def max_(x: Operand, n: int, least: int | None = None) -> Expr:
    """Largest of the last ``n`` rows; in text ``max``."""
    return call("max", (x,), n, least=least)


def argmin(x: Operand, n: int, least: int | None = None) -> Expr:
    """Rows since the smallest of the last ``n``, 0 for the current one; of equal ones the oldest."""
    return call("argmin", (x,), n, least=least)


def argmax(x: Operand, n: int, least: int | None = None) -> Expr:
    """Rows since the largest of the last ``n``, 0 for the current one; of equal ones the oldest."""
    return call("argmax", (x,), n, least=least)


def rank_(x: Operand, n: int, least: int | None = None) -> Expr:
    """Rank of the current row among the last ``n``, in (0, 1], ties share the mean rank; in text ``rank``."""
    return call("rank", (x,), n, least=least)


def median(x: Operand, n: int, least: int | None = None) -> Expr:
    """Median of the last ``n`` rows."""
    return call("median", (x,), n, least=least)


def slope(x: Operand, n: int, least: int | None = None) -> Expr:
    """Least-squares slope of the last ``n`` rows, in units of ``x`` per row; n is at least 2."""
    return call("slope", (x,), n, least=least)


def rsquare(x: Operand, n: int, least: int | None = None) -> Expr:
    """Share of the variance of the last ``n`` rows that their least-squares line explains, 0 to 1; NaN when they are equal."""
    return call("rsquare", (x,), n, least=least)


def residual(x: Operand, n: int, least: int | None = None) -> Expr:
    """The current row less what the least-squares line of the last ``n`` rows has there, in units of ``x``."""
    return call("residual", (x,), n, least=least)


def corr(x: Operand, y: Operand, n: int, least: int | None = None) -> Expr:
    """Pearson correlation of the last ``n`` rows, -1 to 1; NaN when either is constant; n is at least 2."""
    return call("corr", (x, y), n, least=least)


def cov(x: Operand, y: Operand, n: int, least: int | None = None) -> Expr:
    """Sample covariance (divisor n - 1) of the last ``n`` rows; n is at least 2."""
    return call("cov", (x, y), n, least=least)


def quantile(x: Operand, n: int, level: float, least: int | None = None) -> Expr:
    """Quantile of the last ``n`` rows at ``level`` (0 to 1), linear between two values."""
    return call("quantile", (x,), n, least=least, level=level)


def ema(x: Operand, n: int, skip: int = 0) -> Expr:
    """Exponential mean with weight 2 / (n + 1), seeded with the simple mean of ``n`` values, the first or those behind ``skip``."""
    return call("ema", (x,), n, skip=skip or None)


def wilder(x: Operand, n: int) -> Expr:
    """Wilder's smoothing, weight 1 / n, seeded with the simple mean of the first ``n`` values."""
    return call("wilder", (x,), n)


def wilder_sum(x: Operand, n: int) -> Expr:
    """Wilder's running sum, S - S / n + x, seeded with the sum of the first ``n`` - 1 values; n is at least 2."""
    return call("wilder_sum", (x,), n)


def cumsum(x: Operand) -> Expr:
    """Sum of all values so far."""
    return call("cumsum", (x,))


def adaptive(x: Operand, weight: Operand) -> Expr:
    """A mean that moves by ``weight`` of its distance to ``x`` at each row, begun with the ``x`` before the first known weight."""
    return call("adaptive", (x, weight))


def cs_rank(x: Operand, by: str | None = None) -> Expr:
    """Rank of ``x`` among the securities of its exchange and session, in (0, 1], ties share; with ``by`` among those of its group."""
    return call("cs_rank", (x,), by=by)


def cs_demean(x: Operand, by: str | None = None) -> Expr:
    """``x`` less its mean over the securities of its exchange and session; ``by`` a sector, it is neutral to that."""
    return call("cs_demean", (x,), by=by)


def cs_zscore(x: Operand, by: str | None = None) -> Expr:
    """``x`` in standard deviations from its mean over the securities of its exchange and session."""
    return call("cs_zscore", (x,), by=by)


def cs_winsorize(x: Operand, level: float, by: str | None = None) -> Expr:
    """``x`` held within the quantiles at ``level`` (0 to 0.5) and 1 - ``level`` of its exchange and session."""
    return call("cs_winsorize", (x,), level=level, by=by)


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


def unequal(a: Operand, b: Operand) -> Expr:
    """1 where two values of the same row differ, else 0; in text ``a != b``."""
    return call("ne", (a, b))


def known(x: Operand) -> Expr:
    """1 where ``x`` is known, 0 where it is NaN."""
    return call("known", (x,))


def fill(a: Operand, b: Operand) -> Expr:
    """``a`` where it is known, else ``b``."""
    return call("fill", (a, b))


def exp(x: Operand) -> Expr:
    """e to the power of ``x``."""
    return call("exp", (x,))


def power(a: Operand, b: Operand) -> Expr:
    """``a`` to the power of ``b``; NaN where that is no real number."""
    return call("power", (a, b))
