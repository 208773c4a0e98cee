"""Windows over a panel, from Parquet to Parquet, beside Spark SQL, DuckDB and Polars: `python -m bench.windowed` (`make .peers/.ready` first).

Every side reads one file, makes ten columns of rolling means, deviations, extremes and returns by security, and writes them. Each in a process of its own, twice: cold, and
again. Values are compared first. Ours goes through the file a part at a time, so that memory does not grow with it. CPU seconds are those of the process and of what it
started, the JVM among them; the start of Spark's session is not counted. Writes bench/results/. What does not belong here: tables and releases (`bench.day`).
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from bench import report
from bench.features import MOST, PEERS
from bench.peers.windowed import COLUMNS, told
from lake import jars
from lake.settings import ROOT
from market.features.definition import Feature
from market.features.parse import parse
from market.features.sections import compile_features

PACKAGES = ("numba", "numpy", "pyarrow", "duckdb", "pyspark")
SCRIPT = Path(__file__).parent / "peers" / "windowed.py"
SIDES = {"ours": sys.executable, "duckdb": sys.executable, "spark": sys.executable, "polars": str(PEERS)}
GOALS = {"spark": 20, "duckdb": 5, "polars": None}
OURS = {
    "ret_1": "close / ref(close, 1) - 1", "ret_20": "close / ref(close, 20) - 1", "mean_5": "mean(close, 5) / close", "mean_20": "mean(close, 20) / close",
    "mean_60": "mean(close, 60) / close", "std_20": "std(close, 20) / close", "std_60": "std(close, 60) / close", "max_20": "max(high, 20) / close",
    "min_20": "min(low, 20) / close", "volume_20": "mean(volume, 20)",
}  # fmt: skip
GROUP = 100
"""Securities of a row group of the panel: what ours holds at once."""


def main() -> None:
    """Write the panel, run each side, compare, tell."""
    words = argparse.ArgumentParser(
        description="A windowed job from Parquet to Parquet, beside Spark SQL, DuckDB and Polars."
    )
    words.add_argument("--symbols", type=int, default=2_500)
    words.add_argument("--sessions", type=int, default=2_500)
    words.add_argument("--sides", nargs="+", default=list(SIDES), choices=list(SIDES))
    words.add_argument("--rounds", type=int, default=2, help="the first is cold, the best of the others is warm")
    words.add_argument("--ours", nargs=3, metavar=("PANEL", "OUT", "ROUNDS"), help=argparse.SUPPRESS)
    asked = words.parse_args()
    if asked.ours:
        panel, out, rounds = asked.ours
        ways = {"ours": True, "parquet": False}
        print(json.dumps(told(lambda: written(Path(panel), Path(out), is_computed=ways[Path(out).stem]), int(rounds))))
        return
    if not PEERS.exists():
        raise SystemExit(f"{PEERS.relative_to(ROOT)} is not there: make .peers/.ready")
    with tempfile.TemporaryDirectory(prefix="marketlake-bench-") as folder:
        write_panel(panel := Path(folder) / "panel.parquet", asked.symbols, asked.sessions)
        found: dict[str, Any] = {}
        for side in asked.sides:
            found[side] = apart(side, panel, Path(folder) / f"{side}.parquet", asked.rounds)
            if side != "ours":
                found[side]["values"] = difference(Path(folder) / "ours.parquet", Path(folder) / f"{side}.parquet")
            print(side, found[side], flush=True)
        alone = apart("ours", panel, Path(folder) / "parquet.parquet", asked.rounds)["warm"]["cpu_s"]
    ours = found.get("ours")
    for side, one in found.items():
        if ours and side != "ours":
            one["cpu_ratio"] = round(one["warm"]["cpu_s"] / ours["warm"]["cpu_s"], 1)
            one["ratio"] = round(one["warm"]["seconds"] / ours["warm"]["seconds"], 1)
            one["goal"] = GOALS[side]
    rows = asked.symbols * asked.sessions
    report.write(
        "windowed",
        PACKAGES,
        {"symbols": asked.symbols, "sessions": asked.sessions, "rows": rows, "sides": found, "parquet_cpu_s": alone},
    )


def write_panel(path: Path, symbols: int, sessions: int) -> None:
    """Random walks, a row group for each hundred securities, sessions in order."""
    rng, writer = np.random.default_rng(60), None
    for first in range(0, symbols, GROUP):
        k = min(GROUP, symbols - first)
        close = np.exp(9 + np.cumsum(rng.normal(0, 0.02, (k, sessions)), axis=1)).ravel()
        names = np.repeat(np.arange(first, first + k), sessions)
        table = pa.table({
            "symbol": pa.array(names, pa.int32()), "session": pa.array(np.tile(np.arange(sessions), k), pa.int32()), "close": close,
            "high": close * (1 + rng.random(len(close)) / 50), "low": close * (1 - rng.random(len(close)) / 50),
            "volume": np.floor(np.exp(rng.normal(12, 1, len(close)))),
        })  # fmt: skip
        writer = writer or pq.ParquetWriter(path, table.schema)
        writer.write_table(table, row_group_size=len(table))
    assert writer is not None
    writer.close()


def written(panel: Path, out: Path, *, is_computed: bool = True) -> None:
    """Ours: a part of whole securities at a time; where nothing is computed, the closes as every column, for what Parquet alone takes."""
    program = compile_features(
        [Feature(name, parse(text), "Under measure.", "1", "ours") for name, text in OURS.items()]
    )
    source, writer = pq.ParquetFile(panel), None
    for group in range(source.num_row_groups):
        rows = source.read_row_group(group)
        symbol = rows["symbol"].to_numpy()
        offsets = np.concatenate(([0], np.flatnonzero(np.diff(symbol)) + 1, [len(symbol)]))
        columns = {name: rows[name].to_numpy() for name in program.inputs}
        made: Mapping[str, Any] = dict.fromkeys(COLUMNS, columns["close"])
        if is_computed:
            made = program.run(columns, offsets, threads=os.cpu_count() or 1, keeps_state=False).values
        table = pa.table(
            {"symbol": rows["symbol"], "session": rows["session"], **{name: made[name] for name in COLUMNS}}
        )
        # As the lake does (`lake.layout`): hardly a number with a fraction is there twice.
        writer = writer or pq.ParquetWriter(out, table.schema, use_dictionary=["symbol"])
        writer.write_table(table)
    if writer is not None:
        writer.close()


def apart(side: str, panel: Path, out: Path, rounds: int) -> dict[str, Any]:
    """The side in a process of its own: its first round, and the best of the others."""
    words = ["-m", "bench.windowed", "--ours"] if side == "ours" else [str(SCRIPT), side]
    variables = {**os.environ, "JAVA_HOME": str(jars.java_home()), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [SIDES[side], *words, str(panel), str(out), f"{rounds}"],
        cwd=ROOT,
        env=variables,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise SystemExit(f"{side}: {done.stderr[-2000:]}")
    found = json.loads(done.stdout.splitlines()[-1])
    cold, *warm = found["rounds"]
    return {"cold": cold, "warm": min(warm or [cold], key=lambda one: one["cpu_s"]), "most_mb": found["most_mb"]}


def difference(ours: Path, theirs: Path) -> str:
    """The largest relative difference, and in how many values one side alone is missing; both in the order of security and session.

    Raises
    ------
    SystemExit : the values are not equal: there is nothing to measure.
    """
    order = [("symbol", "ascending"), ("session", "ascending")]
    first, second = (pq.read_table(path).sort_by(order) for path in (ours, theirs))
    worst, alone = 0.0, 0
    for name in COLUMNS:
        a, b = (table[name].to_numpy().astype(np.float64) for table in (first, second))
        alone += int((np.isnan(a) != np.isnan(b)).sum())
        worst = max(worst, float(np.nanmax(np.abs(a - b) / np.maximum(1.0, np.abs(b)))))
    said = f"largest difference {worst:.1e}, missing on one side alone {alone}"
    if alone or not worst <= MOST:
        raise SystemExit(f"{theirs.stem}: expected equal values, found a {said}")
    return said


if __name__ == "__main__":
    main()
