"""What an expression measures: units follow from the columns, and unlike things are not added.

A unit is powers of price (currency per share), shares and headlines; sessions, shares of something and logarithms are pure numbers. A plain number takes the
unit of what it is added to or compared with. What does not belong here: scale (a percent is a hundred fractions, which no formula can tell).
"""

from collections.abc import Mapping
from fractions import Fraction
from typing import Final

from market.features.definition import Feature
from market.features.nodes import Column, Constant, Cross, Elementwise, Expr, ExpressionError, Recursive, Window

Unit = tuple[Fraction, Fraction, Fraction]
"""Powers of price, shares and headlines."""

_PURE: Final[Unit] = (Fraction(0), Fraction(0), Fraction(0))
_NAMES: Final = ("price", "shares", "headlines")


def _of(price: int = 0, shares: int = 0, headlines: int = 0) -> Unit:
    return Fraction(price), Fraction(shares), Fraction(headlines)


COLUMNS: Final[Mapping[str, Unit]] = {
    **dict.fromkeys(("open", "high", "low", "close", "base_price"), _of(price=1)),
    **dict.fromkeys(("volume", "listed_shares"), _of(shares=1)),
    **dict.fromkeys(("value", "market_cap"), _of(price=1, shares=1)),
    **dict.fromkeys(("n_headlines", "n_stories"), _of(headlines=1)),
    **dict.fromkeys(("level", "dispersion", "novelty"), _PURE),
    **dict.fromkeys(
        ("factor", "cumulative_factor", "weekday", "month", "days_since_session", "session_of_month"), _PURE
    ),
}
"""What the columns of gold.prices, of the calendar and of a session's stories measure."""
DECLARED: Final[Mapping[str, Unit]] = {
    **dict.fromkeys(("1", "ratio", "fraction", "percent", "points", "sessions", "signal", "fraction_per_sqrt_year", "log_currency"), _PURE),
    **dict.fromkeys(("price", "price_per_session"), _of(price=1)),
    "price_squared": _of(price=2),
    "shares": _of(shares=1),
    "price_shares": _of(price=1, shares=1),
    "price_per_share": _of(price=1, shares=-1),
    "price_squared_per_100m_shares": _of(price=2, shares=-1),
    "fraction_per_million_currency": _of(price=-1, shares=-1),
    "headlines": _of(headlines=1),
}  # fmt: skip
"""What the words for units mean that features are declared with."""

_ALIKE: Final = frozenset({"add", "sub", "maximum", "minimum", "fill"})
_COMPARED: Final = frozenset({"lt", "le", "gt", "ge", "eq", "ne"})
_COUNTED: Final = frozenset(
    {"count", "rank", "skew", "kurt", "argmin", "argmax", "rsquare", "corr", "cs_rank", "cs_zscore"}
)
_PLAIN: Final = frozenset({"both", "either", "not", "known", "sign", "log", "exp"})

_ASKED: Final = frozenset({"both", "either", "not"})


def unit_of(expr: Expr) -> Unit | None:
    """The unit of an expression; None for a plain number, which fits any, and where a column is none of ours.

    Raises
    ------
    ExpressionError : unlike things are added, compared or chosen between, naming both; a power that is no number; a price, shares or the like where
        it is asked whether something holds.
    """
    if isinstance(expr, Column):
        if expr.name == "sector":
            raise ExpressionError("sector", expected="by=sector; its number says nothing", found="a value")
        return COLUMNS.get(expr.name)
    if isinstance(expr, Constant):
        return None
    units = [unit_of(child) for child in expr.children]
    if isinstance(expr, Elementwise):
        return _of_row(expr, units)
    assert isinstance(expr, Window | Recursive | Cross)
    if expr.operator in _COUNTED:
        return _PURE
    if expr.operator == "cov" or expr.operator == "var":
        return _times(units[0], units[-1], 1)
    return units[0]


def checked(feature: Feature) -> Feature:
    """The feature, if its formula measures what it says.

    Raises
    ------
    ExpressionError : a unit that is no word of ours, another than the formula's, unlike things in the formula, or a column that gold does not have.
    """
    where = f"feature {feature.name!r}"
    if unknown := sorted(feature.expr.inputs - COLUMNS.keys() - {"sector"}):
        raise ExpressionError(where, expected=f"columns among {', '.join(sorted(COLUMNS))}", found=", ".join(unknown))
    if feature.unit not in DECLARED:
        raise ExpressionError(where, expected=f"a unit among {', '.join(DECLARED)}", found=feature.unit)
    try:
        found = unit_of(feature.expr)
    except ExpressionError as error:
        raise ExpressionError(f"{where}: {error.where}", expected=error.expected, found=error.found) from error
    if found is not None and found != DECLARED[feature.unit]:
        expected = f"the unit of its formula, {told(found)}"
        raise ExpressionError(where, expected=expected, found=f"{feature.unit}, {told(DECLARED[feature.unit])}")
    return feature


def told(unit: Unit | None) -> str:
    """The unit in words: price, shares, price x shares, 1 / price; `1` for a pure number."""
    powers = dict(zip(_NAMES, unit or _PURE, strict=True))
    above = " x ".join(_power(name, power) for name, power in powers.items() if power > 0)
    below = " / ".join(_power(name, -power) for name, power in powers.items() if power < 0)
    return " / ".join(part for part in (above or "1", below) if part)


def _power(name: str, power: Fraction) -> str:
    return name if power == 1 else f"{name}^{power}"


def _of_row(expr: Elementwise, units: list[Unit | None]) -> Unit | None:
    name = expr.operator
    if name in _COMPARED or name in _ALIKE:
        alike = _alike(expr, units)
        return _PURE if name in _COMPARED else alike
    if name == "exp" or (name == "power" and not isinstance(expr.args[1], Constant)):
        _pure(expr, units[-1])
    for unit in units if name in _ASKED else units[: name == "where"]:
        if unit not in (None, _PURE):
            raise ExpressionError(
                str(expr), expected="what holds or does not, such as close > 0, there", found=told(unit)
            )
    if name in _PLAIN:
        return _PURE
    if name == "where":
        return _alike(expr, units[1:])
    if name in ("mul", "div"):
        return None if units == [None, None] else _times(units[0], units[1], 1 if name == "mul" else -1)
    if name == "sqrt":
        return _raised(units[0], Fraction(1, 2))
    if name == "power":
        by = expr.args[1]
        if isinstance(by, Constant):
            return _raised(units[0], Fraction(by.value).limit_denominator(1000))
        if units[0] not in (None, _PURE):
            raise ExpressionError(str(expr), expected="a pure number, or a constant power", found=told(units[0]))
        return _PURE
    return units[0]


def _pure(expr: Expr, unit: Unit | None) -> None:
    if unit not in (None, _PURE):
        raise ExpressionError(str(expr), expected="a pure number there", found=told(unit))


def _alike(expr: Expr, units: list[Unit | None]) -> Unit | None:
    known = [unit for unit in units if unit is not None]
    if len(set(known)) > 1:
        raise ExpressionError(str(expr), expected="things of one unit", found=" and ".join(map(told, known)))
    return known[0] if known else None


def _times(a: Unit | None, b: Unit | None, sign: int) -> Unit:
    x, y = a or _PURE, b or _PURE
    return (x[0] + sign * y[0], x[1] + sign * y[1], x[2] + sign * y[2])


def _raised(unit: Unit | None, by: Fraction) -> Unit | None:
    return None if unit is None else (unit[0] * by, unit[1] * by, unit[2] * by)
