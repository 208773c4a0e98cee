"""What a model must beat: scores that need no learning, or next to none, on the same rows and folds.

What does not belong here: the judging (training.evaluate), what becomes of it (training.gates).
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
import numpy.typing as npt
import pandas as pd

from market.labels import group_codes, later_rows, rank_within
from training.algorithm import Float1D
from training.panel import session_days

MOMENTUM_SPANS = 12  # spans of the label's horizon: a quarter of a year for five sessions
RIDGE = 1e-3  # of the number of rows: keeps the normal equations solvable where features are doubles of one another

Baseline = Callable[[pd.DataFrame, npt.NDArray[np.bool_], npt.NDArray[np.bool_], int], Float1D]
"""(panel with its label, which rows may be fitted, which are judged, horizon) -> a score per judged row, NaN for none."""


def last_value(panel: pd.DataFrame, train: npt.NDArray[np.bool_], test: npt.NDArray[np.bool_], horizon: int) -> Float1D:
    """The newest outcome that was known at the row's session: what happened last happens again."""
    return _known_outcomes(panel, horizon, 1)[0][test]


def momentum(panel: pd.DataFrame, train: npt.NDArray[np.bool_], test: npt.NDArray[np.bool_], horizon: int) -> Float1D:
    """Mean of the newest ``MOMENTUM_SPANS`` outcomes that do not overlap and were known at the row's session, half of them at least."""
    past = np.array(_known_outcomes(panel, horizon, MOMENTUM_SPANS))[:, test]
    known = np.isfinite(past).sum(axis=0)
    total = np.nansum(past, axis=0)
    return np.asarray(np.where(known * 2 >= MOMENTUM_SPANS, total / np.maximum(known, 1), np.nan), dtype=np.float64)


def mean(panel: pd.DataFrame, train: npt.NDArray[np.bool_], test: npt.NDArray[np.bool_], horizon: int) -> Float1D:
    """Each security's mean outcome over the rows that may be fitted."""
    means = panel["label"][train].groupby(panel["security_id"][train]).mean()
    return np.asarray(panel["security_id"][test].map(means), dtype=np.float64)


def linear(panel: pd.DataFrame, train: npt.NDArray[np.bool_], test: npt.NDArray[np.bool_], horizon: int) -> Float1D:
    """Ridge regression of the outcome's rank on the features' ranks, each within session and exchange; an unknown one is 0."""
    groups = group_codes(session_days(panel), panel["exchange"])
    names = [name for name in panel.columns if name not in ("security_id", "session_date", "exchange", "label")]
    ranks = np.column_stack([_centred_rank(panel[name].to_numpy(dtype=np.float64), groups) for name in names])
    target = _centred_rank(panel["label"].to_numpy(dtype=np.float64), groups)
    rows = ranks[train]
    weights = np.linalg.solve(rows.T @ rows + RIDGE * len(rows) * np.eye(len(names)), rows.T @ target[train])
    return np.asarray(ranks[test] @ weights, dtype=np.float64)


BASELINES: Mapping[str, Baseline] = MappingProxyType(
    {"last_value": last_value, "momentum": momentum, "mean": mean, "linear": linear}
)


def _known_outcomes(panel: pd.DataFrame, horizon: int, spans: int) -> list[Float1D]:
    """Per span back, each row's outcome of the security's row 1, 2, ... horizons before; its last one ends at the row itself.

    Rows are counted within the security: where it missed sessions, the outcome is older, never newer.
    """
    order = np.lexsort((panel["session_date"].to_numpy(), pd.factorize(panel["security_id"])[0]))
    codes = pd.factorize(panel["security_id"])[0][order]
    offsets = np.append(np.flatnonzero(np.append(True, codes[1:] != codes[:-1])), codes.size)
    label = panel["label"].to_numpy(dtype=np.float64)[order]
    found = []
    for span in range(1, spans + 1):
        later = later_rows(offsets, codes.size, span * horizon)
        values = np.full(codes.size, np.nan)
        has = later >= 0
        values[order[later[has]]] = label[has]
        found.append(values)
    return found


def _centred_rank(values: Float1D, groups: npt.NDArray[np.int64]) -> Float1D:
    ranked = rank_within(values, groups)
    return np.asarray(np.nan_to_num(ranked - pd.Series(ranked).groupby(groups).transform("mean").to_numpy()))
