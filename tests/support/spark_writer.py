"""One of several Spark drivers: replaces one day of a Delta table on S3, and says which version it made or why it made none.

`python spark_writer.py DAY LOG_STORE` with the lake's settings in the environment; the last is the class of the log store.
"""

import sys
from datetime import UTC, date, datetime

from lake import spark
from lake.delta import DeltaLake
from lake.settings import read_settings
from market import registry
from market.errors import MarketlakeError
from market.table import Window


def main(text: str, log_store: str) -> None:
    """Start, say so, wait for a line, write."""
    settings, day, table = read_settings(), date.fromisoformat(text), registry.table("gold.labels")
    tuned = spark.tuning
    spark.tuning = lambda file: {**tuned(file), "spark.delta.logStore.s3.impl": log_store}
    writer = spark.Spark(settings, DeltaLake(settings))
    writer.session.range(1).count()
    row = {column.name: None for column in table.columns}
    row |= {"security_id": "XKRX:005930", "exchange": "XKRX", "session_date": day, "session_month": f"{day:%Y-%m}"}
    rows = table.conform(table.schema.empty_table().from_pylist([row], schema=table.schema))
    print("ready", flush=True)
    sys.stdin.readline()
    try:
        print("version", writer.write(table, rows, Window(day, day, datetime.now(UTC))), flush=True)
    except MarketlakeError as error:
        print(type(error).__name__, error, flush=True)
    writer.session.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])
