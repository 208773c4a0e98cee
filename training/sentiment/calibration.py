"""Whether probabilities mean what they say, and the one number by which they are made to.

What does not belong here: which class is right more often (training.sentiment.judging).
"""

import numpy as np
import numpy.typing as npt
import pandas as pd

from training.sentiment.agreement import Codes, Float2D
from training.sentiment.encoder import probabilities

BINS = 10
_LIMITS = (0.05, 20.0)


def fit_temperature(logits: npt.ArrayLike, codes: Codes) -> float:
    """The number to divide logits by under which these labels are most likely; between 0.05 and 20, above 1 for the overconfident.

    Parameters
    ----------
    logits : (n, 3) on rows that were not fitted on.
    codes : (n,) the class of each.

    Each label is taken as sure but for one row in all of each class, so that few rows without an error do not mean certainty.

    Source
    ------
    C. Guo and others, *On Calibration of Modern Neural Networks* (2017), section 4.2; the targets after J. Platt, *Probabilistic
    Outputs for Support Vector Machines* (1999), section 2.2.
    """
    from scipy.optimize import minimize_scalar

    classes = np.shape(logits)[1]
    sure = np.eye(classes)[codes]
    targets = (sure * codes.size + 1.0) / (codes.size + classes)

    def surprise(log_temperature: float) -> float:
        said = np.maximum(probabilities(logits, np.exp(log_temperature)), 1e-12)
        return float(-(targets * np.log(said)).sum(axis=1).mean())

    return float(np.exp(minimize_scalar(surprise, bounds=np.log(_LIMITS), method="bounded").x))


def reliability(said: Float2D, codes: Codes, bins: int = BINS) -> pd.DataFrame:
    """A row per bin of equal width of the highest probability said: ``from``, ``to``, ``n``, ``said`` and ``right`` (means).

    An empty bin has null means.
    """
    highest, is_right = said.max(axis=1), said.argmax(axis=1) == codes
    number = np.minimum((highest * bins).astype(np.int64), bins - 1)
    rows = pd.DataFrame({"said": highest, "right": is_right.astype(np.float64)}).groupby(number)
    table = rows.mean().reindex(range(bins))
    edges = np.arange(bins + 1) / bins
    table.insert(0, "from", edges[:-1])
    table.insert(1, "to", edges[1:])
    table.insert(2, "n", rows.size().reindex(range(bins), fill_value=0))
    return table


def calibration_error(said: Float2D, codes: Codes, bins: int = BINS) -> float:
    """Mean distance between what was said and how often it was right, over the bins by their rows: 0 is honest, 1 the worst.

    It is above zero by chance alone: some 0.03 for a thousand rows that are honest, three times that for a hundred.

    Source
    ------
    M. Naeini and others, *Obtaining Well Calibrated Probabilities Using Bayesian Binning* (2015): expected calibration error.
    """
    table = reliability(said, codes, bins)
    distance = (table["said"] - table["right"]).abs().fillna(0.0)
    return float((distance * table["n"]).sum() / max(int(table["n"].sum()), 1))
