"""Trees fitted by several workers on Spark's executors through xgboost.spark: rows laid out, one task a worker, a booster back.

How it works: the n-th row goes to worker n modulo their number, and stays in its place there. So the same rows and the same number of
workers give equal bits on any Spark, the threads of one process included; another number gives others, since each worker samples
rows of its own and bounds and sums are merged worker by worker. It is therefore a parameter of the fit, in its lock.
What does not belong here: parameters and bytes (training.gradient_boosting), Spark itself (lake.spark has the executors).
"""

import logging
import re
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pyarrow as pa

from market.errors import Permanent
from training.inputs import Inputs

if TYPE_CHECKING:
    import xgboost

    from training.algorithm import Sample

WHERE = "fitting XGBoost on Spark"
_TARGET, _WORKER, _WATCHED = "target", "worker", "watched"


class Executors(Protocol):
    """A Spark, as far as a fit on its executors needs it."""

    def slots(self, wanted: int) -> int:
        """How many tasks can run at once; executors that are still coming are waited for, up to ``wanted``."""
        ...

    def parted(self, rows: pa.Table, by: str, n: int) -> Any:
        """Spark's frame of the rows in ``n`` partitions: the k-th has those whose ``by`` is k, in their order."""
        ...

    def working(self, where: str, limit_s: float) -> AbstractContextManager[None]:
        """While it lasts, jobs are ended after ``limit_s``; a server that was away, or the end of the time, is Transient."""
        ...


@dataclass(frozen=True)
class Workers:
    """How many fit together, where, and how long at most.

    Parameters
    ----------
    n : at least 2; each is a task of one thread, and all must run at once.
    executors : where they run; None where no Spark is at hand.
    """

    n: int
    executors: Executors | None
    limit_s: float

    def fit(
        self,
        train: "Sample",
        options: Mapping[str, Any],
        n_rounds: int,
        watch: "Sample | None" = None,
        patience: int = 0,
    ) -> "xgboost.Booster":
        """The booster, its features named as in this process.

        Parameters
        ----------
        options : of XGBoost; ``nthread`` is left out, since a worker has the cores of its task.
        watch : rows whose loss ends the fit where it was not bettered for ``patience`` rounds; all rounds without them.

        Raises
        ------
        Permanent
            There is no Spark, it has too few slots, its executors lack XGBoost, or XGBoost refuses the target.
        Transient
            As ``Executors.working``.
        """
        executors = self._free()
        names = list(train[0].numbers.columns)
        rows = _laid(train, watch, self.n)
        try:
            with executors.working(WHERE, self.limit_s):
                frame = executors.parted(rows, _WORKER, self.n)
                booster = self._fitted(frame, len(names), options, n_rounds, None if watch is None else patience)
        except Exception as error:
            _tell(error, str(options["objective"]))
            raise
        booster.feature_types, booster.feature_names = None, names
        return booster

    def _fitted(
        self, frame: Any, n_features: int, options: Mapping[str, Any], n_rounds: int, patience: int | None
    ) -> "xgboost.Booster":
        from xgboost.spark import SparkXGBRegressor  # any objective; its classifier would count the classes first

        logging.getLogger("XGBoost-PySpark").setLevel(logging.WARNING)  # else lines for each fit, and there are dozens
        watching: dict[str, Any] = (
            {} if patience is None else {"validation_indicator_col": _WATCHED, "early_stopping_rounds": patience}
        )
        estimator = SparkXGBRegressor(
            features_col=[_column(k) for k in range(n_features)], label_col=_TARGET, num_workers=self.n,
            n_estimators=n_rounds, verbose=False, **watching,
            **{name: value for name, value in options.items() if name != "nthread"},
        )  # fmt: skip
        booster: xgboost.Booster = estimator.fit(frame).get_booster()
        return booster

    def _free(self) -> Executors:
        do = "Set MARKETLAKE_SPARK_MASTER to a Spark with as many cores (a replay's bits are those of the cluster on local[N] too), or to fit"
        do += " anew in this process, MARKETLAKE_TRAINING_WORKERS=1"
        if self.executors is None:
            raise Permanent(WHERE, expected=f"a Spark with {self.n} slots", found="none in this process", do=do)
        free = self.executors.slots(self.n)
        if free < self.n:
            raise Permanent(WHERE, expected=f"{self.n} slots at once, one for each worker", found=f"{free}", do=do)
        return self.executors


def _laid(train: "Sample", watch: "Sample | None", n: int) -> pa.Table:
    """Features as XGBoost holds them (single precision), the target, each row's worker, and whether it is watched."""
    samples = [train] if watch is None else [train, watch]
    for _, target in samples:
        if target.size < n:
            raise Permanent(
                WHERE, expected=f"a row for each of {n} workers", found=f"{target.size}", do="Give more history"
            )
    features = np.concatenate([_numbers(inputs) for inputs, _ in samples])
    columns: dict[str, Any] = {_column(k): np.ascontiguousarray(features[:, k]) for k in range(features.shape[1])}
    columns[_TARGET] = np.concatenate([target for _, target in samples]).astype(np.float32)
    columns[_WORKER] = np.concatenate([np.arange(target.size, dtype=np.int32) % n for _, target in samples])
    if watch is not None:
        columns[_WATCHED] = np.repeat([False, True], [train[1].size, watch[1].size])
    return pa.table(columns)


def _numbers(inputs: Inputs) -> Any:
    return inputs.matrix().to_numpy(dtype=np.float32)


def _column(k: int) -> str:
    """A name that is none of Spark's or xgboost.spark's own, whatever the feature is called."""
    return f"f{k}"


def _tell(error: Exception, objective: str) -> None:
    """Raise what an executor's Python said as ours, where its kind is known."""
    text = str(error)
    if found := re.search(r"XGBoostError: (.*)", text):
        raise Permanent("fitting XGBoost", expected=f"a target for {objective}", found=found[1].strip()) from error
    if found := re.search(r"ModuleNotFoundError: (No module named .*)", text):
        raise Permanent(
            WHERE, expected="executors whose Python has what the driver's has", found=found[1].strip(),
            do="Install the same packages there (docs/scale.md), or name their Python: MARKETLAKE_SPARK_PYTHON",
        ) from error  # fmt: skip
