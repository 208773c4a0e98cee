"""Scores of a fitted model for a frame, from the two exported files alone.

What does not belong here: reading features (the caller), writing predictions (the caller), MLflow.
"""

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from market.errors import Permanent
from market.labels import group_codes, rank_within
from training.algorithm import Algorithm
from training.gradient_boosting import GradientBoosting
from training.panel import prepare

ALGORITHMS: Mapping[str, Algorithm] = {GradientBoosting.flavour: GradientBoosting()}


def score(booster: bytes, signature: Mapping[str, Any], frame: pd.DataFrame) -> pd.DataFrame:
    """Score and rank of every row.

    Parameters
    ----------
    booster : as ``training.export`` gives it.
    signature : the parsed ``signature.json`` beside it.
    frame : security_id, session_date, ``exchange`` (else the part of security_id before the colon), the signature's
        features; nulls are "not known".

    Returns
    -------
    (n, 5) security_id, session_date (datetime64[ns], no zone), exchange, score (float64, unit of the signature's output),
    rank (percentile in (0, 1] within session and exchange, 1 is the best); sorted by session date, then security.  Where no
    feature at all is known, score and rank are NaN: the booster would give every such row the same number.

    Raises
    ------
    Permanent
        A feature is missing (all of them are named), infinite or not numeric, a key twice there, or the booster is not the
        signature's.
    """
    where = f"model {signature['model']} version {signature['version']}"
    algorithm = _algorithm(where, booster, signature)
    names = tuple(str(feature["name"]) for feature in signature["features"])
    panel = prepare(where, frame, names)
    features = panel[list(names)]
    scores = algorithm.predict(booster, features)
    scores[features.isna().all(axis=1).to_numpy()] = np.nan
    result = panel[["security_id", "session_date", "exchange"]].copy()
    result["score"] = scores
    result["rank"] = rank_within(scores, group_codes(panel["session_date"], panel["exchange"]))
    return result


def _algorithm(where: str, booster: bytes, signature: Mapping[str, Any]) -> Algorithm:
    found = hashlib.sha256(booster).hexdigest()
    if found != signature["digests"]["booster"]:
        raise Permanent(
            where,
            expected=f"the signature's booster, SHA-256 {signature['digests']['booster']}",
            found=found,
            do="Export the version again: the two files belong together",
        )
    flavour = str(signature["flavour"])
    if flavour not in ALGORITHMS:
        raise Permanent(where, expected=f"a flavour among {', '.join(ALGORITHMS)}", found=flavour)
    return ALGORITHMS[flavour]
