"""silver.symbols: under which code and name each security could be found, and when."""

import pyarrow as pa

from market import bitemporal
from market.datasets.silver._typed import KNOWN
from market.table import Column, Frames, Read, Table, Window


def build(frames: Frames, window: Window) -> pa.Table:
    """Dated codes and names: one row per change of either."""
    rows = frames["silver.securities"].to_pandas(timestamp_as_object=False)
    dated = bitemporal.changes(rows, ("security_id",), ("symbol", "name"), observed="known_at")
    dated["valid_from"] = dated["known_at"].dt.date
    return TABLE.conform(pa.Table.from_pandas(dated, preserve_index=False))


TABLE = Table(
    __name__,
    doc="Codes and names by date; `known_until` null marks the present one.",
    columns=(
        Column("security_id", "string", "our stable id"),
        Column("exchange", "string", "exchange"),
        Column("symbol", "string", "code"),
        Column("name", "string", "short name"),
        Column("valid_from", "date", "first day of this code and name, as far as we saw"),
        *KNOWN,
    ),
    key=("security_id", "known_at"),
    known_at="the end of the first session that showed the code and name",
    writer="spark",
    reads=(Read("silver.securities", history=None, versions=True),),
    build=build,
    partition="",
)
