"""One of two Spark drivers: appends one row to a Delta table on S3, and says whether its commit was acknowledged.

`python spark_writer.py URI NAME true|false` with the lake's settings in the environment; the last says whether S3A asks for
conditional writes.
"""

import sys

from lake import spark
from lake.settings import read_settings


def main(uri: str, name: str, conditional: str) -> None:
    """Start, say so, wait for a line, append."""
    settings = read_settings()
    tuned = spark.tuning
    spark.tuning = lambda file: {**tuned(file), "spark.hadoop.fs.s3a.create.conditional.enabled": conditional}
    session = spark._session(settings)
    rows = session.createDataFrame([(name,)], "name string").coalesce(1)
    print("ready", flush=True)
    sys.stdin.readline()
    rows.write.format("delta").mode("append").save(uri)
    print("acknowledged", flush=True)
    session.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])
