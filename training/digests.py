"""Fingerprints of a fitted model: of its bytes and of what it predicts; equal where a replay matches.

What does not belong here: fitting (training.model), the digest of a table (market.digest).
"""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass

import pandas as pd
import pyarrow as pa

from market.digest import digest
from market.errors import Permanent
from training.algorithm import Float1D
from training.model import Model
from training.panel import KEY, prepare, session_days


@dataclass(frozen=True)
class Digests:
    """SHA-256 (hex) of the raw booster's bytes, and of its predictions with their keys on the training frame."""

    booster: str
    predictions: str

    def to_dict(self) -> dict[str, str]:
        """Both, by name."""
        return asdict(self)

    @classmethod
    def from_dict(cls, plain: Mapping[str, str]) -> "Digests":
        """Both from their names; Permanent where one is missing."""
        missing = [name for name in ("booster", "predictions") if not plain.get(name)]
        if missing:
            raise Permanent("digests", expected="booster and predictions", found=f"no {' and no '.join(missing)}")
        return cls(plain["booster"], plain["predictions"])


def digests(model: Model, booster: bytes, frame: pd.DataFrame) -> Digests:
    """Digests of a fitted booster and of its predictions on a frame."""
    panel = prepare(f"model {model.name}", frame, model.features)
    return Digests(hashlib.sha256(booster).hexdigest(), _predictions_digest(panel, model.predict(booster, panel)))


def _predictions_digest(panel: pd.DataFrame, scores: Float1D) -> str:
    rows = pa.table(
        {
            "security_id": pa.array(panel["security_id"], pa.string()),
            "session_date": pa.array(session_days(panel), pa.date32()),
            "score": pa.array(scores, pa.float64()),
        }
    )
    return digest(rows, KEY, [*KEY, "score"])
