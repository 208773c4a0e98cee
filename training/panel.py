"""The frame a model sees: checked columns, one row per security and session, in the one order that makes fits repeatable.

What does not belong here: reading the frame (the caller does, at a release), making labels (market.labels).
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from market.errors import Permanent

KEY = ("security_id", "session_date")


def prepare(where: str, frame: pd.DataFrame, features: Sequence[str], label: str | None = None) -> pd.DataFrame:
    """Key, exchange, features and label, as float64, sorted by session date, then security.

    Parameters
    ----------
    where : the model or booster concerned, for messages.
    frame : security_id, session_date (anything pandas reads as a date), the features, the label; ``exchange`` where it is
        not the part of security_id before the colon.  Other columns are dropped.  Not changed.
    features : names of the feature columns; a null is "not known".
    label : name of the label column, renamed to ``label``; null where not known yet.

    Returns
    -------
    (n, 3 + k) or (n, 4 + k): security_id, session_date (datetime64[ns], no zone), exchange, features, label.

    Raises
    ------
    Permanent
        A column is missing or not numeric, a value infinite, a key null or twice there; the message names them.
    """
    columns = [*features, *([label] if label else [])]
    _refuse_missing(where, frame, [*KEY, *columns])
    keyed = pd.DataFrame(
        {
            "security_id": frame["security_id"].astype("string").astype(object).to_numpy(),
            "session_date": pd.to_datetime(frame["session_date"]).dt.tz_localize(None).dt.normalize().to_numpy(),
        }
    )
    keyed["exchange"] = _exchange(frame, keyed)
    numbers = feature_matrix(where, frame, columns).rename(columns={label: "label"} if label else {})
    result = pd.concat([keyed, numbers.reset_index(drop=True)], axis=1)
    _refuse_bad_keys(where, result)
    return result.sort_values(["session_date", "security_id"], kind="stable", ignore_index=True)


def feature_matrix(where: str, frame: pd.DataFrame, features: Sequence[str]) -> pd.DataFrame:
    """(n, k) float64 of the named columns in the given order, rows and index as in the frame.

    Raises
    ------
    Permanent
        A column is missing, not numeric, or holds an infinite value; the message names it.
    """
    _refuse_missing(where, frame, features)
    return pd.DataFrame({name: _floats(where, frame[name]) for name in features}, index=frame.index)


def session_days(panel: pd.DataFrame) -> npt.NDArray[np.datetime64]:
    """(n,) session dates of a prepared frame, as datetime64[D]."""
    return np.asarray(panel["session_date"].to_numpy().astype("datetime64[D]"))


def _refuse_missing(where: str, frame: pd.DataFrame, wanted: Sequence[str]) -> None:
    missing = [name for name in wanted if name not in frame.columns]
    if missing:
        raise Permanent(
            where,
            expected=f"a frame with {', '.join(wanted)}",
            found=f"one without {', '.join(missing)}",
            keys=missing,
            do="Build the frame from the model's feature service",
        )


def _exchange(frame: pd.DataFrame, keyed: pd.DataFrame) -> pd.Series | npt.NDArray[np.object_]:
    if "exchange" in frame.columns:
        return frame["exchange"].astype("string").astype(object).to_numpy()
    return keyed["security_id"].str.split(":", n=1).str[0]


def _floats(where: str, column: pd.Series) -> npt.NDArray[np.float64]:
    if not (pd.api.types.is_numeric_dtype(column.dtype) or column.isna().all()):
        raise Permanent(where, expected=f"numbers in column {column.name}", found=f"type {column.dtype}")
    values: npt.NDArray[np.float64] = column.to_numpy(dtype=np.float64, na_value=np.nan)
    infinite = int(np.isinf(values).sum())
    if infinite:
        raise Permanent(
            where,
            expected=f"finite numbers or nulls in column {column.name}",
            found=f"{infinite} infinite value(s)",
            do="A ratio with a zero below must be null: correct the feature",
        )
    return values


def _refuse_bad_keys(where: str, panel: pd.DataFrame) -> None:
    bad = panel[list(KEY)].isna().any(axis=1) | panel.duplicated(list(KEY), keep=False)
    if bad.any():
        keys = [(row.security_id, str(row.session_date)[:10]) for row in panel[bad].head(5).itertuples()]
        raise Permanent(
            where, expected="each security once per session", found=f"{int(bad.sum())} row(s) that are not", keys=keys
        )
