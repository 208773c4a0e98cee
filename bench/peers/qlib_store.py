"""Qlib as it is used: `D.features` over its own binary store, on as many processes as there are cores: `python qlib_store.py PANEL FOLDER EXPRESSIONS`.

Without its expression and dataset caches, which want a Redis. PANEL and EXPRESSIONS as `qlib_features.py` has them. The store is written first and is
not counted; reading it is. Prints seconds, and CPU seconds with those of its processes, as JSON. Nothing of the project is imported.
"""

import json
import os
import resource
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import qlib
from qlib.constant import REG_CN
from qlib.contrib.data.loader import Alpha158DL
from qlib.data import D

FIELDS = ("open", "high", "low", "close", "volume", "vwap")


def main(panel: str, folder: str, asked: str) -> None:
    """Write the store, then ask for every expression of every symbol."""
    rows, home = pd.read_parquet(panel), Path(folder)
    days = written(rows, home)
    if asked == "alpha158":
        texts = Alpha158DL.get_feature_config()[0]
    else:
        texts = list(json.loads(Path(asked).read_text()).values())
    qlib.init(
        provider_uri=str(home), region=REG_CN, kernels=os.cpu_count(), expression_cache=None, dataset_cache=None,
        logging_level=40,
    )  # fmt: skip
    began, spent = time.perf_counter(), cpu()
    made = D.features(D.instruments("all"), texts, start_time=days[0], end_time=days[-1])
    told = {"seconds": round(time.perf_counter() - began, 3), "cpu_s": round(cpu() - spent, 3), "rows": len(made)}
    print(json.dumps(told))


def written(rows: pd.DataFrame, home: Path) -> list[str]:
    """The store of the panel: calendar, instruments, and a file of float32 for each field of each symbol; its days."""
    n = int(rows.groupby("symbol").size().max())
    days = [f"{day:%Y-%m-%d}" for day in pd.bdate_range("2005-01-03", periods=n)]
    for name in ("calendars", "instruments", "features"):
        (home / name).mkdir(parents=True, exist_ok=True)
    (home / "calendars" / "day.txt").write_text("\n".join(days) + "\n")
    lines = []
    for symbol, own in rows.groupby("symbol", sort=False):
        lines.append(f"{symbol}\t{days[0]}\t{days[len(own) - 1]}")
        (target := home / "features" / str(symbol).lower()).mkdir(exist_ok=True)
        for name in FIELDS:
            np.concatenate(([0.0], own[name].to_numpy())).astype("<f4").tofile(target / f"{name}.day.bin")
    (home / "instruments" / "all.txt").write_text("\n".join(lines) + "\n")
    return days


def cpu() -> float:
    """CPU seconds of this process and of those that it has waited for."""
    return sum(
        one.ru_utime + one.ru_stime for one in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
