"""What a model is: its features, label, parameters and validation, declared once in a file under training/models.

What does not belong here: how it is fitted (training.algorithm and its implementations), recorded or promoted.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Literal, get_args

import numpy as np
import pandas as pd

from market.errors import Permanent
from market.labels import group_codes, rank_within
from market.splits import label_ends
from training.algorithm import Algorithm, Float1D, Parameter
from training.distributed import Launch
from training.gradient_boosting import GradientBoosting
from training.inputs import Inputs, Rows
from training.panel import feature_matrix, prepare, session_days

Target = Literal["rank", "value", "up"]


@dataclass(frozen=True)
class WalkForward:
    """How a model is judged: ``market.splits.purged_walk_forward`` with the model's own horizon.

    Parameters
    ----------
    n_folds : test periods.
    embargo : sessions between the end of the last training label and the test.
    min_train : sessions that the first fold trains on at least.
    """

    n_folds: int = 5
    embargo: int = 5
    min_train: int = 120


@dataclass(frozen=True)
class Combinations:
    """How its stability is judged: ``market.splits.combinatorial_purged`` with the model's own horizon and embargo.

    Parameters
    ----------
    n_blocks : of equal length that the history is cut into.
    n_test : blocks tested at a time; the others are fitted on.
    """

    n_blocks: int = 5
    n_test: int = 2


@dataclass(frozen=True)
class Stopping:
    """How long it is fitted: until the last sessions of whatever it is fitted on are met no better, then again on all of them.

    Parameters
    ----------
    part : of the sessions, the last ones, that are watched; no label of the earlier ones reaches into them.
    patience : steps without anything better before it ends.
    """

    part: float = 0.2
    patience: int = 20

    def __post_init__(self) -> None:
        if not 0.0 < self.part < 1.0 or self.patience < 1:
            raise Permanent(
                "stopping", expected="a part between 0 and 1 and a patience of at least 1", found=repr(self)
            )


@dataclass(frozen=True)
class Model:
    """One model.  Fitting and predicting go through bytes: those are stored, digested, exported and served.

    Parameters
    ----------
    name : of the file that declares it, the registered model and the API route.
    service : the Feast feature service that delivers the features.
    features : names, in the order in which the fitted model knows them.
    label : the label column, as ``gold.labels`` has it.
    horizon : sessions that the label looks ahead.
    target : what is fitted: ``rank``, the label's percentile within session and exchange; its ``value``; or ``up``, 1 where it is
        above zero and 0 elsewhere, so that the score is a probability.
    parameters : of the algorithm; validated and completed with its defaults.
    doc : what it predicts, from what, and for whom, in a few sentences.
    validation : the walk-forward it is judged by.
    combinations : the blocks its stability is judged by; None where fits are too dear for it.
    stopping : how the length of a fit is found; None for the length that the parameters say.
    algorithm : the learning library behind it.

    Raises
    ------
    Permanent
        A field is empty, a feature twice there, the label among the features, or a parameter out of its range.
    """

    name: str
    service: str
    features: tuple[str, ...]
    label: str
    horizon: int
    doc: str
    target: Target = "rank"
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    validation: WalkForward = WalkForward()
    combinations: Combinations | None = Combinations()
    stopping: Stopping | None = None
    algorithm: Algorithm = field(default_factory=GradientBoosting)

    def __post_init__(self) -> None:
        wrong = [
            f"{name} is empty" for name in ("name", "service", "features", "label", "doc") if not getattr(self, name)
        ]
        if len(set(self.features)) < len(self.features):
            wrong.append("a feature is there twice")
        if self.label in self.features:
            wrong.append(f"its label {self.label} is also a feature")
        if self.target not in get_args(Target):
            wrong.append(f"its target {self.target!r} is none of {', '.join(get_args(Target))}")
        if self.horizon < 1:
            wrong.append(f"its horizon is {self.horizon}, below 1")
        if wrong:
            raise Permanent(f"model {self.name or '(no name)'}", expected="a whole declaration", found="; ".join(wrong))
        # The dataclass is frozen, so its one mapping is replaced by a read-only, complete one.
        object.__setattr__(self, "parameters", MappingProxyType(self.algorithm.validated(self.parameters)))
        if self.target == "up" and not self.algorithm.says_probabilities(self.parameters):
            raise Permanent(
                f"model {self.name}", expected="parameters by which scores of target 'up' are probabilities", found=f"{dict(self.parameters)}",
                do="With XGBoost: objective='binary:logistic'",
            )  # fmt: skip

    def missing(self) -> str | None:
        """A package that it cannot do without and that is not installed; None where all are."""
        return self.algorithm.missing()

    def launched(self, launch: Launch) -> "Model":
        """The same model, fitted as the launch says; what of that changes its bits is among its parameters."""
        algorithm = self.algorithm.launched(launch)
        return replace(self, algorithm=algorithm, parameters=algorithm.pinned(self.parameters))

    def fit(self, frame: pd.DataFrame, parameters: Mapping[str, Parameter] | None = None, seed: int = 0) -> bytes:
        """The raw fitted model ('ubj' for XGBoost).  Row order does not matter; equal rows and seed give equal bits.

        Parameters
        ----------
        frame : security_id, session_date, features, label; rows without a known label are not fitted, and are there for
            windows to reach into.
        parameters : instead of the model's own, whole or in part.
        seed : of the algorithm's sampling.

        Raises
        ------
        Permanent
            As ``training.panel.prepare`` and ``Algorithm.validated``, and where no label is known or all are equal.
        """
        where = f"model {self.name}"
        panel = prepare(where, frame, self.features, self.label)
        known = panel["label"].notna().to_numpy()
        target = self._target(panel[known])
        if len(np.unique(target)) < 2:
            raise Permanent(
                where,
                expected=f"at least two different values of the label {self.label}",
                found=f"{len(np.unique(target))} in {target.size} labelled row(s)",
                do="Give more history: a label is known only after its horizon",
            )
        chosen = self.algorithm.validated({**self.parameters, **(parameters or {})})
        if self.stopping is not None:
            chosen = self._stopped(self.stopping, panel, (known, target), chosen, seed)
        return self.algorithm.fit(self._inputs(panel, known), target, chosen, seed)

    def predict(self, booster: bytes, frame: pd.DataFrame, rows: Rows | None = None) -> Float1D:
        """(n,) float64 score per row, in the frame's own order; higher is better.

        Parameters
        ----------
        rows : which rows to score, the others being there for windows to reach into; all without it.

        Raises
        ------
        Permanent
            A feature is missing or infinite, or the bytes are of another model.
        """
        numbers = feature_matrix(f"model {self.name}", frame, self.features)
        chosen = np.ones(len(frame), dtype=np.bool_) if rows is None else rows
        return self.algorithm.predict(booster, Inputs(frame, numbers, chosen))

    def _inputs(self, panel: pd.DataFrame, rows: Rows) -> Inputs:
        return Inputs(panel, panel[list(self.features)], rows)

    def _stopped(
        self,
        rules: Stopping,
        panel: pd.DataFrame,
        known: tuple[Rows, Float1D],
        parameters: dict[str, Parameter],
        seed: int,
    ) -> dict[str, Parameter]:
        rows, target = known
        labelled, places = panel[rows], np.flatnonzero(rows)
        days = session_days(labelled)
        dates = np.unique(days)
        first = dates[min(int(dates.size * (1.0 - rules.part)), dates.size - 1)]
        ends = label_ends(days, labelled["exchange"], self.horizon)
        earlier, later = ~np.isnat(ends) & (ends < first), days >= first
        if len(np.unique(target[earlier])) < 2:
            raise Permanent(
                f"model {self.name}",
                expected=f"two different labels before the last {rules.part:.0%} of the sessions, which are watched",
                found=f"{int(earlier.sum())} row(s) whose label ends before {first}",
                do="Give more history",
            )
        train, watch = (
            (self._inputs(panel, np.isin(np.arange(len(panel)), places[part])), target[part])
            for part in (earlier, later)
        )
        return self.algorithm.stopped(train, watch, parameters, seed, rules.patience)

    def _target(self, labelled: pd.DataFrame) -> Float1D:
        label = labelled["label"].to_numpy(dtype=np.float64)
        if self.target == "value":
            return np.asarray(label)
        if self.target == "up":
            return np.asarray(label > 0, dtype=np.float64)
        return rank_within(label, group_codes(labelled["session_date"], labelled["exchange"]))
