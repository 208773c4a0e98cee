"""Drift of the champions: what each was fitted on against the newest sessions of the current release, measured and recorded.

It needs no MLflow: a champion's pointer, signature and file lie in the lake. What does not belong here: the arithmetic
(`market.drift`), verdicts (`training.drift`), checks and pictures (`assets.drift_checks`).
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
from deltalake.exceptions import DeltaError

from assets.models import FEATURES, LABELS
from assets.publish import PREDICTIONS
from lake import model_drift, windows
from lake.lake import Lake
from lake.objects import Store
from lake.releases import Release
from market import calendars, registry
from market.datasets.ops.model_drift import DRIFTED, SCORE
from market.drift import Reference, live_rank_ic
from market.errors import Permanent
from market.exports import signature_of
from training import drift as judging
from training.drift import WINDOW, Measured
from training.scoring import ALGORITHMS, score

MODEL_DRIFT, POINTER = "ops.model_drift", "champion.json"
KEY = ("security_id", "session_date")


@dataclass(frozen=True)
class Held:
    """A champion as the lake has it."""

    name: str
    version: int
    signature: Mapping[str, Any]

    @property
    def folder(self) -> str:
        """Of its export."""
        return f"models/{self.name}/{self.version}"

    @property
    def features(self) -> list[str]:
        """Names, in the model's order."""
        return [str(feature["name"]) for feature in self.signature["features"]]

    @property
    def scores_rows(self) -> bool:
        """Whether it scores rows of features; one that reads texts has none that could drift, and no table of scores."""
        return str(self.signature["flavour"]) in ALGORITHMS


@dataclass(frozen=True)
class Measurement:
    """What was measured of a champion.

    Parameters
    ----------
    rows : of `ops.model_drift`.
    references : by quantity, what the fit saw; `counts`: the newest sessions in its cells.
    daily : rank IC of the sessions whose outcome came after the score.
    """

    held: Held
    release_id: str
    rows: list[dict[str, Any]]
    references: Mapping[str, Reference]
    counts: Mapping[str, npt.NDArray[np.int64]]
    daily: "pd.Series[float]"


def measure(lake: Lake, name: str, now: datetime) -> Measurement | None:
    """The champion of that name on the current release, recorded once for each; None where there is none that scores rows.

    Parameters
    ----------
    now : by the sources' clock.

    Raises
    ------
    Permanent
        The rows that it was trained on are gone, or a feature is no column any more.
    """
    held, release = _champion(lake.store, name), lake.releases.current()
    if held is None or release is None or not held.scores_rows:
        return None
    _refuse_missing(held)
    try:
        references, newest, daily = _references(lake, held), _newest(lake, release, held), _live(lake, release, held)
    except (DeltaError, FileNotFoundError) as error:
        raise Permanent(
            f"drift of model {name} version {held.version}", expected=f"the table versions of its lock and of {release.release_id}",
            found=str(error).splitlines()[0], do="They were removed: train it again on a release that is kept",
        ) from error  # fmt: skip
    n_current = newest["session_date"].nunique()
    found: list[Measured] = []
    for quantity, reference in references.items():
        found += judging.shifts(quantity, reference, newest[quantity], n_current, len(references))
    found.append(judging.decay(daily, held.signature["metrics"], held.signature["horizon_sessions"]))
    rows = _recorded(lake, held, release.release_id, newest["session_date"].max(), now, found)
    counts = {quantity: one.count(newest[quantity]) for quantity, one in references.items()}
    return Measurement(held, release.release_id, rows, references, counts, daily)


def drifted(lake: Lake) -> dict[str, tuple[str, ...]]:
    """The champions that have drifted by their newest measurement, and of each why, in sentences; nothing is measured here."""
    found = {name: kept(lake.store, name) for name in champions(lake.store)}
    why = {name: tuple(str(row["found"]) for row in rows if row["verdict"] == DRIFTED) for name, rows in found.items()}
    return {name: reasons for name, reasons in why.items() if reasons}


def kept(store: Store, name: str) -> list[dict[str, Any]]:
    """The newest measurement of the present champion, rows of `ops.model_drift`; none where it has not been measured."""
    version = _version(store, name)
    return [] if version is None else model_drift.kept(store, name, version)


def champions(store: Store) -> list[str]:
    """Names that have a champion, in order."""
    paths = [path.split("/") for path in store.list("models/")]
    return sorted(parts[1] for parts in paths if len(parts) == 3 and parts[2] == POINTER)


def _champion(store: Store, name: str) -> Held | None:
    version = _version(store, name)
    if version is None:
        return None
    return Held(name, version, signature_of(store.get(f"models/{name}/{version}/signature.json")))


def _version(store: Store, name: str) -> int | None:
    path = f"models/{name}/{POINTER}"
    return int(json.loads(store.get(path))["version"]) if store.exists(path) else None


def _refuse_missing(held: Held) -> None:
    stored = {column.name for column in registry.table(FEATURES).columns}
    missing = [name for name in held.features if name not in stored]
    if missing:
        raise Permanent(
            f"model {held.name} version {held.version}", expected=f"features among the columns of {FEATURES}", found="others",
            keys=missing, do="Train it again on the features that there are",
        )  # fmt: skip


def _references(lake: Lake, held: Held) -> dict[str, Reference]:
    """What the fit saw of each feature, and its scores of that; read once for a version, and kept beside its export."""
    path = f"{held.folder}/reference_{WINDOW}.json"
    if lake.store.exists(path):
        return {quantity: Reference(**told) for quantity, told in json.loads(lake.store.get(path)).items()}
    version = int(held.signature["lock"]["tables"][FEATURES])
    made = {}
    for name in held.features:  # one at a time: all of a long history would not fit
        rows = lake.delta.read(registry.table(FEATURES), version=version, columns=["session_date", name])
        made[name] = Reference.of(_numbers(rows[name]), rows["session_date"].to_numpy(), WINDOW)
    scored = pd.concat(list(_scored_by_month(lake, held, version)), ignore_index=True)
    made[SCORE] = Reference.of(scored["score"], scored["session_date"], WINDOW)
    told = {quantity: asdict(one) for quantity, one in made.items()}
    lake.store.put(path, json.dumps(told).encode())
    return made


def _scored_by_month(lake: Lake, held: Held, version: int) -> Iterator[pd.DataFrame]:
    lock = held.signature["lock"]
    first, last = (date.fromisoformat(lock[name]) for name in ("train_from", "train_to"))
    for month in pd.period_range(first, last, freq="M"):
        start, end = max(first, month.start_time.date()), min(last, month.end_time.date())
        yield _scores(lake, held, version, start, end)[["session_date", "score"]]


def _newest(lake: Lake, release: Release, held: Held) -> pd.DataFrame:
    """Features and scores of the release's last sessions; of the exchanges' dates together, so that no holiday thins them."""
    last = date.fromisoformat(release.last_session)
    found = _scores(lake, held, release.tables[FEATURES], windows.sessions_back(last, WINDOW), last)
    return found[found["session_date"].isin(np.sort(found["session_date"].unique())[-WINDOW:])]


def _scores(lake: Lake, held: Held, version: int, first: date, last: date) -> pd.DataFrame:
    """Features and scores of the sessions, at a version of their table."""
    since = first - timedelta(days=int(held.signature["reach_days"]))
    names = [*KEY, "exchange", *held.features]
    rows = lake.delta.read(registry.table(FEATURES), version=version, where=windows.between(since, last), columns=names)
    frame = rows.to_pandas()
    raw = lake.store.get(f"{held.folder}/{held.signature['file']}")
    scores = score(raw, held.signature, frame, first)[[*KEY, "score"]]
    return scores.merge(frame.assign(session_date=pd.to_datetime(frame["session_date"])), on=list(KEY))


def _live(lake: Lake, release: Release, held: Held) -> "pd.Series[float]":
    """Rank IC of the sessions after the training that this version scored before their outcome."""
    since = date.fromisoformat(held.signature["lock"]["train_to"]) + timedelta(days=1)
    if not {PREDICTIONS, LABELS} <= release.tables.keys():
        return pd.Series([], dtype=np.float64)
    within = windows.between(since, calendars.LAST)
    own = (ds.field("model") == held.name) & (ds.field("model_version") == held.version)
    scores, outcomes = (
        lake.delta.read(registry.table(table), version=release.tables[table], where=where, columns=columns)
        for table, where, columns in (
            (PREDICTIONS, within & own, [*KEY, "exchange", "score", "known_at"]),
            (LABELS, within, [*KEY, held.signature["label"], "known_at"]),
        )
    )
    outcomes = outcomes.rename_columns([*KEY, "outcome", "known_at"])
    return live_rank_ic(scores.to_pandas(), outcomes.to_pandas(), release.as_of)


def _recorded(
    lake: Lake, held: Held, release_id: str, last: pd.Timestamp, now: datetime, found: list[Measured]
) -> list[dict[str, Any]]:
    """The rows, in the table unless they are there, and beside the champion's pointer."""
    contract = registry.table(MODEL_DRIFT)
    told = {
        "session_date": last.date(), "session_month": f"{last:%Y-%m}", "model": held.name, "model_version": held.version,
        "release_id": release_id, "known_at": now,
    }  # fmt: skip
    rows = contract.conform(pa.Table.from_pandas(pd.DataFrame([asdict(one) for one in found]).assign(**told)))
    app_id = f"{MODEL_DRIFT}:{held.name}@{held.version} on {release_id}"
    lake.delta.append(contract, rows, app_id=app_id, app_version=1)
    made: list[dict[str, Any]] = rows.to_pylist()
    model_drift.keep(lake.store, held.name, made)
    return made


def _numbers(column: pa.ChunkedArray) -> npt.NDArray[np.float64]:
    return np.asarray(pc.cast(column, pa.float64()).to_numpy(), dtype=np.float64)
