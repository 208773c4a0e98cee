"""Suites come from contracts alone, the same every time; a rule that cannot be judged is refused."""

import pytest

from expectations.checks import check_names, checks
from expectations.suite import CHECK, suite
from market.registry import tables
from market.table import Between, Column, IsSession, Matches, RowRule, Rule, Table


def with_column(column: Column, *row_rules: RowRule) -> Table:
    return Table(
        "market.datasets.silver.odd",
        doc="d",
        columns=(Column("name", "string", "n"), column, Column("known_at", "timestamp", "k")),
        key=("name",),
        known_at="always",
        commits="replace",
        row_rules=row_rules,
    )


@pytest.mark.parametrize("name", sorted(tables()))
def test_a_contract_gives_the_same_suite_every_time(name: str) -> None:
    table = tables()[name]
    one, other = suite(table).to_json_dict(), suite(table).to_json_dict()
    assert one == other
    assert one["name"] == name
    names = [e["meta"][CHECK] for e in one["expectations"]]
    assert names == ["table_columns", "table_has_rows", *(check.name for check in checks(table))]


@pytest.mark.parametrize("name", sorted(tables()))
def test_names_of_checks_are_distinct_words(name: str) -> None:
    names = check_names(tables()[name])
    assert len(set(names)) == len(names)
    assert all(check.replace("_", "").isalnum() for check in names)


def test_every_rule_of_a_column_becomes_a_check(contract: Table) -> None:
    names = [c.name for c in checks(contract)]
    assert "session_date_not_null" in names
    assert "session_date_is_session" in names
    assert "low_not_null" not in names
    assert names[-3:] == ["low_at_most_high", "volume_at_least_odd_lot", "key_unique"]


def test_two_rules_of_a_kind_have_two_names() -> None:
    names = [c.name for c in checks(with_column(Column("n", "int64", "n", rules=(Between(0), Between(None, 5)))))]
    assert names == ["name_not_null", "n_not_null", "n_between", "n_between_2", "known_at_not_null", "key_unique"]


@pytest.mark.parametrize(
    ("kind", "rule"),
    [
        ("string", Between(0)),
        ("int64", Between()),
        ("int64", Matches("a")),
        ("date", IsSession()),
        ("string", IsSession("name")),
    ],
)
def test_a_rule_that_does_not_fit_its_column_is_refused(kind: str, rule: Rule) -> None:
    with pytest.raises(ValueError, match=r"silver\.odd\.odd: .* needs .*; correct the contract"):
        suite(with_column(Column("odd", kind, "o", rules=(rule,))))


def test_a_relation_between_a_word_and_a_number_is_refused() -> None:
    with pytest.raises(ValueError, match="needs two columns that can be compared"):
        suite(with_column(Column("n", "int64", "n"), RowRule("name", "<=", "n", "never")))
