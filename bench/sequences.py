"""Epochs a minute of the LSTM: one process, two ranks of Horovod, and a plain torch loader over windows cut out beforehand.

`python -m bench.sequences [--securities 300] [--sessions 750]`. The same network, windows and size of a step everywhere; each way
runs in processes of its own, whose largest memory is told. Prints a table and writes bench/results/.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

from bench import report
from training.distributed import Launch
from training.inputs import Inputs
from training.lstm import Lstm

PACKAGES = ("torch", "horovod", "numpy", "pyarrow")
N_FEATURES, EPOCHS, SEED = 14, 6, 7
PARAMETERS = {"window": 20, "hidden": 32, "n_epochs": EPOCHS, "batch": 256, "n_shards": 2}
WAYS = {"one process": 1, "two ranks": 2, "windows cut out beforehand, a torch loader": 0}


def main() -> None:
    """Every way in a process of its own."""
    words = argparse.ArgumentParser(description="Epochs a minute of the LSTM.")
    words.add_argument("--securities", type=int, default=300)
    words.add_argument("--sessions", type=int, default=750)
    words.add_argument("--way", type=int, help=argparse.SUPPRESS)
    asked = words.parse_args()
    if asked.way is not None:
        print(json.dumps(one_way(asked.way, asked.securities, asked.sessions)))
        return
    found = {}
    for name, way in WAYS.items():
        command = [
            sys.executable,
            "-m",
            "bench.sequences",
            "--securities",
            str(asked.securities),
            "--sessions",
            str(asked.sessions),
        ]
        said = subprocess.run([*command, "--way", str(way)], capture_output=True, text=True, check=True)
        found[name] = json.loads(said.stdout.splitlines()[-1])
        print(f"{name}: " + ", ".join(f"{key} {value:,.1f}" for key, value in found[name].items()), flush=True)
    report.write("sequences", PACKAGES, {"securities": asked.securities, "sessions": asked.sessions, "features": N_FEATURES,
                                         "parameters": PARAMETERS, "ways": found})  # fmt: skip


def one_way(ranks: int, n_securities: int, n_sessions: int) -> dict[str, float]:
    """Fit once; how long an epoch took after the first, all of it, and the largest memory of a process."""
    inputs, target = _rows(n_securities, n_sessions)
    begun, ends = time.perf_counter(), []
    if ranks:
        with tempfile.TemporaryDirectory() as folder:
            launch = Launch(
                ranks,
                "horovodrun" if ranks > 1 else "process",
                Path(folder),
                told=lambda _: ends.append(time.perf_counter()),
            )
            algorithm = Lstm(launch)
            raw = algorithm.fit(inputs, target, algorithm.validated(PARAMETERS), SEED)
        assert raw
    else:
        _plain(inputs, target, ends)
    whole = time.perf_counter() - begun
    epoch = (ends[-1] - ends[0]) / (EPOCHS - 1)
    largest = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return {"epochs_per_minute": 60 / epoch, "epoch_s": epoch, "whole_s": whole, "largest_process_mb": largest / 1024}


def _rows(n_securities: int, n_sessions: int) -> tuple[Inputs, np.ndarray]:
    rng = np.random.default_rng(1)
    n = n_securities * n_sessions
    keys = pd.DataFrame(
        {"security_id": np.repeat([f"XKRX:{i:06d}" for i in range(n_securities)], n_sessions),
         "session_date": np.tile(pd.bdate_range("2020-01-01", periods=n_sessions), n_securities)}
    )  # fmt: skip
    numbers = pd.DataFrame(rng.standard_normal((n, N_FEATURES)), columns=[f"f{i}" for i in range(N_FEATURES)])
    return Inputs(keys, numbers, np.ones(n, dtype=np.bool_)), rng.random(n)


def _plain(inputs: Inputs, target: np.ndarray, ends: list[float]) -> None:
    """What a tutorial does: every window in memory, a DataLoader that shuffles, torch's own number of threads."""
    import torch
    from torch.utils.data import DataLoader, TensorDataset

    from training.lstm_network import Shape, cut, network

    width = int(PARAMETERS["window"])
    windows = inputs.windows(width)
    whole = cut(windows.values.astype(np.float32), windows.firsts, windows.places, width)
    data = TensorDataset(torch.from_numpy(whole), torch.from_numpy(target.astype(np.float32)))
    loader = DataLoader(data, batch_size=int(PARAMETERS["batch"]) * int(PARAMETERS["n_shards"]), shuffle=True)
    module = network(Shape(tuple(inputs.numbers.columns), width, int(PARAMETERS["hidden"]), 1, "squared"), SEED)
    optimizer = torch.optim.Adam(module.parameters(), lr=2e-3)
    for _ in range(EPOCHS):
        for batch, wanted in loader:
            optimizer.zero_grad()
            torch.nn.functional.mse_loss(module(batch), wanted).backward()
            torch.nn.utils.clip_grad_norm_(module.parameters(), 1.0)
            optimizer.step()
        ends.append(time.perf_counter())


if __name__ == "__main__":
    main()
