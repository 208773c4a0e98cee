"""Trees of ours against Qlib's LightGBM on the same rows, labels and split: `python -m bench.boosters FOLDER`, with Qlib in an environment of its own.

FOLDER as `bench.recorded` takes it. Both are fitted on Alpha158 (or the features of the declared model) of 2019 to 2022; theirs stops by 2023, ours has its declared
length. Both are judged on the sessions from 2024 on: rank IC of each, the difference with its interval by blocks, and seconds from rows in memory to scores.
"""

import argparse
import json
import subprocess
import tempfile
from dataclasses import replace
from pathlib import Path
from time import perf_counter, process_time

import numpy as np
import pandas as pd

from assets.learning import KEY, SEED
from bench import report
from bench.features import PEERS
from bench.recorded import frame_of
from lake.settings import ROOT
from market.evaluation import mean_and_standard_error, session_rank_ic
from market.features.catalogue import libraries
from market.overfitting import block_interval
from training.catalogue import models
from training.evidence import block_sessions
from training.model import Model

PACKAGES = ("xgboost", "numpy", "pandas")
PEER = Path(__file__).parent / "peers" / "qlib_lightgbm.py"
SPLIT = {
    "train": ("2019-01-02", "2022-12-20"),
    "valid": ("2023-01-02", "2023-12-20"),
    "test": ("2024-01-02", "2025-12-30"),
}
"""Both parts that are fitted end where their outcomes are known before the next begins."""
LABEL = "forward_return_5d"


def main() -> None:
    """Make the rows, fit both on them, compare, write."""
    words = argparse.ArgumentParser(description="Our trees against Qlib's LightGBM on a recorded market.")
    words.add_argument("folder", type=Path)
    words.add_argument("--model", default="return_rank_5d", choices=sorted(models()))
    words.add_argument("--features", choices=("alpha158", "own"), default="alpha158")
    words.add_argument("--every", type=int, default=4, metavar="N", help="only every Nth code")
    asked = words.parse_args()
    if not PEERS.exists():
        raise SystemExit(f"{PEERS.relative_to(ROOT)} is not there: make .peers/.ready")
    model = replace(models()[asked.model], combinations=None)
    table = "gold.features_daily"
    if asked.features == "alpha158":
        table, model = "gold.alpha158", replace(model, features=tuple(libraries()["alpha158"]))
    rows = frame_of(asked.folder, asked.every, table, model.features)
    print(f"{len(rows):,} rows of {rows['security_id'].nunique():,} codes, {len(model.features)} features", flush=True)
    with tempfile.TemporaryDirectory(prefix="marketlake-bench-") as folder:
        theirs, peer = qlib(rows, model, Path(folder))
    ours, own = fitted(rows, model)
    told = compared(rows, ours, theirs, model.horizon)
    told |= {"ours_took": own, "theirs_took": peer, "ratio": round(peer["seconds"] / own["seconds"], 1)}
    print(json.dumps(told, indent=1))
    report.write("boosters", PACKAGES, {"rows": len(rows), "features": asked.features, "split": SPLIT} | told)


def fitted(rows: pd.DataFrame, model: Model) -> tuple["pd.Series[float]", dict[str, float]]:
    """Our scores of the test, by key; fitted on the first part alone, as theirs is, whose length the second decides."""
    began, spent = perf_counter(), process_time()
    days = pd.to_datetime(rows["session_date"])
    booster = model.fit(rows[days <= SPLIT["train"][1]], seed=SEED)
    test = rows[days >= SPLIT["test"][0]]
    scores = model.predict(booster, test)
    took = {"seconds": round(perf_counter() - began, 2), "cpu_s": round(process_time() - spent, 2)}
    return pd.Series(scores, index=pd.MultiIndex.from_frame(test[list(KEY)])), took


def qlib(rows: pd.DataFrame, model: Model, folder: Path) -> tuple["pd.Series[float]", dict[str, float]]:
    """Qlib's scores of the test, by key."""
    asked, out = folder / "rows.parquet", folder / "scores.parquet"
    numbers = rows[list(model.features)].astype(np.float32)
    pd.concat([rows[list(KEY)], numbers, rows[LABEL].rename("label")], axis=1).to_parquet(asked)
    run = subprocess.run(
        [PEERS, PEER, asked, out, json.dumps(SPLIT)], stdout=subprocess.PIPE, text=True, check=True, cwd=folder
    )
    scores = pd.read_parquet(out)
    scores["session_date"] = scores["session_date"].dt.date
    return scores.set_index(list(KEY))["score"], json.loads(run.stdout.splitlines()[-1])


def compared(
    rows: pd.DataFrame, ours: "pd.Series[float]", theirs: "pd.Series[float]", horizon: int
) -> dict[str, dict[str, float]]:
    """Rank IC of both on the rows that both scored and whose outcome is known, and the difference."""
    both = pd.concat({"ours": ours, "theirs": theirs}, axis=1, join="inner")
    both = both.join(rows.set_index(list(KEY))[[LABEL, "exchange"]]).reset_index()
    days = both["session_date"].to_numpy().astype("datetime64[D]")
    daily = {name: session_rank_ic(both[name], both[LABEL], days, both["exchange"]) for name in ("ours", "theirs")}
    daily["difference"] = daily["ours"] - daily["theirs"]
    told = {}
    for name, series in daily.items():
        whole, (lower, upper) = (
            mean_and_standard_error(series.to_numpy(), horizon),
            block_interval(series, block=block_sessions(horizon)),
        )
        told[name] = {
            "rank_ic": whole.mean,
            "se": whole.standard_error,
            "lower": lower,
            "upper": upper,
            "sessions": whole.n,
        }
    return told


if __name__ == "__main__":
    main()
