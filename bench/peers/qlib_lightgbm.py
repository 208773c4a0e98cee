"""Qlib's LightGBM as its own benchmark sets it, on rows that are given: `python qlib_lightgbm.py ROWS OUT SPLIT` where pyqlib is.

ROWS has `session_date`, `security_id`, `label` (a return) and the features, float32. SPLIT is JSON: first and last session of `train`, `valid` and `test`.
The label is made a z-score within each session, as Qlib's processors do it. OUT gets the scores of the test. Prints seconds from the rows in memory to the
scores as JSON. Nothing of the project is imported: the peer's environment lacks it.
"""

import json
import os
import sys
import time
from types import SimpleNamespace

import pandas as pd
from qlib.contrib.model import gbdt
from qlib.data.dataset import DatasetH
from qlib.data.dataset.handler import DataHandlerLP
from qlib.data.dataset.loader import StaticDataLoader
from qlib.data.dataset.processor import CSZScoreNorm, DropnaLabel

KEY = ["session_date", "security_id"]
PARAMETERS = {
    "loss": "mse", "colsample_bytree": 0.8879, "learning_rate": 0.2, "subsample": 0.8789, "lambda_l1": 205.6999,
    "lambda_l2": 580.9768, "max_depth": 8, "num_leaves": 210, "num_threads": os.cpu_count(),
}  # fmt: skip
"""Of examples/benchmarks/LightGBM/workflow_config_lightgbm_Alpha158.yaml; threads are the machine's."""


def main(rows: str, out: str, split: str) -> None:
    """Fit, score the test, write."""
    frame = pd.read_parquet(rows)
    frame["session_date"] = pd.to_datetime(frame["session_date"])
    frame = frame.set_index(KEY).rename_axis(["datetime", "instrument"]).sort_index()
    began, spent = time.perf_counter(), time.process_time()
    label = frame[["label"]]
    parts = {"feature": frame.drop(columns="label"), "label": label}
    handler = DataHandlerLP(
        data_loader=StaticDataLoader(parts),
        learn_processors=[DropnaLabel(), CSZScoreNorm(fields_group="label")],
        process_type=DataHandlerLP.PTYPE_I,
    )
    dataset = DatasetH(handler, {name: tuple(map(pd.Timestamp, ends)) for name, ends in json.loads(split).items()})
    prepared = time.perf_counter()
    gbdt.R = SimpleNamespace(log_metrics=lambda **_: None)  # what it would note of each round in MLflow is not counted
    model = gbdt.LGBModel(**PARAMETERS)
    model.fit(dataset, verbose_eval=0)
    scores = model.predict(dataset, segment="test")
    told = {
        "seconds": round(time.perf_counter() - began, 2), "prepared_s": round(prepared - began, 2),
        "cpu_s": round(time.process_time() - spent, 2), "rounds": int(model.model.best_iteration or model.model.num_trees()),
    }  # fmt: skip
    scores.rename("score").rename_axis(KEY).reset_index().to_parquet(out)
    print(json.dumps(told))


if __name__ == "__main__":
    main(*sys.argv[1:])
