"""What a model may be made of: the interface between our frame (splits, registry, replay) and a learning library.

What does not belong here: any library. XGBoost is in training.gradient_boosting; another algorithm gets a file of its own.
"""

from collections.abc import Mapping
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from training.distributed import Launch
from training.inputs import Inputs

Float1D = npt.NDArray[np.float64]
Float2D = npt.NDArray[np.float64]
Parameter = int | float | str
Importance = dict[str, float]
Sample = tuple[Inputs, Float1D]
"""n rows, and their target (n,)."""


class Search(NamedTuple):
    """Between which values, both included, a parameter is looked for; on a logarithmic scale where ``log``."""

    low: Parameter
    high: Parameter
    log: bool = False


class Algorithm(Protocol):
    """Fits rows to a target and predicts, through bytes, so that what is stored, compared and served is one thing."""

    flavour: str
    """Which packager of training.packages writes its MLflow model folder."""

    file: str
    """Name of the exported model's file."""

    @property
    def version(self) -> str:
        """Library and version, recorded with each run: another version may give other bits."""
        ...

    search: Mapping[str, Search]
    """The parameters that tuning varies, and between which values."""

    def missing(self) -> str | None:
        """A package that it cannot do without and that is not installed; None where all are."""
        ...

    def launched(self, launch: Launch) -> "Algorithm":
        """The same, fitting as the launch says: by how many ranks, where, and whom it tells."""
        ...

    def pinned(self, parameters: Mapping[str, Parameter]) -> Mapping[str, Parameter]:
        """The parameters with what of the launch changes bits, so that it is recorded and a replay has it."""
        ...

    def validated(self, parameters: Mapping[str, Parameter]) -> dict[str, Parameter]:
        """All parameters with defaults filled in; Permanent names each that is unknown or out of its range."""
        ...

    def says_probabilities(self, parameters: Mapping[str, Parameter]) -> bool:
        """Whether scores of a fit on 0 and 1 are probabilities of 1."""
        ...

    def window(self, parameters: Mapping[str, Parameter]) -> int:
        """How many sessions of a security a score looks at: 1 where a row says everything."""
        ...

    def fit(self, inputs: Inputs, target: Float1D, parameters: Mapping[str, Parameter], seed: int) -> bytes:
        """The fitted model as bytes; the same arguments give equal bytes."""
        ...

    def stopped(
        self, train: Sample, watch: Sample, parameters: Mapping[str, Parameter], seed: int, patience: int
    ) -> dict[str, Parameter]:
        """The parameters with the length of the fit at which later rows were met best; none better for ``patience`` steps.

        No label of ``train`` may reach into ``watch``.
        """
        ...

    def predict(self, raw: bytes, inputs: Inputs, nthread: int = 1) -> Float1D:
        """(n,) score per row."""
        ...

    def contributions(self, raw: bytes, inputs: Inputs) -> tuple[Float2D, Float1D]:
        """(n, k) what each feature adds to the score of each row, and (n,) what the row starts from; they sum to the score.

        Of a probability, to its log-odds.
        """
        ...

    def importance(self, raw: bytes, features: tuple[str, ...]) -> Importance:
        """Weight of each feature in the fitted model, as shares that sum to 1, or all 0."""
        ...
