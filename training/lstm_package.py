"""What MLflow loads a registered LSTM with: rows of features in, a score for each from its window.

What does not belong here: writing the package (training.packages).
"""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from training.inputs import Inputs
from training.lstm import Lstm
from training.lstm_network import Fitted
from training.panel import feature_matrix


class Loaded:
    """A registered LSTM as MLflow's ``pyfunc`` asks it."""

    def __init__(self, raw: bytes) -> None:
        self._raw, self._features = raw, Fitted.unpack(raw).shape.features

    def predict(self, frame: pd.DataFrame, params: dict[str, object] | None = None) -> npt.NDArray[np.float64]:
        """(n,) score per row of security_id, session_date and the features; earlier rows of a security are its window."""
        numbers = feature_matrix("LSTM", frame, self._features)
        return Lstm().predict(self._raw, Inputs(frame, numbers, np.ones(len(frame), dtype=np.bool_)))


def _load_pyfunc(path: str) -> Loaded:
    """The name that MLflow looks for."""
    return Loaded(Path(path).read_bytes())
