"""How rows lie in a table's files: in which order, and how columns are encoded.

What does not belong here: which files there are (`lake.compaction`) and committing them (`lake.delta`).
"""

import pyarrow as pa
from deltalake import ColumnProperties, WriterProperties

ORDER = ("session_month", "security_id", "session_date")
"""Rows of a file lie by these, as far as a table has them."""

_PLAIN = ColumnProperties(dictionary_enabled=False)


def ordered(rows: pa.Table) -> pa.Table:
    """The rows in their order."""
    order = [(name, "ascending") for name in ORDER if name in rows.column_names]
    return rows.sort_by(order) if order else rows


def encoding(schema: pa.Schema) -> WriterProperties:
    """Numbers with a fraction have no dictionary: hardly two are equal, and looking for it takes most of the time and memory of a write."""
    plain = {field.name: _PLAIN for field in schema if pa.types.is_floating(field.type)}
    return WriterProperties(column_properties=plain) if plain else WriterProperties()
