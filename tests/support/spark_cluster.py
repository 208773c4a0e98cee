"""A Spark standalone master and its workers, of one core each, on loopback. What does not belong here: assertions."""

import os
import re
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pyspark

from lake import jars
from marketlake import processes
from marketlake.stack.servers.spark import GUARDED

HOME = Path(pyspark.__file__).parent
START_S = 60.0


@contextmanager
def spark_cluster(folder: Path, n_workers: int, secret: str = "") -> Iterator[str]:
    """The master's address, once its workers have come; logs and scratch go into the folder. With a secret it is asked for."""
    with ExitStack() as started:
        log = started.enter_context(_started(folder, secret, "master.Master", "--port", "0", "--webui-port", "0"))
        master = _said(log, r"Starting Spark master at (spark://\S+)")
        for _ in range(n_workers):
            started.enter_context(
                _started(folder, secret, "worker.Worker", "--webui-port", "0", "--cores", "1", "--memory", "1g",
                         "--work-dir", str(folder / "work"), master)
            )  # fmt: skip
        _said(log, "(?s)" + ".*(Registering worker)" * n_workers)
        yield master


@contextmanager
def _started(folder: Path, secret: str, of: str, *words: str) -> Iterator[Path]:
    log = folder / f"{of}-{time.monotonic_ns()}.log"
    options = ["-XX:+UseSerialGC", *(f"-Dspark.{name}" for name in GUARDED if secret or "authenticate" not in name)]
    environment = os.environ | {
        "JAVA_HOME": str(jars.java_home()), "SPARK_HOME": str(HOME), "SPARK_LOCAL_IP": "127.0.0.1", "SPARK_DAEMON_MEMORY": "192m",
        "SPARK_LOCAL_DIRS": str(folder / "scratch"), "SPARK_DAEMON_JAVA_OPTS": " ".join(options),
    } | ({"_SPARK_AUTH_SECRET": secret} if secret else {})  # fmt: skip
    command = [str(HOME / "bin" / "spark-class"), f"org.apache.spark.deploy.{of}", "--host", "127.0.0.1", *words]
    running = processes.start(command, log=log, environment=environment, cwd=folder, port=0, dies_with_us=True)
    try:
        yield log
    finally:
        processes.stop(running, grace_s=10)


def _said(log: Path, pattern: str) -> str:
    until = time.monotonic() + START_S
    while time.monotonic() < until:
        if found := re.search(pattern, log.read_text()):
            return found[1]
        time.sleep(0.2)
    raise TimeoutError(f"{log} says nothing like {pattern}: {log.read_text()[-2000:]}")
