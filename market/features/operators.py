"""Every operator of the algebra: its text name, how many columns it takes, and its rule for missing values.

What does not belong here: how an operator is computed (``windows``, ``recursion``, ``elementwise``, ``cross``) or how expressions are built
(``algebra``). The parser, the expressions and the documentation all read this one table.
"""

from dataclasses import dataclass
from typing import Final, Literal

Kind = Literal["elementwise", "window", "recursive", "cross"]

MAX_WINDOW: Final = 10_000
"""Rows; forty years of sessions. A longer window is a slip of the keyboard."""


@dataclass(frozen=True)
class Operator:
    """What the algebra knows about one operator.

    Parameters
    ----------
    name : the name in expression text, e.g. ``corr``; also the name inside nodes.
    kind : elementwise (no window), window (finite lookback), recursive (stored state) or cross (all securities of a session).
    arity : how many expressions it takes, the window not counted.
    rule : what comes back and when it is NaN, one line, for people.
    min_window : smallest window; 0 for elementwise operators.
    looks_back : rows before the current one, as an offset to the window: ``mean(x, n)`` reads n - 1 of them, ``ref`` n.
    symbol : the infix sign, when text writes it so.
    takes_least : whether ``least=`` lets it do with fewer known rows than the window has.
    max_level : largest ``level=`` that it must be told; 0: it takes none.
    takes_skip : whether ``skip=`` leaves out that many values before its seed.
    """

    name: str
    kind: Kind
    arity: int
    rule: str
    min_window: int = 0
    looks_back: int = -1
    symbol: str = ""
    takes_least: bool = False
    max_level: float = 0.0
    takes_skip: bool = False

    @property
    def takes_window(self) -> bool:
        """Whether it is told a number of rows."""
        return self.kind == "window" or (self.kind == "recursive" and self.min_window > 0)

    @property
    def words(self) -> tuple[str, ...]:
        """What it may be told by name."""
        takes = {
            "least": self.takes_least,
            "level": bool(self.max_level),
            "skip": self.takes_skip,
            "by": self.kind == "cross",
        }
        return tuple(name for name, is_taken in takes.items() if is_taken)


def _elementwise(name: str, arity: int, rule: str, symbol: str = "") -> Operator:
    return Operator(name, "elementwise", arity, rule, symbol=symbol)


def _window(name: str, rule: str, *, arity: int = 1, min_window: int = 1, max_level: float = 0.0) -> Operator:
    rule = f"{rule}; {_NAN_IN_WINDOW}"
    return Operator(name, "window", arity, rule, min_window, takes_least=True, max_level=max_level)


def _shifted(name: str, rule: str) -> Operator:
    return Operator(name, "window", 1, rule, min_window=1, looks_back=0)


def _recursive(name: str, rule: str, *, arity: int = 1, min_window: int = 0, takes_skip: bool = False) -> Operator:
    return Operator(name, "recursive", arity, f"{rule}; {_NAN_SKIPPED}", min_window, takes_skip=takes_skip)


def _cross(name: str, rule: str, *, max_level: float = 0.0) -> Operator:
    rule = f"{rule} among the securities of its exchange and session that are known (with by=, of its group); NaN where x is"
    return Operator(name, "cross", 1, rule, max_level=max_level)


_NAN_IF_ANY = "NaN when any operand is NaN"
_NAN_IN_WINDOW = "NaN where fewer than n of the last n rows are known, finite numbers (with least=, fewer than that)"
_NAN_SKIPPED = "a NaN input gives NaN on that row and leaves the state as it is"

_TABLE: Final = (
    _elementwise("add", 2, f"a + b; {_NAN_IF_ANY}", "+"),
    _elementwise("sub", 2, f"a - b; {_NAN_IF_ANY}", "-"),
    _elementwise("mul", 2, f"a * b; {_NAN_IF_ANY}", "*"),
    _elementwise("div", 2, f"a / b; NaN when b is zero; {_NAN_IF_ANY}", "/"),
    _elementwise("neg", 1, "-a; NaN stays NaN", "-"),
    _elementwise("lt", 2, f"1 when a < b, else 0; {_NAN_IF_ANY}", "<"),
    _elementwise("le", 2, f"1 when a <= b, else 0; {_NAN_IF_ANY}", "<="),
    _elementwise("gt", 2, f"1 when a > b, else 0; {_NAN_IF_ANY}", ">"),
    _elementwise("ge", 2, f"1 when a >= b, else 0; {_NAN_IF_ANY}", ">="),
    _elementwise("eq", 2, f"1 when a equals b, else 0; {_NAN_IF_ANY}", "=="),
    _elementwise("ne", 2, f"1 when a differs from b, else 0; {_NAN_IF_ANY}", "!="),
    _elementwise("both", 2, f"1 when neither a nor b is zero, else 0; {_NAN_IF_ANY}", "&"),
    _elementwise("either", 2, f"0 when a and b are zero, else 1; {_NAN_IF_ANY}", "|"),
    _elementwise("not", 1, "1 when a is zero, else 0; NaN stays NaN", "~"),
    _elementwise("abs", 1, "the size of a; NaN stays NaN"),
    _elementwise("log", 1, "natural logarithm; NaN for zero and below"),
    _elementwise("sqrt", 1, "square root; NaN below zero"),
    _elementwise("exp", 1, "e to the power of a; NaN stays NaN"),
    _elementwise("power", 2, f"a to the power of b; NaN where that is no real number; {_NAN_IF_ANY}"),
    _elementwise("sign", 1, "-1, 0 or 1; NaN stays NaN"),
    _elementwise("maximum", 2, f"the larger of a and b; {_NAN_IF_ANY}"),
    _elementwise("minimum", 2, f"the smaller of a and b; {_NAN_IF_ANY}"),
    _elementwise("known", 1, "1 where a is known, 0 where it is NaN"),
    _elementwise("fill", 2, "a where it is known, else b; NaN where both are"),
    _elementwise("where", 3, "b where a is not zero, else c; NaN where a is NaN; the branch not taken has no say"),
    _shifted("ref", "x as it was n rows ago; NaN on the first n rows"),
    _shifted("delta", "x minus x n rows ago; NaN on the first n rows and when either is NaN"),
    _window("count", "known rows among the last n"),
    _window("sum", "sum of the last n rows"),
    _window("mean", "mean of the last n rows"),
    _window("wma", "mean of the last n rows, weights 1 for the oldest to n for the current one"),
    _window("var", "sample variance (n - 1) of the last n rows", min_window=2),
    _window("std", "sample standard deviation (n - 1) of the last n rows", min_window=2),
    _window("mad", "mean absolute deviation from their mean of the last n rows"),
    _window(
        "skew", "sample skewness (Fisher-Pearson, unbiased) of the last n rows, NaN when they are equal", min_window=3
    ),
    _window("kurt", "sample excess kurtosis (unbiased) of the last n rows, NaN when they are equal", min_window=4),
    _window("min", "smallest of the last n rows"),
    _window("max", "largest of the last n rows"),
    _window("argmin", "rows since the smallest of the last n, 0 for the current one; of equal ones the oldest"),
    _window("argmax", "rows since the largest of the last n, 0 for the current one; of equal ones the oldest"),
    _window("rank", "rank of the current row among the last n, in (0, 1], ties share; NaN where the current row is"),
    _window("median", "median of the last n rows"),
    _window("quantile", "quantile of the last n rows at level=, linear between two values", max_level=1.0),
    _window("slope", "least-squares slope per row over the last n rows", min_window=2),
    _window(
        "rsquare",
        "share of the variance of the last n rows that their line explains; NaN when they are equal",
        min_window=2,
    ),
    _window(
        "residual", "the current row less what the line of the last n rows has there; NaN where it is", min_window=2
    ),
    _window(
        "corr",
        "Pearson correlation over the last n rows, in [-1, 1]; NaN when either is constant",
        arity=2,
        min_window=2,
    ),
    _window("cov", "sample covariance (n - 1) over the last n rows", arity=2, min_window=2),
    _recursive(
        "ema",
        "exponential mean, weight 2 / (n + 1), seeded with the mean of the first n values (behind skip=), NaN before",
        min_window=1,
        takes_skip=True,
    ),
    _recursive(
        "wilder",
        "Wilder's smoothing, weight 1 / n, seeded with the mean of the first n values, NaN before",
        min_window=1,
    ),
    _recursive(
        "wilder_sum",
        "Wilder's running sum S - S / n + x, seeded with the sum of the first n - 1 values, NaN before the n-th",
        min_window=2,
    ),
    _recursive("cumsum", "sum of all values so far"),
    _recursive(
        "adaptive",
        "y + w * (x - y), weight w its own for each row, begun with the x before the first w; NaN where either is",
        arity=2,
    ),
    _cross("cs_rank", "rank of x, in (0, 1], ties share,"),
    _cross("cs_demean", "x less the mean"),
    _cross("cs_zscore", "x less the mean, over the sample standard deviation (n - 1); NaN when all are equal,"),
    _cross("cs_winsorize", "x, not below the quantile at level= and not above that at 1 - level=,", max_level=0.5),
)

OPERATORS: Final[dict[str, Operator]] = {operator.name: operator for operator in _TABLE}
"""Every operator by name."""

CALLABLE: Final[dict[str, Operator]] = {name: op for name, op in OPERATORS.items() if not op.symbol}
"""Those that text writes as a call, e.g. ``mean(close, 5)``."""
