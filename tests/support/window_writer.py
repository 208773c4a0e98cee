"""One of several drivers: replaces one day of a Delta table on S3, and says which version it made or why it made none.

`python window_writer.py DAY [careless]` with the lake's settings in the environment; a careless one is
set up to commit without the server's condition.
"""

import sys
from datetime import UTC, date, datetime

from lake.delta import DeltaLake
from lake.settings import read_settings
from market import registry
from market.errors import MarketlakeError
from market.table import Window


class Careless(DeltaLake):
    """Set up to commit without asking the server for the condition."""

    @property
    def storage_options(self) -> dict[str, str] | None:
        """Those of the lake, less the condition."""
        return {
            **(super().storage_options or {}),
            "aws_conditional_put": "disabled",
            "AWS_S3_ALLOW_UNSAFE_RENAME": "true",
        }


def main(text: str, way: str = "") -> None:
    """Get ready, say so, wait for a line, write."""
    day, table = date.fromisoformat(text), registry.table("gold.labels")
    lake = (Careless if way else DeltaLake)(read_settings())
    row = {column.name: None for column in table.columns}
    row |= {"security_id": "XKRX:005930", "exchange": "XKRX", "session_date": day, "session_month": f"{day:%Y-%m}"}
    rows = table.conform(table.schema.empty_table().from_pylist([row], schema=table.schema))
    print("ready", flush=True)
    sys.stdin.readline()
    try:
        print("version", lake.replace(table, rows, Window(day, day, datetime.now(UTC))), flush=True)
    except (MarketlakeError, OSError) as error:
        print(type(error).__name__, error, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
