"""Judging a model by purged walk-forward: fit on each fold's past, rank IC on its future.

What does not belong here: the arithmetic (market.splits, market.evaluation), recording the result (training.train).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from market.errors import Permanent
from market.evaluation import mean_and_standard_error, quantile_spread, session_rank_ic
from market.labels import group_codes
from market.splits import Fold, label_ends, purged_walk_forward
from training.algorithm import Parameter
from training.model import Model
from training.panel import session_days

Progress = Callable[[int, int, str], None]
"""Called with (steps done, steps in all, what was done)."""


@dataclass(frozen=True)
class FoldResult:
    """Rank IC on one test period.

    ``daily`` is (days,) indexed by session date, ``standard_error`` allows for overlap, ``decile_spread`` is the label's mean
    in the best-scored tenth less that in the worst, before costs, in the label's unit; NaN below ten names.
    """

    number: int
    train_from: np.datetime64
    train_to: np.datetime64
    test_from: np.datetime64
    test_to: np.datetime64
    n_train_rows: int
    n_test_rows: int
    rank_ic: float
    standard_error: float
    decile_spread: float
    daily: "pd.Series[float]"

    def to_dict(self) -> dict[str, object]:
        """JSON types only, without the daily values."""
        plain = {name: value for name, value in vars(self).items() if name != "daily"}
        return {name: str(value) if isinstance(value, np.datetime64) else value for name, value in plain.items()}


@dataclass(frozen=True)
class Evaluation:
    """All folds, oldest first."""

    folds: tuple[FoldResult, ...]
    horizon: int

    @property
    def daily(self) -> "pd.Series[float]":
        """(days,) out-of-sample rank IC, indexed by session date, oldest first; exchanges weighted by their names."""
        return pd.concat([fold.daily for fold in self.folds])

    def metrics(self) -> dict[str, float]:
        """Mean out-of-sample rank IC, its standard error, their ratio, and the sessions judged."""
        whole = mean_and_standard_error(self.daily.to_numpy(), overlap=self.horizon)
        error = whole.standard_error
        return {
            "rank_ic_mean": whole.mean,
            "rank_ic_se": error,
            "rank_ic_t": whole.mean / error if error > 0 else float("nan"),
            "rank_ic_sessions": float(whole.n),
            "decile_spread_mean": _known_mean([fold.decile_spread for fold in self.folds]),
            "rank_ic_worst_fold": float(np.nanmin([fold.rank_ic for fold in self.folds])),
        }


def walk_forward(
    model: Model, panel: pd.DataFrame, parameters: Mapping[str, Parameter], seed: int, progress: Progress
) -> Evaluation:
    """Fit and judge the model on every fold of its validation.

    Parameters
    ----------
    panel : as ``training.panel.prepare`` gives it, label included.
    progress : called after each fold.

    Raises
    ------
    Permanent
        Too few sessions for the folds; a fold without two different labels to fit; or no session that can be judged.
    """
    days = session_days(panel)
    known = panel["label"].notna().to_numpy()
    folds = _folds(model, np.unique(days[known]))
    ends = label_ends(days, panel["exchange"], model.horizon)
    labelled = panel.rename(columns={"label": model.label})
    results = []
    for number, fold in enumerate(folds, start=1):
        train, test = known & fold.train_rows(days, ends), known & fold.test_rows(days)
        results.append(_judge(model, labelled, (number, fold), (train, test), (parameters, seed)))
        progress(number, len(folds) + 1, f"fold {number}: rank IC {results[-1].rank_ic:+.4f}")
    if all(np.isnan(result.rank_ic) for result in results):
        raise Permanent(
            f"model {model.name}",
            expected="at least one session and exchange with five labelled names of different score",
            found=f"none in {len(folds)} folds",
        )
    return Evaluation(tuple(results), model.horizon)


def _folds(model: Model, dates: npt.NDArray[np.datetime64]) -> tuple[Fold, ...]:
    rules = model.validation
    try:
        return purged_walk_forward(
            dates, n_folds=rules.n_folds, horizon=model.horizon, embargo=rules.embargo, min_train=rules.min_train
        )
    except ValueError as error:
        raise Permanent(
            f"model {model.name}", expected="labelled sessions for its walk-forward", found=str(error)
        ) from error


def _judge(
    model: Model,
    labelled: pd.DataFrame,
    numbered: tuple[int, Fold],
    rows: tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]],
    how: tuple[Mapping[str, Parameter], int],
) -> FoldResult:
    (number, fold), (train, test), (parameters, seed) = numbered, rows, how
    booster = model.fit(labelled[train], parameters, seed)
    judged = labelled[test]
    scores, outcomes = model.predict(booster, judged), judged[model.label].to_numpy()
    groups = group_codes(session_days(judged), judged["exchange"])
    daily = session_rank_ic(scores, outcomes, session_days(judged), judged["exchange"])
    mean = mean_and_standard_error(daily.to_numpy(), overlap=model.horizon)
    return FoldResult(
        number=number,
        train_from=fold.train[0],
        train_to=fold.train[-1],
        test_from=fold.test[0],
        test_to=fold.test[-1],
        n_train_rows=int(train.sum()),
        n_test_rows=int(test.sum()),
        rank_ic=mean.mean,
        standard_error=mean.standard_error,
        decile_spread=_known_mean(quantile_spread(scores, outcomes, groups).to_numpy()),
        daily=daily,
    )


def _known_mean(values: npt.ArrayLike) -> float:
    known = np.asarray(values, dtype=np.float64)
    known = known[np.isfinite(known)]
    return float(known.mean()) if known.size else float("nan")
