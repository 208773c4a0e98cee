"""The trial ledger: every fit that was judged for a model, tuning included; what a good result has to be discounted by.

It is MLflow's experiment of the model's name: a run is never removed from it, and one that failed counts too.
What does not belong here: the discount (market.overfitting), searching for parameters (training.tuning).
"""

import hashlib
import io
import json
from dataclasses import dataclass

import numpy as np
import pandas as pd
from mlflow.tracking import MlflowClient

from market.errors import Permanent
from training import tracking
from training.lock import DataLock
from training.model import Model

TRIAL = "trial"
"""Tag of a run: what was tried. Two runs of one trial give the same bits, and count once."""
KIND = "trial.kind"
SHARPE = "top_net_sharpe"
"""Metric of a run: Sharpe ratio of its tranches, net of costs, per tranche; ``training.evidence`` computes it."""
TRANCHES = "top_tranches.csv"
"""Artifact of a run: its tranches by session, as ``market.deciles.top_tranches`` gives them."""


@dataclass(frozen=True)
class Trial:
    """One thing that was tried.

    Parameters
    ----------
    trial : digest of what was tried; the run's id where the run does not say.
    run_id : the newest run of it that got as far as a Sharpe ratio, else the newest.
    kind : ``training`` or ``tuning``.
    sharpe : of its tranches after costs; NaN where no run of it got so far.
    """

    trial: str
    run_id: str
    kind: str
    sharpe: float


def trial_of(model: Model, lock: DataLock) -> str:
    """Digest of what a run tries: the model as declared, its parameters and seed, and the rows it sees."""
    tried = {
        "features": list(model.features),
        "label": model.label,
        "target": model.target,
        "horizon": model.horizon,
        "algorithm": model.algorithm.version,
        "validation": repr(model.validation),
        "parameters": dict(lock.parameters),
        "seed": lock.seed,
        "dataset": lock.dataset_digest,
    }
    return hashlib.sha256(json.dumps(tried, sort_keys=True).encode()).hexdigest()[:16]


def ledger(client: MlflowClient, experiment: str) -> list[Trial]:
    """Every distinct trial of an experiment, the oldest first; none where there is no such experiment."""
    found = client.get_experiment_by_name(experiment)
    if found is None:
        return []
    trials: dict[str, Trial] = {}
    token: str | None = None
    while True:
        page = client.search_runs(
            [found.experiment_id], order_by=["attributes.start_time ASC"], max_results=1_000, page_token=token
        )
        for run in page:
            tags, sharpe = run.data.tags, run.data.metrics.get(SHARPE, np.nan)
            name = tags.get(TRIAL, run.info.run_id)
            if name in trials and np.isnan(sharpe):
                continue
            trials[name] = Trial(name, run.info.run_id, tags.get(KIND, "training"), sharpe)
        token = page.token
        if not token:
            return list(trials.values())


def tranches(client: MlflowClient, trials: list[Trial]) -> pd.DataFrame:
    """Net return of every trial's tranches: (sessions, trials), one column per trial, NaN where it was not judged that session."""
    columns = {}
    for trial in trials:
        try:
            table = pd.read_csv(
                io.BytesIO(tracking.artifact(client, trial.run_id, TRANCHES)), dtype={"session_date": str}
            )
        except Permanent:  # a run that failed before it was judged, or is older than the ledger
            continue
        columns[trial.trial] = table.set_index("session_date")["net"]
    return pd.DataFrame(columns).sort_index()
