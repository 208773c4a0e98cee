"""Spark standalone from the pyspark package: a master and two workers, each with half of the cores."""

import os
from pathlib import Path

import httpx
import pyspark

from lake import jars
from marketlake.service import Service
from marketlake.stack.place import HOST, Place

WORKERS = 2
WORKER_MEMORY = "1g"
DAEMON_MEMORY = "192m"
GUARDED = ("authenticate=true", "master.rest.enabled=false", "ui.killEnabled=false")
"""Whoever may hand in work runs code as us: the secret is asked for, and the two ways in that ask for none are closed."""


def services(place: Place) -> list[Service]:
    """The master, then the workers."""
    port = place.settings.spark_port
    moved_by = "MARKETLAKE_SPARK_PORT"
    spark = str(Path(pyspark.__file__).parent / "bin" / "spark-class")
    package = "org.apache.spark.deploy"
    version = f"Spark {pyspark.__version__}"
    environment = {
        "JAVA_HOME": str(jars.java_home()), "SPARK_HOME": str(Path(pyspark.__file__).parent), "SPARK_LOCAL_IP": HOST,
        "SPARK_DAEMON_MEMORY": DAEMON_MEMORY, "SPARK_LOCAL_DIRS": str(place.of("spark") / "scratch"),
        "SPARK_NO_DAEMONIZE": "1", "_SPARK_AUTH_SECRET": place.credentials.spark_secret,
        "SPARK_DAEMON_JAVA_OPTS": " ".join(("-XX:+UseSerialGC", *(f"-Dspark.{name}" for name in GUARDED))), "SPARK_WORKER_OPTS": "-Dspark.worker.cleanup.enabled=true",
    }  # fmt: skip
    web = port + 1
    master = Service(
        "spark-master", (spark, f"{package}.master.Master", "--host", HOST, "--port", str(port), "--webui-port", str(web)),
        port, moved_by, f"http://{HOST}:{web}", f"http://{HOST}:{web}/json/", "hands Spark's work to the workers",
        more_ports=(web,), environment=environment, version=version,
    )  # fmt: skip
    return [master, *(_worker(place, n, spark, package, environment, version) for n in range(1, WORKERS + 1))]


def values(place: Place) -> dict[str, str]:
    """Spark runs there."""
    return {
        "SPARK_MASTER": f"spark://{HOST}:{place.settings.spark_port}",
        "SPARK_SECRET": place.credentials.spark_secret,
    }


def _is_registered(place: Place, port: int) -> bool:
    """True where the master counts the worker among those that it gives work to; a worker that listens may not have been let in yet."""
    try:
        told = httpx.get(f"http://{HOST}:{place.settings.spark_port + 1}/json/", timeout=2.0).raise_for_status().json()
    except (httpx.HTTPError, ValueError):
        return False
    return any(worker["port"] == port and worker["state"] == "ALIVE" for worker in told["workers"])


def _worker(place: Place, number: int, spark: str, package: str, environment: dict[str, str], version: str) -> Service:
    port = place.settings.spark_port + 2 * number
    web = port + 1
    cores = max(1, (os.cpu_count() or WORKERS) // WORKERS)
    command = (
        spark, f"{package}.worker.Worker", "--host", HOST, "--port", str(port), "--webui-port", str(web),
        "--cores", str(cores), "--memory", WORKER_MEMORY, "--work-dir", str(place.of("spark") / f"worker-{number}"),
        f"spark://{HOST}:{place.settings.spark_port}",
    )  # fmt: skip
    return Service(
        f"spark-worker-{number}", command, port, "MARKETLAKE_SPARK_PORT", f"http://{HOST}:{web}", lambda: _is_registered(place, port),
        f"{cores} core, {WORKER_MEMORY}", more_ports=(web,), environment=environment, waits_for=("spark-master",), version=version,
    )  # fmt: skip
