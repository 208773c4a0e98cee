"""Gradient-boosted trees (XGBoost) as an algorithm of ours: validated parameters, rows in, raw booster out, equal bits again.

What does not belong here: which features and label (training.models), splitting and recording (training.train).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from market.errors import Permanent
from training.algorithm import Float1D, Float2D, Importance, Parameter, Sample, Search
from training.distributed import Launch
from training.inputs import Inputs
from training.parameters import Range, completed
from training.spark_workers import Workers

if TYPE_CHECKING:
    import xgboost  # elsewhere in the functions: it brings scikit-learn, which takes seconds to load

OBJECTIVES = ("reg:squarederror", "reg:pseudohubererror", "binary:logistic")

# name: (type, default, least, greatest).  Trees are shallow and slow to learn: a cross-section of returns is mostly noise.
RANGES: Mapping[str, Range] = {
    "n_rounds": (int, 120, 1, 10_000),
    "learning_rate": (float, 0.05, 1e-4, 1.0),
    "max_depth": (int, 4, 1, 16),
    "min_child_weight": (float, 20.0, 0.0, 1e6),
    "subsample": (float, 0.7, 0.05, 1.0),
    "colsample_bytree": (float, 0.8, 0.05, 1.0),
    "reg_lambda": (float, 1.0, 0.0, 1e6),
    "max_bin": (int, 128, 2, 4096),
    "nthread": (int, 2, 1, 256),  # changes no bit
    "n_workers": (int, 1, 1, 1024),  # changes bits: one in this process, several through xgboost.spark
}

SEARCH: Mapping[str, Search] = {
    "n_rounds": Search(20, 400, log=True),
    "learning_rate": Search(0.01, 0.3, log=True),
    "max_depth": Search(2, 8),
    "min_child_weight": Search(1.0, 500.0, log=True),
    "subsample": Search(0.3, 1.0),
    "colsample_bytree": Search(0.3, 1.0),
    "reg_lambda": Search(0.1, 100.0, log=True),
}


@dataclass(frozen=True)
class GradientBoosting:
    """XGBoost on histograms; the numbers of threads and workers are parameters, fixed and recorded, never the machine's core count."""

    launch: Launch = field(default_factory=Launch)
    flavour, file = "xgboost", "booster.ubj"
    search = SEARCH
    version = f"xgboost {version('xgboost')}"

    def missing(self) -> str | None:
        """Nothing: XGBoost is a package of the base."""
        return None

    def launched(self, launch: Launch) -> "GradientBoosting":
        """The same, its workers on the launch's executors."""
        return replace(self, launch=launch)

    def pinned(self, parameters: Mapping[str, Parameter]) -> Mapping[str, Parameter]:
        """With the launch's number of workers, where it is several."""
        return {**parameters, "n_workers": self.launch.workers} if self.launch.workers > 1 else parameters

    def validated(self, parameters: Mapping[str, Parameter]) -> dict[str, Parameter]:
        """All parameters, defaults filled in, each of its type.

        Raises
        ------
        Permanent
            An unknown name, a wrong type, or a value out of its range; every one of them is named.
        """
        return completed("XGBoost", RANGES, {"objective": OBJECTIVES}, parameters)

    def says_probabilities(self, parameters: Mapping[str, Parameter]) -> bool:
        """Only with the logistic objective."""
        return parameters["objective"] == "binary:logistic"

    def window(self, parameters: Mapping[str, Parameter]) -> int:
        """A tree sees one row."""
        return 1

    def fit(self, inputs: Inputs, target: Float1D, parameters: Mapping[str, Parameter], seed: int) -> bytes:
        """The raw booster in XGBoost's 'ubj' format; the same rows in the same order, parameters and seed give equal bits.

        With several workers it is fitted on Spark's executors, as ``training.spark_workers`` says.

        Parameters
        ----------
        inputs : n rows; NaN is "not known" and follows the branch that training found best.
        target : (n,) known.
        parameters : as ``validated`` returned them.
        seed : of the row and column sampling.

        Raises
        ------
        Permanent
            XGBoost refuses the target (for instance a label outside [0, 1] for a logistic objective), or as ``Workers.fit``.
        Transient
            As ``Workers.fit``.
        """
        import xgboost

        options, n_rounds = _options(parameters, seed)
        if workers := self._workers(parameters):
            return bytes(workers.fit((inputs, target), options, n_rounds).save_raw("ubj"))
        rows = _rows(inputs.matrix(), target, options)
        try:
            booster = xgboost.train(options, rows, num_boost_round=n_rounds)
        except xgboost.core.XGBoostError as error:
            reason = str(error).strip().splitlines()[0]
            raise Permanent("fitting XGBoost", expected=f"a target for {options['objective']}", found=reason) from error
        return bytes(booster.save_raw("ubj"))

    def stopped(
        self, train: Sample, watch: Sample, parameters: Mapping[str, Parameter], seed: int, patience: int
    ) -> dict[str, Parameter]:
        """The parameters with ``n_rounds`` at which the objective's own loss on the later rows was least, at most the declared.

        Raises
        ------
        Permanent
            As ``fit``.
        """
        import xgboost

        options, n_rounds = _options(parameters, seed)
        if workers := self._workers(parameters):
            fitted = workers.fit(train, options, n_rounds, watch, patience)
            return {**parameters, "n_rounds": fitted.best_iteration + 1}
        rows, watched = _rows(train[0].matrix(), train[1], options), watch[0].matrix()
        later = xgboost.QuantileDMatrix(
            watched.to_numpy(dtype=np.float64), label=watch[1], feature_names=list(watched.columns), ref=rows,
            nthread=options["nthread"], max_bin=options["max_bin"],
        )  # fmt: skip
        try:
            booster = xgboost.train(
                options, rows, n_rounds, evals=[(later, "later")], early_stopping_rounds=patience, verbose_eval=False
            )
        except xgboost.core.XGBoostError as error:
            reason = str(error).strip().splitlines()[0]
            raise Permanent("fitting XGBoost", expected=f"a target for {options['objective']}", found=reason) from error
        return {**parameters, "n_rounds": booster.best_iteration + 1}

    def predict(self, raw: bytes, inputs: Inputs, nthread: int = 1) -> Float1D:
        """(n,) score per row; the features are the booster's, in its order.

        Raises
        ------
        Permanent
            The bytes are no booster, or it was fitted on other features.
        """
        import xgboost

        booster, features = load(raw), inputs.matrix()
        names = list(features.columns)
        if booster.feature_names != names:
            raise Permanent(
                "booster", expected=f"one fitted on {names}", found=f"one fitted on {booster.feature_names}"
            )
        rows = xgboost.DMatrix(features.to_numpy(dtype=np.float64), feature_names=names, nthread=nthread)
        booster.set_param({"nthread": nthread})
        scores: npt.NDArray[np.float32] = booster.predict(rows)
        return scores.astype(np.float64)

    def contributions(self, raw: bytes, inputs: Inputs) -> tuple[Float2D, Float1D]:
        """As ``Algorithm.contributions``, in single precision.

        Source
        ------
        S. Lundberg, G. Erion, S. Lee, Consistent Individualized Feature Attribution for Tree Ensembles (2018); XGBoost's
        ``pred_contribs``, exact for trees.
        """
        import xgboost

        features = inputs.matrix()
        rows = xgboost.DMatrix(features.to_numpy(dtype=np.float64), feature_names=list(features.columns), nthread=1)
        shares = np.asarray(load(raw).predict(rows, pred_contribs=True), dtype=np.float64)
        return shares[:, :-1], shares[:, -1]

    def importance(self, raw: bytes, features: tuple[str, ...]) -> Importance:
        """Share of the total gain that each feature brought, from 0 to 1; 0 for a feature that no tree uses."""
        gains: Mapping[str, Any] = load(raw).get_score(importance_type="total_gain")
        total = sum(gains.values()) or 1.0
        return {name: float(gains.get(name, 0.0)) / total for name in features}

    def _workers(self, parameters: Mapping[str, Parameter]) -> Workers | None:
        n = int(parameters["n_workers"])
        return Workers(n, self.launch.executors, self.launch.limit_s) if n > 1 else None


def load(raw: bytes) -> "xgboost.Booster":
    """The booster of these bytes.

    Raises
    ------
    Permanent
        They are none, for instance cut off.
    """
    if not (raw.startswith(b"{") and raw.endswith(b"}")):
        # told before XGBoost sees it: its C++ exception can end a process in which other native libraries are loaded
        raise Permanent(
            "booster", expected="XGBoost's ubj bytes, whole", found=f"{len(raw)} bytes, cut off or of another kind"
        )
    import xgboost

    booster = xgboost.Booster()
    try:
        booster.load_model(bytearray(raw))
    except xgboost.core.XGBoostError as error:
        reason = str(error).strip().splitlines()[0]
        raise Permanent("booster", expected="XGBoost's ubj bytes", found=f"{len(raw)} bytes: {reason}") from error
    return booster


def _options(parameters: Mapping[str, Parameter], seed: int) -> tuple[dict[str, Any], int]:
    options: dict[str, Any] = dict(parameters)
    n_rounds, _ = int(options.pop("n_rounds")), options.pop("n_workers")
    return options | {"tree_method": "hist", "device": "cpu", "seed": seed, "verbosity": 1}, n_rounds


def _rows(features: pd.DataFrame, target: Float1D, options: Mapping[str, Any]) -> "xgboost.QuantileDMatrix":
    import xgboost

    return xgboost.QuantileDMatrix(
        features.to_numpy(dtype=np.float64), label=target, feature_names=list(features.columns),
        nthread=options["nthread"], max_bin=options["max_bin"],
    )  # fmt: skip
