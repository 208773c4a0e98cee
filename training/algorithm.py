"""What a model may be made of: the interface between our frame (splits, registry, replay) and a learning library.

What does not belong here: any library. XGBoost is in training.gradient_boosting; another algorithm gets a file of its own.
"""

from collections.abc import Mapping
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd

Float1D = npt.NDArray[np.float64]
Parameter = int | float | str
Importance = dict[str, float]
Rows = tuple[pd.DataFrame, Float1D]
"""Features (n, k) and target (n,)."""


class Search(NamedTuple):
    """Between which values, both included, a parameter is looked for; on a logarithmic scale where ``log``."""

    low: Parameter
    high: Parameter
    log: bool = False


class Algorithm(Protocol):
    """Fits rows to a target and predicts, through bytes, so that what is stored, compared and served is one thing."""

    flavour: str
    """Which packager of training.packages writes its MLflow model folder."""

    version: str
    """Library and version, recorded with each run: another version may give other bits."""

    search: Mapping[str, Search]
    """The parameters that tuning varies, and between which values."""

    def validated(self, parameters: Mapping[str, Parameter]) -> dict[str, Parameter]:
        """All parameters with defaults filled in; Permanent names each that is unknown or out of its range."""
        ...

    def says_probabilities(self, parameters: Mapping[str, Parameter]) -> bool:
        """Whether scores of a fit on 0 and 1 are probabilities of 1."""
        ...

    def fit(self, features: pd.DataFrame, target: Float1D, parameters: Mapping[str, Parameter], seed: int) -> bytes:
        """The fitted model as bytes; the same arguments give equal bytes."""
        ...

    def stopped(
        self, train: Rows, watch: Rows, parameters: Mapping[str, Parameter], seed: int, patience: int
    ) -> dict[str, Parameter]:
        """The parameters with the length of the fit at which later rows were met best; none better for ``patience`` steps.

        ``train`` and ``watch`` are features (n, k) and target (n,); no label of the first may reach into the second.
        """
        ...

    def predict(self, raw: bytes, features: pd.DataFrame, nthread: int = 1) -> Float1D:
        """(n,) score per row."""
        ...

    def importance(self, raw: bytes, features: tuple[str, ...]) -> Importance:
        """Weight of each feature in the fitted model, as shares that sum to 1, or all 0."""
        ...
