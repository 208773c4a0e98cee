"""Spark: the one place that knows it. It reads the lake's tables and spreads their rows over kernel calls.

The kernel is the contract's own pure `build`; Spark schedules it over sessions or whole series. What does not belong here:
any arithmetic, the judgement of rows, and commits (`DeltaLake.replace`).
"""

import gc
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache, reduce
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pyarrow as pa
from py4j.protocol import Py4JJavaError
from pyspark import SparkConf, SparkContext
from pyspark.errors import PySparkException
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema

from lake import jars, masters, windows
from lake.delta import DeltaLake
from lake.passing import translated
from lake.settings import Settings
from market import registry
from market.errors import Permanent, Transient
from market.table import SPARK, Read, Table, Window

ROOT = Path(__file__).resolve().parent.parent
CONF = ROOT / "spark_conf"
EXECUTORS_S = 120.0
"""Until a cluster's executors are there."""
ROWS_TOGETHER = 100_000
"""Rows of a partition, about: with 158 features of each a worker has half a gigabyte at hand."""
_PLACE = "_place"


@dataclass(frozen=True)
class Kernel:
    """One contract's build as a function over Arrow batches; picklable, so that workers can run it.

    Parameters
    ----------
    sides : small tables by name, as Arrow IPC streams.
    """

    table: str
    main: str
    sides: Mapping[str, bytes]
    window: Window

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """All rows of one Spark partition as one table (batches cut series), built, as batches again."""
        _settle()
        all_batches = list(batches)
        if not any(batch.num_rows for batch in all_batches):
            return
        rows = pa.Table.from_batches(all_batches)
        contract = registry.table(self.table)
        if contract.build is None:
            raise Permanent(self.table, expected="a build function", found="none")
        frames = {self.main: rows} | {name: _from_ipc(stream) for name, stream in self.sides.items()}
        yield from contract.conform(contract.build(frames, self.window)).to_batches()


@lru_cache(maxsize=1)
def _settle() -> None:
    """Once in a worker: what is loaded stays. Spark's workers collect garbage after every task, and would look through all of it each time."""
    gc.freeze()


class Spark:
    """Makes the rows of tables that are built, with one session made when first needed."""

    def __init__(self, settings: Settings, delta: DeltaLake) -> None:
        self._settings, self._delta = settings, delta

    @property
    def session(self) -> SparkSession:
        """The session of this process."""
        return _session(self._settings)

    def candidate(self, table: Table, window: Window) -> pa.Table:
        """What the contract's build makes of the window, before any check has judged it.

        Parameters
        ----------
        window : sessions to build, as `lake.windows` widened it.

        Returns
        -------
        Rows with the contract's schema, in no particular order.

        Raises
        ------
        Transient
            A server or an executor was away for longer than Spark waits.
        """
        with translated(f"{table.name} {window.start} to {window.end}", Py4JJavaError, PySparkException):
            return self._candidate(table, window)

    def slots(self, wanted: int) -> int:
        """How many tasks can run at once; on a cluster, up to ``wanted``, executors that are still coming are waited for."""
        context: Any = self.session.sparkContext._jsc.sc()  # type: ignore[union-attr]
        profile = context.resourceProfileManager().resourceProfileFromId(0)
        until = time.monotonic() + (EXECUTORS_S if masters.is_cluster(self._settings.spark_master) else 0.0)
        while (free := int(context.maxNumConcurrentTasks(profile))) < wanted and time.monotonic() < until:
            time.sleep(0.2)
        return free

    def parted(self, rows: pa.Table, by: str, n: int) -> DataFrame:
        """The rows in ``n`` partitions: the k-th has those whose ``by`` is k, in their order, whatever the cluster's size."""
        placed = rows.append_column(_PLACE, pa.array(range(rows.num_rows), pa.int64()))
        frame = self.session.createDataFrame(placed).repartitionById(n, F.col(by))
        return frame.sortWithinPartitions(_PLACE).drop(by, _PLACE)

    @contextmanager
    def working(self, where: str, limit_s: float) -> Iterator[None]:
        """While it lasts, this process's jobs are ended after ``limit_s``, and errors of Spark are told as ours.

        Raises
        ------
        Transient
            The time was over, or an executor was away for longer than Spark waits.
        """
        over, done = threading.Event(), threading.Event()

        def end() -> None:
            wait_s = limit_s
            while not done.wait(wait_s):  # again and again: the next job may not have begun
                over.set()
                self.session.sparkContext.cancelAllJobs()
                wait_s = 0.5

        watcher = threading.Thread(target=end, daemon=True)
        watcher.start()
        try:
            with translated(where, Py4JJavaError, PySparkException):
                yield
        except (Py4JJavaError, PySparkException) as error:
            if not over.is_set():
                raise
            found = "jobs under way, which were ended"
            raise Transient(where, expected=f"its end within {limit_s:g} s", found=found) from error
        finally:
            done.set()
            watcher.join()

    def mapped(
        self, rows: pa.Table, work: Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]], schema: pa.Schema
    ) -> pa.Table:
        """The rows after the workers' work on them, in no particular order.

        Parameters
        ----------
        work : picklable; called with the batches of a part of the rows.
        schema : of what it makes.

        Raises
        ------
        Transient
            A server or an executor was away for longer than Spark waits.
        """
        with translated("work on Spark's workers", Py4JJavaError, PySparkException):
            spread = self.session.createDataFrame(rows).repartition(self.session.sparkContext.defaultParallelism)
            return spread.mapInArrow(work, from_arrow_schema(schema)).toArrow()

    def _candidate(self, table: Table, window: Window) -> pa.Table:
        if table.build is None:
            raise Permanent(table.name, expected="a build function", found="none")
        mains = [read for read in table.reads if read.role == "main"]
        if not mains:
            return table.conform(table.build({}, window))
        sides = {read.table: self._delta.read(registry.table(read.table), where=windows.rows_read(read, window),
                                              columns=read.taken() or None)
                 for read in table.reads if read.role == "side"}  # fmt: skip
        resumed = windows.Resumed.of(table, window, self._delta)
        if resumed is not None:
            sides[table.name] = resumed.rows
        frames = [self._spread(table, read, sides, window, resumed) for read in mains if self._delta.exists(read.table)]
        if not frames:
            return table.schema.empty_table()
        return table.conform(reduce(DataFrame.unionByName, frames).toArrow())

    def _spread(
        self, table: Table, read: Read, sides: Mapping[str, pa.Table], window: Window, resumed: "windows.Resumed | None"
    ) -> DataFrame:
        frame = self._load(read.table).where(self._filter(read, window, resumed))
        joins = [other for other in table.reads if other.role == "join"]
        frame = frame.select(*read.taken(joins)) if read.columns else frame
        for join in joins:
            if self._delta.exists(join.table):
                right = self._load(join.table).where(self._filter(join, window, None))
                added = [F.col(source).alias(name) for name, source in join.joined.items()]
                frame = frame.join(right.select(*join.on, *added), list(join.on), "left")
                continue
            for name, source in join.joined.items():
                kind = SPARK[registry.table(join.table).column(source).type]
                frame = frame.withColumn(name, F.lit(None).cast(kind))
        frame = frame.repartition(self._partitions(read, window), read.spread) if read.spread else frame.coalesce(1)
        kernel = Kernel(table.name, read.table, {name: _to_ipc(rows) for name, rows in sides.items()}, window)
        return frame.mapInArrow(kernel, table.spark_ddl)

    def _partitions(self, read: Read, window: Window) -> int:
        """As many as the session says, or more: a worker holds a partition whole, and what it once took it keeps."""
        rows = windows.rows_a_month(self._delta, read.table)
        bounds = windows.bounds(read, window)
        bounds = bounds if registry.table(read.table).is_partitioned else None
        first, last = (f"{day:%Y-%m}" for day in bounds) if bounds else ("", "~")
        n = sum(count for month, count in rows.items() if first <= month <= last)
        return max(int(self.session.conf.get("spark.sql.shuffle.partitions") or "4"), -(-n // ROWS_TOGETHER))

    def _load(self, name: str) -> DataFrame:
        """The table's rows; a column that the contract has gained since they were stored is null, as in `DeltaLake.read`."""
        frame = self.session.read.format("delta").load(self._delta.uri(name))
        gained = [column for column in registry.table(name).columns if column.name not in frame.columns]
        return (
            frame.withColumns({column.name: F.lit(None).cast(SPARK[column.type]) for column in gained})
            if gained
            else frame
        )

    def _filter(self, read: Read, window: Window, resumed: "windows.Resumed | None") -> Column:
        contract = registry.table(read.table)
        condition = F.lit(True)
        if contract.is_bitemporal and not read.versions:
            condition = condition & F.col("known_until").isNull()
        bounds = windows.bounds(read, window)
        if bounds is None or not contract.is_partitioned:
            return condition
        within = F.col("session_date").between(F.lit(bounds[0]), F.lit(bounds[1]))
        months = F.col("session_month").between(F.lit(f"{bounds[0]:%Y-%m}"), F.lit(f"{bounds[1]:%Y-%m}"))
        if resumed is None:
            return condition & months & within
        upto = F.col("session_date") <= F.lit(window.end)
        known = F.col("security_id").isin(list(resumed.securities))
        if not resumed.needs_whole_series:
            return condition & months & within
        return condition & upto & ((months & within) | ~known)


def _session(settings: Settings) -> SparkSession:
    active = SparkSession.getActiveSession()
    if active is not None and active.sparkContext._jsc.sc().isStopped():  # type: ignore[union-attr]
        active.stop()  # its masters were away for too long; Python does not know yet
    os.environ["PYSPARK_DRIVER_PYTHON"] = sys.executable
    os.environ["PYSPARK_PYTHON"] = settings.spark_python or sys.executable
    builder: Any = SparkSession.builder.appName("marketlake")
    if masters.kind_of(settings.spark_master) != "submitted":  # else Java runs already, and has its master
        os.environ["JAVA_HOME"] = str(jars.java_home())
        builder = builder.master(settings.spark_master)
    configuration = _configuration(settings)
    for name, value in configuration.items():
        builder = builder.config(name, value)
    if _secret(settings):
        # As the keys of S3 below: past the command line. A session takes over what the JVM has as properties of the system.
        SparkContext._ensure_initialized(conf=SparkConf(loadDefaults=False).setAll(list(configuration.items())))
        SparkContext._jvm.java.lang.System.setProperty("spark.authenticate.secret", _secret(settings))  # type: ignore[union-attr]
    session: SparkSession = builder.getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    if settings.s3_access_key_id.get_secret_value():
        # Not by the builder, which puts its values on the command line of the JVM, for every user of the machine to read.
        hadoop = session.sparkContext._jsc.hadoopConfiguration()  # type: ignore[union-attr]
        hadoop.set("fs.s3a.access.key", settings.s3_access_key_id.get_secret_value())
        hadoop.set("fs.s3a.secret.key", settings.s3_secret_access_key.get_secret_value())
    return session


def _configuration(settings: Settings) -> dict[str, str]:
    """What the session is made with: the tuning files that fit the lake and the master, then paths and addresses."""
    if settings.spark_master == "submitted":
        return tuning("common") | masters.further(settings)  # jars, sizes and S3 are the platform's
    is_on_s3, is_local = settings.lake_url.startswith("s3://"), settings.spark_master.startswith("local")
    is_here = is_local or _host(settings.spark_master) in ("127.0.0.1", "localhost")
    found = tuning("common") | (tuning("s3") if is_on_s3 else {}) | ({} if is_local else tuning("standalone"))
    found |= tuning("here") if is_here else {}
    files = jars.ensure_jars("spark", "s3") if is_on_s3 else jars.ensure_jars("spark")
    paths = ":".join(str(path) for path in files)
    found |= {
        "spark.driver.memory": settings.spark_driver_memory,
        "spark.driver.extraClassPath": paths,
        "spark.executor.extraClassPath": paths,
        "spark.executorEnv.PYTHONPATH": str(ROOT),
        "spark.sql.warehouse.dir": str(settings.path("var/spark-warehouse")),
    }
    if _secret(settings):
        found["spark.authenticate"] = "true"
    if is_here:
        found |= {"spark.driver.bindAddress": "127.0.0.1", "spark.driver.host": "127.0.0.1"}
    if is_on_s3:
        found["spark.hadoop.fs.s3a.endpoint.region"] = settings.s3_region
    if is_on_s3 and settings.s3_endpoint_url:
        found["spark.hadoop.fs.s3a.endpoint"] = settings.s3_endpoint_url
        found["spark.hadoop.fs.s3a.path.style.access"] = "true"
        found["spark.hadoop.fs.s3a.connection.ssl.enabled"] = str(settings.s3_endpoint_url.startswith("https")).lower()
    return found | masters.further(settings)


def tuning(name: str) -> dict[str, str]:
    """What the tuning file of that name says."""
    lines = (CONF / f"{name}.conf").read_text().splitlines()
    pairs = (line.split(None, 1) for line in lines if line.strip() and not line.startswith("#"))
    return {key: value.strip() for key, value in pairs}


def _secret(settings: Settings) -> str:
    """What driver, master and workers prove to each other that they know; YARN and Kubernetes make one for each application."""
    is_asked = masters.kind_of(settings.spark_master) == "standalone"
    return settings.spark_secret.get_secret_value() if is_asked else ""


def _host(master: str) -> str:
    return urlsplit(master).hostname or ""


def stop() -> None:
    """End this process's session, if it has one."""
    session = SparkSession.getActiveSession()
    if session is not None:
        session.stop()


def _to_ipc(rows: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, rows.schema) as writer:
        writer.write_table(rows)
    return bytes(sink.getvalue().to_pybytes())


def _from_ipc(stream: bytes) -> pa.Table:
    return pa.ipc.open_stream(stream).read_all()
