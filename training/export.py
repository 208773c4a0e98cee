"""What serving gets of a model: the raw booster and a signature that says what goes in, what comes out and where it is from.

What does not belong here: where the bytes are stored (the caller writes them to the lake), loading them (serving).
"""

import json
import math
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from mlflow.tracking import MlflowClient

from market import exports as market_exports
from market.exports import CARD
from market.features.catalogue import catalogue
from training import tracking
from training.digests import Digests
from training.inputs import reach
from training.lock import DataLock
from training.model import Model
from training.registry import run_id_of

SIGNATURE = "signature.json"
FORMAT = 1


def write(client: MlflowClient, run_id: str, file: str, raw: bytes, signature: Mapping[str, object]) -> None:
    """Log the fitted model under its file's name, and ``signature.json`` (UTF-8, sorted keys), as what serving gets."""
    text = json.dumps(signature, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / file).write_bytes(raw)
        (Path(folder) / SIGNATURE).write_text(text)
        client.log_artifacts(run_id, folder, "export")


def signature_of_version(tracking_uri: str, name: str, version: int) -> dict[str, Any]:
    """The parsed signature of a registered version; errors as of ``of_version``."""
    client = tracking.client(tracking_uri)
    return market_exports.signature_of(
        tracking.artifact(client, run_id_of(client, name, version), f"export/{SIGNATURE}")
    )


def of_version(tracking_uri: str, name: str, version: int) -> dict[str, bytes]:
    """The files of a registered version by name, as its run recorded them; for a promotion or a rollback long after training.

    Raises
    ------
    Permanent
        There is no such version, or its run holds no export.
    """
    client = tracking.client(tracking_uri)
    run_id = run_id_of(client, name, version)
    text = tracking.artifact(client, run_id, f"export/{SIGNATURE}")
    file = str(market_exports.signature_of(text)["file"])
    return {file: tracking.artifact(client, run_id, f"export/{file}"), SIGNATURE: text}


def shown_of_version(tracking_uri: str, name: str, version: int) -> dict[str, bytes]:
    """The card of a registered version and its pictures by name, as its run recorded them; Permanent where there is no such version."""
    client = tracking.client(tracking_uri)
    run_id = run_id_of(client, name, version)
    paths = sorted(path for path in tracking.artifacts(client, run_id) if path == CARD or path.endswith(".png"))
    return {path: tracking.artifact(client, run_id, path) for path in paths}


def signature_of(
    model: Model,
    lock: DataLock,
    run_id: str,
    version: int,
    metrics: Mapping[str, float],
    made: Digests,
) -> dict[str, object]:
    """The signature, of JSON types only.

    ``features`` lists name, type, unit and formula in the order that the booster knows; a null is allowed and means "not
    known".  Where unit or formula no longer equal the catalogue's the model is not served (``market.exports.refuse_changed``).
    A score looks at ``window_sessions`` sessions of a security, none older than ``reach_days`` before the row.
    ``output`` describes the score.  ``digests``, ``lock``, ``metrics``, ``run_id`` and ``version`` say where it is from.
    """
    return {
        "format": FORMAT,
        "model": model.name,
        "version": version,
        "run_id": run_id,
        "release_id": lock.release_id,
        "doc": model.doc,
        "flavour": model.algorithm.flavour,
        "file": model.algorithm.file,
        "window_sessions": (width := model.algorithm.window(lock.parameters)),
        "reach_days": int(reach(width).astype(np.int64)),
        "algorithm": model.algorithm.version,
        "service": model.service,
        "features": [feature(name) for name in model.features],
        "output": {
            "name": "score",
            "type": "float64",
            "unit": "1",
            "doc": "Higher is better; compare within one session and exchange only",
        },
        "label": model.label,
        "target": model.target,
        "horizon_sessions": model.horizon,
        "metrics": {name: None if math.isnan(value) else value for name, value in metrics.items()},  # JSON has no NaN
        "digests": made.to_dict(),
        "lock": lock.to_dict(),
    }


def feature(name: str) -> dict[str, object]:
    """One entry of the signature; unit and formula are the catalogue's, empty for a feature that is not in it."""
    known = catalogue().get(name)
    unit, formula = ("", "") if known is None else (known.unit, str(known.expr))
    return {"name": name, "type": "float64", "unit": unit, "formula": formula, "nullable": True}
