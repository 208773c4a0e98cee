"""What the Dagster UI shows of a contract and of a materialisation. Nothing is computed here that a build needs."""

from collections.abc import Sequence

import dagster as dg

from market.table import Column, IsSession, Matches, OneOf, Table

__all__ = ["table_spec"]


def table_spec(table: Table, deps: Sequence[dg.AssetDep]) -> dg.AssetSpec:
    """The asset of a contract: key, group, columns, what it means and who writes it."""
    return dg.AssetSpec(
        table.name.split("."),
        deps=list(deps),
        description=f"{table.doc}\n\nKey: {', '.join(table.key)}. Known at: {table.known_at}.",
        group_name=table.layer,
        kinds={"deltalake", "spark" if table.commits == "replace" else "python"},
        metadata={"dagster/column_schema": _columns(table), "dagster/table_name": table.name},
        code_version=None,
    )


def _columns(table: Table) -> dg.TableSchema:
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                column.name,
                column.type,
                description=column.doc + (f" [{column.unit}]" if column.unit else ""),
                constraints=dg.TableColumnConstraints(
                    nullable=column.nullable, unique=table.key == (column.name,), other=_rules(column)
                ),
            )
            for column in table.public
        ]
    )


def _rules(column: Column) -> list[str]:
    words = []
    for rule in column.rules:
        if isinstance(rule, OneOf):
            words.append(f"one of {', '.join(rule.values)}")
        elif isinstance(rule, Matches):
            words.append(f"matches {rule.pattern}")
        elif isinstance(rule, IsSession):
            words.append("a session of its exchange")
        else:
            words.append(f"between {rule.low} and {rule.high}")
    return words
