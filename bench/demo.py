"""Seconds of the main job's stages on a fresh lake: `make bench`; `python -m bench.demo --stack` on the local stack too.

Backfill, training and scoring, two days in the same process, one more by the command in a cold one. With --stack both lakes must
end in equal digests, and the ratios of the stages are shown. Writes bench/results/. Not a test: it never fails on a time, but on
digests that differ, after it has written the times.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, process_time
from typing import Any

from bench import report
from bench.own_stack import own_stack
from exchange.server import serve
from jobs.run import Runner, Step
from lake.settings import ROOT
from marketlake import environment, services, worlds
from marketlake.worlds import Outside

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
WARM_DAYS = 2
Measured = dict[str, Any]


def main() -> None:
    """Measure embedded, and on the stack where asked."""
    words = argparse.ArgumentParser(description="Measure the main job's stages on a fresh synthetic lake.")
    words.add_argument("--symbols", type=int, default=200, help="Korean symbols")
    words.add_argument("--sessions", type=int, default=500)
    words.add_argument("--stack", action="store_true", help="the same on a local stack of its own")
    words.add_argument("--one", type=Path, help=argparse.SUPPRESS)
    words.add_argument("--warm-days", type=int, default=WARM_DAYS, help=argparse.SUPPRESS)
    asked = words.parse_args()
    if asked.one:
        asked.one.write_text(json.dumps(warm_stages(asked.warm_days)))
        return
    found = measured(asked.symbols, asked.sessions, is_stack=asked.stack)
    differing = show(found)
    report.write(
        "demo", PACKAGES, {"symbols": asked.symbols, "sessions": asked.sessions, "differing": differing, **found}
    )
    if differing:
        raise SystemExit(f"expected equal digests of every table; differing: {', '.join(differing)}")


def measured(symbols: int, sessions: int, *, is_stack: bool) -> dict[str, Measured]:
    """By way: seconds of each stage and of each step, and the digest of every table that it ended with."""
    found: dict[str, Measured] = {}
    with tempfile.TemporaryDirectory(prefix="marketlake-bench-") as name:
        folder = Path(name)
        with serve("synthetic:7", symbols=symbols, sessions=sessions) as server:
            found["embedded"] = stages_of(embedded(server.url, folder), folder)
        if is_stack:
            outside = Outside.named("synthetic:7", symbols, sessions)
            with own_stack(folder / "stack", outside, lambda line: print(f"  {line}", flush=True)) as (_, variables, _):
                found["stack"] = stages_of(variables, folder)
    return found


def embedded(url: str, folder: Path) -> dict[str, str]:
    """The environment of commands on a lake in this folder, filled from that exchange."""
    values = worlds.stack_values(environment.open_settings(), url, services.told_by(url))
    values |= {"STATE_DIR": f"{folder}/var", "DAGSTER_HOME": f"{folder}/dagster", "LAKE_URL": f"{folder}/lake",
               "MLFLOW_TRACKING_URI": f"sqlite:///{folder}/mlflow/mlflow.db", "ONLINE_URL": f"sqlite:///{folder}/online.db"}  # fmt: skip
    mine = {name: value for name, value in os.environ.items() if not name.startswith("MARKETLAKE_")}
    return mine | environment.QUIET | {f"MARKETLAKE_{name}": value for name, value in values.items()}


def stages_of(variables: Mapping[str, str], folder: Path, warm_days: int = WARM_DAYS) -> Measured:
    """The main job in one process with so many days, the last day in another, the digests in a third."""
    file = folder / "measured.json"
    asked(variables, "-m", "bench.demo", "--one", f"{file}", "--warm-days", f"{warm_days}")
    found: Measured = json.loads(file.read_text())
    with stage(found["stages"], "a day, cold"):
        asked(variables, "-m", "marketlake.cli", "day", found.pop("left"))
    digests = asked(variables, "-m", "marketlake.cli", "release", "digest", "--json", output=subprocess.PIPE)
    return found | {"digests": json.loads(digests)["tables"]}


def warm_stages(warm_days: int) -> Measured:
    """Everything but the last day, in this process, on the lake of the environment."""
    environment.prepare()
    settings = environment.opened()
    days = worlds.sessions_of(services.told_by(settings.exchange_url))
    stages: dict[str, float] = {}
    steps: list[Measured] = []

    def tell(step: Step) -> None:
        if step.seconds is not None:
            steps.append({"step": step.name, "seconds": round(step.seconds, 2), "note": step.note})
            print(f"  {step.name:<44}{step.seconds:8.1f} s  {step.note}", flush=True)

    cpu = process_time()
    runner = Runner(settings, tell)
    last = days[-2 - warm_days]
    with stage(stages, f"backfill of {len(days) - 1 - warm_days} sessions"):
        runner.backfill(days[0], last)
    with stage(stages, "train"):
        runner.train()
    with stage(stages, "score"):
        runner.score(last)
    for n, day in enumerate(days[-1 - warm_days : -1], 1):
        with stage(stages, f"a day, warm ({n})"):
            runner.day(day)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return {"stages": stages, "steps": steps, "left": f"{days[-1]}", "python_cpu_s": round(process_time() - cpu, 1),
            "python_peak_rss_mib": peak}  # fmt: skip


def asked(variables: Mapping[str, str], *words: str, output: int | None = None) -> str:
    """What a command in that environment answers; one that fails ends the measurement."""
    done = subprocess.run([sys.executable, *words], env=dict(variables), stdout=output, text=True, cwd=ROOT)
    if done.returncode:
        raise SystemExit(f"{' '.join(words)}: expected to succeed, ended with {done.returncode}")
    return done.stdout or ""


@contextmanager
def stage(stages: dict[str, float], name: str) -> Iterator[None]:
    """Wall seconds of a stage."""
    began = monotonic()
    yield
    stages[name] = round(monotonic() - began, 1)


def show(found: dict[str, Measured]) -> list[str]:
    """Stages by way, and the ratio; the tables whose digests differ between the ways."""
    print(f"{'seconds':<30}" + "".join(f"{way:>12}" for way in found) + ("  stack/embedded" if len(found) > 1 else ""))
    for name in found["embedded"]["stages"]:
        times = [one["stages"][name] for one in found.values()]
        ratio = f"{times[1] / times[0]:>16.2f}" if len(times) > 1 else ""
        print(f"{name:<30}" + "".join(f"{time:>12.1f}" for time in times) + ratio)
    if len(found) == 1:
        return []
    one, other = (way["digests"] for way in found.values())
    differing = sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))
    n_tables = len(one.keys() | other.keys())
    print(f"equal digests of {n_tables - len(differing)} of {n_tables} tables")
    return differing


if __name__ == "__main__":
    main()
