"""Scores of a fitted model for a frame, from the two exported files alone.

What does not belong here: reading features (the caller), writing predictions (the caller), MLflow.
"""

import hashlib
from collections.abc import Mapping
from datetime import date
from threading import Lock
from typing import Any

import numpy as np
import pandas as pd

from market.errors import Permanent
from market.exports import refuse_changed
from market.labels import group_codes, rank_within
from training.algorithm import Algorithm
from training.gradient_boosting import GradientBoosting
from training.inputs import Inputs
from training.lstm import Lstm
from training.panel import prepare, session_days
from training.sentiment.model import FLAVOUR
from training.sentiment.packed import unpack
from training.sentiment.scoring import Scorer
from training.sentiment.words import brought

BASE = "base"
"""Key of what every row starts from, among contributions."""
ALGORITHMS: Mapping[str, Algorithm] = {GradientBoosting.flavour: GradientBoosting(), Lstm.flavour: Lstm()}


def score(booster: bytes, signature: Mapping[str, Any], frame: pd.DataFrame, since: date | None = None) -> pd.DataFrame:
    """Score and rank of every row.

    Parameters
    ----------
    booster : as ``training.export`` gives it.
    signature : the parsed ``signature.json`` beside it.
    frame : security_id, session_date, ``exchange`` (else the part of security_id before the colon), the signature's
        features; nulls are "not known".  Of a model that looks at windows, with the rows that they reach into.
    since : only rows of this session and later are scored; all without it.

    Returns
    -------
    (n, 5) security_id, session_date (datetime64[ns], no zone), exchange, score (float64, unit of the signature's output),
    rank (percentile in (0, 1] within session and exchange, 1 is the best); sorted by session date, then security.  Where no
    feature at all is known, score and rank are NaN: the booster would give every such row the same number.

    Raises
    ------
    Permanent
        A feature is another by now than the one that was fitted on, missing (all of them are named), infinite or not numeric, a key
        twice there, or the booster is not the signature's.
    """
    refuse_changed(signature)
    where = f"model {signature['model']} version {signature['version']}"
    algorithm = _algorithm(where, booster, signature)
    names = tuple(str(feature["name"]) for feature in signature["features"])
    panel = prepare(where, frame, names)
    rows = np.ones(len(panel), dtype=np.bool_) if since is None else session_days(panel) >= np.datetime64(since)
    scores = algorithm.predict(booster, Inputs(panel, panel[list(names)], rows))
    panel = panel[rows]
    scores[panel[list(names)].isna().all(axis=1).to_numpy()] = np.nan
    result = panel[["security_id", "session_date", "exchange"]].reset_index(drop=True)
    result["score"] = scores
    result["rank"] = rank_within(scores, group_codes(panel["session_date"], panel["exchange"]))
    return result


def contributions(raw: bytes, signature: Mapping[str, Any], frame: pd.DataFrame) -> dict[str, float]:
    """What each feature brought to the score of the frame's last session, the largest first by size, and ``base``, what every row starts from.

    Their sum is the score; of a model that says probabilities, its log-odds.  Of a model that reads texts, what each word brought to
    the level, as ``training.sentiment.words.brought`` tells it, without a base.

    Parameters
    ----------
    raw, signature, frame : as ``score`` takes them; one security, the row that was scored and those that its window reaches into.
        Of a model that reads texts, one row with the ``text``.

    Raises
    ------
    Permanent
        As ``score``.
    """
    where = f"model {signature['model']} version {signature['version']}"
    if signature["flavour"] == FLAVOUR:
        _refuse_other(where, raw, signature)
        with _READING:
            return brought(_reader(str(signature["digests"]["booster"]), raw), str(frame["text"].iloc[0]))
    algorithm = _algorithm(where, raw, signature)
    names = tuple(str(feature["name"]) for feature in signature["features"])
    panel = prepare(where, frame, names)
    rows = np.arange(len(panel)) == len(panel) - 1
    shares, base = algorithm.contributions(raw, Inputs(panel, panel[list(names)], rows))
    ordered = sorted(zip(names, shares[0], strict=True), key=lambda pair: -abs(pair[1]))
    return {name: float(share) for name, share in ordered} | {BASE: float(base[0])}


_READING = Lock()
_READERS: dict[str, Scorer] = {}


def _reader(digest: str, raw: bytes) -> Scorer:
    """What reads texts with those weights, one at a time in memory: opening it takes longer than reading."""
    if digest not in _READERS:
        _READERS.clear()
        _READERS[digest] = Scorer(unpack(raw))
    return _READERS[digest]


def _algorithm(where: str, booster: bytes, signature: Mapping[str, Any]) -> Algorithm:
    _refuse_other(where, booster, signature)
    flavour = str(signature["flavour"])
    if flavour not in ALGORITHMS:
        raise Permanent(where, expected=f"a flavour among {', '.join(ALGORITHMS)}", found=flavour)
    return ALGORITHMS[flavour]


def _refuse_other(where: str, booster: bytes, signature: Mapping[str, Any]) -> None:
    found = hashlib.sha256(booster).hexdigest()
    if found != signature["digests"]["booster"]:
        raise Permanent(
            where,
            expected=f"the signature's booster, SHA-256 {signature['digests']['booster']}",
            found=found,
            do="Export the version again: the two files belong together",
        )
