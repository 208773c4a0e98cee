"""Training a sentiment model: an encoder, taught with several seeds, judged on sentences that it never saw, recorded and registered.

What does not belong here: reading headlines and the release (the caller), promotion (training.registry).
"""

import hashlib
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import mlflow
import mlflow.pyfunc
import numpy as np
import pandas as pd
from mlflow.entities import Metric, Param, Run
from mlflow.models import ModelSignature
from mlflow.tracking import MlflowClient
from mlflow.types import ColSpec, DataType, Schema

from market.errors import Permanent
from market.exports import CARD
from training import tracking
from training.curves import now_ms
from training.digests import Digests
from training.export import FORMAT, write
from training.gates import DIFFERS
from training.lock import ARTIFACT, DataLock
from training.registry import register
from training.replay import compare
from training.sentiment import plots
from training.sentiment.baselines import Baseline
from training.sentiment.card import card
from training.sentiment.deep import versions
from training.sentiment.encoder import open_encoder
from training.sentiment.fine_tuning import Fitted
from training.sentiment.folder import write_files
from training.sentiment.judging import Verdict, judge
from training.sentiment.labels import LABELS, Parts, split
from training.sentiment.model import FLAVOUR, SentimentModel
from training.sentiment.packed import FILE, pack
from training.sentiment.scoring import Scorer
from training.trained import Trained

Progress = Callable[[int, int, str], None]
_CURVE = 200  # points of a curve that are kept


@dataclass(frozen=True)
class Texts:
    """What a model is made from.

    Parameters
    ----------
    headlines : unlabelled, that an encoder of our own reads.
    sentences : ``text`` and ``label``, as ``training.sentiment.labels.read_labelled`` gives them.
    encoder : folder or hub id of the encoder, ``training.sentiment.model.OWN`` for one of our own.
    labels : where the sentences are from, for people.
    """

    headlines: Sequence[str]
    sentences: pd.DataFrame
    encoder: str
    labels: str

    def digest(self) -> str:
        """SHA-256 (hex) over headlines and labelled sentences, whatever their order."""
        rows = sorted({*self.headlines})
        labelled = sorted(f"{row.label}\0{row.text}" for row in self.sentences.itertuples())
        return hashlib.sha256("\n".join([*rows, "", *labelled]).encode()).hexdigest()


def train(
    model: SentimentModel,
    texts: Texts,
    lock: DataLock,
    tracking_uri: str,
    experiment: str,
    baselines: Mapping[str, Baseline],
    progress: Progress,
    *,
    artifact_root: str | None = None,
) -> Trained:
    """Teach, judge, record and register one model; equal texts and lock give equal bits of the model and what it says.

    Parameters
    ----------
    lock : of this model and these texts; its seed draws the split and the encoder.
    baselines : as ``training.sentiment.baselines.baselines`` gives them.
    tracking_uri, experiment, artifact_root, progress : as ``training.train.train`` takes them.

    Raises
    ------
    Permanent
        The lock is of other texts, the encoder cannot be opened, or there is too little text.  A run that fails after it began
        is marked FAILED in MLflow.
    """
    if lock.dataset_digest != texts.digest():
        raise Permanent("data lock", expected="the texts at hand", found="other ones", do="Make the lock from them")
    _refuse_another(model, texts, lock)
    client = tracking.client(tracking_uri)
    run = client.create_run(
        tracking.experiment_id(client, experiment, artifact_root),
        run_name=model.name,
        tags=lock.tags()
        | {
            "mlflow.source.git.commit": lock.code_sha,
            "mlflow.note.content": model.doc,
            tracking.PACKAGES: versions(),
        },
    )
    status = "FAILED"
    try:
        trained = _train(client, run, model, texts, lock, baselines, progress)
        status = "FINISHED"
    finally:
        client.set_terminated(run.info.run_id, status)
    return trained


def refit(model: SentimentModel, texts: Texts, lock: DataLock) -> Digests:
    """Taught again as the lock says; digests of what comes out.

    Raises
    ------
    Permanent
        The encoder, the labels or the declaration at hand are not the lock's; each parameter that differs is named.
    """
    _refuse_another(model, texts, lock)
    parts = split(texts.sentences, lock.seed)
    begun = model.begin(texts.encoder, texts.headlines, parts, lock.seed)
    return _digests(model.teach(texts.encoder, begun.files, parts.train, parts.validation, model.seeds[0]), parts)


def _refuse_another(model: SentimentModel, texts: Texts, lock: DataLock) -> None:
    here = model.parameters(texts.encoder, texts.labels)
    differ = [
        f"{name}: {lock.parameters.get(name)} against {here.get(name)}"
        for name in sorted(here.keys() | lock.parameters.keys())
        if here.get(name) != lock.parameters.get(name)
    ]
    if differ:
        raise Permanent(
            "data lock", expected="the model, encoder and labels at hand", found="; ".join(differ),
            do="Set MARKETLAKE_SENTIMENT_MODEL and MARKETLAKE_SENTIMENT_LABELS as they were, or replay at the commit that the lock names",
        )  # fmt: skip


def _train(
    client: MlflowClient,
    run: Run,
    model: SentimentModel,
    texts: Texts,
    lock: DataLock,
    baselines: Mapping[str, Baseline],
    progress: Progress,
) -> Trained:
    run_id, total = run.info.run_id, len(model.seeds) + 2
    client.log_batch(run_id, params=[Param(name, str(value)) for name, value in lock.parameters.items()])
    client.log_text(run_id, lock.to_json(), ARTIFACT)
    parts = split(texts.sentences, lock.seed)
    begun = model.begin(
        texts.encoder, texts.headlines, parts, lock.seed, _curve(client, run_id, "reading", model.reading.steps)
    )
    progress(1, total, f"the encoder {texts.encoder}")
    fits: list[Fitted] = []

    def fit(rows: pd.DataFrame, validation: pd.DataFrame, seed: int) -> Fitted:
        tuning = model.taught_by(texts.encoder)
        steps = tuning.epochs * -(-len(rows) // tuning.batch)
        fits.append(
            model.teach(
                texts.encoder, begun.files, rows, validation, seed, _curve(client, run_id, f"seed {seed}", steps)
            )
        )
        progress(1 + len(fits), total, f"seed {seed}: macro F1 {max(fits[-1].rounds):.4f} on the validation rows")
        return fits[-1]

    verdict = judge(parts, fit, model.seeds, baselines, model.taught_by(texts.encoder).threads)
    made = _digests(fits[0], parts)
    metrics = verdict.metrics() | {DIFFERS: float(len(compare(made, refit(model, texts, lock))))}
    _log_verdict(client, run_id, verdict, metrics, made)
    client.log_text(run_id, card(model, lock, texts, parts, verdict), CARD)
    _log_package(client, run_id, fits[0])
    version = register(client, model, run, lock)
    signature = _signature(model, lock, run_id, version, metrics, made)
    raw = pack(fits[0].files)
    write(client, run_id, FILE, raw, signature)
    progress(total, total, f"version {version} of {model.name}: macro F1 {verdict.macro_f1.value:.4f}")
    return Trained(run_id, version, metrics, raw, signature, made.to_dict())


def _digests(fitted: Fitted, parts: Parts) -> Digests:
    said = Scorer(open_encoder(fitted.files)).score(parts.test["text"].tolist())[list(LABELS)].to_numpy()
    return Digests(
        hashlib.sha256(pack(fitted.files)).hexdigest(), hashlib.sha256(np.ascontiguousarray(said).tobytes()).hexdigest()
    )


def _curve(client: MlflowClient, run_id: str, name: str, steps: int) -> Callable[[int, int, float], None]:
    """Logs a loss now and then, at most ``_CURVE`` of them, while it is taught."""
    every = max(steps // _CURVE, 1)

    def told(done: int, total: int, loss: float) -> None:
        if done % every == 0:
            client.log_metric(run_id, f"curve/{name}", loss, now_ms(), done, synchronous=True)

    return told


def _log_verdict(
    client: MlflowClient, run_id: str, verdict: Verdict, metrics: Mapping[str, float], made: Digests
) -> None:
    client.log_batch(run_id, metrics=[Metric(name, value, now_ms(), 0) for name, value in metrics.items()])
    for name, value in made.to_dict().items():
        client.set_tag(run_id, f"digest.{name}", value)
    client.log_figure(run_id, plots.confusion(verdict), "confusion.png")
    client.log_figure(run_id, plots.reliability(verdict), "reliability.png")
    client.log_text(run_id, verdict.by_class.to_csv(), "by_class.csv")


def _log_package(client: MlflowClient, run_id: str, fitted: Fitted) -> None:
    with tempfile.TemporaryDirectory() as folder:
        files = write_files(fitted.files, Path(folder) / "encoder")
        mlflow.pyfunc.save_model(
            path=f"{folder}/model",
            loader_module="training.sentiment.package",
            data_path=str(files),
            signature=ModelSignature(
                inputs=Schema([ColSpec(DataType.string, "text")]),
                outputs=Schema([ColSpec(DataType.double, name) for name in (*LABELS, "level")]),
            ),
            conda_env={
                "dependencies": ["python=3.11", "pip", {"pip": [f"mlflow=={mlflow.__version__}", "marketlake[deep]"]}]
            },
        )
        client.log_artifacts(run_id, f"{folder}/model", "model")


def _signature(
    model: SentimentModel, lock: DataLock, run_id: str, version: int, metrics: Mapping[str, float], made: Digests
) -> dict[str, object]:
    return {
        "format": FORMAT,
        "model": model.name,
        "version": version,
        "run_id": run_id,
        "release_id": lock.release_id,
        "doc": model.doc,
        "flavour": FLAVOUR,
        "file": FILE,
        "window_sessions": 0,
        "reach_days": 0,
        "features": [{"name": "text", "type": "string", "unit": "", "formula": "", "nullable": True}],
        "output": {
            "name": "level",
            "type": "float64",
            "unit": "1",
            "doc": "Probability of positive less that of negative, from -1 to 1; all three come with it",
        },
        "label": "label",
        "horizon_sessions": 0,
        "metrics": dict(metrics),
        "digests": made.to_dict(),
        "lock": lock.to_dict(),
    }
