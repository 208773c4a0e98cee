"""The checks that follow from a contract: names, columns and words, before any library is asked.

What does not belong here: Great Expectations (`expectations.suite` translates) and rows.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from market.table import Between, Column, IsSession, Matches, OneOf, RowRule, Rule, Table

Kind = Literal["not_null", "between", "one_of", "matches", "is_session", "pair", "unique"]
SCHEMA, HAS_ROWS, QUARANTINED = "table_schema", "table_has_rows", "table_quarantined"
OPERATORS = {"<=": "at_most", ">=": "at_least", "<": "below", "==": "equal"}
NUMBERS = ("int32", "int64", "float32", "float64")


@dataclass(frozen=True)
class Check:
    """One rule about rows.

    Parameters
    ----------
    name : letters, digits and underscores, unique in its table, stable over days.
    columns : the columns that the rule looks at; a row's reason shows their values.
    expected : the rule in words.
    rule : what the contract says; None for a column that may not be null and for the key.
    """

    name: str
    kind: Kind
    columns: tuple[str, ...]
    expected: str
    rule: Rule | RowRule | None = None


def checks(table: Table) -> tuple[Check, ...]:
    """The checks about rows of that table, in contract order: columns, relations between them, the key.

    Raises
    ------
    ValueError
        A rule cannot apply to its column's type, or names a column that does not exist.
    """
    found: list[Check] = []
    for column in table.columns:
        found.extend(_of_column(table, column))
    found.extend(_of_pair(table, rule) for rule in table.row_rules)
    found.append(Check("key_unique", "unique", table.key, f"one row per {', '.join(table.key)}"))
    return tuple(_distinct(found))


def check_names(table: Table) -> tuple[str, ...]:
    """Names of all outcomes that judging the table gives, in their order."""
    return (SCHEMA, HAS_ROWS, *(check.name for check in checks(table)), QUARANTINED)


def session_column(column: str, rule: IsSession) -> str:
    """Name of the helper column that says whether the date is a session of the row's exchange."""
    return f"{column}_is_a_session_of_{rule.exchange_column}"


def _of_column(table: Table, column: Column) -> Iterator[Check]:
    if not column.nullable:
        yield Check(f"{column.name}_not_null", "not_null", (column.name,), f"{column.name} not null")
    for rule in column.rules:
        yield _of_rule(table, column, rule)


def _of_rule(table: Table, column: Column, rule: Rule) -> Check:
    name, where = column.name, f"{table.name}.{column.name}"
    match rule:
        case Between():
            _refuse_unless(column.type in NUMBERS, where, rule, f"a column among {', '.join(NUMBERS)}")
            _refuse_unless(rule.low is not None or rule.high is not None, where, rule, "at least one bound")
            return Check(f"{name}_between", "between", (name,), _bounds(column, rule), rule)
        case OneOf():
            _refuse_unless(column.type == "string", where, rule, "a string column")
            return Check(f"{name}_one_of", "one_of", (name,), f"{name} one of {', '.join(rule.values)}", rule)
        case Matches():
            _refuse_unless(column.type == "string", where, rule, "a string column")
            return Check(f"{name}_matches", "matches", (name,), f"{name} like {rule.pattern}", rule)
        case IsSession():
            known = any(c.name == rule.exchange_column for c in table.columns)
            _refuse_unless(known, where, rule, f"a column {rule.exchange_column}")
            _refuse_unless(column.type == "date", where, rule, "a date column")
            words = f"{name} a session of its {rule.exchange_column}"
            return Check(f"{name}_is_session", "is_session", (name, rule.exchange_column), words, rule)


def _of_pair(table: Table, rule: RowRule) -> Check:
    types = {table.column(name).type for name in (rule.left, rule.right)}
    fits = len(types) == 1 or types <= set(NUMBERS)
    _refuse_unless(fits, table.name, rule, f"two columns that can be compared, was {sorted(types)}")
    name = f"{rule.left}_{OPERATORS[rule.op]}_{rule.right}"
    return Check(name, "pair", (rule.left, rule.right), f"{rule.left} {rule.op} {rule.right}", rule)


def _bounds(column: Column, rule: Between) -> str:
    unit = f" {column.unit}" if column.unit not in ("", "1") else ""
    if rule.low is None:
        return f"{column.name} at most {rule.high:g}{unit}"
    if rule.high is None:
        return f"{column.name} at least {rule.low:g}{unit}"
    return f"{column.name} between {rule.low:g} and {rule.high:g}{unit}"


def _distinct(found: list[Check]) -> Iterator[Check]:
    taken: dict[str, int] = {}
    for check in found:
        taken[check.name] = taken.get(check.name, 0) + 1
        nth = taken[check.name]
        yield check if nth == 1 else replace(check, name=f"{check.name}_{nth}")


def _refuse_unless(fits: bool, where: str, rule: object, needs: str) -> None:
    if not fits:
        raise ValueError(f"{where}: {rule} needs {needs}; correct the contract")
