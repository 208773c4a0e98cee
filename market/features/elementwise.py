"""Row-by-row operators, on numpy. A missing operand gives a missing result, and no infinity is made out of nothing.

What does not belong here: anything that reads another row (``kernels``).
"""

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Value = NDArray[np.float64] | np.float64
"""A column of a chunk, or the number it would be filled with."""


def _compared(compare: Callable[..., Any]) -> Callable[[Value, Value], Value]:
    def compared(a: Value, b: Value) -> Value:
        return np.where(np.isnan(a) | np.isnan(b), np.nan, compare(a, b))

    return compared


def _div(a: Value, b: Value) -> Value:
    return np.where(b == 0.0, np.nan, np.true_divide(a, b))


def _log(a: Value) -> Value:
    return np.where(a > 0.0, np.log(a), np.nan)


def _where(condition: Value, a: Value, b: Value) -> Value:
    return np.where(np.isnan(condition), np.nan, np.where(condition != 0.0, a, b))


ELEMENTWISE: Final[dict[str, Callable[..., Value]]] = {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "div": _div,
    "neg": np.negative,
    "lt": _compared(np.less),
    "le": _compared(np.less_equal),
    "gt": _compared(np.greater),
    "ge": _compared(np.greater_equal),
    "eq": _compared(np.equal),
    "abs": np.abs,
    "log": _log,
    "sqrt": np.sqrt,
    "sign": np.sign,
    "maximum": np.maximum,
    "minimum": np.minimum,
    "where": _where,
}
"""How each elementwise operator of ``operators`` is computed."""
