"""How the classes that were said agree with those that were.

scikit-learn has these numbers too; a bootstrap asks for them ten thousand times, and there its checks of the input cost a minute.
What does not belong here: probabilities (training.sentiment.calibration).
"""

import numpy as np
import numpy.typing as npt

from training.algorithm import Float1D
from training.sentiment.labels import LABELS

Codes = npt.NDArray[np.int64]
"""(n,) positions in ``LABELS``."""

Float2D = npt.NDArray[np.float64]


def confusion(truth: Codes, said: Codes, weights: Float1D | None = None) -> Float2D:
    """(3, 3) rows by what was (first axis) and what was said (second); each counts ``weights`` times, once where None."""
    size = len(LABELS)
    return np.bincount(truth * size + said, weights, minlength=size**2).reshape(size, size).astype(np.float64)


def per_class(truth: Codes, said: Codes, weights: Float1D | None = None) -> Float2D:
    """(3, 3) precision, recall and F1 (second axis) of each class; 0 where nothing was said or nothing was there."""
    counts = confusion(truth, said, weights)
    right, was, told = np.diag(counts), counts.sum(axis=1), counts.sum(axis=0)
    parts = ((right, told), (right, was), (2 * right, was + told))
    return np.stack([above / np.where(below > 0, below, 1.0) for above, below in parts], axis=1)


def macro_f1(truth: Codes, said: Codes, weights: Float1D | None = None) -> float:
    """Mean F1 of the classes, from 0 to 1: a class of few rows counts as much as one of many."""
    return float(per_class(truth, said, weights)[:, 2].mean())
