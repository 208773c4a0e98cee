"""Reads Qlib's expression syntax, ``Mean($close, 5)/$close``, into our nodes, with Qlib's rules for what is missing.

Qlib's windows take what is known among the last n rows (``least=1`` here), its comparisons with a missing value are false, a
missing condition of ``If`` holds, its
correlation and R squared are missing where a side hardly moves, ``IdxMax`` and ``IdxMin`` take a missing value for the largest and the smallest.
Different on purpose: where Qlib divides by zero or takes a logarithm of it, it has infinities, and here is NaN. What does not belong here:
operators of our own (``parse``), Alpha158 (``alpha``).

Source: Qlib 0.9.7, ``qlib/data/ops.py``.
"""

import ast
import re
from collections.abc import Callable
from functools import partial
from typing import Any, Final, NoReturn

from market.features import algebra as al
from market.features.nodes import Constant, Expr, ExpressionError

VWAP: Final = al.col("value") / al.col("volume")
"""Qlib's ``$vwap``; NaN where nothing was traded."""

_FIELD: Final = re.compile(r"\$([a-z_]+)")
_HARDLY: Final = 2e-5
_BINARY: Final[dict[type, str]] = {
    ast.Add: "Add", ast.Sub: "Sub", ast.Mult: "Mul", ast.Div: "Div", ast.Pow: "Power", ast.BitAnd: "And", ast.BitOr: "Or",
    ast.Gt: "Gt", ast.GtE: "Ge", ast.Lt: "Lt", ast.LtE: "Le", ast.Eq: "Eq", ast.NotEq: "Ne",
}  # fmt: skip
_WINDOWS: Final[dict[str, Callable[..., Expr]]] = {
    "Mean": al.mean, "Sum": al.sum_, "Std": al.std, "Var": al.var, "Skew": al.skew, "Kurt": al.kurt, "Max": al.max_, "Min": al.min_,
    "Med": al.median, "Rank": al.rank_, "Count": al.count, "Slope": al.slope, "Resi": al.residual, "Cov": al.cov,
}  # fmt: skip


def _rows(n: int) -> Expr:
    """Rows of the window that there are, known or not."""
    return al.sum_(1, n, least=1)


def _place(extreme: Callable[..., Expr]) -> Callable[..., Expr]:
    """Place in the window, 1 for its oldest row; numpy, which Qlib asks, finds the first missing value before any extreme."""

    def made(x: Expr, n: int) -> Expr:
        has_gap = al.count(x, n, least=1) < _rows(n)
        return _rows(n) - al.where(has_gap, al.argmax(~al.known(x), n, least=1), extreme(x, n, least=1))

    return made


def _moves(x: Expr, n: int) -> Expr:
    """1 where x has a spread over the window, else 0; NaN while it has one row."""
    return al.std(x, n, least=1) > _HARDLY


_BUILT: Final[dict[str, tuple[int, Callable[..., Expr]]]] = {
    "Abs": (1, al.abs_), "Sign": (1, al.sign), "Log": (1, al.log), "Not": (1, lambda a: ~a), "Power": (2, al.power),
    "Add": (2, lambda a, b: a + b), "Sub": (2, lambda a, b: a - b), "Mul": (2, lambda a, b: a * b), "Div": (2, lambda a, b: a / b),
    "Greater": (2, al.maximum), "Less": (2, al.minimum), "And": (2, lambda a, b: a & b), "Or": (2, lambda a, b: a | b),
    "Gt": (2, lambda a, b: al.fill(a > b, 0)), "Ge": (2, lambda a, b: al.fill(a >= b, 0)), "Lt": (2, lambda a, b: al.fill(a < b, 0)),
    "Le": (2, lambda a, b: al.fill(a <= b, 0)), "Eq": (2, lambda a, b: al.fill(al.equal(a, b), 0)),
    "Ne": (2, lambda a, b: al.fill(al.unequal(a, b), 1)), "If": (3, lambda c, a, b: al.where(al.fill(c, 1), a, b)),
    "Ref": (1, al.ref), "Delta": (1, al.delta),
    "IdxMax": (1, _place(al.argmax)), "IdxMin": (1, _place(al.argmin)),
    "Mad": (1, lambda x, n: al.mad(x, n, least=1) / al.equal(al.count(x, n, least=1), _rows(n))),
    "Rsquare": (1, lambda x, n: al.rsquare(x, n, least=1) / _moves(x, n)),
    "Corr": (2, lambda x, y, n: al.corr(x, y, n, least=1) / (_moves(x, n) & _moves(y, n))),
    "Quantile": (1, lambda x, n, level: al.quantile(x, n, level, least=1)),
}  # fmt: skip
"""By Qlib's name: how many expressions come first, and what is made of them and the numbers behind them."""
_BUILT.update({name: (2 if name == "Cov" else 1, partial(made, least=1)) for name, made in _WINDOWS.items()})
_NUMBERS: Final = {name: 1 for name in (*_WINDOWS, "Ref", "Delta", "Mad", "IdxMax", "IdxMin", "Rsquare", "Corr")} | {
    "Quantile": 2
}


def parse_qlib(text: str) -> Expr:
    """The expression that Qlib's text says.

    Raises
    ------
    ExpressionError : naming the text: no expression, an operator that Qlib lacks or we have no equal of (EMA, WMA, windows of 0, which
        grow from the first row), a look ahead.
    """
    try:
        tree = ast.parse(_FIELD.sub(r"\1", text.strip()), mode="eval")
    except (SyntaxError, RecursionError, MemoryError, ValueError) as error:
        raise ExpressionError(f"{text!r}", expected="an expression of Qlib", found=str(error)) from error
    return _Reader(text).read(tree.body)


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text

    def read(self, node: ast.expr) -> Expr:
        if isinstance(node, ast.Constant):
            return Constant(self._number(node))
        if isinstance(node, ast.Name):
            return VWAP if node.id == "vwap" else al.col(node.id)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            return -self.read(node.operand)
        if isinstance(node, ast.BinOp) and type(node.op) in _BINARY:
            return self._built(_BINARY[type(node.op)], [node.left, node.right])
        if isinstance(node, ast.Compare) and len(node.ops) == 1 and type(node.ops[0]) in _BINARY:
            return self._built(_BINARY[type(node.ops[0])], [node.left, node.comparators[0]])
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not node.keywords:
            return self._built(node.func.id, node.args)
        self._refuse("columns such as $close, numbers and Qlib's operators", ast.unparse(node))

    def _built(self, name: str, args: list[ast.expr]) -> Expr:
        if name not in _BUILT:
            self._refuse(f"an operator ({', '.join(sorted(_BUILT))})", name)
        n_expressions, made = _BUILT[name]
        n_numbers = _NUMBERS.get(name, 0)
        if len(args) != n_expressions + n_numbers:
            self._refuse(f"{n_expressions + n_numbers} argument(s) for {name}", str(len(args)))
        operands = [self.read(arg) for arg in args[:n_expressions]]
        numbers = [self._number(arg) for arg in args[n_expressions:]]
        try:
            return made(*operands, *(int(one) if i == 0 and one == int(one) else one for i, one in enumerate(numbers)))
        except ExpressionError as error:
            self._refuse(f"{error.expected} for {name}", error.found)

    def _number(self, node: ast.expr) -> float:
        is_negative = isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub)
        value: Any = getattr(node.operand if isinstance(node, ast.UnaryOp) else node, "value", None)
        if type(value) not in (int, float):
            self._refuse("a number", ast.unparse(node))
        return -float(value) if is_negative else float(value)

    def _refuse(self, expected: str, found: str) -> NoReturn:
        raise ExpressionError(f"{self._text!r}", expected=expected, found=found)
