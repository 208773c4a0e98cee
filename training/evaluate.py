"""Judging a model by purged walk-forward, beside the baselines on the same rows, and over combinations of blocks.

What does not belong here: the arithmetic (market.splits, market.evaluation), what the scores show (training.evidence).
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from market.errors import Permanent
from market.evaluation import least_beyond_chance, mean_and_standard_error, quantile_spread, session_rank_ic
from market.labels import group_codes
from market.splits import Fold, combinatorial_purged, label_ends, purged_walk_forward
from training.algorithm import Float1D, Parameter
from training.baselines import BASELINES
from training.inputs import Rows, reach
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
    """All folds, oldest first, and every score that was made out of sample.

    ``rows`` holds them: session_date (datetime64[ns]), exchange, security_id, score, outcome (the label), and a column for the
    score of each baseline; a row per judged security and session, sorted by both.
    """

    folds: tuple[FoldResult, ...]
    horizon: int
    rows: pd.DataFrame

    @property
    def daily(self) -> "pd.Series[float]":
        """(days,) out-of-sample rank IC, indexed by session date, oldest first; exchanges weighted by their names."""
        return pd.concat([fold.daily for fold in self.folds])

    def metrics(self) -> dict[str, float]:
        """Mean out-of-sample rank IC, its standard error, their ratio, what noise exceeds once in 40, and the sessions judged."""
        whole = mean_and_standard_error(self.daily.to_numpy(), overlap=self.horizon)
        error = whole.standard_error
        return {
            "rank_ic_mean": whole.mean,
            "rank_ic_se": error,
            "rank_ic_t": whole.mean / error if error > 0 else float("nan"),
            "rank_ic_bar": error * least_beyond_chance(whole.n, self.horizon) if error > 0 else float("nan"),
            "rank_ic_sessions": float(whole.n),
            "decile_spread_mean": _known_mean([fold.decile_spread for fold in self.folds]),
            "rank_ic_worst_fold": float(np.nanmin([fold.rank_ic for fold in self.folds])),
        }


def walk_forward(
    model: Model,
    panel: pd.DataFrame,
    parameters: Mapping[str, Parameter],
    seed: int,
    progress: Progress,
    *,
    oldest: int | None = None,
) -> Evaluation:
    """Fit and judge the model on every fold of its validation.

    Parameters
    ----------
    panel : as ``training.panel.prepare`` gives it, label included.
    progress : called after each fold.
    oldest : only so many of the folds, the oldest ones; all without it.

    Raises
    ------
    Permanent
        Too few sessions for the folds; a fold without two different labels to fit; or no session that can be judged.
    """
    days = session_days(panel)
    known = panel["label"].notna().to_numpy()
    folds = _folds(model, np.unique(days[known]))[:oldest]
    ends = label_ends(days, panel["exchange"], model.horizon)
    results, judged = [], []
    for number, fold in enumerate(folds, start=1):
        train, test = known & fold.train_rows(days, ends), known & fold.test_rows(days)
        judged.append(_scored(model, panel, (train, test), (parameters, seed)))
        results.append(_result(model, (number, fold), int(train.sum()), judged[-1]))
        progress(number, len(folds) + 1, f"fold {number}: rank IC {results[-1].rank_ic:+.4f}")
    if all(np.isnan(result.rank_ic) for result in results):
        raise Permanent(
            f"model {model.name}",
            expected="at least one session and exchange with five labelled names of different score",
            found=f"none in {len(folds)} folds",
        )
    return Evaluation(tuple(results), model.horizon, pd.concat(judged, ignore_index=True))


def combinations(
    model: Model, panel: pd.DataFrame, parameters: Mapping[str, Parameter], seed: int
) -> "pd.Series[float]":
    """Mean rank IC of each path through the model's combinations of blocks, indexed by the path's number from 1.

    A path has every block once, each judged by a fit that saw nothing near it (``market.splits.combinatorial_purged``).

    Parameters
    ----------
    panel : as ``training.panel.prepare`` gives it, label included.

    Returns
    -------
    No value at all where the model declares no combinations; NaN for a path without a session that can be judged.

    Raises
    ------
    Permanent
        Too few sessions for the blocks, or a combination without two different labels to fit.
    """
    rules = model.combinations
    if rules is None:
        return pd.Series([], index=pd.Index([], name="path", dtype=np.int64), dtype=np.float64, name="rank_ic")
    days = session_days(panel)
    known = panel["label"].notna().to_numpy()
    ends = label_ends(days, panel["exchange"], model.horizon)
    try:
        found = combinatorial_purged(
            np.unique(days[known]),
            n_blocks=rules.n_blocks,
            n_test=rules.n_test,
            horizon=model.horizon,
            embargo=model.validation.embargo,
        )
    except ValueError as error:
        raise Permanent(f"model {model.name}", expected="labelled sessions for its blocks", found=str(error)) from error
    paths: dict[int, list[pd.Series[float]]] = {}
    times: Counter[int] = Counter()
    for combination in found:
        booster = _fitted(model, panel, known & combination.train_rows(days, ends), (parameters, seed))
        for number, block in enumerate(combination.blocks):
            test = panel[known & combination.test_rows(days, number)]
            scores = _scores(model, panel, known & combination.test_rows(days, number), booster, parameters)
            daily = session_rank_ic(scores, test["label"], session_days(test), test["exchange"])
            times[block] += 1
            paths.setdefault(times[block], []).append(daily)
    means = {path: _known_mean(pd.concat(parts).to_numpy()) for path, parts in sorted(paths.items())}
    return pd.Series(means, name="rank_ic", dtype=np.float64).rename_axis("path")


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


def _scored(
    model: Model, panel: pd.DataFrame, rows: tuple[Rows, Rows], how: tuple[Mapping[str, Parameter], int]
) -> pd.DataFrame:
    """The test's rows with the score of a fit on the training's, and with those of the baselines."""
    train, test = rows
    judged = panel[test]
    made = judged[["session_date", "exchange", "security_id"]].copy()
    made["score"] = _scores(model, panel, test, _fitted(model, panel, train, how), how[0])
    made["outcome"] = judged["label"]
    for name, baseline in BASELINES.items():
        made[name] = baseline(panel, train, test, model.horizon)
    return made


def _fitted(model: Model, panel: pd.DataFrame, train: Rows, how: tuple[Mapping[str, Parameter], int]) -> bytes:
    seen, rows = _with_history(panel, train, model.algorithm.window(how[0]))
    return model.fit(seen.assign(label=seen["label"].where(rows)).rename(columns={"label": model.label}), *how)


def _scores(
    model: Model, panel: pd.DataFrame, rows: Rows, booster: bytes, parameters: Mapping[str, Parameter]
) -> Float1D:
    return model.predict(booster, *_with_history(panel, rows, model.algorithm.window(parameters)))


def _with_history(panel: pd.DataFrame, rows: Rows, width: int) -> tuple[pd.DataFrame, Rows]:
    """The rows and those before them that a window of that width may reach into, and which of these are the rows."""
    if width == 1:
        return panel[rows], np.ones(int(rows.sum()), dtype=np.bool_)
    days = session_days(panel)
    near = (days >= days[rows].min() - reach(width)) & (days <= days[rows].max())
    return panel[near], rows[near]


def _result(model: Model, numbered: tuple[int, Fold], n_train_rows: int, judged: pd.DataFrame) -> FoldResult:
    number, fold = numbered
    scores, outcomes = judged["score"].to_numpy(), judged["outcome"].to_numpy()
    daily = session_rank_ic(scores, outcomes, session_days(judged), judged["exchange"])
    mean = mean_and_standard_error(daily.to_numpy(), overlap=model.horizon)
    groups = group_codes(session_days(judged), judged["exchange"])
    return FoldResult(
        number=number,
        train_from=fold.train[0],
        train_to=fold.train[-1],
        test_from=fold.test[0],
        test_to=fold.test[-1],
        n_train_rows=n_train_rows,
        n_test_rows=len(judged),
        rank_ic=mean.mean,
        standard_error=mean.standard_error,
        decile_spread=_known_mean(quantile_spread(scores, outcomes, groups).to_numpy()),
        daily=daily,
    )


def _known_mean(values: npt.ArrayLike) -> float:
    known = np.asarray(values, dtype=np.float64)
    known = known[np.isfinite(known)]
    return float(known.mean()) if known.size else float("nan")
