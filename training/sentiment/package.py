"""What MLflow loads a registered sentiment model with: texts in, probabilities of the three classes out.

What does not belong here: writing the package (training.sentiment.train).
"""

from pathlib import Path

import pandas as pd

from training.sentiment.scoring import Scorer


class Loaded:
    """A registered model as MLflow's ``pyfunc`` asks it."""

    def __init__(self, folder: Path) -> None:
        self._scorer = Scorer(folder)

    def predict(self, frame: pd.DataFrame, params: dict[str, object] | None = None) -> pd.DataFrame:
        """As ``Scorer.score`` of the column ``text``."""
        return self._scorer.score(frame["text"].tolist())


def _load_pyfunc(path: str) -> Loaded:
    """The name that MLflow looks for."""
    return Loaded(Path(path))
