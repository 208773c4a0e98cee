"""The statements that make a release's views from its contracts. They run once, when the release is opened."""

from collections.abc import Iterator, Sequence

from market.table import Column, Table

TYPES = {
    "string": "VARCHAR", "int32": "INTEGER", "int64": "BIGINT", "float64": "DOUBLE", "float32": "FLOAT", "bool": "BOOLEAN", "date": "DATE",
    "timestamp": "TIMESTAMPTZ", "list<float64>": "DOUBLE[]",
}  # fmt: skip

COPIES = "copies.main"  # a database in memory of its own, since only there can DuckDB compress

# The order of the operations is `market.adjust.adjusted_as_of`'s, so that both give equal bits.
PRICES_ADJUSTED = """
CREATE VIEW gold.prices_adjusted AS SELECT * EXCLUDE (last_factor) REPLACE (
    open / cumulative_factor * last_factor AS open, high / cumulative_factor * last_factor AS high,
    low / cumulative_factor * last_factor AS low, close / cumulative_factor * last_factor AS close,
    volume * cumulative_factor / last_factor AS volume
) FROM (
    SELECT *, arg_max(cumulative_factor, session_date) OVER (PARTITION BY security_id) AS last_factor FROM gold.prices
)"""


def flat(name: str) -> str:
    """The table's name without a dot: gold_prices."""
    return name.replace(".", "_")


def statements(name: str, table: Table | None, stored: Sequence[str] | None) -> Iterator[str]:
    """What makes `raw.<layer>_<table>`, `<layer>.<table>` and, for a bitemporal table, macro `<layer>.<table>_as_of`.

    Parameters
    ----------
    table : the contract; None where a release names a table that no longer has one.
    stored : columns of the registered dataset `<layer>_<table>_source`; None: the release has no version of the table.
    """
    raw = f'raw."{flat(name)}"'
    if stored is None and table is not None:
        yield f"CREATE VIEW {raw} AS SELECT {_columns(table.columns, ())} WHERE false"
        stored = [column.name for column in table.columns]
    else:
        yield f'CREATE VIEW {raw} AS SELECT * FROM "{flat(name)}_source"'
    layer, short = name.split(".")
    seen = _columns(table.public, stored or ()) if table is not None else "*"
    yield f'CREATE VIEW {layer}."{short}" AS SELECT {seen} FROM {raw}'
    if table is not None and table.is_bitemporal:
        yield (
            f"CREATE MACRO {layer}.{short}_as_of(instant) AS TABLE SELECT * FROM {layer}.{short} "
            "WHERE known_at <= instant AND (known_until IS NULL OR known_until > instant)"
        )


def copied(table: Table) -> Iterator[str]:
    """What keeps the public columns in DuckDB, sorted by key, and lets `<layer>.<table>` read them there."""
    order, copy = ", ".join(f'"{key}"' for key in table.key), f'{COPIES}."{flat(table.name)}"'
    yield f"CREATE OR REPLACE TABLE {copy} AS SELECT * FROM {table.name} ORDER BY {order}"
    yield f"CREATE OR REPLACE VIEW {table.name} AS SELECT * FROM {copy}"


def _columns(wanted: Sequence[Column], stored: Sequence[str]) -> str:
    """The columns; those that a release older than the contract lacks are null."""
    return ", ".join(
        f'"{c.name}"' if c.name in stored else f'CAST(NULL AS {TYPES[c.type]}) AS "{c.name}"' for c in wanted
    )
