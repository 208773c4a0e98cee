"""How often drift would be told of real prices: `python -m bench.drift FOLDER`, FOLDER as `bench.recorded` takes it.

The features of the declared model of the first thousand sessions are the training; each month after it is held against them, by the usual bound of the stability
index and by ours. Whether the market "really" drifted nobody knows: how often is what tells a bound that nobody would heed. Writes bench/results/.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bench import report
from bench.recorded import frame_of
from market.drift import Reference
from training.catalogue import models
from training.drift import PSI_DRIFTED, WINDOW

PACKAGES = ("numpy", "pandas")
FITTED = 1_000
"""Sessions of the training."""


def main() -> None:
    """Make the features, compare, write."""
    words = argparse.ArgumentParser(description="How often drift would be told of real prices.")
    words.add_argument("folder", type=Path)
    words.add_argument("--model", default="return_rank_5d", choices=sorted(models()))
    words.add_argument("--every", type=int, default=1, metavar="N", help="only every Nth code")
    asked = words.parse_args()
    features = models()[asked.model].features
    frame = frame_of(asked.folder, asked.every, "gold.features_daily", features)
    told = months(frame, features)
    print(told)
    report.write("drift", PACKAGES, {"codes": frame["security_id"].nunique(), "every": asked.every} | told)


def months(frame: pd.DataFrame, features: Sequence[str]) -> dict[str, Any]:
    """Of the stretches after the first ``FITTED`` sessions, how many have a feature beyond the usual bound, and beyond ours."""
    numbers = frame["session_date"].rank(method="dense").to_numpy(dtype=np.int64) - 1
    n_stretches = (numbers.max() + 1 - FITTED) // WINDOW
    usual, ours = np.zeros(n_stretches, dtype=bool), np.zeros(n_stretches, dtype=bool)
    worst = {}
    for name in features:
        values, seen = frame[name].to_numpy(dtype=np.float64), numbers < FITTED
        reference = Reference.of(values[seen], numbers[seen], WINDOW)
        found = np.array([
            reference.psi(reference.count(values[(numbers >= start) & (numbers < start + WINDOW)]))
            for start in range(FITTED, FITTED + n_stretches * WINDOW, WINDOW)
        ])  # fmt: skip
        bound = max(PSI_DRIFTED, reference.usual_psi)
        usual |= found > PSI_DRIFTED
        ours |= found > bound
        worst[name] = {"psi": round(float(found.max()), 3), "bound": round(bound, 3)}
    return {
        "fitted_sessions": FITTED, "stretches": int(n_stretches), "beyond_0.25": int(usual.sum()), "drifted": int(ours.sum()),
        "features": worst,
    }  # fmt: skip


if __name__ == "__main__":
    main()
