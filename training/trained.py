"""What a training run hands back to its caller.

What does not belong here: making it (training.train), the files that serving gets (training.export).
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Trained:
    """A finished run.

    Parameters
    ----------
    run_id, version : in MLflow; the version of the registered model of the model's name.
    metrics : by name, as logged.
    booster : raw bytes, fitted on every row with a known label.
    signature : what ``training.export`` writes beside the booster.
    digests : ``booster`` and ``predictions`` (SHA-256, hex); a replay must meet both.
    """

    run_id: str
    version: int
    metrics: dict[str, float]
    booster: bytes
    signature: dict[str, object]
    digests: dict[str, str]
