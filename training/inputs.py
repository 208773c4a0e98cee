"""What an algorithm is given: rows to fit or score, and the earlier rows that its windows reach into.

What does not belong here: checking the frame (training.panel), which rows may be fitted or judged (training.evaluate).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

Rows = npt.NDArray[np.bool_]


def reach(width: int) -> np.timedelta64:
    """How far back a window of ``width`` sessions may reach, in calendar days: every holiday fits in, and a long halt does not.

    Known beforehand, so that it is known beforehand which rows have to be read.
    """
    return np.timedelta64(0 if width == 1 else 2 * width + 14, "D")


@dataclass(frozen=True)
class Windows:
    """Windows over the sessions of each security, not cut out: every row is held once, however many windows it is in.

    Parameters
    ----------
    values : (m, k) float64, every row, by security, then session; NaN is "not known".
    securities : (m,) number of each row's security.
    places : (n,) of the row that each window ends with.
    firsts : (n,) of the oldest row that belongs to it; at most ``width`` rows, none older than ``reach``.
    width : rows of a whole window.
    """

    values: npt.NDArray[np.float64]
    securities: npt.NDArray[np.int64]
    places: npt.NDArray[np.int64]
    firsts: npt.NDArray[np.int64]
    width: int


@dataclass(frozen=True)
class Inputs:
    """Rows of a frame, and what else of it their windows may reach into.

    Parameters
    ----------
    keys : (m, …) security_id and session_date, no row twice; in any order.
    numbers : (m, k) float64 features in the model's order, finite or NaN.
    rows : (m,) which rows are meant; the others are context.
    """

    keys: pd.DataFrame
    numbers: pd.DataFrame
    rows: Rows

    def matrix(self) -> pd.DataFrame:
        """(n, k) the features of the rows that are meant, in the frame's order."""
        return self.numbers[self.rows]

    def windows(self, width: int) -> Windows:
        """A window for each of the rows that are meant, in the frame's order."""
        codes, _ = pd.factorize(self.keys["security_id"], sort=True)
        days = pd.to_datetime(self.keys["session_date"]).to_numpy().astype("datetime64[D]").astype(np.int64)
        days -= days.min(initial=days[0] if days.size else 0)
        order = np.lexsort((days, codes))
        codes, days = codes[order].astype(np.int64), days[order]
        place = np.empty(order.size, dtype=np.int64)
        place[order] = np.arange(order.size)
        places = place[self.rows]
        span = int(days.max(initial=0)) + 1
        keyed = codes * span + days  # rises with security, then session: one search finds the oldest day of each window
        oldest = np.maximum(days[places] - int(reach(width).astype(np.int64)), 0)
        firsts = np.maximum(np.searchsorted(keyed, codes[places] * span + oldest), places - width + 1)
        return Windows(self.numbers.to_numpy(dtype=np.float64)[order], codes, places, firsts, width)
