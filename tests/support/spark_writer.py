"""One of two Spark drivers: appends one row to a Delta table on S3, and says whether its commit was acknowledged.

`python spark_writer.py URI NAME LOG_STORE` with the lake's settings in the environment; the last is the class of the log store.
"""

import sys

from lake import spark
from lake.settings import read_settings


def main(uri: str, name: str, log_store: str) -> None:
    """Start, say so, wait for a line, append."""
    settings = read_settings()
    tuned = spark.tuning
    spark.tuning = lambda file: {**tuned(file), "spark.delta.logStore.s3.impl": log_store}
    session = spark._session(settings)
    rows = session.createDataFrame([(name,)], "name string").coalesce(1)
    print("ready", flush=True)
    sys.stdin.readline()
    rows.write.format("delta").mode("append").save(uri)
    print("acknowledged", flush=True)
    session.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])
