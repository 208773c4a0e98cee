"""Windows over a panel, from Parquet to Parquet, by an engine: `python windowed.py ENGINE PANEL OUT ROUNDS`, ENGINE duckdb, polars or spark.

Ten columns by security in the order of sessions, missing until their window is full. Each round writes all of it anew; the first one is cold. Prints
seconds and CPU seconds of each round, those of child processes included, and the most memory, as JSON. Nothing of the project is imported.
"""

import json
import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil

WINDOW = "PARTITION BY symbol ORDER BY session ROWS BETWEEN {} PRECEDING AND CURRENT ROW"
COLUMNS = {
    "ret_1": ("close / lag(close, 1) OVER s - 1", 2),
    "ret_20": ("close / lag(close, 20) OVER s - 1", 21),
    "mean_5": ("avg(close) OVER w5 / close", 5),
    "mean_20": ("avg(close) OVER w20 / close", 20),
    "mean_60": ("avg(close) OVER w60 / close", 60),
    "std_20": ("stddev_samp(close) OVER w20 / close", 20),
    "std_60": ("stddev_samp(close) OVER w60 / close", 60),
    "max_20": ("max(high) OVER w20 / close", 20),
    "min_20": ("min(low) OVER w20 / close", 20),
    "volume_20": ("avg(volume) OVER w20", 20),
}
"""Expression, and the rows it needs."""


def sql(source: str) -> str:
    """The query in the words that DuckDB and Spark share."""
    made = ", ".join(f"CASE WHEN place >= {n} THEN {text} END AS {name}" for name, (text, n) in COLUMNS.items())
    named = ", ".join(f"w{n} AS ({WINDOW.format(n - 1)})" for n in (5, 20, 60))
    placed = f"SELECT *, row_number() OVER (PARTITION BY symbol ORDER BY session) AS place FROM {source}"
    return f"SELECT symbol, session, {made} FROM ({placed}) WINDOW s AS (PARTITION BY symbol ORDER BY session), {named}"


def duckdb_job(panel: str, out: str) -> Callable[[], object]:
    """On as many threads as there are cores."""
    import duckdb

    connection = duckdb.connect()
    connection.execute(f"SET threads = {os.cpu_count()}; SET preserve_insertion_order = false")
    return lambda: connection.execute(f"COPY ({sql(f'read_parquet({panel!r})')}) TO '{out}' (FORMAT parquet)")


def polars_job(panel: str, out: str) -> Callable[[], object]:
    """Lazy, rolling expressions over the security; rows lie in the order of sessions."""
    import polars as pl

    close, over = pl.col("close"), "symbol"
    made = [
        (close / close.shift(1).over(over) - 1).alias("ret_1"),
        (close / close.shift(20).over(over) - 1).alias("ret_20"),
        *((close.rolling_mean(n).over(over) / close).alias(f"mean_{n}") for n in (5, 20, 60)),
        *((close.rolling_std(n).over(over) / close).alias(f"std_{n}") for n in (20, 60)),
        (pl.col("high").rolling_max(20).over(over) / close).alias("max_20"),
        (pl.col("low").rolling_min(20).over(over) / close).alias("min_20"),
        pl.col("volume").rolling_mean(20).over(over).alias("volume_20"),
    ]
    return lambda: (
        pl.scan_parquet(panel).select("symbol", "session", *made).collect().write_parquet(out, compression="snappy")
    )


def spark_job(panel: str, out: str) -> Callable[[], object]:
    """In one JVM, as many threads as cores, a partition for each."""
    from pyspark.sql import SparkSession

    session = (
        SparkSession.builder.master(f"local[{os.cpu_count()}]")
        .config("spark.ui.enabled", "false")
        .config("spark.driver.memory", "8g")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.sql.shuffle.partitions", f"{8 * (os.cpu_count() or 1)}")
        .getOrCreate()
    )
    session.read.parquet(panel).createOrReplaceTempView("panel")
    # Its documented setting that suits numbers with a fraction, as ours does without a dictionary; DuckDB and Polars leave it out by themselves.
    return lambda: (
        session.sql(sql("panel")).write.mode("overwrite").option("parquet.enable.dictionary", "false").parquet(out)
    )


class Watched:
    """The process with its children: CPU seconds, and the most memory seen."""

    def __init__(self) -> None:
        self.most_mb, self._own, self._spent = 0.0, psutil.Process(), {}
        threading.Thread(target=self._watch, daemon=True).start()

    def cpu_s(self) -> float:
        """CPU seconds until now, those of children that have ended included."""
        self._look()
        own = self._own.cpu_times()
        return own.user + own.system + sum(self._spent.values())

    def _look(self) -> None:
        resident = self._own.memory_info().rss
        for child in self._own.children(recursive=True):
            try:
                times, resident = child.cpu_times(), resident + child.memory_info().rss
                self._spent[child.pid] = times.user + times.system
            except psutil.NoSuchProcess:
                continue
        self.most_mb = max(self.most_mb, resident / 1e6)

    def _watch(self) -> None:
        while True:
            self._look()
            time.sleep(0.05)


def told(work: Callable[[], object], rounds: int) -> dict[str, object]:
    """What every side prints."""
    watched, found = Watched(), []
    for _ in range(rounds):
        began, spent = time.perf_counter(), watched.cpu_s()
        work()
        found.append({"seconds": round(time.perf_counter() - began, 2), "cpu_s": round(watched.cpu_s() - spent, 2)})
    return {"rounds": found, "most_mb": round(watched.most_mb)}


if __name__ == "__main__":
    engine, source, target, n = sys.argv[1:]
    made = {"duckdb": duckdb_job, "polars": polars_job, "spark": spark_job}[engine](source, target)
    print(json.dumps(told(made, int(n))))
    assert Path(target).exists()
