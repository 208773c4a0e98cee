"""Which models the lake names, and what the champions say of some securities: as the release holds it, or scored now from the online features.

What does not belong here: scoring a session for the lake (`assets.learning`), printing.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from loguru import logger

from market.errors import Permanent
from market.exports import changed, signature_of
from marketlake import reading

if TYPE_CHECKING:
    from lake.settings import Settings
    from lake.sql import ReleaseSql

_NEWEST = """
SELECT session_date, security_id, model, model_version, score, rank, run_id, data_release, known_at FROM gold.predictions
WHERE list_contains(?, security_id) QUALIFY session_date = max(session_date) OVER (PARTITION BY security_id, model)
"""
Row = dict[str, Any]


@dataclass(frozen=True)
class Named:
    """A version that the lake names as the one of an alias; ``changed`` is what keeps it from being served, a sentence each."""

    model: str
    alias: str
    version: int
    signature: dict[str, Any]
    changed: tuple[str, ...]


def named(settings: "Settings") -> Iterator[Named]:
    """Champions and shadows, by model."""
    from lake.objects import lake_store

    store = lake_store(settings)
    for path in sorted(store.list("models/")):
        folder, model, *file = path.split("/")
        if len(file) == 1 and file[0] in ("champion.json", "shadow.json"):
            version = int(json.loads(store.get(path))["version"])
            signature = signature_of(store.get(f"{folder}/{model}/{version}/signature.json"))
            yield Named(model, file[0].removesuffix(".json"), version, signature, changed(signature))


def stored(settings: "Settings", symbols: Sequence[str]) -> list[Row]:
    """The newest prediction of every model for each security in the current release, in the order asked.

    Raises
    ------
    Permanent
        No release yet, or it does not know a security.
    """
    sql = _current(settings)
    try:
        ids = reading.security_ids(sql, symbols, sql.release.as_of)
        found = sql.query(_NEWEST, [ids]).to_pylist()
    finally:
        sql.close()
    asked = dict(zip(ids, symbols, strict=True))
    return sorted(
        ({"symbol": asked[row["security_id"]], **row} for row in found), key=lambda r: ids.index(r["security_id"])
    )


def live(settings: "Settings", symbols: Sequence[str]) -> list[Row]:
    """Every champion's score of each security's online features; no rank, since a rank needs the whole cross-section.

    Left out are models that look at more than one session, or read texts: `predict` has what they said.

    Raises
    ------
    Permanent
        No release yet, or it does not know a security.
    """
    from lake.objects import lake_store
    from lake.online import OnlineFeatures
    from training.scoring import score

    sql = _current(settings)
    try:
        ids = reading.security_ids(sql, symbols, sql.release.as_of)
    finally:
        sql.close()
    features = OnlineFeatures(settings).get(ids).to_pandas().dropna(subset=["session_date"])
    asked, store, made = dict(zip(ids, symbols, strict=True)), lake_store(settings), []
    for one in named(settings):
        if one.alias != "champion" or features.empty:
            continue
        if one.signature["window_sessions"] != 1:  # the online store holds the newest session alone, and no texts
            logger.warning("left out: it is not scored from one session", model=one.model)
            continue
        booster = store.get(f"models/{one.model}/{one.version}/{one.signature['file']}")
        made += [
            {"symbol": asked[row["security_id"]], "security_id": row["security_id"], "session_date": row["session_date"].date(),
             "model": one.model, "model_version": one.version, "score": row["score"]}
            for row in score(booster, one.signature, features).to_dict("records")
        ]  # fmt: skip
    return sorted(made, key=lambda row: ids.index(row["security_id"]))


def _current(settings: "Settings") -> "ReleaseSql":
    from lake.objects import lake_store
    from lake.releases import Releases
    from lake.sql import ReleaseSql

    release = Releases(lake_store(settings)).current()
    if release is None:
        raise Permanent(
            "predict", expected="a published release", found="none", do="Run `make demo` or `marketlake backfill`"
        )
    return ReleaseSql(settings, release)
