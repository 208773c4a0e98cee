"""Reads expression text such as ``corr(close, log(volume + 1), 20)``. Nothing is executed: Python's grammar, our nodes.

What does not belong here: operators of its own; what may be called is ``operators.CALLABLE``.
"""

import ast
import difflib
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final, NoReturn

from market.features.nodes import Column, Constant, Expr, ExpressionError, call
from market.features.operators import CALLABLE, MAX_WINDOW, Operator

MAX_LETTERS: Final = 8_000
MAX_DEPTH: Final = 100

_BINARY: Final[dict[type[ast.operator], str]] = {
    ast.Add: "add",
    ast.Sub: "sub",
    ast.Mult: "mul",
    ast.Div: "div",
    ast.BitAnd: "both",
    ast.BitOr: "either",
}
_UNARY: Final[dict[type[ast.unaryop], str]] = {ast.USub: "neg", ast.Invert: "not"}
_COMPARE: Final[dict[type[ast.cmpop], str]] = {
    ast.Lt: "lt",
    ast.LtE: "le",
    ast.Gt: "gt",
    ast.GtE: "ge",
    ast.Eq: "eq",
    ast.NotEq: "ne",
}


def parse(text: str, columns: Collection[str] | None = None) -> Expr:
    """The expression that ``text`` says; ``parse(str(e)) == e``.

    Parameters
    ----------
    columns : names that may be read; None lets any name pass.

    Raises
    ------
    ExpressionError : with the position, counted from 1: no expression, unknown operator or column, wrong number of
        arguments, a window that is not a positive whole number, a look ahead.
    """
    reader = _Reader(text, columns)
    if len(text) > MAX_LETTERS:
        raise ExpressionError("expression", expected=f"at most {MAX_LETTERS} letters", found=str(len(text)))
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except SyntaxError as error:
        reader.refuse(reader.broken_at(error), expected="an expression", found=error.msg)
    except (RecursionError, MemoryError, ValueError) as error:  # too deep for Python, or a null byte
        raise ExpressionError("expression", expected="an expression that can be read", found=str(error)) from error
    return reader.read(tree.body, 0)


@dataclass(frozen=True)
class _Reader:
    text: str
    columns: Collection[str] | None

    def read(self, node: ast.expr, depth: int) -> Expr:
        if depth > MAX_DEPTH:
            self.refuse(self.at(node), expected=f"at most {MAX_DEPTH} levels", found="a deeper expression")
        if isinstance(node, ast.Constant):
            return Constant(self.number(node))
        if isinstance(node, ast.Name):
            return self.column(node)
        if isinstance(node, ast.Call):
            return self.called(node, depth)
        if isinstance(node, ast.UnaryOp) and type(node.op) in _UNARY:
            return call(_UNARY[type(node.op)], (self.read(node.operand, depth + 1),))
        if isinstance(node, ast.BinOp) and type(node.op) in _BINARY:
            return call(_BINARY[type(node.op)], (self.read(node.left, depth + 1), self.read(node.right, depth + 1)))
        if isinstance(node, ast.Compare) and len(node.ops) == 1 and type(node.ops[0]) in _COMPARE:
            operands = (self.read(node.left, depth + 1), self.read(node.comparators[0], depth + 1))
            return call(_COMPARE[type(node.ops[0])], operands)
        signs = "+ - * / < <= > >= == != & | ~"
        self.refuse(self.at(node), expected=f"columns, numbers, {signs}, operators", found=self.said(node))

    def called(self, node: ast.Call, depth: int) -> Expr:
        operator = self.operator(node)
        windows = int(operator.takes_window)
        wanted = operator.arity + windows
        if len(node.args) != wanted:
            expected = f"{wanted} argument(s) for {operator.name}"
            self.refuse(self.at(node), expected=expected, found=f"{len(node.args)}, those by name not counted")
        n = self.window(node.args[-1], operator) if windows else None
        args = tuple(self.read(arg, depth + 1) for arg in node.args[: operator.arity])
        words = {word.arg or "**": self.word(word, operator) for word in node.keywords}
        if len(words) < len(node.keywords):
            self.refuse(self.at(node), expected=f"each word once for {operator.name}", found="one twice")
        try:
            return call(operator.name, args, n, **words)
        except ExpressionError as error:
            self.refuse(self.at(node), expected=f"{error.expected} for {operator.name}", found=error.found)

    def word(self, word: ast.keyword, operator: Operator) -> Any:
        """The number of ``least=``, ``level=`` or ``skip=``, the column of ``by=``."""
        if word.arg not in operator.words:
            expected = f"{' and '.join(f'{name}=' for name in operator.words) or 'nothing'} by name for {operator.name}"
            self.refuse(self.at(word), expected=expected, found=f"{word.arg}=")
        if word.arg == "by" and isinstance(word.value, ast.Name):
            return str(self.column(word.value))
        if word.arg == "by" or not isinstance(word.value, ast.Constant):
            self.refuse(
                self.at(word.value),
                expected=f"a {'column' if word.arg == 'by' else 'number'} for {word.arg}",
                found=self.said(word.value),
            )
        return word.value.value

    def operator(self, node: ast.Call) -> Operator:
        name = self.said(node.func)
        if name not in CALLABLE:
            near = difflib.get_close_matches(name, CALLABLE, n=1)
            do = f"Did you mean {near[0]}?" if near else ""
            self.refuse(self.at(node), expected=f"an operator ({', '.join(sorted(CALLABLE))})", found=name, do=do)
        return CALLABLE[name]

    def window(self, node: ast.expr, operator: Operator) -> int:
        is_negative = isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub)
        number = node.operand if isinstance(node, ast.UnaryOp) else node
        if not isinstance(number, ast.Constant) or type(number.value) is not int or (number is not node) != is_negative:
            self.refuse(self.at(node), expected=f"a window in whole rows for {operator.name}", found=self.said(node))
        if is_negative and number.value:
            do = "An expression only looks back; what looks ahead is a label."
            self.refuse(
                self.at(node), expected="a window into the past", found=f"{self.said(node)}, a look ahead", do=do
            )
        if not operator.min_window <= number.value <= MAX_WINDOW:
            expected = f"a window of {operator.min_window} to {MAX_WINDOW} rows for {operator.name}"
            self.refuse(self.at(node), expected=expected, found=self.said(node))
        return number.value

    def number(self, node: ast.Constant) -> float:
        value = node.value
        if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= 1.7e308:
            self.refuse(self.at(node), expected="a finite number", found=self.said(node))
        return float(value)

    def column(self, node: ast.Name) -> Expr:
        if self.columns is not None and node.id not in self.columns:
            near = difflib.get_close_matches(node.id, self.columns, n=1)
            do = f"Did you mean {near[0]}?" if near else ""
            self.refuse(self.at(node), expected=f"a column ({', '.join(sorted(self.columns))})", found=node.id, do=do)
        try:
            return Column(node.id)
        except ExpressionError as error:
            self.refuse(self.at(node), expected=error.expected, found=node.id)

    def at(self, node: ast.expr | ast.keyword) -> int:
        """Position of a node in the text, counted in letters from 1 (Python counts UTF-8 bytes within a line)."""
        line = self.text.strip().splitlines()[node.lineno - 1].encode()
        return self.place(node.lineno, len(line[: node.col_offset].decode()))

    def broken_at(self, error: SyntaxError) -> int:
        """Position where the grammar broke; one past the end when the text is unfinished (Python then says 0)."""
        if not error.lineno or not error.offset:
            return len(self.text.rstrip()) + 1
        return self.place(error.lineno, error.offset - 1)

    def place(self, line: int, letter: int) -> int:
        lines = self.text.strip().splitlines(keepends=True)
        lead = len(self.text) - len(self.text.lstrip())
        return lead + sum(map(len, lines[: line - 1])) + letter + 1

    def said(self, node: ast.expr) -> str:
        found = ast.unparse(node)
        return found if len(found) <= 60 else found[:57] + "..."

    def refuse(self, position: int, *, expected: str, found: str, do: str = "") -> NoReturn:
        shown = self.text if len(self.text) <= 120 else self.text[:117] + "..."
        raise ExpressionError(f"{shown!r}, position {position}", expected=expected, found=found, do=do)
