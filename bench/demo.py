"""Seconds of the main job's stages on a fresh lake: `make bench`, or `python -m bench.demo --symbols 200 --sessions 500`.

Prints a table and writes bench/results/. Not a test: it never fails on a time.
"""

import argparse
import json
import os
import platform
import resource
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from importlib.metadata import version
from pathlib import Path
from time import monotonic, process_time
from typing import Any

from exchange.keys import DEFAULT_KEYS
from exchange.server import serve
from jobs.run import Runner, Step
from lake.code import code
from lake.settings import Settings

RESULTS = Path(__file__).with_name("results")
PACKAGES = (
    "pyspark",
    "delta-spark",
    "deltalake",
    "dagster",
    "great-expectations",
    "feast",
    "xgboost",
    "duckdb",
    "pyarrow",
)
DAYS = 2


def main() -> None:
    """Measure backfill, training, scoring and two days."""
    words = argparse.ArgumentParser(description="Measure the main job's stages on a fresh synthetic lake.")
    words.add_argument("--symbols", type=int, default=200, help="Korean symbols")
    words.add_argument("--sessions", type=int, default=500)
    asked = words.parse_args()
    stages: list[dict[str, Any]] = []
    steps: list[dict[str, Any]] = []

    def tell(step: Step) -> None:
        if step.seconds is not None:
            steps.append({"step": step.name, "seconds": round(step.seconds, 2), "note": step.note})
            print(f"  {step.name:<44}{step.seconds:8.1f} s  {step.note}", flush=True)

    with tempfile.TemporaryDirectory(prefix="marketlake-bench-") as folder, stage(stages, "all"):
        with stage(stages, "start"):
            world = serve("synthetic:7", symbols=asked.symbols, sessions=asked.sessions)
        with world as server:
            run(server.url, server.world.describe()["sessions"], Path(folder), tell, stages)
    write({"symbols": asked.symbols, "sessions": asked.sessions, "stages": stages, "steps": steps})


def run(url: str, told: Any, folder: Path, tell: Callable[[Step], None], stages: list[dict[str, Any]]) -> None:
    """The main job, stage by stage."""
    sessions = sorted({date.fromisoformat(str(day)) for days in told.values() for day in days})
    settings = Settings(
        lake_url=str(folder / "lake"), state_dir=folder / "var", dagster_home=folder / "dagster",
        mlflow_tracking_uri=f"sqlite:///{folder}/mlflow/mlflow.db", online_url=f"sqlite:///{folder}/online.db",
        exchange_url=url, first_session=sessions[0], last_session=sessions[-1],
        **{name.lower(): key for name, key in DEFAULT_KEYS.items()},
    )  # fmt: skip
    runner = Runner(settings, tell)
    last = sessions[-1 - DAYS]
    with stage(stages, f"backfill of {len(sessions) - DAYS} sessions"):
        runner.backfill(sessions[0], last)
    with stage(stages, "train"):
        runner.train()
    with stage(stages, "score"):
        runner.score(last)
    for day in sessions[-DAYS:]:
        with stage(stages, f"day {day}"):
            runner.day(day)


@contextmanager
def stage(stages: list[dict[str, Any]], name: str) -> Iterator[None]:
    """Wall seconds of a stage, and CPU seconds of this process; the JVM and its workers are others."""
    wall, cpu = monotonic(), process_time()
    yield
    stages.append(
        {"stage": name, "wall_s": round(monotonic() - wall, 1), "python_cpu_s": round(process_time() - cpu, 1)}
    )
    print(
        f"{name:<46}{stages[-1]['wall_s']:8.1f} s wall {stages[-1]['python_cpu_s']:8.1f} s CPU of Python, without Spark's",
        flush=True,
    )


def write(measured: dict[str, Any]) -> None:
    """The result with date, commit, machine and versions."""
    now = datetime.now(UTC)
    known = {
        "measured_at": now.isoformat(timespec="seconds"),
        "code": f"{code().sha}{'+dirty' if code().dirty else ''}",
        "machine": {"cores": os.cpu_count(), "processor": _processor(), "python": platform.python_version()},
        "peak_rss_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "versions": {name: version(name) for name in PACKAGES},
    }
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"demo-{now:%Y%m%d-%H%M%S}.json"
    path.write_text(json.dumps(known | measured, indent=1) + "\n")
    print(f"written: {path.relative_to(RESULTS.parent.parent)}")


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())


if __name__ == "__main__":
    main()
