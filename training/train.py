"""Training one model: judge it by walk-forward, fit it on everything known, record it in MLflow, register a version.

What does not belong here: reading the frame and the release (the caller), promotion (training.registry).
"""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd
from mlflow.entities import Metric, Param, Run
from mlflow.tracking import MlflowClient

from market.exports import CARD
from training import court, evidence, plots, tracking, trials
from training.algorithm import Importance
from training.card import card
from training.curves import Curve, now_ms
from training.digests import Digests, digests
from training.distributed import Launch
from training.evaluate import Evaluation, Progress, combinations, walk_forward
from training.export import signature_of, write
from training.gates import DIFFERS
from training.lock import ARTIFACT, DataLock
from training.model import Model
from training.packages import save_package
from training.panel import prepare
from training.registry import register
from training.replay import compare, refit
from training.trained import Trained


def train(
    model: Model,
    frame: pd.DataFrame,
    lock: DataLock,
    tracking_uri: str,
    experiment: str,
    progress: Progress | None = None,
    *,
    artifact_root: str | None = None,
    accused: Sequence[str] = (),
    launch: Launch | None = None,
    sizes: pd.DataFrame | None = None,
) -> Trained:
    """Train, judge, record and register one model; the same frame and lock give equal bits of booster and predictions.

    Parameters
    ----------
    frame : security_id, session_date, ``exchange`` (else the part of security_id before the colon), the model's features
        and its label, null where not known yet.  Row order does not matter.
    lock : of this model and frame; its parameters and seed are the ones used.
    tracking_uri : as ``training.tracking.client`` takes it.
    experiment : name in MLflow, made on first use.
    progress : called with (steps done, steps in all, what was done).
    accused : what is already known against the rows, a sentence each; counted with what the leak court finds.
    launch : how the ranks of a distributed model are started; its curve goes into the run while it is fitted.
    sizes : of the names, as ``training.evidence.shown`` takes them.
    artifact_root : place for the artifacts of a new experiment, as ``training.tracking.experiment_id`` takes it.

    Raises
    ------
    Permanent
        The frame, the lock or the tracking URI does not fit, or there is too little history.  A run that fails after it
        began is marked FAILED in MLflow.
    """
    report = progress or (lambda done, total, what: None)
    panel = prepare(f"model {model.name}", frame, model.features, model.label)
    lock.check(model, panel)
    client = tracking.client(tracking_uri)
    run = client.create_run(
        tracking.experiment_id(client, experiment, artifact_root),
        run_name=model.name,
        tags=tags_of(model, lock, "training"),
    )
    status = "FAILED"
    curve = Curve(client, run.info.run_id)
    model = model.launched(replace(launch or Launch(), told=curve))
    try:
        trained = _train(client, run, model, panel, lock, report, accused, sizes)
        status = "FINISHED"
    finally:
        client.set_terminated(run.info.run_id, status)
    return trained


def _train(
    client: MlflowClient,
    run: Run,
    model: Model,
    panel: pd.DataFrame,
    lock: DataLock,
    report: Progress,
    accused: Sequence[str],
    sizes: pd.DataFrame | None,
) -> Trained:
    run_id = run.info.run_id
    _log_start(client, run_id, model, lock)
    evaluation = walk_forward(model, panel, lock.parameters, lock.seed, report)
    metrics = log_judged(client, run, model, evaluation, sizes)
    paths = combinations(model, panel, lock.parameters, lock.seed)
    metrics |= evidence.stability(paths) | {"train_rows": float(panel["label"].notna().sum())}
    findings = [*(str(one) for one in court.tried(model, panel, lock.parameters, lock.seed, evaluation)), *accused]
    metrics |= {court.LEAKS: float(len(findings))}
    client.log_text(run_id, "\n".join(findings) or "none", court.TOLD)
    labelled = panel.rename(columns={"label": model.label})
    booster = model.fit(labelled, lock.parameters, lock.seed)
    made = digests(model, booster, panel)
    metrics |= {
        DIFFERS: float(len(compare(made, refit(model, labelled.sample(frac=1.0, random_state=lock.seed), lock))))
    }
    _log_results(client, run_id, evaluation, metrics, made)
    shares = model.algorithm.importance(booster, model.features)
    client.log_text(run_id, card(model, lock, evaluation, metrics, findings, shares), CARD)
    _log_booster(client, run_id, model, booster, shares)
    version = register(client, model, run, lock)
    signature = signature_of(model, lock, run_id, version, metrics, made)
    trained = Trained(run_id, version, metrics, booster, signature, made.to_dict())
    write(client, run_id, model.algorithm.file, booster, signature)
    total = len(evaluation.folds) + 1
    report(total, total, f"version {version} of {model.name}: rank IC {metrics['rank_ic_mean']:+.4f}")
    return trained


def log_judged(
    client: MlflowClient, run: Run, model: Model, evaluation: Evaluation, sizes: pd.DataFrame | None = None
) -> dict[str, float]:
    """Record what an evaluation shows with its run, and discount it by every trial of the experiment; the metrics by name."""
    made = evidence.tranches_of(evaluation)
    metrics = evidence.shown(evaluation, made, sizes)
    if model.target == "up":
        metrics |= evidence.as_probability(evaluation)
    for name in (trials.SHARPE, trials.ICIR, trials.RANK_IC):  # first, so that the ledger has them
        client.log_metric(run.info.run_id, name, metrics[name])
    client.log_text(run.info.run_id, made.to_csv(), trials.TRANCHES)
    ledger = trials.ledger(client, client.get_experiment(run.info.experiment_id).name)
    every = trials.tranches(client, ledger)
    metrics |= evidence.discounted(evaluation.daily, _by_text(made["net"]), evaluation.horizon, ledger, every)
    now = now_ms()
    client.log_batch(run.info.run_id, metrics=[Metric(name, value, now, 0) for name, value in metrics.items()])
    return metrics


def _by_text(series: "pd.Series[float]") -> "pd.Series[float]":
    return series.set_axis(pd.DatetimeIndex(series.index).strftime("%Y-%m-%d"))


def tags_of(model: Model, lock: DataLock, kind: str) -> dict[str, str]:
    """Tags of a run, of a training or of a trial in tuning."""
    return lock.tags() | {
        trials.TRIAL: trials.trial_of(model, lock),
        trials.KIND: kind,
        "mlflow.source.git.commit": lock.code_sha,
        "mlflow.note.content": model.doc,
        "feature_service": model.service,
        tracking.PACKAGES: model.algorithm.version,
    }


def _log_start(client: MlflowClient, run_id: str, model: Model, lock: DataLock) -> None:
    rules = model.validation
    named = {
        **lock.parameters,
        "seed": lock.seed,
        "features": ", ".join(model.features),
        "label": model.label,
        "target": model.target,
        "horizon_sessions": model.horizon,
        "stopping": str(model.stopping),
        "n_folds": rules.n_folds,
        "embargo_sessions": rules.embargo,
        "min_train_sessions": rules.min_train,
    }
    client.log_batch(run_id, params=[Param(name, str(value)) for name, value in named.items()])
    client.log_text(run_id, lock.to_json(), ARTIFACT)


def _log_results(
    client: MlflowClient, run_id: str, evaluation: Evaluation, metrics: Mapping[str, float], made: Digests
) -> None:
    now = now_ms()
    logged = [Metric(name, value, now, 0) for name, value in metrics.items()]
    for fold in evaluation.folds:
        of_fold = {
            "fold_rank_ic": fold.rank_ic,
            "fold_rank_ic_se": fold.standard_error,
            "fold_train_rows": float(fold.n_train_rows),
            "fold_test_rows": float(fold.n_test_rows),
        }
        logged += [Metric(name, value, now, fold.number) for name, value in of_fold.items()]
    client.log_batch(run_id, metrics=logged)
    for name, value in made.to_dict().items():
        client.set_tag(run_id, f"digest.{name}", value)
    client.log_dict(run_id, {"folds": [fold.to_dict() for fold in evaluation.folds]}, "folds.json")
    client.log_text(run_id, evaluation.daily.to_csv(), tracking.DAILY)
    pictures = {
        "rank_ic_by_fold": plots.rank_ic_by_fold(evaluation),
        "baselines_and_decay": plots.beside_baselines(metrics),
        "tenths": plots.tenths(evaluation.rows),
        "earned": plots.earned(evidence.tranches_of(evaluation)),
    }
    if "calibration_error" in metrics:
        pictures["calibration"] = plots.calibration(evaluation.rows)
    for name, figure in pictures.items():
        client.log_figure(run_id, figure, f"{name}.png")


def _log_booster(client: MlflowClient, run_id: str, model: Model, booster: bytes, shares: Importance) -> None:
    client.log_dict(run_id, shares, "feature_importance.json")
    client.log_figure(run_id, plots.importance(shares), "feature_importance.png")
    with tempfile.TemporaryDirectory() as folder:
        save_package(model, booster, Path(folder) / "model")
        client.log_artifacts(run_id, str(Path(folder) / "model"), "model")
