"""Looking for parameters: Optuna proposes, the walk-forward judges, and every trial goes into the ledger.

What does not belong here: what may be varied (the algorithm says), adopting what was found (a line in the model's file).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import optuna
import pandas as pd
from mlflow.entities import Param
from mlflow.tracking import MlflowClient

from training import tracking
from training.algorithm import Parameter
from training.distributed import Launch
from training.evaluate import Progress, walk_forward
from training.evidence import discounted
from training.lock import DataLock
from training.model import Model
from training.panel import prepare
from training.train import log_judged, tags_of
from training.trials import Trial, ledger, tranches, trial_of

optuna.logging.set_verbosity(optuna.logging.WARNING)


@dataclass(frozen=True)
class Tried:
    """One proposal: its parameters, complete, what came of it, and whether the ledger knew it already."""

    parameters: Mapping[str, Parameter]
    rank_ic: float
    run_id: str
    trial: str
    known: bool


@dataclass(frozen=True)
class Tuned:
    """What a search found.

    Parameters
    ----------
    tried : every proposal, in order; the first is the model as declared.
    best : the one of the highest mean rank IC; the first of equals, so the declared one where nothing beats it.
    trials : in the ledger of the model by now, those of former searches and trainings included.
    deflated_rank_ic, deflated_sharpe, overfitting_probability : of the best, discounted by all of these trials; see
        ``training.evidence.discounted``.
    """

    tried: tuple[Tried, ...]
    best: Tried
    trials: int
    deflated_rank_ic: float
    deflated_sharpe: float
    overfitting_probability: float


def tune(
    model: Model,
    frame: pd.DataFrame,
    lock: DataLock,
    tracking_uri: str,
    experiment: str,
    n_trials: int,
    progress: Progress,
    *,
    artifact_root: str | None = None,
    launch: Launch | None = None,
) -> Tuned:
    """Judge ``n_trials`` choices of parameters by the model's walk-forward, the declared ones first.

    A search that was broken off goes on where it was: what the ledger knows of the same rows is not fitted again.

    Parameters
    ----------
    frame, lock, tracking_uri, experiment, artifact_root, launch : as ``training.train.train`` takes them; the lock's seed is the
        search's too.
    n_trials : at least 1.
    progress : called after each.

    Raises
    ------
    Permanent
        As ``training.train.train``.
    """
    client = tracking.client(tracking_uri)
    panel = prepare(f"model {model.name}", frame, model.features, model.label)
    lock.check(model, panel)
    model = model.launched(launch or Launch())
    place = tracking.experiment_id(client, experiment, artifact_root)
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=lock.seed))
    study.enqueue_trial({name: lock.parameters[name] for name in model.algorithm.search})
    tried: list[Tried] = []

    def judged(trial: optuna.Trial) -> float:
        chosen = model.algorithm.validated({**lock.parameters, **_proposed(model, trial)})
        tried.append(_judged(client, place, model, panel, replace(lock, parameters=chosen)))
        progress(len(tried), n_trials, f"rank IC {tried[-1].rank_ic:+.4f}{' (known)' if tried[-1].known else ''}")
        return tried[-1].rank_ic

    study.optimize(judged, n_trials=n_trials)
    best = max(tried, key=lambda one: one.rank_ic)
    found = ledger(client, experiment)
    every = tranches(client, found)
    told = discounted(
        tracking.daily_rank_ic(client, best.run_id), every[best.trial].dropna(), model.horizon, found, every
    )
    return Tuned(
        tried=tuple(tried),
        best=best,
        trials=len(found),
        deflated_rank_ic=told["deflated_rank_ic"],
        deflated_sharpe=told["deflated_sharpe"],
        overfitting_probability=told["overfitting_probability"],
    )


def _proposed(model: Model, trial: optuna.Trial) -> dict[str, Parameter]:
    proposed: dict[str, Parameter] = {}
    for name, (low, high, log) in model.algorithm.search.items():
        if isinstance(low, int) and isinstance(high, int):
            proposed[name] = trial.suggest_int(name, low, high, log=log)
        else:
            proposed[name] = trial.suggest_float(name, float(low), float(high), log=log)
    return proposed


def _judged(client: MlflowClient, place: str, model: Model, panel: pd.DataFrame, lock: DataLock) -> Tried:
    trial = trial_of(model, lock)
    known = _known(client, place, trial, lock.code_sha)
    if known is not None:
        return Tried(lock.parameters, known.rank_ic, known.run_id, trial, True)
    run = client.create_run(place, run_name=f"{model.name} trial", tags=tags_of(model, lock, "tuning"))
    status = "FAILED"
    try:
        named = {**lock.parameters, "seed": lock.seed}
        client.log_batch(run.info.run_id, params=[Param(name, str(value)) for name, value in named.items()])
        evaluation = walk_forward(model, panel, lock.parameters, lock.seed, lambda done, total, what: None)
        client.log_text(run.info.run_id, evaluation.daily.to_csv(), tracking.DAILY)
        metrics = log_judged(client, run, model, evaluation)
        status = "FINISHED"
    finally:
        client.set_terminated(run.info.run_id, status)
    return Tried(lock.parameters, metrics["rank_ic_mean"], run.info.run_id, trial, False)


def _known(client: MlflowClient, place: str, trial: str, code_sha: str) -> Trial | None:
    """What the ledger has of a trial, where a run of it at this commit was judged to its end."""
    found = [one for one in ledger(client, client.get_experiment(place).name) if one.trial == trial]
    return found[0] if found and found[0].code_sha == code_sha and found[0].rank_ic == found[0].rank_ic else None
