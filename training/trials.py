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
ICIR = "rank_ic_ir"
"""Metric of a run: mean over standard deviation of its daily rank IC."""
RANK_IC = "rank_ic_mean"
SAME_BITS = ("nthread",)
"""Parameters that change nothing of a fit."""
TRANCHES = "top_tranches.csv"
"""Artifact of a run: its tranches by session, as ``market.deciles.top_tranches`` gives them."""


@dataclass(frozen=True)
class Trial:
    """One thing that was tried.

    Parameters
    ----------
    trial : digest of what was tried; the run's id where the run does not say.
    run_id : the newest run of it that was judged to its end, else the newest.
    kind : ``training`` or ``tuning``.
    code_sha : commit of that run.
    rank_ic, icir, sharpe : mean rank IC, over its standard deviation, and Sharpe ratio of the tranches after costs; NaN where
        no run of it got so far.
    """

    trial: str
    run_id: str
    kind: str
    code_sha: str
    rank_ic: float
    icir: float
    sharpe: float


def trial_of(model: Model, lock: DataLock) -> str:
    """Digest of what a run tries: the model as declared, its parameters and seed, the rows it sees and the costs it pays.

    Not the code: another commit is another trial only where it changes what the declaration says.
    """
    tried = {
        "features": list(model.features),
        "label": model.label,
        "target": model.target,
        "horizon": model.horizon,
        "algorithm": model.algorithm.version,
        "validation": repr(model.validation),
        "stopping": repr(model.stopping),
        "rulebook": lock.rulebook,
        "parameters": {name: value for name, value in lock.parameters.items() if name not in SAME_BITS},
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
            tags = run.data.tags
            rank_ic, icir, sharpe = (run.data.metrics.get(name, np.nan) for name in (RANK_IC, ICIR, SHARPE))
            name = tags.get(TRIAL, run.info.run_id)
            if name in trials and np.isnan(rank_ic):
                continue
            about = (tags.get(KIND, "training"), tags.get("lock.code_sha", ""))
            trials[name] = Trial(name, run.info.run_id, *about, rank_ic, icir, sharpe)
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
