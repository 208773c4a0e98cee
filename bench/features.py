"""The feature engine against its peers: `python -m bench.features`, with Qlib in an environment of its own (`make .peers/.ready`).

Fourteen expressions and Alpha158 from a Parquet panel against Qlib's operators; RSI, MACD and Bollinger bands against TA-Lib. Values are compared
first; a ratio without equal values is none. CPU seconds beside seconds, and what the first call costs a machine that has compiled nothing.
Writes bench/results/. What does not belong here: Spark (`bench.spark`), online reads (`bench.online`).
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import talib

from bench import report
from lake.settings import ROOT
from market.features.catalogue import libraries
from market.features.definition import Feature
from market.features.qlib import parse_qlib
from market.features.sections import compile_features

PACKAGES = ("numba", "numpy", "pandas", "pyarrow", "ta-lib")
PEERS = ROOT / ".peers" / "bin" / "python"
QLIB = Path(__file__).parent / "peers" / "qlib_features.py"
STORE = QLIB.with_name("qlib_store.py")
F14 = (
    "$close/Ref($close,1)-1", "Ref($close,5)/$close", "Ref($close,20)/$close", "Mean($close,5)/$close", "Mean($close,20)/$close",
    "Mean($close,60)/$close", "Std($close,5)/$close", "Std($close,20)/$close", "Max($high,20)/$close", "Min($low,20)/$close",
    "($high-$low)/$open", "($close-$open)/$open", "Mean($volume,5)/($volume+1e-12)", "Corr($close,Log($volume+1),20)",
)  # fmt: skip
TALIB = (
    "ta_rsi_14", "macd_12_26", "macd_signal_12_26_9", "macd_hist_12_26_9",
    "bbands_upper_20", "bbands_middle_20", "bbands_lower_20",
)  # fmt: skip
MOST = 1e-6
"""Largest difference, relative above 1 and absolute below, of values that count as equal."""
COLD = "from market.features.catalogue import libraries; from market.features.sections import compile_features; import numpy as np; {}"
Timed = dict[str, float]


def main() -> None:
    """Measure, compare, write."""
    words = argparse.ArgumentParser(description="Features against Qlib and TA-Lib: values first, then seconds.")
    words.add_argument("--symbols", type=int, default=100)
    words.add_argument("--sessions", type=int, default=3_300)
    words.add_argument("--rounds", type=int, default=3)
    asked = words.parse_args()
    if not PEERS.exists():
        raise SystemExit(f"{PEERS.relative_to(ROOT)} is not there: make .peers/.ready")
    panel = random_panel(asked.symbols, asked.sessions)
    f14 = {f"x{i}": text for i, text in enumerate(F14)}
    features = tuple(Feature(name, parse_qlib(text), "Under measure.", "ratio", "Qlib") for name, text in f14.items())
    with tempfile.TemporaryDirectory(prefix="marketlake-bench-") as folder:
        panel.to_parquet(file := Path(folder) / "panel.parquet")
        (expressions := Path(folder) / "f14.json").write_text(json.dumps(f14))
        rows = [
            against_qlib("14 expressions", file, features, str(expressions), 40, asked.rounds),
            against_qlib("Alpha158", file, tuple(libraries()["alpha158"].values()), "alpha158", 20, asked.rounds),
            against_talib(panel, asked.rounds),
        ]
    for row in rows:
        print(
            f"{row['what']:<44}{row['ours']}   {row['peer']}   ratio {row['ratio']} (goal {row['goal']}), {row['difference']}"
        )
    cold = cold_start()
    print(
        f"first call on a machine that has compiled nothing {cold['cold_s']} s, with what was kept {cold['kept_s']} s"
    )
    report.write(
        "features", PACKAGES, {"symbols": asked.symbols, "sessions": asked.sessions, "rows": rows, "start": cold}
    )


def random_panel(symbols: int, sessions: int) -> pd.DataFrame:
    """Random walks with a range around each close, and volume."""
    rng = np.random.default_rng(14)
    close = np.exp(9 + np.cumsum(rng.normal(0, 0.02, (symbols, sessions)), axis=1)).ravel()
    high, low = (close * (1 + side * rng.random(len(close)) / 50) for side in (1, -1))
    volume = np.floor(np.exp(rng.normal(12, 1, len(close))))
    names = np.repeat([f"S{i}" for i in range(symbols)], sessions)
    opened = low + (high - low) * rng.random(len(close))
    columns = {"open": opened, "high": high, "low": low, "close": close, "volume": volume, "value": close * volume}
    return pd.DataFrame({"symbol": names, **columns, "vwap": close})


def against_qlib(
    what: str, panel: Path, features: Sequence[Feature], asked: str, goal: int, rounds: int
) -> dict[str, Any]:
    """From the Parquet file to values, on one thread and on all, beside Qlib's operators in a process of their own, and beside `D.features` over its own
    store on as many processes: that one is compared by seconds, both sides with all cores."""
    out = panel.with_name("qlib.parquet")
    told = [
        json.loads(subprocess.run([PEERS, QLIB, panel, out, asked], capture_output=True, text=True, check=True).stdout)
        for _ in range(rounds)
    ]
    peer = {name: median(one[name] for one in told) for name in ("seconds", "cpu_s")}
    stored = json.loads(
        subprocess.run(
            [PEERS, STORE, panel, panel.with_name("store"), asked], capture_output=True, text=True, check=True
        ).stdout.splitlines()[-1]
    )
    expected = pd.read_parquet(out).replace([np.inf, -np.inf], np.nan)
    ours, made = timed(lambda: computed(panel, features, 1), rounds)
    both, _ = timed(lambda: computed(panel, features, os.cpu_count() or 1), rounds)
    return {
        "what": f"{what} against Qlib's operators", "ours": ours, "ours_all_threads": both, "peer": peer, "goal": goal,
        "peer_as_used": stored, "ratio_as_used": round(stored["seconds"] / both["seconds"], 1),
        "ratio": round(peer["cpu_s"] / ours["cpu_s"], 1), "difference": difference(what, made, expected),
    }  # fmt: skip


def computed(panel: Path, features: Sequence[Feature], threads: int) -> dict[str, np.ndarray]:
    """The features of the whole panel."""
    program = compile_features(features)
    rows = pq.read_table(panel, columns=["symbol", *program.inputs], read_dictionary=["symbol"]).unify_dictionaries()
    codes = np.concatenate([chunk.indices.to_numpy() for chunk in rows["symbol"].chunks])
    offsets = np.concatenate(([0], np.flatnonzero(np.diff(codes)) + 1, [len(codes)]))
    columns = {name: rows[name].to_numpy() for name in program.inputs}
    return program.run(columns, offsets, threads=threads, keeps_state=False).values


def against_talib(panel: pd.DataFrame, rounds: int) -> dict[str, Any]:
    """Seven columns of three indicators, in memory; TA-Lib has one thread."""
    known = libraries()["indicators"]
    program = compile_features([known[name] for name in TALIB])
    close, n = panel["close"].to_numpy(), int((panel["symbol"] == "S0").sum())
    offsets = np.arange(0, len(close) + 1, n)
    theirs, expected = timed(lambda: [_talib(close[at : at + n]) for at in offsets[:-1]], rounds)
    ours, made = timed(lambda: program.run({"close": close}, offsets, keeps_state=False).values, rounds)
    both, _ = timed(
        lambda: program.run({"close": close}, offsets, threads=os.cpu_count() or 1, keeps_state=False).values, rounds
    )
    frame = pd.DataFrame(np.concatenate(expected, axis=1).T, columns=list(TALIB))
    copied, _ = timed(
        lambda: np.repeat(close[None], len(TALIB), axis=0), rounds
    )  # what any way must do: read one column, write seven
    best = min(ours["seconds"], both["seconds"])
    return {
        "what": "RSI, MACD and Bollinger bands against TA-Lib", "ours": ours, "ours_all_threads": both, "peer": theirs, "goal": 2.5,
        "ratio": round(theirs["seconds"] / best, 2), "difference": difference("TA-Lib", made, frame), "copy": copied,
        "share_of_copy": round(copied["seconds"] / best, 2),
    }  # fmt: skip


def _talib(close: np.ndarray) -> np.ndarray:
    return np.array([talib.RSI(close, 14), *talib.MACD(close), *talib.BBANDS(close, 20, 2, 2)])


def difference(what: str, made: dict[str, np.ndarray], expected: pd.DataFrame) -> str:
    """The largest difference, relative to 1 or the value, and in how many values one alone is missing.

    Raises
    ------
    SystemExit : the values are not equal: there is nothing to measure.
    """
    worst, alone = 0.0, 0
    for name, values in made.items():
        theirs = expected[name].to_numpy()
        alone += int((np.isnan(values) != np.isnan(theirs)).sum())
        worst = max(worst, float(np.nanmax(np.abs(values - theirs) / np.maximum(1.0, np.abs(theirs)))))
    said = f"largest difference {worst:.1e}, missing on one side alone {alone}"
    if alone or not worst <= MOST:
        raise SystemExit(f"{what}: expected equal values, found a {said}")
    return said


def timed(work: Callable[[], Any], rounds: int) -> tuple[Timed, Any]:
    """Medians of seconds and CPU seconds after a first call, and what it gives."""
    made, spent = work(), []
    for _ in range(rounds):
        began, cpu = perf_counter(), process_time()
        made = work()
        spent.append((perf_counter() - began, process_time() - cpu))
    seconds, cpu_s = (round(median(one[i] for one in spent), 3) for i in range(2))
    return {"seconds": seconds, "cpu_s": cpu_s}, made


def cold_start() -> Timed:
    """Seconds of a process that computes Alpha158 of one short series: with numba's kept code empty, and again."""
    run = "p = compile_features(tuple(libraries()['alpha158'].values())); p.run({n: np.ones(99) for n in p.inputs}, np.array([0, 99]))"
    found = {}
    with tempfile.TemporaryDirectory(prefix="marketlake-numba-") as folder:
        for name in ("cold_s", "kept_s"):
            began = perf_counter()
            variables = {**os.environ, "NUMBA_CACHE_DIR": folder}
            subprocess.run([sys.executable, "-c", COLD.format(run)], env=variables, cwd=ROOT, check=True)
            found[name] = round(perf_counter() - began, 2)
    return found


if __name__ == "__main__":
    main()
