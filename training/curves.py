"""Learning curves in MLflow while a model is fitted: an epoch's numbers as they are made, under the name of the fit that they are of.

What does not belong here: making them (training.lstm_rank), pictures (training.plots).
"""

import time
from collections.abc import Mapping

from mlflow.entities import Metric
from mlflow.tracking import MlflowClient


def now_ms() -> int:
    """Now as MLflow counts: milliseconds since 1970."""
    return int(time.time() * 1000)


class Curve:
    """Numbers of every epoch, logged as ``curve/<fit>/<number>`` with the epoch as its step.

    A run fits a model many times: its folds first, one after the other, then what the court asks, the whole last.  A fit begins
    where the epochs begin anew.
    """

    def __init__(self, client: MlflowClient, run_id: str) -> None:
        self._client, self._run_id = client, run_id
        self._fit, self._last = 0, 0.0

    def __call__(self, numbers: Mapping[str, float]) -> None:
        """Log one epoch."""
        epoch = numbers["epoch"]
        if epoch <= self._last or not self._fit:
            self._fit += 1
        self._last = epoch
        now = now_ms()
        logged = [
            Metric(f"curve/fit {self._fit:02d}/{name}", value, now, int(epoch))
            for name, value in numbers.items()
            if name != "epoch"
        ]
        self._client.log_batch(self._run_id, metrics=logged)
