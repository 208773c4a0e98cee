"""The Great Expectations suite of a contract. Nothing is typed twice: a rule added to a contract is judged the same day.

What does not belong here: rules of any table in particular (`market/datasets`), and running the suite (`expectations.judge`).
"""

from typing import TYPE_CHECKING, Any

from expectations import engine
from expectations.checks import HAS_ROWS, Check, checks, session_column
from market.table import Between, IsSession, Matches, OneOf, RowRule, Table

if TYPE_CHECKING:
    from great_expectations import ExpectationSuite

CHECK = "check"


def suite(table: Table) -> "ExpectationSuite":
    """The suite of that contract: the same every time, with the check's name in each expectation's `meta`.

    Judged frames hold the contract's columns and, per IsSession rule, a helper column (`expectations.frames.judged`).

    Raises
    ------
    ValueError
        A rule of the contract cannot apply to its column.
    """
    kinds = engine.part("expectations")
    columns = [c.name for c in table.columns]
    helpers = [session_column(name, rule) for name, rule in session_rules(table)]
    whole = [
        kinds.ExpectTableColumnsToMatchSet(column_set=[*columns, *helpers], meta={CHECK: "table_columns"}),
        kinds.ExpectTableRowCountToBeBetween(min_value=1, meta={CHECK: HAS_ROWS}),
    ]
    rows = [_expectation(kinds, table, check) for check in checks(table)]
    made: ExpectationSuite = engine.great_expectations().ExpectationSuite(
        name=table.name, expectations=[*whole, *rows], meta={"notes": table.doc}
    )
    return made


def check_of(one: Any) -> str:
    """Name of the check that a result of the library answers."""
    name: str = one.expectation_config.meta[CHECK]
    return name


def session_rules(table: Table) -> list[tuple[str, IsSession]]:
    """The dates that must be sessions, and whose."""
    return [(c.name, rule) for c in table.columns for rule in c.rules if isinstance(rule, IsSession)]


def _expectation(kinds: Any, table: Table, check: Check) -> Any:
    common = {"meta": {CHECK: check.name}, "description": check.expected}
    match check.rule:
        case Between(low, high):
            return kinds.ExpectColumnValuesToBeBetween(column=check.columns[0], min_value=low, max_value=high, **common)
        case OneOf(values):
            return kinds.ExpectColumnValuesToBeInSet(column=check.columns[0], value_set=list(values), **common)
        case Matches(pattern):
            return kinds.ExpectColumnValuesToMatchRegex(column=check.columns[0], regex=f"^(?:{pattern})", **common)
        case IsSession() as rule:
            helper = session_column(check.columns[0], rule)
            return kinds.ExpectColumnValuesToBeInSet(column=helper, value_set=[True], **common)
        case RowRule() as rule:
            return _pair(kinds, rule, common)
    if check.kind == "not_null":
        return kinds.ExpectColumnValuesToNotBeNull(column=check.columns[0], **common)
    return _unique(kinds, table, common)


def _pair(kinds: Any, rule: RowRule, common: dict[str, Any]) -> Any:
    left, right = rule.left, rule.right
    common = {**common, "ignore_row_if": "either_value_is_missing"}
    if rule.op == "==":
        return kinds.ExpectColumnPairValuesToBeEqual(column_A=left, column_B=right, **common)
    larger, smaller = (left, right) if rule.op == ">=" else (right, left)
    return kinds.ExpectColumnPairValuesAToBeGreaterThanB(
        column_A=larger, column_B=smaller, or_equal=rule.op != "<", **common
    )


def _unique(kinds: Any, table: Table, common: dict[str, Any]) -> Any:
    if len(table.key) == 1:
        return kinds.ExpectColumnValuesToBeUnique(column=table.key[0], **common)
    # A null in a key column that may be null is a value like any other; elsewhere the row already fails for its null.
    has_null_keys = any(table.column(name).nullable for name in table.key)
    ignored = "never" if has_null_keys else "any_value_is_missing"
    return kinds.ExpectCompoundColumnsToBeUnique(column_list=list(table.key), ignore_row_if=ignored, **common)
